"""One entry in the metric book, here from a plug-in's file, is all a new metric takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sim.cli.entry import main
from sim.core.plugins import loaded, read_plugins
from sim.experiments.estimates.points import estimate_points
from sim.experiments.sweep.result import SweepResult
from sim.metrics.book import METRICS
from tests.support.small_sweep import small_experiment

PLUGIN = '''
"""Two metrics: one of a run, one of other metrics."""
from sim.metrics.book import METRICS, WORSE, Metric

METRICS.add(
    Metric(
        name="largest_liquidation",
        label="Largest liquidation",
        meaning="Notional of the largest liquidation.",
        unit="quote",
        kind="amount",
        direction=WORSE,
        family="cascade",
        section="Cascade",
        markets="all",
        shown=("mean",),
        measure=lambda run: max(run.column("liquidations", "notional"), default=0.0),
    )
)
METRICS.add(
    Metric(
        name="largest_share",
        label="Largest share",
        meaning="That over all liquidated notional.",
        unit="1",
        kind="share",
        direction=WORSE,
        family="cascade",
        section="Cascade",
        markets="all",
        derive=lambda known: known["largest_liquidation"] / max(known["liquidated_notional"], 1.0),
    )
)
'''


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "largest.py"
    file.write_text(PLUGIN)
    return str(file)


def test_it_is_in_the_book_only_while_the_plugin_is_named(plugin, capsys):
    assert main(["metrics", "--json", "--plugin", plugin]) == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert names[-2:] == ["largest_liquidation", "largest_share"]
    assert "largest_liquidation" not in METRICS


def test_it_stands_in_summary_expectations_schema_terminal_and_report(plugin, tmp_path, capsys):
    small_experiment(tmp_path)
    scenario = tmp_path / "small_run.toml"
    scenario.write_text(
        scenario.read_text() + "\n[expect]\nmin_largest_liquidation = 1\nmax_largest_share = 0.01\n"
    )
    run = tmp_path / "run"
    assert main(["run", str(scenario), "--worlds", "none", "--out", str(run), "--plugin", plugin]) == 1
    printed = capsys.readouterr()
    summary = json.loads((run / "summary.json").read_text())
    largest = max(pq.read_table(run / "liquidations.parquet")["notional"].to_pylist())
    assert list(summary)[-1] == "largest_liquidation"
    assert summary["largest_liquidation"] == largest > 0.0
    said = re.sub(r"\s+", " ", printed.out + printed.err)
    assert "Largest liquidation" in said
    assert f"largest_liquidation >= 1: was {largest:.6g}" in said
    assert "largest_share <= 0.01: was " in said
    page = (run / "report.html").read_text()
    assert "Largest liquidation" in page
    assert "Notional of the largest liquidation." in page

    assert main(["schema", "--plugin", plugin]) == 0
    bounds = json.loads(capsys.readouterr().out)["$defs"]["ExpectSection"]["properties"]
    assert "max_largest_share" in bounds

    assert main(["run", str(scenario), "--out", str(tmp_path / "other")]) == 2
    assert "unknown metric 'largest_liquidation'" in capsys.readouterr().err


def test_it_is_swept_estimated_and_shown(plugin, tmp_path):
    file = small_experiment(tmp_path, paths=4)
    file.write_text(file.read_text().replace('metrics = ["', 'metrics = ["largest_share", "'))
    out = tmp_path / "sweep"
    assert main(["sweep", str(file), "--workers", "0", "--out", str(out), "--plugin", plugin]) == 0
    result = SweepResult.open(out)
    paths = result.paths()
    assert (paths["largest_liquidation"] > 0.0).any()
    assert paths["largest_share"].between(0.0, 1.0).all()
    page = (out / "report.html").read_text()
    assert "Largest share" in page  # an experiment's own metric
    assert "Largest liquidation" in page  # in the table of its family

    with loaded(read_plugins([Path(plugin)])):
        found = estimate_points(result).set_index(["point", "metric", "statistic"])
    assert found.loc[(0, "largest_liquidation", "mean"), "family"] == "cascade"
    assert found.loc[(0, "largest_liquidation", "VaR95"), "n"] == 4
