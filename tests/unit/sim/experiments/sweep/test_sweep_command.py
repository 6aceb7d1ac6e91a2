"""``seawall sweep`` as a user meets it: what it prints, its exit codes, and a report that cannot be made."""

import json
import sqlite3

import pytest
from rich.console import Console

from sim.cli import main
from sim.cli.sweep import ROWS, metrics_table, page_or_trouble, write_report
from sim.core.errors import InputError, InvariantViolation
from sim.experiments.sweep import tasks
from sim.experiments.sweep.executors import ONE_THREAD, Workers, open_executor
from sim.experiments.sweep.progress import PointProgress, RunningMean, SweepProgress
from sim.experiments.sweep.result import SweepResult
from tests.support.small_sweep import small_experiment


@pytest.fixture
def experiment(tmp_path):
    return small_experiment(tmp_path, paths=3)


def sweep(*arguments):
    return main(["sweep", *map(str, arguments), "--workers", "0"])


def test_a_finished_sweep_prints_its_table_and_exits_0(experiment, tmp_path, capsys):
    out = tmp_path / "out"
    assert sweep(experiment, "--out", out) == 0
    printed = capsys.readouterr().out
    assert "ramp_per_hour=0.05" in printed
    assert "Liquidated share" in printed
    assert "Paths    6 paths" in printed
    assert SweepResult.open(out).digest in printed
    assert (out / "experiment.toml").read_text() == experiment.read_text()


def test_a_folder_is_gone_on_with(experiment, tmp_path, capsys):
    out = tmp_path / "out"
    sweep(experiment, "--out", out)
    digest = SweepResult.open(out).digest
    with sqlite3.connect(out / "ledger.sqlite") as ledger:
        ledger.execute("DELETE FROM runs WHERE path = 1")
    capsys.readouterr()
    assert sweep(out, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["digest"], printed["completed"], printed["total"]) == (digest, 6, 6)


def test_json_is_the_provenance(experiment, tmp_path, capsys):
    sweep(experiment, "--out", tmp_path / "out", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["inputs"].keys() == {"inputs/small_run.toml"}
    assert {"Ledger", "risk_model:adaptive"} <= found["contracts"].keys()
    assert found["versions"]["seawall"]
    assert found["draws"][0]["key"] == "shocks.0.size"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (RuntimeError("no luck"), 3, "path 2: RuntimeError: no luck (3 tries)"),
        (InvariantViolation("SOLV-1", 5, "off"), 1, "path 2: SOLV-1 broken at block 5: off"),
    ],
)
def test_what_is_missing_is_said_everywhere(experiment, tmp_path, capsys, monkeypatch, error, code, line):
    honest = tasks.run_path

    def run_path(scenario, options, warm):
        if options.path == 2:
            raise error
        return honest(scenario, options, warm)

    monkeypatch.setattr(tasks, "run_path", run_path)
    assert sweep(experiment, "--out", tmp_path / "out") == code
    printed = capsys.readouterr()
    assert "4 of 6 paths: everything above is partial" in printed.out
    assert line in printed.err
    assert "see for yourself: seawall run" in printed.err
    assert "--path 2" in printed.err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["missing.toml"], "missing.toml: there is no such file or folder"),
        (["{e}", "--dask", "tcp://127.0.0.1:1"], "--workers and --dask: choose one"),
        (["{e}", "--out", "{d}"], "holds files that are not a sweep, choose another folder"),
        (["{e}", "--out", "{e}"], "is a file, not a folder"),
        (["{d}"], "holds no sweep"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_2(experiment, tmp_path, capsys, arguments, line):
    filled = [argument.format(e=experiment, d=tmp_path) for argument in arguments]
    assert sweep(*filled) == 2
    (found,) = capsys.readouterr().err.splitlines()
    assert line in found


def test_ten_to_the_nine_runs_need_a_yes(experiment, tmp_path, capsys):
    experiment.write_text(experiment.read_text().replace("paths = 3", "paths = 500_000_000"))
    assert sweep(experiment, "--out", tmp_path / "out") == 2
    assert "asks for 1,000,000,000 runs" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unreachable_scheduler_is_one_line_and_exit_3(experiment, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sim.experiments.sweep.executors.CONNECT_SECONDS", 0.5)
    arguments = ["sweep", str(experiment), "--out", str(tmp_path / "out"), "--dask", "tcp://127.0.0.1:1"]
    assert main(arguments) == 3
    assert "--dask tcp://127.0.0.1:1: cannot connect" in capsys.readouterr().err


def test_a_report_that_cannot_be_made_loses_nothing(tmp_path, capsys):
    assert page_or_trouble(lambda: write_report(tmp_path), tmp_path, Console(stderr=True)) == (None, None)
    assert "seawall: no report: " in capsys.readouterr().err


def test_who_may_be_asked_for():
    assert Workers.of(0).kind == "in_process"
    assert (Workers.of(3).kind, Workers.of(3).count) == ("processes", 3)
    assert Workers.of(None).count >= 1
    assert Workers.of(dask="tcp://h:1").address == "tcp://h:1"
    for count in (-1, 5_000):
        with pytest.raises(InputError, match="--workers"):
            Workers.of(count)


def test_workers_have_one_thread_for_arithmetic_and_leave_ours_as_they_were(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    executor = open_executor(Workers.of(1))
    try:
        import os

        assert executor._pool.submit(os.getenv, "OMP_NUM_THREADS").result(timeout=60) == "1"
        assert set(ONE_THREAD) >= {"OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
    finally:
        executor.close(at_once=False)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def progress(points, metrics):
    return SweepProgress(
        title="T", completed=0, total=0, failed=0, paths_per_minute=None, seconds_left=None,
        points=tuple(points), metrics=metrics,
    )  # fmt: skip


def rendered(table):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def running(values):
    mean = RunningMean()
    for value in values:
        mean.add(value)
    return mean


def test_no_event_is_never_shown_as_a_probability_of_zero():
    point = PointProgress("p", 100, {"insolvent": running([0.0] * 100), "bad_debt": running([0.0] * 100)})
    shown = rendered(metrics_table(progress([point], ("insolvent", "bad_debt", "excess_share"))))
    assert "0 of 100 (below 0.03)" in shown  # rule of three
    assert "0, 100 alike" in shown
    assert shown.rstrip().endswith("-")


def test_a_mean_has_its_half_width():
    values = [1.0, 2.0, 3.0, 4.0]
    mean = running(values)
    assert mean.mean == 2.5
    assert mean.half_width == pytest.approx(1.96 * (5.0 / 3.0 / 4.0) ** 0.5, rel=1e-12)
    shown = rendered(metrics_table(progress([PointProgress("p", 4, {"bad_debt": mean})], ("bad_debt",))))
    assert "2.5 ± 1.3" in shown


def test_a_table_has_few_rows():
    points = [PointProgress(f"point {index}") for index in range(40)]
    shown = rendered(metrics_table(progress(points, ("bad_debt",))))
    assert f"point {ROWS - 1}" in shown
    assert f"point {ROWS} " not in shown
    assert "and 28 more" in shown
