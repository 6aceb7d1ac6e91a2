"""Intervals whose confidence is exact for every sample size: proportions and quantiles.

Only `scipy.special` is used, because a report imports this module and `scipy.stats` costs it half a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray

Side = Literal["two-sided", "lower", "upper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and the range compatible with the sample."""

    estimate: float
    lower: float
    upper: float
    confidence: float
    """Least probability that the range covers the truth, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRanks:
    """Which order statistics bound a quantile."""

    lower: int
    """Rank from 1; 0 says that the sample is too small to bound the quantile from below."""
    upper: int
    """Rank from 1; n + 1 says that the sample is too small to bound the quantile from above."""
    coverage: float
    """P(X_(lower) <= quantile < X_(upper)) for a continuous distribution, exactly."""


def check_confidence(confidence: float) -> None:
    """Refuse a confidence outside the open interval 0..1 with a ValueError."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, was {confidence}")


def clopper_pearson(
    events: int, trials: int, *, confidence: float = 0.95, side: Side = "two-sided"
) -> Interval:
    """Return the exact binomial interval of a probability.

    Parameters
    ----------
    events, trials
        0 <= events <= trials, trials >= 1.
    confidence
        Of the whole statement: a one-sided bound spends all of 1 - confidence on its side.
    side
        ``lower`` bounds from below only (upper is 1), ``upper`` from above only (lower is 0).

    Raises
    ------
    ValueError
        Counts or confidence out of range.

    Notes
    -----
    Clopper and Pearson, Biometrika 26 (1934): the bounds are quantiles of Beta(x, n - x + 1) and
    Beta(x + 1, n - x).
    """
    check_confidence(confidence)
    if trials < 1 or not 0 <= events <= trials:
        raise ValueError(f"need 0 <= events <= trials and trials >= 1, was {events} of {trials}")
    tail = 1.0 - confidence if side != "two-sided" else (1.0 - confidence) / 2.0
    lower, upper = 0.0, 1.0
    if side != "upper" and events > 0:
        lower = float(special.betaincinv(events, trials - events + 1, tail))
    if side != "lower" and events < trials:
        upper = float(special.betainccinv(events + 1, trials - events, tail))
    return Interval(estimate=events / trials, lower=lower, upper=upper, confidence=confidence)


def rule_of_three(trials: int, *, confidence: float = 0.95) -> float:
    """Return the exact upper bound of a probability after no event in `trials` runs.

    1 - (1 - confidence)**(1 / trials), about 3 / trials at 95 %: the one-sided bound of Clopper and Pearson
    for zero events (quant 7.2). Raises ValueError unless trials >= 1 and 0 < confidence < 1.
    """
    check_confidence(confidence)
    if trials < 1:
        raise ValueError(f"need at least one run, was {trials}")
    return -math.expm1(math.log1p(-confidence) / trials)


def quantile_ranks(
    n: int, probability: float, *, confidence: float = 0.95, guaranteed: bool = True
) -> QuantileRanks:
    """Return the ranks of the order statistics that bound a quantile.

    Parameters
    ----------
    n
        Sample size, at least 1.
    probability
        Of the quantile, 0.99 for q99.
    confidence
        Equal tails of (1 - confidence) / 2 each.
    guaranteed
        Coverage never below `confidence`. Without it, both ranks are plain binomial quantiles, the convention
        behind the ranks of quant 7.1; coverage may then fall short (q99 of 10,000: 94.94 % instead of 95 %).

    Notes
    -----
    The number of observations up to the quantile is B ~ Bin(n, probability), so P(X_(l) <= q < X_(u)) =
    P(l <= B <= u - 1): David and Nagaraja, Order Statistics, section 7.1.
    """
    check_confidence(confidence)
    if n < 1 or not 0.0 < probability < 1.0:
        raise ValueError(f"need n >= 1 and 0 < probability < 1, was n={n}, probability={probability}")
    tail = (1.0 - confidence) / 2.0
    counts = np.arange(n + 1)
    below: FloatArray = special.bdtr(counts, n, probability)
    lower = int(np.searchsorted(below, tail))
    upper = min(int(np.searchsorted(below, 1.0 - tail)), n) + int(guaranteed)
    at_most_upper = float(below[upper - 1]) if upper > 0 else 0.0
    at_most_lower = float(below[lower - 1]) if lower > 0 else 0.0
    return QuantileRanks(lower=lower, upper=upper, coverage=at_most_upper - at_most_lower)


def quantile_interval(sample: FloatArray, probability: float, *, confidence: float = 0.95) -> Interval:
    """Return the quantile of a sample with its order-statistic interval.

    Parameters
    ----------
    sample
        float64[n], in any order, without NaN.
    probability
        Of the quantile.
    confidence
        Never undercut; a bound the sample is too small for is infinite.

    Notes
    -----
    The estimate is the smallest observation whose empirical distribution function reaches `probability`.
    """
    ordered = np.sort(np.asarray(sample, dtype=np.float64))
    if ordered.size and np.isnan(ordered[-1]):
        raise ValueError("the sample has NaN")
    ranks = quantile_ranks(ordered.size, probability, confidence=confidence)
    return Interval(
        estimate=float(np.quantile(ordered, probability, method="inverted_cdf")),
        lower=float(ordered[ranks.lower - 1]) if ranks.lower >= 1 else -math.inf,
        upper=float(ordered[ranks.upper - 1]) if ranks.upper <= ordered.size else math.inf,
        confidence=confidence,
    )
