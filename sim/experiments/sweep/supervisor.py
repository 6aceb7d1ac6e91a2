"""Hands out paths, writes down what comes back, and stays in charge when workers, disk or user do not."""

from __future__ import annotations

import itertools
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from time import monotonic
from types import FrameType

from sim.core.errors import RunError
from sim.experiments.sweep.executors import Executor, WorkerDiedError
from sim.experiments.sweep.ledger import Ledger, Run, State
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.progress import Watched
from sim.experiments.sweep.stopping import StoppingRule
from sim.experiments.sweep.tasks import PathTask, TaskResult, environment

ATTEMPTS = 3
"""Tries of a path that fails for a reason that may pass: a lost worker, memory, an unknown error."""

BLOCK = 16
"""Paths of one point and one book handed out in a row: a warm start serves them all, and the arms of a pair
stay close together, so that a sweep cut short still compares nearly the same paths."""

POLL_SECONDS = 0.1  # how long Ctrl-C may go unnoticed

SAME_SECONDS = 1.0

BREAK_SECONDS = 10.0  # for a pool to say of every task that it is lost, once one is

WORKER_DIED = "the worker process died (killed, or out of memory)"

Key = tuple[int, int]


class Interruption:
    """Ctrl-C and SIGTERM: the first stops in good order, a later one at once.

    Programs that run others (`timeout`, CI runners) pass on a signal that the terminal has sent to
    everybody, so one Ctrl-C may arrive twice: what comes within `SAME_SECONDS` of the first is the first.
    """

    def __init__(self) -> None:
        self.requested = False
        self._running_here = False
        self._first = 0.0

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch both signals; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextmanager
    def running_here(self) -> Iterator[None]:
        """Let a signal break off what this thread itself runs."""
        self._running_here = True
        try:
            yield
        finally:
            self._running_here = False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        again = self.requested and monotonic() > self._first + SAME_SECONDS
        if not self.requested:
            self.requested, self._first = True, monotonic()
        if again or self._running_here:
            raise KeyboardInterrupt


