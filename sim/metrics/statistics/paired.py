"""Comparison of two parameter sets on the same paths: paired means and paired yes-or-no outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sim.core.arrays import BoolArray, FloatArray
from sim.metrics.statistics.intervals import check_confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanInterval:
    """A mean and its symmetric t interval."""

    mean: float
    half_width: float
    confidence: float
    n: int

    @property
    def lower(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def upper(self) -> float:
        """Upper end."""
        return self.mean + self.half_width


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Mean of proposed minus current over paths run with common random numbers."""

    difference: MeanInterval
    variance_factor: float | None
    """(Var proposed + Var current) / Var(difference): by how many times the paired design cut the variance of
    the estimate. Infinite if the differences do not vary while the arms do; None if nothing varies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Paired test of a yes-or-no outcome."""

    only_first: int
    """Pairs in which only the first arm had the event."""
    only_second: int
    """Pairs in which only the second arm had it."""
    p_value: float
    """Two-sided, exact."""


def mean_interval(values: Sequence[float] | FloatArray, *, confidence: float = 0.95) -> MeanInterval:
    """Return the mean of independent values with its Student t interval.

    Parameters
    ----------
    values
        float64[n], n >= 2.
    confidence
        Of the two-sided interval; exact for normal values, approximate for others.

    Raises
    ------
    ValueError
        Fewer than two values, or confidence out of range.
    """
    check_confidence(confidence)
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2:
        raise ValueError(f"need at least two values in one dimension, was shape {sample.shape}")
    error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    factor = float(stats.t.ppf(0.5 + confidence / 2, sample.size - 1))
    return MeanInterval(
        mean=float(sample.mean()), half_width=factor * error, confidence=confidence, n=sample.size
    )


def paired_difference(
    proposed: Sequence[float] | FloatArray,
    current: Sequence[float] | FloatArray,
    *,
    confidence: float = 0.95,
) -> PairedDifference:
    """Return the mean difference of two arms on the same paths (quant 7.1).

    Parameters
    ----------
    proposed, current
        float64[n] each; entry j of both comes from path j.
    confidence
        Of the two-sided interval.

    Raises
    ------
    ValueError
        Arms of different length, fewer than two paths, or confidence out of range.
    """
    first = np.asarray(proposed, dtype=np.float64)
    second = np.asarray(current, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"arms must have the same paths, were {first.shape} and {second.shape}")
    difference = mean_interval(first - second, confidence=confidence)
    unpaired = float(first.var(ddof=1)) + float(second.var(ddof=1))
    remaining = float((first - second).var(ddof=1))
    factor = unpaired / remaining if remaining > 0 else math.inf if unpaired > 0 else None
    return PairedDifference(difference=difference, variance_factor=factor)


def mcnemar_exact(only_first: int, only_second: int) -> McNemar:
    """Return McNemar's exact test from the two counts of discordant pairs.

    p = min(1, 2 P(Bin(b + c, 1/2) <= min(b, c))): quant 7.1. Without a discordant pair nothing speaks against
    equality, p = 1. Raises ValueError for negative counts.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts must not be negative, were {only_first} and {only_second}")
    discordant = only_first + only_second
    p_value = 1.0
    if discordant:
        p_value = float(stats.binomtest(min(only_first, only_second), discordant, 0.5).pvalue)
    return McNemar(only_first=only_first, only_second=only_second, p_value=p_value)


def mcnemar_of_paths(first: BoolArray, second: BoolArray) -> McNemar:
    """Return McNemar's exact test from outcomes bool[n] of two arms on the same n paths."""
    if first.shape != second.shape:
        raise ValueError(f"arms must have the same paths, were {first.shape} and {second.shape}")
    return mcnemar_exact(int(np.count_nonzero(first & ~second)), int(np.count_nonzero(second & ~first)))
