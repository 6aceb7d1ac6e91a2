"""What is to be small or large: a metric, the statistic over paths taken of it, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass

from sim.core.arrays import FloatArray
from sim.experiments.exploration.resampling import Statistic, evaluate
from sim.experiments.exploration.samples import Samples
from sim.metrics.book import METRICS, Metric

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

    def draws(self, samples: Samples, counts: FloatArray) -> FloatArray:
        """Return it for every resample of the paths, float64[point, replicate]."""
        return evaluate(samples.values[self.metric], self.statistic, counts=counts, tail=self.sign)
