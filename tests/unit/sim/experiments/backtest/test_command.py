"""The command: what it writes, prints and refuses."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from sim.cli.entry import main
from tests.support.remade import assert_remade

QUICK = ["--noise-runs", "1", "--set", "blocks=600"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from tests.unit.sim.experiments.backtest.conftest import PLAIN

    folder = tmp_path_factory.mktemp("backtest")
    scenario = folder / "plain.toml"
    scenario.write_text(PLAIN)
    code = main(["backtest", str(scenario), *QUICK, "--out", str(folder / "out")])
    return scenario, folder / "out", code


def test_the_folder_holds_everything(finished):
    _, out, code = finished
    assert code == 0
    assert {path.name for path in out.iterdir()} == {
        "findings.json", "impulse.parquet", "manifest.json", "report.html", "series.parquet",
        "summary.json", "timing.json", "windows.parquet",
    }  # fmt: skip
    summary = json.loads((out / "summary.json").read_text())
    series = pq.read_table(out / "series.parquet").to_pydict()
    assert summary["prices"]["steps"] == len(series["time"]) == 601
    assert all(
        0 < low < high
        for low, high in zip(series["maintenance_ratio_wad"], series["initial_ratio_wad"], strict=True)
    )
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["kind"] == "backtest"
    assert manifest["digest"] == summary["digest"]
    assert "VolatilityRiskModel" in manifest["contracts"]
    assert {row["result"]["side"] for row in summary["coverage"]} == {"long", "short"}
    assert pq.read_table(out / "windows.parquet").num_rows == summary["coverage"][0]["result"]["windows"]


def test_the_page_names_the_verdicts_and_stands_alone(finished):
    _, out, _ = finished
    page = (out / "report.html").read_text()
    for words in (
        "Coverage",
        "Expected shortfall",
        "Procyclicality",
        "Reverse stress",
        "Walk-forward",
        "plotly",
    ):
        assert words in page
    summary = json.loads((out / "summary.json").read_text())
    assert summary["coverage"][0]["result"]["safety"] in page
    assert summary["digest"] in page
    assert 'src="http' not in page


def test_the_same_again_has_the_same_figures(finished, capsys):
    scenario, out, _ = finished
    before = json.loads((out / "summary.json").read_text())
    page = (out / "report.html").read_bytes()
    assert main(["backtest", str(scenario), *QUICK, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == before
    assert (out / "report.html").read_bytes() == page
    assert main(["backtest", str(scenario), *QUICK, "--seed", "4", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] != before["digest"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--market", "1"], "numbered from 0"),
        (["--prices", "nowhere.csv"], "there is no such file"),
        (["--step-seconds", "90"], "whole number of blocks"),
        (["--windows", "1"], "--windows"),
        (["--notional", "-1"], "--notional"),
        (["--reverse-runs", "2"], "scripts no price_jump"),
        (["--set", "protocol.oracle.tau_fast=1"], "tau_fast"),
    ],
)
def test_bad_input_is_a_line_and_exit_code_two(finished, tmp_path, capsys, arguments, message):
    scenario, _, _ = finished
    assert main(["backtest", str(scenario), "--out", str(tmp_path / "out"), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_nobodys_files_are_written_over(finished, tmp_path, capsys):
    scenario, out, _ = finished
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["backtest", str(scenario), "--out", str(tmp_path)]) == 2
    assert "not a backtest" in capsys.readouterr().err
    (out / "mine.txt").write_text("mine")
    assert main(["backtest", str(scenario), "--out", str(out)]) == 2
    assert "mine.txt" in capsys.readouterr().err
    (out / "mine.txt").unlink()


def test_the_page_is_made_again(finished, tmp_path, capsys):
    assert_remade(finished[1], tmp_path / "copy", capsys, "series.parquet", "summary.json")
