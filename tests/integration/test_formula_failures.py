"""A designer's formula that fails during a run: the run goes on, and every command says so."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from sim.cli.entry import main
from sim.engine.replay import replay_run
from sim.experiments.suites.suite import FORMULA_FAILED, Verdict, run_suite
from sim.experiments.sweep.result import SweepResult
from tests.support.failing_formula import ENDLESS, OUT_OF_RANGE, REVERTS, scenario_with
from tests.support.sealed import seal

INPUTS = (
    "notional", "price", "confidence", "variance_fast", "variance_slow", "open_interest", "depth", "side",
    "skew", "exceptions", "variance_range", "variance_implied", "account_notional", "report_age_seconds",
)  # fmt: skip
SHORT = ["--blocks", "20", "--worlds", "none", "--engine", "native"]
TOLD = {
    REVERTS: "it reverted (the price is too low for me)",
    OUT_OF_RANGE: "it answered out of range (initial 2, maintenance 1)",
    ENDLESS: "it used up its 150,000 gas",
}


@pytest.fixture(scope="module", params=[REVERTS, OUT_OF_RANGE, ENDLESS], ids=["reverts", "range", "endless"])
def failed(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("failed")
    path = scenario_with(folder, request.param)
    code = main(["run", str(path), *SHORT, "--out", str(folder / "out")])
    return code, folder / "out", TOLD[request.param]


def test_the_run_ends_with_all_its_results_and_a_finding(failed):
    code, out, told = failed
    assert code == 1
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["blocks"], summary["formula_failures"], summary["invariant_violations"]) == (20, 1, 0)
    (row,) = pq.read_table(out / "formula_failures.parquet").to_pylist()
    assert (row["block"], row["blocks"], row["answered_block"], row["market"]) == (8, 13, -1, 0)
    assert set(INPUTS) <= set(row)
    findings = json.loads((out / "findings.json").read_text())
    assert told in " ".join(findings["warnings"])
    assert "Margin formulas that failed" in (out / "report.html").read_text()


def test_explain_tells_the_story_with_every_input(failed, capsys):
    _, out, told = failed
    assert main(["explain", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "In block 8 the margin formula of ETH had no good answer about the market without a position: "
        f"{told}."
    )
    assert lines[1] == "This lasted 13 blocks, to the end of the run."
    assert lines[2].startswith("The last good ratios of the market without a position are initial 10.0000%, ")
    begin = lines.index("It was asked with:") + 1
    assert [line.split()[0] for line in lines[begin : begin + len(INPUTS)]] == list(INPUTS)
    assert any("market_registry.FormulaFailed" in line or "events of block 8" in line for line in lines)


def test_a_run_without_a_failure_has_nothing_to_explain(tmp_path, capsys):
    path = scenario_with(tmp_path, when="False")
    assert main(["run", str(path), *SHORT, "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["explain", str(tmp_path / "out")]) == 2
    assert "there is nothing to explain" in capsys.readouterr().err


def test_a_story_that_was_changed_is_not_confirmed(failed, tmp_path, capsys):
    _, out, _ = failed
    folder = tmp_path / "forged"
    folder.mkdir()
    for file in out.rglob("*"):
        if file.is_file():
            (folder / file.relative_to(out)).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.relative_to(out)).write_bytes(file.read_bytes())
    path = folder / "formula_failures.parquet"
    stored = pq.read_table(path)
    prices = stored.schema.get_field_index("price")
    pq.write_table(stored.set_column(prices, stored.schema.field(prices), [["1"]]), path)
    seal(folder)
    assert main(["explain", str(folder)]) == 1
    assert "does not fail so here" in capsys.readouterr().out
    pq.write_table(stored.slice(0, 0), path)
    seal(folder)
    assert "formula_failures.parquet has 0 rows, recomputed 1" in replay_run(folder, None).first_difference


def test_a_suite_counts_it_as_a_failure(tmp_path):
    result = run_suite([scenario_with(tmp_path)])
    (outcome,) = result.outcomes
    assert (outcome.verdict, result.exit_code) == (Verdict.FAILED, 1)
    assert outcome.problems[0].startswith(FORMULA_FAILED)


def test_a_sweep_counts_its_paths_and_ends_with_one(tmp_path, capsys):
    scenario_with(tmp_path)
    (tmp_path / "sweep.toml").write_text(
        'schema_version = 1\ntitle = "Two"\nkind = "sweep"\nscenario = "own.toml"\npaths = 2\n'
    )
    assert (
        main(["sweep", str(tmp_path / "sweep.toml"), "--workers", "0", "--out", str(tmp_path / "out")]) == 1
    )
    assert "a margin formula had no good answer (formula_failures)" in capsys.readouterr().err
    result = SweepResult.open(tmp_path / "out")
    assert result.is_complete
    assert result.unanswered == int((result.paths()["formula_failures"] > 0).sum()) > 0


def test_a_backtest_counts_its_steps_and_ends_with_one(tmp_path, capsys):
    path = scenario_with(tmp_path)
    options = ["--noise-runs", "0", "--set", "blocks=600", "--out", str(tmp_path / "out")]
    assert main(["backtest", str(path), *options]) == 1
    assert "the margin formula had no good answer" in capsys.readouterr().err
    found = json.loads((tmp_path / "out" / "summary.json").read_text())["formula_failures"]
    assert found["count"] > 0
    assert (found["first"]["fault"], found["first"]["detail"]) == ("reverted", "the price is too low for me")
    warnings = json.loads((tmp_path / "out" / "findings.json").read_text())["warnings"]
    assert any("no good answer" in words for words in warnings)


def test_a_formula_that_fails_before_the_first_block_is_refused_with_its_file(tmp_path, capsys):
    path = scenario_with(tmp_path, when="inputs.variance_slow == 0")
    assert main(["run", str(path), *SHORT, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "own.vy: the margin formula of market ETH has no good answer before the first block" in said
    assert "a long without size in a market at rest, it reverted (the price is too low for me)" in said
    assert not (tmp_path / "out").exists()
