"""A scenario that repeats a price file starts where the file does, unless it says when it starts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sim.cli.entry import main

SCENARIO = Path(__file__).parents[1] / "support" / "small_run.toml"
BEGIN = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def replaying(tmp_path):
    """Return a scenario with an hour of recorded minutes, which does not say when it starts."""
    rows = [f"{(BEGIN + timedelta(minutes=k)).isoformat()},{2_000 - 3 * k}" for k in range(60)]
    (tmp_path / "prices.csv").write_text("time,price\n" + "\n".join(rows) + "\n")
    text = SCENARIO.read_text()
    begin, end = text.index("[markets.price]"), text.index("[markets.impact]")
    text = text[:begin] + '[markets.price]\nkind = "replay"\nfile = "prices.csv"\n\n' + text[end:]
    path = tmp_path / "replaying.toml"
    path.write_text(text.replace("blocks = 60", "blocks = 12").replace("count = 60", "count = 8"))
    (tmp_path / "sweep.toml").write_text("""
schema_version = 1
kind = "sweep"
title = "One point"
scenario = "replaying.toml"
paths = 1

[[parameters]]
key = "protocol.margin.trade_fee_rate"
values = [0.001]
""")
    return path


def test_a_run_starts_with_its_file_and_is_replayed_so(replaying, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", str(replaying), "--worlds", "none", "--out", str(out)]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["scenario"]["start_time"] == "2021-03-04T05:06:07Z"
    assert main(["replay", str(out)]) == 0
    capsys.readouterr()


def test_a_start_that_is_told_stands(replaying, tmp_path, capsys):
    out = tmp_path / "out"
    told = ["run", str(replaying), "--worlds", "none", "--out", str(out), "--set"]
    assert main([*told, "start_time=2021-03-04T05:30:00Z"]) == 0
    assert json.loads((out / "manifest.json").read_text())["scenario"]["start_time"] == "2021-03-04T05:30:00Z"
    assert main([*told, "start_time=2024-01-01T00:00:00Z"]) == 2  # what it would be without a file
    assert "the run starts after them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["run", "replaying.toml", "--path", "3"],
        ["sweep", "sweep.toml", "--workers", "0"],
        ["backtest", "replaying.toml", "--noise-runs", "0"],
    ],
    ids=lambda words: " ".join(words[:3]),
)
def test_every_command_starts_with_the_file(replaying, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert main([*command, "--out", "out"]) == 0
    assert "starts after them" not in capsys.readouterr().err


def test_a_file_of_a_year_in_which_no_run_may_start_is_refused(replaying, tmp_path, capsys):
    file = tmp_path / "prices.csv"
    file.write_text(file.read_text().replace("2021-", "2013-"))
    assert main(["run", str(replaying), "--out", str(tmp_path / "out")]) == 2
    assert "prices.csv: begins on 2013-03-04 05:06 UTC; a run starts from 2015" in capsys.readouterr().err
