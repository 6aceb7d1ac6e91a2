"""``seawall report`` writes the bytes that the command wrote; of the other commands in their own files."""

from __future__ import annotations

import pytest

from sim.cli import main
from tests.support.remade import assert_remade
from tests.support.small_run import SCENARIO

SWEEP = """
schema_version = 1
kind = "sweep"
title = "Two ramps"
scenario = "small_run.toml"
seed = 11
paths = 4
set = ["blocks=6", "traders.0.count=10", "shocks.0.at_block=2"]
metrics = ["liquidated_share", "insolvent"]

[[parameters]]
key = "protocol.margin.ramp_per_hour"
values = [0.05, 0.5]
"""
TINY = ("--set", "blocks=8", "--set", "traders.0.count=12")


@pytest.fixture
def small(tmp_path):
    place = tmp_path / SCENARIO.name
    text = SCENARIO.read_text()
    place.write_text(text.replace("blocks = 60\n", "blocks = 12\n"))
    return place


def test_a_run(small, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", str(small), *TINY, "--out", str(out)]) in (0, 1)
    assert_remade(out, tmp_path / "copy", capsys, "blocks.parquet", "summary.json")


def test_a_sweep(small, tmp_path, capsys):
    file = tmp_path / "experiment.toml"
    file.write_text(SWEEP)
    out = tmp_path / "out"
    assert main(["sweep", str(file), "--out", str(out), "--workers", "0"]) == 0
    tables = sorted(path.relative_to(out).as_posix() for path in out.glob("paths/**/*.parquet"))
    assert_remade(out, tmp_path / "copy", capsys, "points.parquet", "sweep.json", tables[0])


def test_a_sweep_that_was_broken_off_gets_its_page_from_its_tables(small, tmp_path, capsys):
    file = tmp_path / "experiment.toml"
    file.write_text(SWEEP)
    out = tmp_path / "out"
    assert main(["sweep", str(file), "--out", str(out), "--workers", "0"]) == 0
    page = (out / "report.html").read_bytes()
    for name in ("report.html", "findings.json", "manifest.json"):
        (out / name).unlink()
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").read_bytes() == page


def test_a_suite(small, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["suite", str(small), "--out", str(out)]) in (0, 1)
    assert_remade(out, tmp_path / "copy", capsys, "README.md", "runs/small_run/blocks.parquet")
    run = out / "runs" / "small_run"
    assert not (run / "report.html").exists()
    assert main(["report", str(run)]) == 0, "a run of the evidence gets a page of its own"
    assert "Seawall run report" in (run / "report.html").read_text(encoding="utf-8")
    assert main(["report", str(out)]) == 0, "and the evidence is as sealed as before"
