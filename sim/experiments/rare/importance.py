"""Importance sampling: draw where the event happens, weigh by how much too often that was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.core.arrays import BoolArray, FloatArray
from sim.metrics.statistics.paired import MeanInterval, mean_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedMean:
    """A mean under the original distribution from paths drawn under another."""

    interval: MeanInterval
    effective_sample_size: float
    """(sum of weights)**2 / sum of squares, Kish: over all paths. Small for rare events by design; it says
    how good these paths are for means of *ordinary* outcomes."""
    effective_events: float
    """The same over contributions weight x value: how many equally weighted paths carry the estimate. Below
    some tens the t interval is not to be trusted."""
    relative_error: float | None
    """Standard error over estimate; None for an estimate of zero."""


def tilt_for_barrier(barrier: float, spot: float, volatility: float, years: float) -> float:
    """Return the drift tilt that moves the end of a Brownian path to a barrier: log(B/S) / (sigma T).

    Quant 7.3. A tilt theta adds theta t to the standard Brownian motion W of the log price.
    """
    if min(barrier, spot, volatility, years) <= 0.0:
        raise ValueError("barrier, spot, volatility and horizon must be positive")
    return math.log(barrier / spot) / (volatility * years)


def tilt_weights(brownian_end: FloatArray, tilt: float, years: float | FloatArray) -> FloatArray:
    """Return the likelihood ratios exp(-theta W + theta**2 T / 2) of tilted paths, shaped like their ends.

    Parameters
    ----------
    brownian_end
        float64[path]: W_T *as drawn*, tilt included. (In terms of the untilted part W - theta T it is
        exp(-theta W' - theta**2 T / 2), the form printed in quant 7.3.)
    tilt
        theta, per year.
    years
        T; one number, or by path where paths end at a stopping time.

    Notes
    -----
    Cameron and Martin, Annals of Mathematics 45 (1944). Any function of the path up to T may be weighted so.
    """
    weights: FloatArray = np.exp(-tilt * np.asarray(brownian_end) + 0.5 * tilt**2 * np.asarray(years))
    return weights


def weighted_mean(
    values: Sequence[float] | FloatArray | BoolArray,
    weights: Sequence[float] | FloatArray,
    *,
    confidence: float = 0.95,
) -> WeightedMean:
    """Return the mean of weight x value with its t interval; an event as 0 and 1 gives its probability.

    Parameters
    ----------
    values
        float64[n] or bool[n], n >= 2.
    weights
        float64[n], likelihood ratios with mean 1 under the sampling distribution. They are not normalised:
        the estimate is unbiased, and that the mean weight is near 1 is a check left to the caller.
    confidence
        Of the two-sided interval; its lower end may be negative for few effective events.

    Raises
    ------
    ValueError
        Different lengths, fewer than two paths, or a weight that is negative or not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    ratios = np.asarray(weights, dtype=np.float64)
    if sample.shape != ratios.shape or sample.ndim != 1:
        raise ValueError(f"need one weight per path, were shapes {sample.shape} and {ratios.shape}")
    if not np.isfinite(ratios).all() or (ratios < 0.0).any():
        raise ValueError("weights must be finite and not negative")
    contributions = ratios * sample
    interval = mean_interval(contributions, confidence=confidence)
    error = float(contributions.std(ddof=1)) / math.sqrt(sample.size)
    return WeightedMean(
        interval=interval,
        effective_sample_size=_effective(ratios),
        effective_events=_effective(np.abs(contributions)),
        relative_error=error / abs(interval.mean) if interval.mean != 0.0 else None,
    )


def _effective(weights: FloatArray) -> float:
    largest = float(weights.max())
    if largest == 0.0:
        return 0.0
    scaled = weights / largest  # weights of 1e-200 must not underflow when squared
    return float(scaled.sum() ** 2 / (scaled @ scaled))
