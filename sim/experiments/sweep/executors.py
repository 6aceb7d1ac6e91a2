"""Who runs the paths: this process, processes beside it, or a Dask cluster, behind one small interface."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Protocol, Self

from sim.core.errors import InputError, RunError
from sim.core.extras import require
from sim.experiments.sweep.tasks import PathTask, TaskResult, forget, run_task

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""Paths are the unit of parallel work; threads of a linear-algebra library would only fight over cores."""

_ADDRESS = re.compile(r"((tcp|tls|ucx|ws|wss)://)?(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}(/[\w./-]*)?", re.ASCII)

CONNECT_SECONDS = 10
UNMANNED_SECONDS = 60
"""How long a cluster may be without workers: they may be starting, or be replaced."""

_COUNT_SECONDS = 2.0  # how old a count of a cluster's workers may be


class WorkerDiedError(Exception):
    """The process that ran a task is gone: killed, or out of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Who shall run the paths; results are the same whoever does."""

    kind: Literal["in_process", "processes", "dask"] = "in_process"
    count: int = 1
    """Of processes."""
    address: str | None = None
    """Of a Dask scheduler, for example ``tcp://10.0.0.1:8786``."""

    @classmethod
    def of(cls, count: int | None = None, *, dask: str | None = None) -> Self:
        """Return the workers a user asked for.

        Parameters
        ----------
        count
            Processes; 0 runs everything in this process, None uses one for each processor.
        dask
            Address of a Dask scheduler instead.

        Raises
        ------
        InputError
            Both are given, the count is out of range, or the address is none.
        RunError
            The package that talks to Dask is not installed.
        """
        if dask is not None:
            if count is not None:
                raise InputError("--workers and --dask: choose one, the cluster has its own workers")
            if _ADDRESS.fullmatch(dask) is None:
                raise InputError(f"--dask {dask!r}: must be an address such as tcp://host:8786")
            require("--dask")
            return cls(kind="dask", address=dask)
        if count is None:
            count = processors()
        if not 0 <= count <= 1_024:
            raise InputError(f"--workers {count}: must be from 0 to 1024")
        return cls(kind="processes", count=count) if count else cls()


def processors() -> int:
    """Return how many processors this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


class Executor(Protocol):
    """Runs tasks. A future may raise `WorkerDiedError`; any other exception is the task's own."""

    @property
    def breaks(self) -> bool:
        """Whether one worker's death takes every task with it."""

    @property
    def capacity(self) -> int:
        """Tasks worth handing out at once."""

    def submit(self, task: PathTask) -> Future[TaskResult]:
        """Hand out a task."""

    def replace_workers(self) -> None:
        """Make it usable again after a worker died."""

    def close(self, *, at_once: bool) -> None:
        """Release everything; `at_once` abandons what is running."""


def require_guarded_script(workers: Workers) -> None:
    """Refuse worker processes to a script that each of them would run anew from its first line.

    A spawned process imports the file that Python was started with. What stands there outside
    ``if __name__ == "__main__":`` runs again in each, asks for workers of its own, and dies of it.

    Raises
    ------
    InputError
        The script never looks at its own name.
    """
    name = getattr(sys.modules.get("__main__"), "__file__", None)
    if workers.kind != "processes" or not name or not str(name).endswith(".py"):
        return  # a notebook, a shell, or an installed command
    try:
        text = Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # an archive, or a file that is gone: nothing to tell
    if "__name__" not in text and "parent_process" not in text:
        raise InputError(
            f"{name}: starts worker processes, each of which imports it: put the call below"
            ' if __name__ == "__main__":, or run everything in one process with workers=0'
        )


def open_executor(workers: Workers) -> Executor:
    """Return the executor of a choice of workers.

    Raises
    ------
    RunError
        The Dask scheduler cannot be reached.
    """
    if workers.kind == "dask":
        return DaskCluster(workers.address or "")
    return Processes(workers.count) if workers.kind == "processes" else InProcess()


class InProcess:
    """Runs each task at once, in this process."""

    breaks = False
    capacity = 1

    def submit(self, task: PathTask) -> Future[TaskResult]:
        """Run the task and return a finished future."""
        future: Future[TaskResult] = Future()
        try:
            future.set_result(run_task(task))
        except KeyboardInterrupt:
            forget()  # interrupted half-way through a block: not to be used again
            raise
        return future

    def replace_workers(self) -> None:
        """Do nothing: there is no worker but this process."""

    def close(self, *, at_once: bool) -> None:  # noqa: ARG002  (nothing is running)
        """Release what was kept between tasks."""
        forget()


