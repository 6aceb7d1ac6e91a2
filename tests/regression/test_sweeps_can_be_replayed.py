"""``replay`` took no sweep folder, and altered metrics in a ledger were accepted on resume (R3)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sim.cli import entry
from sim.core.errors import InputError
from sim.experiments.sweep.inputs import read_plan
from sim.experiments.sweep.ledger import LEDGER, Ledger
from sim.experiments.sweep.replay import SAMPLE, replay_sweep
from sim.experiments.sweep.runner import run_plan
from tests.support.small_sweep import small_experiment, small_plan


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("sweep") / "out"
    assert run_plan(small_plan(paths=3), out).is_complete
    return out


@pytest.fixture
def folder(original, tmp_path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "out"))


def change_ledger(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / LEDGER)) as database, database:
        database.execute(statement, values)


def test_a_sample_is_executed_again(original, capsys):
    assert entry.main(["replay", str(original)]) == 0
    said = capsys.readouterr().out.strip()
    assert said == f"identical: {SAMPLE} of 6 finished paths of {original} (--sample for more)"
    assert entry.main(["replay", str(original), "--sample", "99"]) == 0
    assert capsys.readouterr().out.strip() == f"identical: 6 of 6 finished paths of {original}"


def test_the_sample_is_drawn_and_a_larger_one_holds_it(original):
    few, more = (replay_sweep(original, sample=count).executed for count in (2, 4))
    assert few == replay_sweep(original, sample=2).executed
    assert set(few) < set(more)
    with pytest.raises(InputError, match="at least 1"):
        replay_sweep(original, sample=0)


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE runs SET metrics = replace(metrics, '"bad_debt":', '"bad_debt":1') WHERE path = 1""",
        "UPDATE runs SET digest = 'aa' WHERE point = 1",
        "UPDATE runs SET path = 7 WHERE path = 2",
        "UPDATE plan SET value = '4' WHERE key = 'paths'",
        "UPDATE runs SET metrics = x'00' WHERE path = 0",
        "CREATE TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM runs; END",
        "CREATE VIEW evil AS SELECT * FROM runs",
    ],
)
def test_an_altered_ledger_is_refused(folder, statement, capsys):
    change_ledger(folder, statement)
    for command in (["replay", str(folder)], ["sweep", str(folder), "--workers", "0"]):
        assert entry.main(command) == 2
        assert f"{LEDGER}: is damaged" in capsys.readouterr().err


def test_a_forged_row_is_found_by_executing_it(folder):
    """A forger can hash too; only then is it the path itself that tells."""
    with Ledger(folder) as ledger:
        rows = list(ledger.runs())
        forged = replace(rows[0], metrics={**(rows[0].metrics or {}), "bad_debt_ratio": 0.5})
        ledger._database.execute("DELETE FROM runs WHERE point = 0 AND path = 0")
        ledger.write([forged])
    found = replay_sweep(folder, sample=6)
    assert found.first_difference is not None
    assert found.first_difference.startswith("sweep.json: digest: stored ")
    run_plan(read_plan(folder), folder)  # which writes the tables and the record of what the ledger says
    found = replay_sweep(folder, sample=6)
    true = (rows[0].metrics or {})["bad_debt_ratio"]
    assert found.first_difference == f"ramp=0.05, path 0: bad_debt_ratio: stored 0.5, recomputed {true}"


def test_a_path_beyond_the_plan_is_refused(folder):
    with Ledger(folder) as ledger:
        run = next(iter(ledger.runs()))
        ledger.write([replace(run, point=9)])
    with pytest.raises(InputError, match=r"ledger\.sqlite: is damaged \(point 9, path 2 is beyond"):
        replay_sweep(folder)


def test_an_exchanged_input_is_named(folder, capsys):
    scenario = folder / "inputs" / "small_run.toml"
    scenario.write_text(scenario.read_text() + "\n# nothing else\n")
    for command in (["replay", str(folder)], ["sweep", str(folder), "--workers", "0"]):
        assert entry.main(command) == 2
        assert "small_run.toml: is not what was written" in capsys.readouterr().err


def test_a_plan_that_names_files_of_its_reader_is_refused(folder, tmp_path, capsys):
    """A stranger's folder must not have files copied that lie elsewhere on the reader's machine."""
    model = tmp_path / "private.vy"
    model.write_text("# pragma version 0.4.3\n")
    place = folder / "inputs" / "plan.json"
    plan = json.loads(place.read_text())
    plan["points"][0]["overrides"].append(f'protocol.risk_model="{model}"')
    place.write_text(json.dumps(plan))
    for name in (LEDGER, "sweep.json"):
        (folder / name).unlink()
    assert entry.main(["sweep", str(folder), "--workers", "0"]) == 2
    assert "private.vy: does not lie in" in capsys.readouterr().err


def test_a_sweep_that_was_broken_off_is_replayed_from_its_ledger(folder):
    (folder / "sweep.json").unlink()
    assert replay_sweep(folder, sample=2).identical


def test_another_price_file_is_not_taken_for_the_same_sweep(tmp_path, capsys):
    """Only the scenario's own text was compared: resumed, old and new prices came into one table."""
    experiment = small_experiment(tmp_path, paths=1)
    rows = [f"{1_704_067_200 + 60 * minute},{2000 - minute}" for minute in range(30)]
    (tmp_path / "prices.csv").write_text("\n".join(["timestamp,close", *rows]) + "\n")
    scenario = tmp_path / "small_run.toml"
    text = scenario.read_text()
    start = text.index("[markets.price]")
    end = text.index("[markets.impact]")
    replayed = '[markets.price]\nkind = "replay"\nfile = "prices.csv"\n\n'
    scenario.write_text(text[:start] + replayed + text[end:])
    out = tmp_path / "out"
    command = ["sweep", str(experiment), "--workers", "0", "--out", str(out)]
    assert entry.main(command) == 0
    (tmp_path / "prices.csv").write_text("\n".join(["timestamp,close", *rows[:-1]]) + "\n")
    capsys.readouterr()
    assert entry.main(command) == 2
    assert "holds a sweep with another inputs/prices.csv" in capsys.readouterr().err


def test_a_folder_of_sweeps_names_them(folder, tmp_path, capsys):
    place = tmp_path / "compare"
    place.mkdir()
    folder.rename(place / "paths")
    assert entry.main(["replay", str(place)]) == 2
    assert f"holds no run or sweep, but these: {place / 'paths'}" in capsys.readouterr().err
