"""A sweep survives what kills it: its process, its workers, an impatient user, a full disk."""

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path

import pytest

from sim.core.errors import InputError, InvariantViolation, RunError
from sim.experiments.sweep import executors, tasks
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.ledger import LEDGER
from sim.experiments.sweep.result import SweepResult
from sim.experiments.sweep.runner import run_plan
from tests.support.small_sweep import die_on_path_3, small_experiment, small_plan

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds after which a test gives up on another process; nothing here takes a tenth of it."""


def start(*arguments: object, **options) -> subprocess.Popen:
    """Start ``seawall`` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "sim", *map(str, arguments)],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def rows(folder: Path) -> list[tuple[int, int, str, int]]:
    """Return (point, path, state, attempts) of the ledger; nothing while there is none."""
    if not (folder / LEDGER).is_file():
        return []
    with closing(sqlite3.connect(f"file:{folder / LEDGER}?mode=ro", uri=True)) as ledger:
        try:
            return ledger.execute("SELECT point, path, state, attempts FROM runs ORDER BY 1, 2").fetchall()
        except sqlite3.OperationalError:
            return []


def wait_for_rows(folder: Path, count: int, process: subprocess.Popen) -> None:
    """Wait until the ledger holds so many rows, or the process has ended."""
    deadline = time.monotonic() + PATIENCE
    while len(rows(folder)) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def group_is_gone(group: int) -> bool:
    deadline = time.monotonic() + PATIENCE / 3
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_count_nothing_twice(tmp_path):
    """SIGKILL of the whole process group at random moments, with and without worker processes."""
    experiment = small_experiment(tmp_path, paths=60)
    plan = plan_of(load_experiment(experiment, SweepExperiment))
    reference = run_plan(plan, tmp_path / "reference").digest
    out = tmp_path / "sweep"
    moments = random.Random(20)
    kills = 0
    while kills < 20:
        workers = 2 if kills % 5 == 4 else 0
        process = start("sweep", experiment, "--out", out, "--workers", workers)
        before = rows(out)
        # Every fifth kill may fall into the start, the others fall among the paths.
        if kills % 5:
            wait_for_rows(out, len(before) + moments.randint(1, 5), process)
        time.sleep(moments.uniform(0.0, 0.05 if kills % 5 else 1.0))
        assert process.poll() is None, "the sweep ended before it could be killed: give it more paths"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        after = rows(out)
        assert set(before) <= set(after)  # nothing lost
    survived = len(rows(out))
    result = run_plan(plan, out)
    assert (result.digest, result.completed, result.total) == (reference, 120, 120)
    assert 20 <= survived < 120
    assert [row[:2] for row in rows(out)] == [(point, path) for point in (0, 1) for path in range(60)]
    assert {row[2:] for row in rows(out)} == {("done", 1)}  # each tried once, by the ledger


def test_workers_do_not_outlive_a_killed_supervisor(tmp_path):
    experiment = small_experiment(tmp_path, paths=500)
    process = start("sweep", experiment, "--out", tmp_path / "sweep", "--workers", 2)
    wait_for_rows(tmp_path / "sweep", 4, process)
    process.kill()  # the supervisor alone
    process.wait()
    gone = group_is_gone(process.pid)
    if not gone:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert gone