class Supervisor:
    """One sweep from the state of its ledger to its end."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        executor: Executor,
        rule: StoppingRule,
        *,
        watched: Watched,
        interruption: Interruption,
    ) -> None:
        self._plan, self._ledger, self._executor = plan, ledger, executor
        self._rule, self._watched, self._interruption = rule, watched, interruption
        self._attempts: dict[Key, int] = {}
        self._final: dict[Key, State] = {}
        self._counted: tuple[int, int, int] = (-1, 0, 0)
        self._again: deque[Key] = deque()  # failed once or twice: after everything else
        self._suspects: deque[Key] = deque()  # in flight when a worker died: alone, one after the other
        self._alone = False
        self._flying: dict[Future[TaskResult], Key] = {}
        self._fresh: Iterator[Key] = iter(())
        self.paths_run = 0
        self.seconds = 0.0
        """Wall clock of all paths run in this session."""

    def resume(self) -> None:
        """Take up what the ledger holds."""
        detailed = self._watched.wants_metrics or self._plan.stopping is not None
        for run in self._ledger.runs(with_metrics=detailed):
            key = (run.point, run.path)
            if run.state == "retry":
                self._attempts[key] = run.attempts
                if run.point < len(self._plan.points) and run.path < self._plan.paths:
                    self._queue_again(run)
            else:
                self._final[key] = run.state
            self._rule.add((run,))
            self._watched.add((run,), earlier=True)
        self._fresh = self._untried()

    def run(self) -> None:
        """Run everything that is missing.

        Raises
        ------
        KeyboardInterrupt
            The user asked to stop; the ledger holds everything that was finished.
        RunError
            The disk is full, or the workers cannot be reached any more.
        """
        self._tell()
        try:
            while not self._interruption.requested and self._fill():
                finished, _ = wait(self._flying, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                self._take(finished)
                self._tell()
        except RuntimeError as error:
            if self._interruption.requested:  # a lock of the library, broken off while it was being taken
                raise KeyboardInterrupt from error
            raise
        finally:
            self._tell(at_once=True)
        if self._interruption.requested:
            raise KeyboardInterrupt

    def _untried(self) -> Iterator[Key]:
        """Yield what no row of the ledger mentions: of each book, a block of paths of each point in turn."""
        plan, stride = self._plan, BLOCK * self._plan.populations
        for start in range(0, plan.paths, stride):
            blocks: dict[int, list[int]] = {}
            for path in range(start, min(start + stride, plan.paths)):
                blocks.setdefault(plan.population(path), []).append(path)
            for block in blocks.values():
                for key in itertools.product(range(len(plan.points)), block):
                    if key not in self._final and key not in self._attempts and self._is_wanted(key):
                        yield key

    def _is_wanted(self, key: Key) -> bool:
        return key[1] < self._rule.limit(key[0])

    def _next(self) -> Key | None:
        for key in self._fresh:
            if self._is_wanted(key):
                return key
        while self._again:
            key = self._again.popleft()
            if self._is_wanted(key):
                return key
        return None

    def _fill(self) -> bool:
        """Hand out as much as is useful; False when nothing is left to wait for."""
        capacity = self._executor.capacity
        if self._flying and (self._alone or self._suspects):
            return True
        self._alone = bool(self._suspects)
        if self._alone:
            self._submit(self._suspects.popleft())
            return True
        while len(self._flying) < capacity:
            key = self._next()
            if key is None:
                break
            self._submit(key)
        return bool(self._flying)

    def _submit(self, key: Key) -> None:
        point, path = key
        task = PathTask(
            point=point,
            path=path,
            scenario=str(self._plan.scenario),
            overrides=(*self._plan.points[point].overrides, *self._plan.path_overrides(path)),
            populations=self._plan.populations,
            antithetic=self._plan.antithetic,
            worlds=self._plan.worlds,
            engine=self._plan.engine,
            is_shadowed=self._plan.is_shadowed(point, path),
            plugins=self._plan.plugins,
            environment=environment(),
        )
        with self._interruption.running_here():
            self._flying[self._executor.submit(task)] = key

    def _take(self, finished: set[Future[TaskResult]]) -> None:
        """Write down what came back; what was in flight when a worker died is tried again, each path alone.

        Only a path that ran alone is known to have killed its worker, so only then does it count as a try.
        """
        results: list[TaskResult] = []
        lost: list[Key] = []
        for future in finished:
            key = self._flying.pop(future)
            try:
                results.append(future.result())
            except WorkerDiedError:
                lost.append(key)
            except CancelledError:  # a cluster that went away: nobody's fault
                self._suspects.append(key)
            except Exception as error:  # noqa: BLE001  (an executor's own trouble counts as a failed try)
                reason = (str(error).splitlines() or [""])[0]
                results.append(_broken(key, f"{type(error).__name__}: {reason}"))
        if lost and self._executor.breaks:
            rest, _ = wait(self._flying, timeout=BREAK_SECONDS)
            for future in rest:
                key = self._flying.pop(future)
                if future.cancelled() or future.exception() is not None:
                    lost.append(key)
                else:
                    results.append(future.result())
            lost += self._flying.values()
            self._flying.clear()
            self._executor.replace_workers()
        if lost and self._alone:
            results.append(_broken(lost[0], WORKER_DIED, died=True))
        else:
            self._suspects.extend(sorted(lost))
        self._record(results)

    def _record(self, results: list[TaskResult]) -> None:
        rows = [self._row(result) for result in sorted(results, key=lambda item: (item.point, item.path))]
        if rows:
            self._ledger.write(rows)
        for row in rows:
            key = (row.point, row.path)
            if row.state == "retry":
                self._attempts[key] = row.attempts
                self._queue_again(row)
            else:
                self._final[key] = row.state
                self._count(key, row.state)
                self.paths_run += 1
                self.seconds += row.seconds
        self._rule.add(rows)
        self._watched.add(rows)
        full = next((result for result in results if result.ending == "disk"), None)
        if full is not None:
            raise RunError(f"a worker could not write: {full.reason}")

    def _queue_again(self, run: Run) -> None:
        """Note a path for another try: alone if it killed its worker, or it would take others along again."""
        queue = self._suspects if run.kind == "worker" else self._again
        queue.append((run.point, run.path))

    def _row(self, result: TaskResult) -> Run:
        attempts = self._attempts.get((result.point, result.path), 0) + 1
        state: State
        match result.ending:
            case "done":
                return Run(
                    point=result.point,
                    path=result.path,
                    state="done",
                    attempts=attempts,
                    digest=result.digest,
                    metrics=result.metrics,
                    shadow=result.shadow,
                    seconds=result.seconds,
                )
            case "input" | "invariant":  # the same again, however often it is tried
                state = result.ending
            case "disk":  # not the path's fault
                state, attempts = "retry", attempts - 1
            case _:
                if result.ending == "worker" and not self._executor.breaks:
                    attempts = ATTEMPTS  # a cluster has let it kill several workers before it says so
                state = "retry" if attempts < ATTEMPTS else "failed"
        return Run(
            point=result.point,
            path=result.path,
            state=state,
            attempts=attempts,
            kind="error" if result.ending == "disk" else result.ending,
            reason=result.reason,
            invariant=result.invariant,
            seconds=result.seconds,
        )

    def counts(self) -> tuple[int, int, int]:
        """Return (completed, failed for good, total) of what counts."""
        stops = len(self._rule.stops)
        if self._counted[0] != stops:  # at the start, and when a stop makes paths beyond it not count
            self._counted = (stops, 0, 0)
            for key, state in self._final.items():
                self._count(key, state)
        _, done, failed = self._counted
        return done, failed, sum(self._rule.limit(point.index) for point in self._plan.points)

    def _count(self, key: Key, state: State) -> None:
        if key[0] < len(self._plan.points) and self._is_wanted(key):
            stops, done, failed = self._counted
            self._counted = (stops, done + (state == "done"), failed + (state != "done"))

    def _tell(self, *, at_once: bool = False) -> None:
        if self._watched.is_due(at_once=at_once):
            completed, failed, total = self.counts()
            self._watched.tell(completed=completed, failed=failed, total=total)


def _broken(key: Key, reason: str, *, died: bool = False) -> TaskResult:
    return TaskResult(point=key[0], path=key[1], ending="worker" if died else "error", reason=reason)
