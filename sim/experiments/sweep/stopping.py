"""When a point has enough paths, decided the same way whoever ran them and in whatever order they arrived.

A look happens when every path of a batch and of all batches before it is final; it sees those paths and no
other. What other workers have finished beyond the batch by then is not counted, neither then nor later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from sim.experiments.sweep.ledger import FINAL, Run
from sim.experiments.sweep.plan import Plan, Stopping
from sim.experiments.sweep.result import Stop
from sim.metrics.book import METRICS
from sim.metrics.statistics.sequential import mean_sequence, proportion_sequence


class StoppingRule:
    """Watches the stopping metric of every point; without a rule no point ever stops."""

    def __init__(self, plan: Plan) -> None:
        self._rule = plan.stopping
        self._pairs = plan.antithetic
        self._paths = plan.paths
        self._points = [_Watched() for _ in plan.points] if plan.stopping is not None else []
        self._stops: dict[int, Stop] = {}

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Every point that has stopped, by index."""
        return tuple(self._stops[index] for index in sorted(self._stops))

    def limit(self, point: int) -> int:
        """Return how many paths of a point count."""
        stop = self._stops.get(point)
        return self._paths if stop is None else stop.paths

    def add(self, runs: Iterable[Run]) -> None:
        """Take notice of paths that have become final, in any order."""
        if self._rule is None:
            return
        for run in runs:
            if run.state in FINAL and run.path < self._paths:
                watched = self._points[run.point]
                watched.values[run.path] = (run.metrics or {}).get(self._rule.metric)
                if run.point not in self._stops:
                    self._look(run.point, watched, self._rule)

    def _look(self, point: int, watched: _Watched, rule: Stopping) -> None:
        while (end := watched.looked_at + rule.batch) <= self._paths:
            if any(path not in watched.values for path in range(watched.looked_at, end)):
                return
            watched.looked_at = end
            if end < rule.minimum_paths or end == self._paths:
                continue
            width = half_width([watched.values[path] for path in range(end)], rule, in_pairs=self._pairs)
            if width is not None:
                self._stops[point] = Stop(point=point, paths=end, half_width=width)
                return


class _Watched:
    __slots__ = ("looked_at", "values")

    def __init__(self) -> None:
        self.values: dict[int, float | None] = {}
        self.looked_at = 0


def half_width(values: list[float | None], rule: Stopping, *, in_pairs: bool) -> float | None:
    """Return the half-width if it is narrow enough to stop, None otherwise.

    A path without the metric, failed or undefined, leaves no honest interval: then nothing stops.
    """
    known = np.array([math.nan if value is None else value for value in values])
    if not np.isfinite(known).all():
        return None
    metric = METRICS.get(rule.metric)
    if in_pairs:  # two paths of a pair are one observation (quant 7.3)
        known = known.reshape(-1, 2).mean(axis=1)
    if metric is not None and metric.is_event and not in_pairs:
        interval = proportion_sequence(int(known.sum()), known.size, confidence=rule.confidence)
        width, mean = (interval.upper - interval.lower) / 2.0, interval.estimate
    else:
        tightest = rule.minimum_paths // 2 if in_pairs else rule.minimum_paths
        sequence = mean_sequence(known, confidence=rule.confidence, tightest_at=max(tightest, 2))
        width, mean = sequence.half_width, sequence.mean
    absolute = rule.half_width is not None and width <= rule.half_width
    relative = rule.relative is not None and width <= rule.relative * abs(mean)
    return width if absolute or relative else None