@pytest.mark.parametrize(("workers", "number"), [(2, signal.SIGINT), (0, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_signal_stops_it_in_order_and_says_how_to_go_on(tmp_path, workers, number):
    experiment = small_experiment(tmp_path, paths=500, blocks=60)
    out = tmp_path / "sweep"
    process = start("sweep", experiment, "--out", out, "--workers", workers)
    wait_for_rows(out, 6, process)
    clock = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    seconds = time.monotonic() - clock
    assert process.returncode == 130, errors
    assert f"go on with: seawall sweep {out} --workers {workers}" in errors
    assert seconds < 10.0  # two on an idle machine; measured in docs/experiments.md
    assert group_is_gone(process.pid)
    result = SweepResult.open(out)
    assert 6 <= result.completed < result.total == 1_000
    assert len(result.paths()) == result.completed
    assert f"stopped at {result.completed:,} of 1,000 paths" in errors


def test_a_second_sweep_in_the_folder_is_refused(tmp_path):
    experiment = small_experiment(tmp_path, paths=500)
    out = tmp_path / "sweep"
    process = start("sweep", experiment, "--out", out, "--workers", 0)
    try:
        wait_for_rows(out, 1, process)
        plan = plan_of(load_experiment(experiment, SweepExperiment))
        with pytest.raises(InputError, match="another sweep is writing there"):
            run_plan(plan, out)
    finally:
        process.kill()
        process.communicate()


def test_a_killed_worker_is_replaced_and_no_path_is_blamed(tmp_path):
    plan = small_plan(paths=12)
    killed = []

    def kill_a_worker(progress):
        if progress.completed and not killed:
            victim = active_children()[0]
            victim.kill()
            killed.append(victim.pid)

    result = run_plan(plan, tmp_path / "sweep", workers=Workers.of(2), progress=kill_a_worker)
    assert killed
    assert (result.completed, result.total, result.failures) == (24, 24, ())
    assert {row[2:] for row in rows(tmp_path / "sweep")} == {("done", 1)}
    assert result.digest == run_plan(plan, tmp_path / "reference").digest


@pytest.mark.slow
def test_a_path_that_kills_its_worker_is_named_and_the_others_finish(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "run_task", die_on_path_3)
    result = run_plan(small_plan(), tmp_path / "sweep", workers=Workers.of(2))
    assert (result.completed, result.total, result.exit_code) == (11, 12, 3)
    assert result.label == "11 of 12 paths"
    (failure,) = result.failures
    assert (failure.point, failure.path, failure.kind, failure.attempts) == (0, 3, "worker", 3)
    assert "the worker process died" in failure.reason
    tried = {row[:2]: row[3] for row in rows(tmp_path / "sweep")}
    assert {key for key, attempts in tried.items() if attempts > 1} == {(0, 3)}  # no innocent was blamed
    monkeypatch.undo()
    assert run_plan(small_plan(), tmp_path / "sweep").completed == 11  # three tries are three tries
    whole = run_plan(small_plan(), tmp_path / "sweep", retry_failed=True)
    assert whole.digest == run_plan(small_plan(), tmp_path / "reference").digest


def failing(error, *, times=10**9):
    """Return `run_path` with path 2 raising an error the first few times, and the list of its tries."""
    tries = []
    honest = tasks.run_path

    def run_path(scenario, options, warm):
        if options.path == 2 and len(tries) < times:
            tries.append(options.path)
            raise error
        return honest(scenario, options, warm)

    return run_path, tries


def test_a_path_that_fails_three_times_is_listed_and_everything_says_so(tmp_path, monkeypatch):
    run_path, tries = failing(RuntimeError("no luck"))
    monkeypatch.setattr(tasks, "run_path", run_path)
    result = run_plan(small_plan(points=1), tmp_path / "sweep")
    assert len(tries) == 3
    (failure,) = result.failures
    assert (failure.path, failure.reason, failure.attempts) == (2, "RuntimeError: no luck", 3)
    assert "--path 2" in failure.command
    assert (result.label, result.exit_code) == ("5 of 6 paths", 3)
    assert sorted(result.paths()["path"]) == [0, 1, 3, 4, 5]
    assert result.points().iloc[0][["paths", "completed", "failed"]].tolist() == [6, 5, 1]
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["is_complete"] is False


def test_a_path_that_fails_once_is_run_again(tmp_path, monkeypatch):
    reference = run_plan(small_plan(points=1), tmp_path / "reference").digest
    run_path, tries = failing(MemoryError(), times=2)
    monkeypatch.setattr(tasks, "run_path", run_path)
    result = run_plan(small_plan(points=1), tmp_path / "sweep")
    assert len(tries) == 2
    assert (result.failures, result.digest) == ((), reference)


@pytest.mark.parametrize(
    ("error", "kind", "invariant", "code"),
    [
        (InputError("cannot be"), "input", None, 3),
        (InvariantViolation("SOLV-1", 5, "does not add up"), "invariant", "SOLV-1", 1),
    ],
)
def test_what_fails_the_same_every_time_is_tried_once(tmp_path, monkeypatch, error, kind, invariant, code):
    run_path, tries = failing(error)
    monkeypatch.setattr(tasks, "run_path", run_path)
    result = run_plan(small_plan(points=1), tmp_path / "sweep")
    (failure,) = result.failures
    assert len(tries) == 1
    assert (failure.kind, failure.invariant, failure.attempts) == (kind, invariant, 1)
    assert (result.label, result.exit_code) == ("5 of 6 paths", code)


def limit_file_size():
    """Let no file of this process grow beyond 160 kB: what a full disk looks like to it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (160_000, 160_000))


def test_a_full_disk_stops_it_cleanly_and_it_goes_on_when_there_is_room(tmp_path):
    experiment = small_experiment(tmp_path, paths=16)
    out = tmp_path / "sweep"
    process = start("sweep", experiment, "--out", out, "--workers", 0, preexec_fn=limit_file_size)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, errors
    assert "Traceback" not in errors
    assert f"{out / LEDGER}: cannot write" in errors
    kept = rows(out)
    assert f"{out}: stopped at {len(kept)} of 32 paths" in errors
    assert f"go on with: seawall sweep {out}" in errors
    assert len(kept) >= 5
    plan = plan_of(load_experiment(experiment, SweepExperiment))
    result = run_plan(plan, out)
    assert set(kept) <= set(rows(out))
    assert result.digest == run_plan(plan, tmp_path / "reference").digest


def test_a_worker_without_room_stops_the_sweep_and_costs_no_path_a_try(tmp_path, monkeypatch):
    run_path, tries = failing(OSError(28, "No space left on device", "cache"), times=1)
    monkeypatch.setattr(tasks, "run_path", run_path)
    with pytest.raises(RunError, match=r"No space left on device(.|\n)*stopped at 2 of 6 paths"):
        run_plan(small_plan(points=1), tmp_path / "sweep")
    assert rows(tmp_path / "sweep")[-1] == (0, 2, "retry", 0)
    assert run_plan(small_plan(points=1), tmp_path / "sweep").is_complete
    assert len(tries) == 1


def test_tables_that_do_not_fit_lose_no_path(tmp_path, monkeypatch):
    def full(path, content):
        raise RunError(f"{path}: cannot write: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sim.experiments.sweep.dataset.atomic_write_bytes", full)
        with pytest.raises(RunError, match="6 of 6 paths are kept, but not their tables"):
            run_plan(small_plan(points=1), tmp_path / "sweep")
    assert run_plan(small_plan(points=1), tmp_path / "sweep").is_complete
