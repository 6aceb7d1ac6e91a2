"""One path of one point as a worker runs it: plain data in, plain data out."""

from __future__ import annotations

import errno
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from sim.core.digest import canonical_json, sha256_hex
from sim.core.errors import InputError, InvariantViolation
from sim.core.plugins import Plugin, active, hold, line_of_plugin
from sim.core.registry import revision
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.engine.results.manifest import versions
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario
from sim.experiments.sweep.shadow import shadow
from sim.metrics.book import path_metrics
from sim.metrics.worlds import Worlds

Ending = Literal["done", "input", "invariant", "error", "disk", "worker"]
"""``done``; bad input; a broken invariant; any other error; a full disk; the worker died."""

_SCENARIOS_KEPT = 64  # drawn inputs make one scenario a path, so more would only hold memory
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTask:
    """Everything a worker needs to run one path."""

    point: int
    path: int
    scenario: str
    """Scenario file in the results folder, which the worker must be able to read."""
    overrides: tuple[str, ...]
    populations: int
    antithetic: bool
    worlds: Worlds
    engine: str | None
    is_shadowed: bool
    """Run it again on another engine and compare."""
    plugins: tuple[tuple[str, str], ...]
    """File in the results folder and SHA-256 of each plug-in the user named."""
    environment: str
    """`environment` of the supervisor: another version of Seawall must not add to its results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What became of a task."""

    point: int
    path: int
    ending: Ending
    digest: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    """Wall clock, outside every digest."""
    reason: str = ""
    """One line if it did not end well."""
    invariant: str | None = None
    shadow: str | None = None
    """Engine on which it was run again, with the same outcome."""


class _Kept(threading.local):
    """What a worker keeps between paths. One a thread: engines and warm starts are not thread-safe."""

    def __init__(self) -> None:
        self.scenarios: OrderedDict[tuple[str, tuple[str, ...], tuple[tuple[str, int], ...]], Scenario] = (
            OrderedDict()
        )
        self.warm = WarmStarts()


_kept = _Kept()


def run_task(task: PathTask) -> TaskResult:
    """Run one path and return what became of it; no error of the path is raised."""
    try:
        _check_versions(task)
        _hold_plugins(task)
        scenario = _scenario(task.scenario, task.overrides)
        options = PathOptions(
            path=task.path,
            populations=task.populations,
            antithetic=task.antithetic,
            worlds=task.worlds,
            engine=task.engine,
        )
        outcome = run_path(scenario, options, _kept.warm)
        return TaskResult(
            point=task.point,
            path=task.path,
            ending="done",
            digest=outcome.digest,
            metrics=path_metrics(outcome.summary),
            shadow=shadow(scenario, options, outcome, _kept.warm) if task.is_shadowed else None,
            seconds=sum(outcome.seconds.values()),
        )
    except Exception as error:  # noqa: BLE001  (whatever a path does, the sweep goes on and names it)
        return _failed(task, error)


def _check_versions(task: PathTask) -> None:
    if task.environment != environment():
        raise InputError("the worker has other versions of Seawall or its packages than the supervisor")


def _hold_plugins(task: PathTask) -> None:
    """Load what the user named: the supervisor's hash says that the copy is what was named."""
    if [digest for _, digest in task.plugins] == [plugin.sha256 for plugin in active()]:
        return
    plugins = tuple(Plugin.read(Path(file)) for file, _ in task.plugins)
    for plugin, (file, digest) in zip(plugins, task.plugins, strict=True):
        if plugin.sha256 != digest:
            raise InputError(f"{file}: is not the plug-in that was named when the sweep began")
    hold(plugins)


@cache
def environment() -> str:
    """Return a hash of the versions that results depend on; Python's own is not among them."""
    found = {name: version for name, version in versions().items() if name != "python"}
    return sha256_hex(canonical_json(found))


def forget() -> None:
    """Release what this thread kept between paths."""
    _kept.warm.close()
    _kept.warm = WarmStarts()
    _kept.scenarios.clear()


def _scenario(file: str, overrides: tuple[str, ...]) -> Scenario:
    key = (file, overrides, revision())  # what a file may say depends on the plug-ins in force
    found = _kept.scenarios.get(key)
    if found is None:
        found = load_scenario(Path(file), overrides=overrides)
        _kept.scenarios[key] = found
        while len(_kept.scenarios) > _SCENARIOS_KEPT:
            _kept.scenarios.popitem(last=False)
    _kept.scenarios.move_to_end(key)
    return found


def _failed(task: PathTask, error: Exception) -> TaskResult:
    ending: Ending = "error"
    invariant = None
    reason = (str(error).splitlines() or [""])[0]
    if isinstance(error, InputError):
        ending = "input"
    elif isinstance(error, InvariantViolation):
        ending, invariant = "invariant", error.invariant
    elif isinstance(error, MemoryError):
        reason = "not enough memory"
    elif _is_full_disk(error):
        ending = "disk"
    elif not reason:
        reason = type(error).__name__
    elif type(error).__module__ != "sim.core.errors":
        reason = f"{type(error).__name__}: {reason}"
        if (place := line_of_plugin(error)) is not None:
            reason = f"{place}: {reason}"
    return TaskResult(point=task.point, path=task.path, ending=ending, reason=reason, invariant=invariant)


def _is_full_disk(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
