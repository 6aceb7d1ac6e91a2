"""Limits that a parameter set must keep, judged by a confidence bound rather than by the estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.experiments.exploration.resampling import event_interval
from sim.experiments.exploration.samples import Samples
from sim.metrics.book import METRICS
from sim.metrics.statistics.intervals import Interval, rule_of_three
from sim.metrics.statistics.over_paths import MEAN, path_interval, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """The mean of a metric (a probability, if it is an event) must lie on one side of a limit."""

    metric: str
    limit: float
    at_most: bool
    confidence: float
    """One-sided, of the bound that must keep the limit."""

    @property
    def label(self) -> str:
        """``P(insolvent) <= 0.05``."""
        name = f"P({self.metric})" if self.is_event else self.metric
        return f"{name} {'<=' if self.at_most else '>='} {self.limit:g}"

    @property
    def is_event(self) -> bool:
        """Whether the metric is yes or no on each path."""
        return METRICS[self.metric].is_event

    def bounds(self, samples: Samples) -> tuple[Interval, ...]:
        """Return the estimate at each point with its one-sided bound; the other end is open.

        An event gets the bound of `event_interval`, anything else that of `path_interval`.
        """
        return tuple(self.bound(row, samples.clusters) for row in samples.values[self.metric])

    def bound(self, values: FloatArray, clusters: IntArray) -> Interval:
        """Return estimate and bound of one point from float64[path]."""
        if self.is_event:
            side: Literal["upper", "lower"] = "upper" if self.at_most else "lower"
            return event_interval(values, clusters, confidence=self.confidence, side=side)
        # The two-sided interval of 2 c - 1 leaves 1 - c on each side; where it has no end, nothing is kept.
        groups = None if np.unique(clusters).size == clusters.size else clusters
        level = 2.0 * self.confidence - 1.0
        found = path_interval(values, MEAN, labels=groups, word="groups of paths", confidence=level)
        lower, upper = (-math.inf if math.isnan(found.lower) else found.lower), found.upper
        if found.alike and not refusal(MEAN, paths=found.n, units=found.units):
            lower = upper = found.estimate
        return Interval(
            estimate=found.estimate,
            lower=-np.inf if self.at_most else lower,
            upper=(math.inf if math.isnan(upper) else upper) if self.at_most else np.inf,
            confidence=self.confidence,
        )

    def violation(self, bound: Interval) -> float:
        """Return how far the bound lies beyond the limit; up to 0 if the limit is kept."""
        return bound.upper - self.limit if self.at_most else self.limit - bound.lower

    def least_paths(self) -> int:
        """Return how many paths an event's bound needs to keep the limit when nothing ever goes wrong.

        Zero events in n paths (or an event in all of them) leave a bound of 1 - (1 - c)**(1 / n); 2 for a
        metric that is no event. A limit that no number of paths can establish gives 0.
        """
        if not self.is_event:
            return 2
        room = self.limit if self.at_most else 1.0 - self.limit
        if room <= 0.0:
            return 0
        n = 1
        while rule_of_three(n, confidence=self.confidence) > room:
            n *= 2
        low = n // 2
        while low + 1 < n:
            middle = (low + n) // 2
            low, n = (
                (middle, n) if rule_of_three(middle, confidence=self.confidence) > room else (low, middle)
            )
        return n
