"""Intervals that stay right however often one looks: stop a sweep when they are narrow enough.

A fixed-sample interval looked at after every batch until it pleases covers less than it says; a confidence
sequence covers the truth at all times at once, so that stopping at any of them costs nothing (quant 7.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import special
from scipy.optimize import brentq

from sim.core.arrays import FloatArray
from sim.metrics.statistics.intervals import Interval, check_confidence
from sim.metrics.statistics.paired import MeanInterval


def mixture_scale(tightest_at: int, *, confidence: float = 0.95) -> float:
    """Return rho, the scale of the normal mixture whose sequence is narrowest at n = `tightest_at`.

    With x = n rho**2 the squared width is proportional to (1 + 1/x)(log(1 + x) - 2 log alpha), least where
    x = log(1 + x) - 2 log alpha: 1 + x = -W(-alpha**2 / e) with the lower branch W of Lambert's function.
    """
    check_confidence(confidence)
    if tightest_at < 1:
        raise ValueError(f"tightest_at must be at least 1, was {tightest_at}")
    alpha = 1.0 - confidence
    return math.sqrt((-float(special.lambertw(-(alpha**2) / math.e, -1).real) - 1.0) / tightest_at)


def sequence_factor(n: int | FloatArray, *, confidence: float, tightest_at: int) -> FloatArray:
    """Return half-width over standard deviation after n values, shaped like `n` (the counts must be >= 1).

    sqrt(2 (n rho**2 + 1) / (n**2 rho**2) log(sqrt(n rho**2 + 1) / alpha)): Waudby-Smith, Arbour, Sinha,
    Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", Annals of
    Statistics 52 (2024), theorem 2.2.
    """
    square = mixture_scale(tightest_at, confidence=confidence) ** 2
    counts = np.asarray(n, dtype=np.float64)
    scaled = counts * square
    logarithm = 0.5 * np.log1p(scaled) - math.log(1.0 - confidence)
    factor: FloatArray = np.sqrt(2.0 * (scaled + 1.0) / (counts * scaled) * logarithm)
    return factor


def mean_sequence(
    values: Sequence[float] | FloatArray, *, confidence: float = 0.95, tightest_at: int
) -> MeanInterval:
    """Return the mean of the values so far with its time-uniform interval.

    Parameters
    ----------
    values
        float64[n], n >= 2: everything seen until now, independent. For paired comparison, the differences;
        for antithetic pairs, the pair means; with several populations, the means by population.
    confidence
        That the truth lies in the interval at every n at once, asymptotically: the mean must be near normal
        by the first look, so look first after some hundred values (Assumption: 100 for light tails).
    tightest_at
        The n where the interval is narrowest for the price; fix it before the first look. At that n it is
        1.55 times as wide as the fixed-sample 95 % interval.

    Returns
    -------
    The interval; unbounded (`half_width` infinite) while all values are equal, because a sample without
    spread tells nothing about the spread: a rare event not yet seen must not stop a sweep.

    Raises
    ------
    ValueError
        Fewer than two values, one that is not finite, or confidence or `tightest_at` out of range.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2 or not np.isfinite(sample).all():
        raise ValueError(f"need at least two finite values in one dimension, was shape {sample.shape}")
    factor = float(sequence_factor(sample.size, confidence=confidence, tightest_at=tightest_at))
    varies = bool(sample.min() < sample.max())
    return MeanInterval(
        mean=float(sample.mean()),
        half_width=factor * float(sample.std(ddof=1)) if varies else math.inf,
        confidence=confidence,
        n=sample.size,
    )


def proportion_sequence(
    events: int, trials: int, *, confidence: float = 0.95, prior: tuple[float, float] = (1.0, 1.0)
) -> Interval:
    """Return a proportion with its time-uniform interval, exact at every sample size.

    Parameters
    ----------
    events, trials
        So far: 0 <= events <= trials, trials >= 1.
    confidence
        Least probability that the truth lies in the interval at every number of trials at once.
    prior
        Parameters of the mixing beta distribution, fixed before the first look. They decide where the
        interval is narrow, never whether it covers; (1, 1) favours no probability.

    Raises
    ------
    ValueError
        Counts, confidence or prior out of range.

    Notes
    -----
    B(a + x, b + n - x) / (B(a, b) p**x (1 - p)**(n - x)) is a non-negative martingale of mean 1 under p; the
    interval holds each p where it is below 1 / alpha. Robbins, Annals of Mathematical Statistics 41 (1970).
    """
    check_confidence(confidence)
    first, second = prior
    if trials < 1 or not 0 <= events <= trials:
        raise ValueError(f"need 0 <= events <= trials and trials >= 1, was {events} of {trials}")
    if first <= 0 or second <= 0:
        raise ValueError(f"the prior's parameters must be positive, were {prior}")
    alpha = 1.0 - confidence
    evidence = special.betaln(first + events, second + trials - events) - special.betaln(first, second)
    least = float(evidence) + math.log(alpha)  # log likelihood that p must exceed

    def surplus(p: float) -> float:
        likelihood = special.xlogy(events, p) + special.xlog1py(trials - events, -p)
        return float(likelihood) - least

    share = events / trials
    return Interval(
        estimate=share,
        lower=_root(surplus, 0.0, share) if events else 0.0,
        upper=_root(surplus, share, 1.0) if events < trials else 1.0,
        confidence=confidence,
    )


def _root(surplus: Callable[[float], float], low: float, high: float) -> float:
    """Return where the log likelihood passes its least value; at 0 and 1 it is minus infinity."""
    inner = 1e-300 if low == 0.0 else low
    outer = 1.0 - 2.0**-53 if high == 1.0 else high
    if surplus(inner) * surplus(outer) > 0.0:  # the end lies between the last two floats
        return low if low == 0.0 else high
    return float(brentq(surplus, inner, outer, xtol=1e-15, rtol=1e-12))