class Processes:
    """Worker processes that die with this one.

    Spawned, not forked: a fork would copy the locks of threads that do not exist in the child.
    """

    breaks = True

    def __init__(self, count: int) -> None:
        self._count = count
        self._environment = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)  # spawned workers inherit it before they load any library
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        watched, self._lifeline = context.Pipe(duplex=False)
        self._watched = watched
        self._pool = ProcessPoolExecutor(
            self._count, mp_context=context, initializer=_start_worker, initargs=(watched,)
        )

    @property
    def capacity(self) -> int:
        """One task for each worker, and one so that none waits for the next."""
        return self._count + 1

    def submit(self, task: PathTask) -> Future[TaskResult]:
        """Hand out a task."""
        try:
            return _translated(self._pool.submit(run_task, task))
        except BrokenProcessPool as error:
            future: Future[TaskResult] = Future()
            future.set_exception(WorkerDiedError(str(error)))
            return future

    def replace_workers(self) -> None:
        """Start a new pool; a broken one kills its remaining workers itself."""
        self._end_workers()
        self._open()

    def close(self, *, at_once: bool) -> None:
        """End the workers."""
        if not at_once:
            self._pool.shutdown(wait=True)
        self._end_workers()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def _end_workers(self) -> None:
        self._lifeline.close()  # every worker that still lives sees the end of the pipe and exits
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._watched.close()


class DaskCluster:
    """A Dask cluster; its workers must be able to read the results folder under the same path."""

    breaks = False

    def __init__(self, address: str) -> None:
        import distributed  # noqa: PLC0415  (a second to import, and only with --dask)

        client: Any = distributed.Client  # it is not annotated
        self._address = address
        try:
            self._client = client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise RunError(f"--dask {address}: cannot connect: {reason}") from None
        self._running: dict[Future[TaskResult], Any] = {}  # Dask forgets a task whose future nobody holds
        self._counted = (-_COUNT_SECONDS, 1)
        self._manned = monotonic()

    @property
    def capacity(self) -> int:
        """One task for each thread of every worker, and one each waiting; workers may come and go."""
        if self._client.status != "running":
            raise RunError(f"--dask {self._address}: the scheduler is gone")
        counted_at, count = self._counted
        if monotonic() - counted_at >= _COUNT_SECONDS:
            threads = sum(self._client.nthreads().values())
            if threads:
                self._manned = monotonic()
            elif monotonic() - self._manned > UNMANNED_SECONDS:
                raise RunError(f"--dask {self._address}: no workers for {UNMANNED_SECONDS} s")
            count = max(1, 2 * threads)
            self._counted = (monotonic(), count)
        return count

    def submit(self, task: PathTask) -> Future[TaskResult]:
        """Hand out a task.

        Not through the client's own executor: its futures never end when the scheduler gives a task up.
        """
        outer: Future[TaskResult] = Future()
        inner = self._client.submit(run_task, task, pure=False, retries=0)
        self._running[outer] = inner
        inner.add_done_callback(lambda done: self._hand_over(outer, done))  # in a thread of the client
        return outer

    def _hand_over(self, outer: Future[TaskResult], inner: Any) -> None:
        self._running.pop(outer, None)
        try:
            if inner.status == "finished":
                outer.set_result(inner.result())
                return
            error = inner.exception() if inner.status == "error" else None
        except Exception as lost:  # noqa: BLE001  (the cluster went away while the result was fetched)
            error = lost if inner.status == "error" else None
        if error is None:
            outer.cancel()
            outer.set_running_or_notify_cancel()
        elif type(error).__name__ == "KilledWorker":
            outer.set_exception(WorkerDiedError(str(error)))
        else:
            outer.set_exception(error)

    def replace_workers(self) -> None:
        """Do nothing: a cluster replaces its workers itself."""

    def close(self, *, at_once: bool) -> None:
        """Leave the cluster; at once, what has not started is taken back."""
        with suppress(Exception):  # a cluster that is gone cannot be left politely
            if at_once and self._running:
                self._client.cancel(list(self._running.values()), asynchronous=False, force=True)
        with suppress(Exception):
            self._client.close(timeout=1)


def _translated(inner: Future[TaskResult]) -> Future[TaskResult]:
    """Return a future of a process pool that says `WorkerDiedError` when the pool is broken."""
    outer: Future[TaskResult] = Future()

    def finish(done: Future[TaskResult]) -> None:
        if done.cancelled():
            outer.cancel()
            outer.set_running_or_notify_cancel()
            return
        error = done.exception()
        if error is None:
            outer.set_result(done.result())
        elif isinstance(error, BrokenProcessPool):
            outer.set_exception(WorkerDiedError(str(error)))
        else:
            outer.set_exception(error)

    inner.add_done_callback(finish)
    return outer


def _start_worker(lifeline: Connection) -> None:
    """Leave Ctrl-C to the supervisor, and exit when it closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with, args=(lifeline,), daemon=True).start()


def _exit_with(lifeline: Connection) -> Any:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
