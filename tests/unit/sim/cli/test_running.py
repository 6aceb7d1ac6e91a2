"""``seawall run``, ``replay`` and ``report`` on a market of a few blocks: what is printed, and exit codes."""

import json
from pathlib import Path

import pytest

from sim.cli.entry import main
from tests.support.sealed import seal

TINY = """\
schema_version = 1
title = "Tiny"
question = "Does the command line say what happened?"
blocks = 4
[[markets]]
name = "ETH"
initial_price = 2000.0
[markets.price]
kind = "gbm"
[[traders]]
name = "cohort"
count = 6
leverage = { distribution = "fixed", value = 3 }
size = { distribution = "fixed", value = 10_000 }
[liquidators]
count = 1
[arbitrageurs]
count = 1
[liquidity_providers]
count = 1
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def finished(tiny: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tiny.parent / "out"
    assert main(["run", str(tiny), "--out", str(folder), "--worlds", "none"]) == 0
    capsys.readouterr()
    return folder


def test_run_prints_table_results_and_report(tiny, capsys):
    folder = tiny.parent / "out"
    assert main(["run", str(tiny), "--out", str(folder), "--worlds", "none"]) == 0
    printed = capsys.readouterr()
    assert "Lowest price" in printed.out
    assert f"Report   {folder / 'report.html'}" in printed.out
    assert printed.err == ""
    assert (folder / "report.html").stat().st_size > 10_000


def test_run_json_prints_the_summary_and_nothing_else(tiny, capsys):
    folder = tiny.parent / "out"
    assert main(["run", str(tiny), "--out", str(folder), "--worlds", "none", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads((folder / "summary.json").read_text())
    assert printed.err == ""


def test_run_default_folder_is_results_name_seed(tiny, capsys, monkeypatch):
    monkeypatch.chdir(tiny.parent)
    assert main(["run", str(tiny), "--seed", "5", "--blocks", "2", "--worlds", "none", "--json"]) == 0
    assert (tiny.parent / "results" / "tiny-5" / "manifest.json").is_file()
    assert json.loads(capsys.readouterr().out)["blocks"] == 2


def test_run_failed_expectation_exits_one_and_keeps_the_results(tiny, capsys):
    folder = tiny.parent / "out"
    change = ["--set", "expect.min_liquidations=1000"]
    assert main(["run", str(tiny), "--out", str(folder), "--worlds", "none", "--json", *change]) == 1
    printed = capsys.readouterr()
    assert "seawall: expected liquidations >= 1000" in printed.err
    assert json.loads(printed.out)["blocks"] == 4
    assert (folder / "summary.json").is_file()


def test_replay_of_a_run_is_identical(finished, capsys):
    assert main(["replay", str(finished)]) == 0
    assert capsys.readouterr().out.startswith("identical")


def test_replay_of_a_changed_summary_is_different(finished, capsys):
    path = finished / "summary.json"
    summary = json.loads(path.read_text())
    summary["price_min"] += 0.001
    path.write_text(json.dumps(summary))
    for command in ("replay", "report"):
        assert main([command, str(finished)]) == 2
        assert "summary.json: is not what was written" in capsys.readouterr().err
    seal(finished)
    assert main(["replay", str(finished)]) == 1
    assert "price_min" in capsys.readouterr().out


def test_report_is_made_again(finished, capsys):
    (finished / "report.html").unlink()
    assert main(["report", str(finished)]) == 0
    assert capsys.readouterr().out.strip() == str(finished / "report.html")
    assert (finished / "report.html").is_file()


@pytest.mark.parametrize("command", ["replay", "report", "explain"])
def test_folder_that_is_not_a_run_is_bad_input(command, tmp_path, capsys):
    assert main([command, str(tmp_path)]) == 2
    assert "seawall: " in capsys.readouterr().err
