"""What is to be small or large: a metric, the statistic over paths taken of it, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.core.arrays import FloatArray
from sim.experiments.exploration.resampling import Statistic, evaluate
from sim.experiments.exploration.samples import Samples
from sim.metrics.book import METRICS, Metric
from sim.metrics.statistics.clustered import clustered_proportion
from sim.metrics.statistics.intervals import clopper_pearson
from sim.metrics.statistics.over_paths import (
    MEAN,
    Kind,
    Measure,
    PathInterval,
    paired_interval,
    path_interval,
)
from sim.metrics.statistics.paired_proportion import paired_proportion_difference

GROUPS = "groups of paths"
"""What is independent where paths share a book, a mirror or a sequence."""

_WORDS = {"var95": "VaR95", "var99": "VaR99", "es95": "ES95", "es99": "ES99"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One number of a point, computed from its paths."""

    metric: str
    statistic: Statistic
    sign: int
    """1 if smaller is better, -1 if larger is."""

    @property
    def label(self) -> str:
        """``ES99 of uncovered_loss_ratio``; of a mean the metric alone."""
        return self.metric if self.statistic == "mean" else f"{_WORDS[self.statistic]} of {self.metric}"

    @property
    def definition(self) -> Metric:
        """The metric's unit and meaning."""
        return METRICS[self.metric]

    def estimate(self, samples: Samples) -> FloatArray:
        """Return the number of each point, float64[point]."""
        return evaluate(samples.values[self.metric], self.statistic, tail=self.sign)

    @property
    def measure(self) -> Measure:
        """What is taken of the paths, as the rule of refusal knows it."""
        if self.statistic == "mean":
            return MEAN
        kind: Kind = "quantile" if self.statistic.startswith("var") else "shortfall"
        return Measure(kind, int(self.statistic[-2:]) / 100.0)

    def interval(self, samples: Samples, point: int, confidence: float) -> PathInterval:
        """Return the number of a point with its interval, as a sweep gives it."""
        values, labels = samples.values[self.metric][point], samples.labels
        found = path_interval(
            self._turn * values, self.measure, labels=labels, word=GROUPS, confidence=confidence
        )
        if self.definition.is_event and self.statistic == "mean":
            happened = values != 0.0
            count = int(np.count_nonzero(happened))
            share = (
                clopper_pearson(count, happened.size, confidence=confidence)
                if labels is None
                else clustered_proportion(happened, labels, confidence=confidence)
            )
            return replace(found, lower=share.lower, upper=share.upper, method="Clopper-Pearson", note="")
        return self._turned(found)

    def difference(self, samples: Samples, first: int, second: int, confidence: float) -> PathInterval:
        """Return the number of the second point less that of the first, on common paths."""
        arms = [self._turn * samples.values[self.metric][point] for point in (first, second)]
        found = paired_interval(
            arms[0], arms[1], self.measure, labels=samples.labels, word=GROUPS, confidence=confidence
        )
        if self.definition.is_event and self.statistic == "mean" and samples.labels is None:
            more, less = (int(np.count_nonzero(one > other)) for one, other in (arms, reversed(arms)))
            share = paired_proportion_difference(more, less, arms[0].size, confidence=confidence)
            return replace(found, lower=share.lower, upper=share.upper, method="Tango", note="")
        return self._turned(found)

    @property
    def _turn(self) -> float:
        """-1 where the bad tail is the lower one: the measures know upper tails only."""
        return -1.0 if self.sign < 0 and self.statistic != "mean" else 1.0

    def _turned(self, found: PathInterval) -> PathInterval:
        if self._turn > 0:
            return found
        return replace(found, estimate=-found.estimate, lower=-found.upper, upper=-found.lower)

    def draws(self, samples: Samples, counts: FloatArray) -> FloatArray:
        """Return it for every resample of the paths, float64[point, replicate]."""
        return evaluate(samples.values[self.metric], self.statistic, counts=counts, tail=self.sign)
