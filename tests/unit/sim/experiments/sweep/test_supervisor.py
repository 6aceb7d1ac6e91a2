"""The supervisor with an executor that does as it is told: order, retries, blame, and early stops."""

from concurrent.futures import Future
from dataclasses import replace

import pytest

from sim.core.errors import RunError
from sim.experiments.sweep.executors import WorkerDiedError
from sim.experiments.sweep.ledger import Ledger
from sim.experiments.sweep.plan import Stopping
from sim.experiments.sweep.progress import Watched
from sim.experiments.sweep.stopping import StoppingRule
from sim.experiments.sweep.supervisor import Interruption, Supervisor
from sim.experiments.sweep.tasks import TaskResult
from tests.support.small_sweep import small_plan


class Scripted:
    """Runs nothing: a path is done at once, and what the script names goes wrong instead."""

    def __init__(self, *, capacity=1, breaks=True, killers=(), metric=lambda _path: 0.0):
        self.capacity, self.breaks = capacity, breaks
        self.killers, self.metric = set(killers), metric
        self.order, self.replaced = [], 0
        self._waiting = []

    def submit(self, task):
        key = (task.point, task.path)
        self.order.append(key)
        future = Future()
        self._waiting.append((key, future))
        if len(self._waiting) == self.capacity or not self._more_come:
            self._finish()
        return future

    _more_come = False

    def _finish(self):
        waiting, self._waiting = self._waiting, []
        broken = any(key in self.killers for key, _ in waiting)
        for key, future in waiting:
            if key in self.killers or (broken and self.breaks):
                future.set_exception(WorkerDiedError("gone"))
            else:
                metrics = {"bad_debt_ratio": self.metric(key[1])}
                future.set_result(
                    TaskResult(point=key[0], path=key[1], ending="done", digest=f"{key}", metrics=metrics)
                )

    def replace_workers(self):
        self.replaced += 1

    def close(self, *, at_once):
        pass


def supervise(tmp_path, plan, executor):
    rule = StoppingRule(plan)
    with Ledger(tmp_path) as ledger:
        supervisor = Supervisor(
            plan, ledger, executor, rule, watched=Watched(plan, None), interruption=Interruption()
        )
        supervisor.resume()
        supervisor.run()
        return supervisor, rule, list(ledger.runs())


def test_arms_take_turns_in_blocks_of_paths(tmp_path):
    executor = Scripted()
    supervise(tmp_path, small_plan(paths=40, points=2), executor)
    blocks = [(point, path // 16) for point, path in executor.order]
    assert list(dict.fromkeys(blocks)) == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    assert len(executor.order) == 80


def test_within_a_block_paths_of_one_book_come_together(tmp_path):
    executor = Scripted()
    supervise(tmp_path, small_plan(paths=16, points=1, populations=4), executor)
    assert [path % 4 for _, path in executor.order] == sorted(path % 4 for path in range(16))


def test_what_is_in_the_ledger_is_not_run_again(tmp_path):
    plan = small_plan(paths=4, points=1)
    supervise(tmp_path, plan, Scripted())
    executor = Scripted()
    _, _, runs = supervise(tmp_path, replace(plan, paths=6), executor)
    assert executor.order == [(0, 4), (0, 5)]
    assert len(runs) == 6


class Batched(Scripted):
    """Lets tasks run side by side, so that a death takes all of them with it."""

    _more_come = True

    def submit(self, task):
        future = super().submit(task)
        if self._is_last(task):
            self._finish()
        return future

    def _is_last(self, task):
        # Alone after a death, or the last path of all: nobody comes to fill the batch.
        return self.replaced > 0 or task.path == 7


def test_only_the_killer_is_blamed(tmp_path):
    executor = Batched(capacity=4, killers={(0, 5)})
    supervisor, _, runs = supervise(tmp_path, small_plan(paths=8, points=1), executor)
    assert supervisor.counts() == (7, 1, 8)
    assert {run.path: run.attempts for run in runs} == {path: 3 if path == 5 else 1 for path in range(8)}
    (killer,) = [run for run in runs if run.state == "failed"]
    assert (killer.path, killer.kind) == (5, "worker")
    assert executor.replaced == 4  # once with its neighbours, three times alone


def test_a_cluster_that_survives_keeps_its_other_tasks(tmp_path):
    executor = Scripted(capacity=4, breaks=False, killers={(0, 1)})
    supervisor, _, runs = supervise(tmp_path, small_plan(paths=8, points=1), executor)
    assert supervisor.counts() == (7, 1, 8)
    assert executor.replaced == 0
    assert [run.attempts for run in runs if run.path == 1] == [3]


def test_a_stopped_point_gets_no_more_paths_and_the_other_goes_on(tmp_path):
    rule = Stopping(metric="bad_debt_ratio", half_width=0.5, batch=100, minimum_paths=100)
    plan = small_plan(paths=400, points=2, stopping=rule)
    executor = Scripted(metric=lambda path: float(path % 2))
    supervisor, watched, runs = supervise(tmp_path, plan, executor)
    assert [stop.paths for stop in watched.stops] == [100, 100]
    assert supervisor.counts() == (200, 0, 200)
    assert len(runs) < 300  # what was in hand when it stopped, and no more
    _, again, _ = supervise(tmp_path, plan, Scripted())
    assert again.stops == watched.stops


def test_lost_workers_end_it_and_blame_nobody(tmp_path):
    class Gone(Scripted):
        @property
        def capacity(self):
            if len(self.order) >= 3:
                raise RunError("the scheduler is gone")
            return 1

        @capacity.setter
        def capacity(self, value):
            pass

    with pytest.raises(RunError, match="the scheduler is gone"):
        supervise(tmp_path, small_plan(paths=8, points=1), Gone())
    _, _, runs = supervise(tmp_path, small_plan(paths=8, points=1), Scripted())
    assert [run.attempts for run in runs] == [1] * 8
