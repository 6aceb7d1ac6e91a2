"""What the contracts refuse before block 0 is bad input: exit 2 with who, what and why."""

import shutil
from pathlib import Path

import pytest

from sim.cli.entry import main

SMALL = Path(__file__).parents[1] / "support" / "small_run.toml"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("markets.0.pool.open_interest_cap_notional=2000", "trading: open interest cap"),
        ("protocol.margin.min_position_notional=1e9", "trading: position too small"),
    ],
)
def test_an_account_that_cannot_open_is_named_with_what_it_asked_for(tmp_path, capsys, change, reason):
    out = tmp_path / "out"
    words = ["run", str(SMALL), "--blocks", "3", "--set", "traders.0.count=6", "--set", change]
    assert main([*words, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "seawall: traders:cohort:" in error
    assert "cannot open its position before block 0, " in error
    assert "of market 0 with " in error
    assert reason in error
    assert not (out / "manifest.json").exists()


def test_a_path_of_a_sweep_that_cannot_begin_is_told_and_the_others_go_on(tmp_path, capsys):
    shutil.copy(SMALL, tmp_path)
    file = tmp_path / "caps.toml"
    file.write_text("""
schema_version = 1
kind = "sweep"
title = "Two caps"
scenario = "small_run.toml"
paths = 1
set = ["blocks=3", "traders.0.count=6"]

[[parameters]]
key = "markets.0.pool.open_interest_cap_notional"
values = [2000.0, 1e9]
""")
    assert main(["sweep", str(file), "--workers", "0", "--out", str(tmp_path / "out")]) != 0
    told = capsys.readouterr()
    assert "trading: open interest cap" in told.err
    assert "1 of 2" in told.out
