"""The mean over a few orders of ties: what a removal changed, with its noise."""

from __future__ import annotations

import math

from scipy import special

from sim.core.arrays import FloatArray
from sim.metrics.statistics.intervals import Interval, check_confidence


def mean_over_orders(values: FloatArray, *, confidence: float = 0.95) -> Interval:
    """Return the mean of one value an order, with Student's interval.

    It assumes that the noise of an order is roughly normal: it is a sum over many accounts. How often the
    interval holds the mean of many orders is measured (``scripts/coverage_of_removals.py``).

    Raises
    ------
    ValueError
        The confidence is not between 0 and 1.
    """
    check_confidence(confidence)
    if values.size < 2:
        return Interval(estimate=float(values.mean()), lower=-math.inf, upper=math.inf, confidence=confidence)
    quantile = float(special.stdtrit(values.size - 1, 0.5 + 0.5 * confidence))
    half = quantile * float(values.std(ddof=1)) / math.sqrt(values.size)
    mean = float(values.mean())
    return Interval(estimate=mean, lower=mean - half, upper=mean + half, confidence=confidence)
