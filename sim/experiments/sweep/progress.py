"""What a sweep tells whoever watches it: how far, how fast, and the metrics so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from sim.experiments.sweep.ledger import FINAL, Run
from sim.experiments.sweep.plan import Plan


@dataclass(slots=True)
class RunningMean:
    """Mean and spread of the values so far, in one pass.

    Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 4
    (1962).
    """

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Add one value."""
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self._squares += step * (value - self.mean)

    @property
    def half_width(self) -> float | None:
        """Of the 95 % normal interval of the mean; None while the values show no spread.

        For watching only: looked at again and again it covers less than it says.
        """
        if self.count < 2 or self._squares <= 0.0:
            return None
        return 1.96 * math.sqrt(self._squares / (self.count - 1) / self.count)


@dataclass(slots=True)
class PointProgress:
    """One point so far."""

    name: str
    completed: int = 0
    means: dict[str, RunningMean] = field(default_factory=dict)
    """By metric, those the plan shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """A sweep so far."""

    title: str
    completed: int
    total: int
    failed: int
    paths_per_minute: float | None
    """Of this session; None before the first path."""
    seconds_left: float | None
    points: tuple[PointProgress, ...]
    metrics: tuple[str, ...]


Watch = Callable[[SweepProgress], None]


class Watched:
    """Collects what a sweep finishes and tells the watcher now and then."""

    def __init__(self, plan: Plan, watch: Watch | None, *, every: float = 0.25) -> None:
        self._plan, self._watch, self._every = plan, watch, every
        self._points = tuple(PointProgress(point.name) for point in plan.points)
        self._started = monotonic()
        self._told = self._started
        self._session = 0

    @property
    def wants_metrics(self) -> bool:
        """Whether anybody looks."""
        return self._watch is not None

    def add(self, runs: Iterable[Run], *, earlier: bool = False) -> None:
        """Count finished paths, of this session or an `earlier` one."""
        for run in runs:
            if run.state not in FINAL or run.point >= len(self._points):
                continue
            self._session += not earlier
            if run.state == "done":
                point = self._points[run.point]
                point.completed += 1
                for name in self._plan.metrics:
                    value = (run.metrics or {}).get(name)
                    if value is not None:
                        point.means.setdefault(name, RunningMean()).add(value)

    def is_due(self, *, at_once: bool) -> bool:
        """Return whether somebody looks and was not told a moment ago."""
        return self._watch is not None and (at_once or monotonic() - self._told >= self._every)

    def tell(self, *, completed: int, failed: int, total: int) -> None:
        """Tell the watcher."""
        if self._watch is None:
            return
        self._told = monotonic()
        elapsed = self._told - self._started
        rate = self._session / elapsed if self._session and elapsed > 0.0 else None
        left = total - completed - failed
        self._watch(
            SweepProgress(
                title=self._plan.title,
                completed=completed,
                total=total,
                failed=failed,
                paths_per_minute=None if rate is None else 60.0 * rate,
                seconds_left=None if rate is None else left / rate,
                points=self._points,
                metrics=self._plan.metrics,
            )
        )
