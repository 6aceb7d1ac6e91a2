"""``seawall scenarios``, ``seawall schema`` and ``seawall metrics``."""

import json
import re

import pytest

from sim.cli.entry import main
from sim.cli.options import shipped_folder
from sim.metrics.book import METRICS


def test_scenarios_lists_everything_that_ships(capsys):
    assert main(["scenarios"]) == 0
    printed = capsys.readouterr().out
    for path in shipped_folder().glob("*.toml"):
        assert path.stem in printed


def test_scenarios_json_is_data(capsys):
    assert main(["scenarios", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["black_thursday"]["accounts"] == 1_000
    assert rows["black_thursday"]["blocks"] * rows["black_thursday"]["seconds_per_block"] > 26 * 3_600
    assert rows["custom_risk_model"]["risk_model"] == "models/LinearRiskModel.vy"


def test_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Seawall scenario"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_metrics_lists_the_whole_book_and_cuts_nothing(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["metrics"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert "…" not in printed
    words = re.sub(r"\s+", " ", printed)
    for metric in METRICS:
        assert f" {metric.name} " in f" {words}"
    assert "liquidated_notional" in printed
    assert "needs the world no_price_feedback" in words
    assert words.count("is better") == sum(metric.direction != 0 for metric in METRICS)


def test_metrics_json_is_data(capsys):
    assert main(["metrics", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert tuple(rows) == METRICS.names()
    assert rows["excess_share"] == {
        "name": "excess_share",
        "label": "Excess share",
        "meaning": METRICS["excess_share"].meaning,
        "unit": "1",
        "unit_words": "of liquidated notional",
        "kind": "share",
        "better": "less",
        "family": "cascade",
        "section": "Cascade",
        "markets": "all",
        "worlds": ["no_price_feedback"],
        "undefined": "something is liquidated only without price feedback",
        "derived": False,
    }
    assert rows["blocks"]["better"] is None
    assert rows["liquidated_share"]["markets"] == "all"
    assert rows["liquidated_share"]["derived"]
