"""Kendall's rank correlation of two samples, and the correlation of the elliptical copula that it implies."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray

_SINE_TERMS: Final = tuple((-1.0) ** n / math.factorial(2 * n + 1) for n in range(11, -1, -1))
_HALF_PI: Final = float.fromhex("0x1.921fb54442d18p+0")
_FEW: Final = 64  # so many are compared pair by pair


def kendall_tau(x: FloatArray, y: FloatArray) -> float:
    """Return Kendall's tau-b of pairs, in n log n comparisons (Knight 1966).

    (concordant - discordant) / sqrt((pairs untied in x) (pairs untied in y)): pairs tied in one count as
    neither, as those of a price that stood still. All counts are whole numbers, so that the result is the
    same on every machine.

    Raises
    ------
    ValueError
        Fewer than two pairs, or all values of one sample are the same.
    """
    n = int(x.size)
    if n < 2 or x.size != y.size:
        raise ValueError(f"needs two samples of one length of at least 2, had {x.size} and {y.size}")
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    pairs = n * (n - 1) // 2
    changed = np.concatenate(([True], x[1:] != x[:-1]))
    changed_both = changed | np.concatenate(([True], y[1:] != y[:-1]))
    tied_x, tied_both = _tied(changed), _tied(changed_both)
    ordered_y = np.sort(y)
    tied_y = _tied(np.concatenate(([True], ordered_y[1:] != ordered_y[:-1])))
    if pairs in (tied_x, tied_y):
        raise ValueError("all values of a sample are the same")
    surplus = pairs - tied_x - tied_y + tied_both - 2 * _inversions(y)[0]
    tau = surplus / math.sqrt((pairs - tied_x) * (pairs - tied_y))
    return min(1.0, max(-1.0, tau))


def elliptical_correlation(tau: float) -> float:
    """Return sin(pi tau / 2), the correlation of the elliptical copula of a Kendall's tau.

    It holds for the Gaussian and every t copula (Lindskog, McNeil and Schmock, "Kendall's tau for elliptical
    distributions", 2003; McNeil, Frey and Embrechts, "Quantitative Risk Management", proposition 5.37).
    """
    angle = _HALF_PI * tau
    square = angle * angle
    total = _SINE_TERMS[0]
    for term in _SINE_TERMS[1:]:
        total = total * square + term
    return min(1.0, max(-1.0, angle * total))


def _tied(changed: BoolArray) -> int:
    """Return the pairs within runs of equal values, from where a new run begins."""
    starts: IntArray = np.flatnonzero(changed)
    lengths = np.diff(np.concatenate((starts, [changed.size])))
    return int((lengths * (lengths - 1) // 2).sum())


def _inversions(values: FloatArray) -> tuple[int, FloatArray]:
    """Return the pairs whose first is above the second, and the values sorted."""
    if values.size <= _FEW:
        above = np.triu(values[:, None] > values[None, :], 1)
        return int(above.sum()), np.sort(values)
    half = values.size // 2
    left, first = _inversions(values[:half])
    right, second = _inversions(values[half:])
    across = int((first.size - np.searchsorted(first, second, side="right")).sum())
    merged = np.concatenate((first, second))
    merged.sort()
    return left + right + across, merged
