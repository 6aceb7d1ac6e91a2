"""Means over several populations: paths of one population share its book, so they are not independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.metrics.statistics.intervals import Interval, check_confidence, rule_of_three
from sim.metrics.statistics.paired import MeanInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredMean:
    """A mean whose interval counts populations, not paths, as what is independent."""

    interval: MeanInterval
    """Its `n` is the number of paths."""
    populations: int
    between: float
    """Variance of population means around the truth, never below 0: what other books would change."""
    within: float
    """Variance of paths within a population."""
    share_between: float | None
    """between / (between + within), the intraclass correlation; None if nothing varies."""
    design_effect: float | None
    """Squared standard error over that of as many independent paths; None if nothing varies."""


def clustered_mean(
    values: Sequence[float] | FloatArray,
    populations: Sequence[int] | IntArray,
    *,
    confidence: float = 0.95,
) -> ClusteredMean:
    """Return the mean over paths with an interval robust to dependence within populations.

    Parameters
    ----------
    values
        float64[n].
    populations
        int64[n]: the population of each path; at least two different ones.
    confidence
        Of the two-sided interval, t with (populations - 1) degrees of freedom.

    Raises
    ------
    ValueError
        Different lengths, or fewer than two populations.

    Notes
    -----
    The variance is G/(G-1) sum over the G populations of (sum of deviations)**2, over n**2: Liang and Zeger,
    Biometrika 73 (1986), with the usual small-sample factor. For populations of equal size it is that of the
    mean of population means, whose t interval is exact for normal ones. Components by analysis of variance of
    a one-way layout with random effects, cut at 0: Searle, Casella, McCulloch, Variance Components, ch. 3.
    """
    check_confidence(confidence)
    sample = np.asarray(values, dtype=np.float64)
    labels = np.asarray(populations)
    if sample.shape != labels.shape or sample.ndim != 1:
        raise ValueError(f"need one population per path, were shapes {sample.shape} and {labels.shape}")
    _, index = np.unique(labels, return_inverse=True)
    sizes = np.bincount(index).astype(np.float64)
    groups, n = sizes.size, sample.size
    if groups < 2:
        raise ValueError("need at least two populations; with one, statistics are conditional on it")
    mean = float(sample.mean())
    sums = np.bincount(index, weights=sample - mean)
    variance = groups / (groups - 1) * float(sums @ sums) / n**2
    between, within = _components(sample, index, sizes)
    plain = float(sample.var(ddof=1)) / n
    total = between + within
    return ClusteredMean(
        interval=MeanInterval(
            mean=mean,
            half_width=float(stats.t.ppf(0.5 + confidence / 2, groups - 1)) * math.sqrt(variance),
            confidence=confidence,
            n=n,
        ),
        populations=groups,
        between=between,
        within=within,
        share_between=between / total if total > 0.0 else None,
        design_effect=variance / plain if plain > 0.0 else None,
    )


def clustered_proportion(
    events: Sequence[bool] | BoolArray, populations: Sequence[int] | IntArray, *, confidence: float = 0.95
) -> Interval:
    """Return the probability of an event with an interval that allows for dependence within populations.

    Parameters
    ----------
    events
        bool[n].
    populations
        int64[n], at least two different ones.
    confidence
        Of the two-sided interval; a probability of 0 or 1 gets the whole of it on its open side.

    Raises
    ------
    ValueError
        Different lengths, or fewer than two populations.

    Notes
    -----
    Clopper-Pearson with the effective number of paths n / design effect, corrected for its few degrees of
    freedom and never above n: Korn and Graubard, Survey Methodology 24 (1998). If all paths agree, the design
    effect cannot be estimated, and every population counts as one path: the bound then holds for any
    dependence, because P(nothing in G populations) is at most (1 - p)**G.
    """
    outcome = np.asarray(events, dtype=np.bool_)
    found = clustered_mean(outcome.astype(np.float64), populations, confidence=confidence)
    count, n, groups = int(np.count_nonzero(outcome)), outcome.size, found.populations
    if count in (0, n):
        bound = rule_of_three(groups, confidence=confidence)
        ends = (0.0, bound) if count == 0 else (1.0 - bound, 1.0)
        return Interval(estimate=count / n, lower=ends[0], upper=ends[1], confidence=confidence)
    tail = 0.5 + confidence / 2
    few = float(stats.t.ppf(tail, n - 1) / stats.t.ppf(tail, groups - 1)) ** 2
    effect = found.design_effect or 0.0
    size = min(n / effect * few, n) if effect > 0.0 else n * min(few, 1.0)
    share = count / n
    lower, upper = (1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0
    return Interval(
        estimate=share,
        lower=float(special.betaincinv(size * share, size * (1.0 - share) + 1.0, lower)),
        upper=float(special.betaincinv(size * share + 1.0, size * (1.0 - share), upper)),
        confidence=confidence,
    )


def _components(sample: FloatArray, index: IntArray, sizes: FloatArray) -> tuple[float, float]:
    """Return the variance between and within populations; `within` is 0 if each has a single path."""
    groups, n = sizes.size, sample.size
    means = np.bincount(index, weights=sample) / sizes
    residual = sample - means[index]
    within = float(residual @ residual) / (n - groups) if n > groups else 0.0
    around = means - float(sample.mean())
    square = float(sizes @ around**2) / (groups - 1)
    size = (n - float(sizes @ sizes) / n) / (groups - 1)
    return max((square - within) / size, 0.0), within
