"""What stands out in a price file is told by every command that draws from one, before its first path."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli import compare as compare_command
from sim.cli.entry import main
from sim.core.errors import InputError
from sim.experiments.exploration.stages import Stages
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.price_remarks import plan_remarks

SMALL = Path(__file__).parents[1] / "support" / "small_run.toml"
START = 1_600_000_000
COARSE = "hours.csv: has a row every 3,600 s"

STUDY = """
schema_version = 1
kind = "{kind}"
title = "t"
scenario = "replaying.toml"
paths = 5
set = ["blocks=3", "traders.0.count=4"]

{section}

[[parameters]]
key = "protocol.margin.ramp_per_hour"
{values}
"""
RANGE, VALUES = "low = 0.1\nhigh = 0.2", "values = [0.1, 0.2]"
OUTPUTS = '[{ metric = "liquidated_share" }, { metric = "mean_initial_margin_ratio" }]'
SECTIONS = {
    "frontier": (
        (
            '[frontier]\nefficiency = { metric = "mean_initial_margin_ratio" }\n'
            'loss = { metric = "bad_debt_ratio" }'
        ),
        VALUES,
    ),
    "sensitivity": (f"[sensitivity]\noutputs = {OUTPUTS}\nsamples = 16", RANGE),
    "optimise": (f"[optimise]\nobjectives = {OUTPUTS}", RANGE),
    "sweep": ("", VALUES),
}


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a scenario that replays a file with a row an hour, and one that does not."""
    for name, seconds in (("hours.csv", 3_600), ("minutes.csv", 60)):
        rows = "".join(f"{START + seconds * row},{2_000 + row % 3}.5\n" for row in range(30))
        (tmp_path / name).write_text("time,price\n" + rows)
    text = SMALL.read_text()
    begin, end = text.index("[markets.price]"), text.index("[markets.impact]")
    for name, file in (("replaying.toml", "hours.csv"), ("fine.toml", "minutes.csv")):
        price = f'[markets.price]\nkind = "replay"\nfile = "{file}"\n\n'
        scenario = (text[:begin] + price + text[end:]).replace(
            "blocks = 60", "blocks = 60\nstart_time = 2020-09-13T12:30:00Z"
        )
        (tmp_path / name).write_text(scenario)
    return tmp_path


def study(folder, kind):
    section, values = SECTIONS[kind]
    file = folder / f"{kind}.toml"
    file.write_text(STUDY.format(kind=kind, section=section, values=values))
    return file


def stop(*_arguments, **_options):
    """Stand in for the first path: it would start now."""
    raise InputError("here")


@pytest.mark.parametrize("kind", ["frontier", "sensitivity", "optimise"])
def test_a_study_says_it_before_its_first_stage(folder, kind, capsys, monkeypatch):
    monkeypatch.setattr(Stages, "prepare", stop)
    assert main([kind, str(study(folder, kind)), "--workers", "0", "--out", str(folder / "out")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"seawall: {COARSE}") for line in said] == [True, False]
    assert said[1] == "seawall: here"


def test_a_comparison_says_it_before_its_first_path(folder, capsys, monkeypatch):
    monkeypatch.setattr(compare_command, "run_comparison", stop)
    for name, ramp in (("base.toml", "false"), ("proposed.toml", "true")):
        (folder / name).write_text(f"[protocol.margin]\nmaintenance_ramp = {ramp}\n")
    words = ["compare", str(folder / "base.toml"), str(folder / "proposed.toml")]
    words += ["--scenario", str(folder / "replaying.toml"), "--out", str(folder / "out")]
    assert main([*words, "--workers", "0", "--yes"]) == 2
    said = capsys.readouterr().err
    assert said.count(COARSE) == 1
    assert said.index(COARSE) < said.index("seawall: here")


def test_points_with_files_of_their_own_are_looked_at_and_each_remark_is_made_once(folder):
    file = folder / "sweep.toml"
    file.write_text("""
schema_version = 1
kind = "sweep"
title = "t"
scenario = "fine.toml"
paths = 1
set = ["blocks=3"]

[[points]]
name = "minutes"

[[points]]
name = "hours"
set = ["markets.0.price.file=hours.csv"]

[[points]]
name = "hours, more accounts"
set = ["markets.0.price.file=hours.csv", "traders.0.count=9"]
""")
    plan = plan_of(load_experiment(file, SweepExperiment), engine=None, confirmed=False)
    (remark,) = plan_remarks(plan)
    assert remark.startswith(COARSE)
