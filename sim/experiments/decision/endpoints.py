"""What a decision is about: one metric, how it is summed up over paths, and how much of it is too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.core.arrays import FloatArray
from sim.metrics.statistics.over_paths import Measure

Role = Literal["solvency", "guardrail", "efficiency"]
Statistic = Literal["mean", "probability", "expected_shortfall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One pre-registered question about the difference between the two parameter sets.

    Everything is judged as *harm*: the difference proposed minus current, with its sign turned where less of
    the metric is worse. Numbers below are in the metric's own unit.
    """

    metric: str
    """Name in ``sim.metrics.book.METRICS``."""
    role: Role
    """``solvency``: who pays when it goes wrong; ``guardrail``: a side effect with a limit; ``efficiency``:
    what users pay for safety."""
    statistic: Statistic
    margin: float
    """delta: harm up to it is accepted, above 0."""
    largest: float
    """Largest difference of one path that is thought possible; 1 for a probability. The bounds allow for a
    path of this size among those that were not drawn."""
    direction: int
    """1 if more is worse, -1 if less is worse."""
    superiority: bool = False
    """Whether an improvement here can make the change *better*."""
    threshold: float = 0.0
    """An improvement counts if it is larger than this."""
    tail: float = 0.05
    """Share of worst paths an expected shortfall averages."""
    source: str = ""
    """Where the margin comes from."""

    @property
    def name(self) -> str:
        """Metric and statistic, unique within a plan: ``bad_debt_ratio``, ``bad_debt_ratio ES 5%``."""
        if self.statistic == "expected_shortfall":
            return f"{self.metric} ES {self.tail:.3g}"
        return self.metric

    @property
    def measure(self) -> Measure:
        """What is taken of the paths, as the rule of refusal knows it."""
        if self.statistic == "expected_shortfall":
            return Measure("shortfall", 1.0 - self.tail)
        return Measure("mean")

    @property
    def reach(self) -> float:
        """Largest possible value of one path's contribution to the mean harm."""
        return self.largest / self.tail if self.statistic == "expected_shortfall" else self.largest

    def harm(self, proposed: FloatArray, current: FloatArray) -> FloatArray:
        """Return each path's contribution to the harm: its mean over paths is the harm itself.

        Parameters
        ----------
        proposed, current
            float64[n], entry j of both from path j, nothing missing.

        Notes
        -----
        The expected shortfall of the worst share t is min over z of z + E(Y - z)^+ / t (Rockafellar and
        Uryasev, Journal of Risk 2 (2000)), reached at the quantile, where the derivative by z is zero. So a
        quantile taken from the sample leaves a mean over paths, to first order in its error.
        """
        if self.statistic != "expected_shortfall":
            return self.direction * (proposed - current)
        return _tail_values(self.direction * proposed, self.tail) - _tail_values(
            self.direction * current, self.tail
        )


def _tail_values(losses: FloatArray, tail: float) -> FloatArray:
    quantile = float(np.quantile(losses, 1.0 - tail, method="inverted_cdf"))
    values: FloatArray = quantile + np.maximum(losses - quantile, 0.0) / tail
    return values
