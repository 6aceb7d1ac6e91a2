"""Means from fewer paths: control variate, antithetic pairs, scrambled replicates.

Each says by how much it cut the variance in the very sample it was used on: a factor below 1 means that it
hurt, and a promise made elsewhere means nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sim.core.arrays import FloatArray
from sim.experiments.estimates.rows import MINIMUM_REPLICATES
from sim.metrics.statistics.intervals import check_confidence
from sim.metrics.statistics.paired import MeanInterval, mean_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedMean:
    """A mean with a variance-reduced interval."""

    interval: MeanInterval
    """Its `n` is the number of independent units (paths, pairs or replicates)."""
    variance_factor: float | None
    """Variance of the plain estimate from as many paths over the variance of this one, both estimated from
    the sample. Infinite if only this one does not vary; None if nothing varies."""
    coefficient: float | None = None
    """Of the control variate."""


def control_variate_mean(
    values: Sequence[float] | FloatArray,
    control: Sequence[float] | FloatArray,
    control_mean: float,
    *,
    confidence: float = 0.95,
) -> ReducedMean:
    """Return the mean of `values` corrected by a control whose exact mean is known.

    Parameters
    ----------
    values, control
        float64[n] each, n >= 3; entry j of both comes from path j. The control must vary.
    control_mean
        The exact expectation of the control, such as the closed form of quant 8.4 on the path's own jump.
    confidence
        Of the two-sided interval.

    Raises
    ------
    ValueError
        Different lengths, fewer than three paths, or a control that does not vary.

    Notes
    -----
    The regression of values on the control, read at the control's exact mean: mean(y) - b (mean(x) - m) with
    the least-squares b. Two numbers are estimated, so n - 2 degrees of freedom, and the distance of mean(x)
    from m adds to the error: Lavenberg and Welch, Management Science 27 (1981). Exact for jointly normal
    pairs; the bias from estimating b is of order 1/n otherwise.
    """
    check_confidence(confidence)
    y, x = _pair(values, control)
    n = y.size
    if n < 3:
        raise ValueError(f"need at least three paths, was {n}")
    centred = x - x.mean()
    spread = float(centred @ centred)
    if not spread > 0.0:
        raise ValueError("the control does not vary")
    coefficient = float(centred @ y) / spread
    distance = float(x.mean()) - control_mean
    residual = y - y.mean() - coefficient * centred
    variance = float(residual @ residual) / (n - 2) * (1.0 / n + distance**2 / spread)
    factor = float(stats.t.ppf(0.5 + confidence / 2, n - 2))
    return ReducedMean(
        interval=MeanInterval(
            mean=float(y.mean()) - coefficient * distance,
            half_width=factor * math.sqrt(variance),
            confidence=confidence,
            n=n,
        ),
        variance_factor=variance_ratio(float(y.var(ddof=1)) / n, variance),
        coefficient=coefficient,
    )


def antithetic_mean(
    first: Sequence[float] | FloatArray, mirror: Sequence[float] | FloatArray, *, confidence: float = 0.95
) -> ReducedMean:
    """Return the mean over antithetic pairs; the pair is the independent unit, its mean the value.

    Parameters
    ----------
    first, mirror
        float64[n] each, n >= 2 pairs; entry j of `mirror` is the path with the mirrored numbers of entry j of
        `first`.
    confidence
        Of the two-sided interval.

    Notes
    -----
    Variance factor 1 / (1 + corr) for equal variances: helps where the response is monotone in the mirrored
    numbers (corr < 0), hurts where it is symmetric (quant 7.3).
    """
    a, b = _pair(first, mirror)
    interval = mean_interval((a + b) / 2.0, confidence=confidence)
    plain = (float(a.var(ddof=1)) + float(b.var(ddof=1))) / 4.0
    paired = float(((a + b) / 2.0).var(ddof=1))
    return ReducedMean(interval=interval, variance_factor=variance_ratio(plain, paired))


def replicated_mean(
    values: FloatArray, *, confidence: float = 0.95, minimum: int = MINIMUM_REPLICATES
) -> ReducedMean:
    """Return the mean over independently scrambled point sets; the replicate mean is the unit.

    Parameters
    ----------
    values
        float64[replicate, point]; the points of a replicate depend on each other, the replicates do not.
    confidence
        Of the two-sided t interval over replicate means.
    minimum
        Fewest replicates; quant 7.3 asks for 16.

    Raises
    ------
    ValueError
        Fewer replicates than `minimum`, or not two dimensions.

    Notes
    -----
    Owen's randomised quasi-Monte Carlo. The factor compares with as many independent points: the variance of
    single values (over all of them) by their number, over that of the mean of replicate means.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 2 or sample.shape[0] < max(minimum, 2) or sample.shape[1] < 1:
        raise ValueError(
            f"need at least {max(minimum, 2)} replicates in rows with their points in columns, "
            f"was shape {sample.shape}"
        )
    means = sample.mean(axis=1)
    plain = float(sample.var(ddof=1)) / sample.size
    return ReducedMean(
        interval=mean_interval(means, confidence=confidence),
        variance_factor=variance_ratio(plain, float(means.var(ddof=1)) / means.size),
    )


def variance_ratio(plain: float, reduced: float) -> float | None:
    """Return plain over reduced variance; infinite if only the reduced one is zero, None if both are."""
    if reduced > 0.0:
        return plain / reduced
    return math.inf if plain > 0.0 else None


def _pair(
    first: Sequence[float] | FloatArray, second: Sequence[float] | FloatArray
) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"need two series of the same paths, were shapes {a.shape} and {b.shape}")
    return a, b
