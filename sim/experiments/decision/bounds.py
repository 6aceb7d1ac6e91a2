"""Bounds of a mean over paths that hold for skewed losses and for losses nobody has seen yet.

Losses of a protocol are mostly zero and sometimes large. Student's t is right for means of many alike values
and badly wrong here: with a loss of 1 in 2 % of the paths and 72 paths, a 97.5 % bound misses in one case of
four. Two bounds are therefore taken, and the less favourable one decides:

* Student's t, for the ordinary spread;
* the bound for a mean of values that cannot exceed a stated number (Gaffke, 2005; Learned-Miller and Thomas,
  arXiv 1905.06208): the quantile of the mean over Dirichlet weights of the n values *and the largest possible
  one*. Its authors conjecture, and no simulation has contradicted, that its coverage is guaranteed for every
  distribution. If nothing was seen in n paths it is ``largest * (1 - alpha**(1 / n))``: the rule of three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray
from sim.core.rng import Streams

_CHUNK = 1 << 21  # exponentials drawn at once: 16 MiB
_KEPT = 8
"""Chunks remembered for repeated decisions about equally many paths."""
_ROUNDING = 1e-12
"""Share of the values' size below which a spread is rounding, not spread."""


class MeanWeights:
    """Dirichlet(1, ..., 1) weights, the same for every column of equal length.

    Parameters
    ----------
    seed
        Of the streams they are drawn from.
    draws
        Number of weightings: a p-value is at least 1 / (draws + 1).
    """

    def __init__(self, seed: int, draws: int = 4_999) -> None:
        if draws < 99:
            raise ValueError(f"need at least 99 draws, was {draws}")
        self.draws = draws
        self._streams = Streams(seed)
        self._kept: dict[tuple[int, int], tuple[FloatArray, FloatArray]] = {}

    def average(self, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weighted means of the columns without the unseen value, and the weight of that value.

        Parameters
        ----------
        columns
            float64[n, k].

        Returns
        -------
        tuple
            float64[draws, k] and float64[draws].
        """
        n = len(columns)
        means, unseen = np.empty((self.draws, columns.shape[1])), np.empty(self.draws)
        rows = max(1, _CHUNK // (n + 1))
        for chunk, start in enumerate(range(0, self.draws, rows)):
            weights, last = self._chunk(n, chunk, min(rows, self.draws - start))
            means[start : start + len(weights)] = weights @ columns
            unseen[start : start + len(weights)] = last
        return means, unseen

    def _chunk(self, n: int, chunk: int, count: int) -> tuple[FloatArray, FloatArray]:
        kept = self._kept.get((n, chunk))
        if kept is None:
            drawn = self._streams.draw(f"decision:weights:{n}", chunk).exponential(count * (n + 1))
            drawn = drawn.reshape(count, n + 1)
            drawn /= drawn.sum(axis=1, keepdims=True)
            kept = np.ascontiguousarray(drawn[:, :-1]), drawn[:, -1].copy()
            if len(self._kept) < _KEPT:
                self._kept[n, chunk] = kept
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanBounds:
    """One-sided bounds and p-values of k means over the same n paths."""

    n: int
    mean: FloatArray
    error: FloatArray
    """Standard errors, float64[k]."""
    high: FloatArray
    """float64[draws, k], sorted: weighted means with the unseen value at its largest."""
    low: FloatArray
    """The same with the unseen value at its smallest."""

    def column(self, index: int) -> MeanBounds:
        """Return the bounds of one mean alone."""
        one = slice(index, index + 1)
        return MeanBounds(
            n=self.n,
            mean=self.mean[one],
            error=self.error[one],
            high=self.high[:, one],
            low=self.low[:, one],
        )

    def upper(self, alpha: float) -> FloatArray:
        """Return the upper bounds at one-sided error ``alpha``, float64[k]."""
        bound: FloatArray = np.maximum(self._student(alpha), _rank(self.high, alpha))
        return bound

    def lower(self, alpha: float) -> FloatArray:
        """Return the lower bounds at one-sided error ``alpha``, float64[k]."""
        lowest: FloatArray = -_rank(-self.low[::-1], alpha)
        bound: FloatArray = np.minimum(2.0 * self.mean - self._student(alpha), lowest)
        return bound

    def p_below(self, limit: FloatArray) -> FloatArray:
        """Return p-values against the hypothesis that the mean is ``limit`` (float64[k]) or more."""
        counts = np.count_nonzero(self.high >= limit, axis=0)
        p: FloatArray = np.maximum(self._p_student(self.mean - limit), (1 + counts) / (1 + len(self.high)))
        return p

    def p_above(self, limit: FloatArray) -> FloatArray:
        """Return p-values against the hypothesis that the mean is ``limit`` (float64[k]) or less."""
        counts = np.count_nonzero(self.low <= limit, axis=0)
        p: FloatArray = np.maximum(self._p_student(limit - self.mean), (1 + counts) / (1 + len(self.low)))
        return p

    def _student(self, alpha: float) -> FloatArray:
        factor = -float(special.stdtrit(self.n - 1, alpha))
        bound: FloatArray = self.mean + factor * self.error
        return bound

    def _p_student(self, excess: FloatArray) -> FloatArray:
        certain = np.where(excess < 0.0, 0.0, 1.0)  # without spread the mean is what it is
        ratio = np.divide(excess, self.error, out=np.zeros_like(excess), where=self.error > 0.0)
        p: FloatArray = np.where(self.error > 0.0, special.stdtr(self.n - 1, ratio), certain)
        return p


def mean_bounds(columns: FloatArray, largest: FloatArray, weights: MeanWeights) -> MeanBounds:
    """Return the bounds of the means of k columns.

    Parameters
    ----------
    columns
        float64[n, k], n >= 2; row j is path j.
    largest
        float64[k]: no value's magnitude is thought to exceed it; where one did, that one counts.
    weights
        Weightings to use.

    Raises
    ------
    ValueError
        Fewer than two rows, or values that are not finite.
    """
    sample = np.asarray(columns, dtype=np.float64)
    if sample.ndim != 2 or len(sample) < 2:
        raise ValueError(f"need two dimensions and at least two rows, was {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError("values must be finite")
    n = len(sample)
    size = np.abs(sample).max(axis=0)
    reach = np.maximum(largest, size)
    spread = sample.std(axis=0, ddof=1)
    spread[spread <= _ROUNDING * size] = 0.0
    averages, unseen = weights.average(sample)
    return MeanBounds(
        n=n,
        mean=sample.mean(axis=0),
        error=spread / math.sqrt(n),
        high=np.sort(averages + unseen[:, None] * reach, axis=0),
        low=np.sort(averages - unseen[:, None] * reach, axis=0),
    )


def draws_for(alpha: float, tests: int) -> int:
    """Return how many weightings let p-values reach Holm's smallest level, ``alpha / tests``."""
    return max(4_999, math.ceil(4.0 * tests / alpha) - 1)


def sign_p_value(values: FloatArray) -> float:
    """Return the exact p-value against "harm is as frequent as benefit", from one value per path.

    P(Bin(b + c, 1/2) <= b) with b paths above zero and c below: one side of McNemar's exact test (quant 7.1).
    1 without a path that differs.
    """
    harmed, helped = int(np.count_nonzero(values > 0.0)), int(np.count_nonzero(values < 0.0))
    return float(special.bdtr(harmed, harmed + helped, 0.5)) if harmed + helped else 1.0


def holm(p_values: FloatArray, alpha: float) -> list[bool]:
    """Return which hypotheses Holm's procedure rejects at family-wise error ``alpha``.

    Holm, Scandinavian Journal of Statistics 6 (1979): from the smallest on, p_(i) <= alpha / (m - i) with i
    from 0, until the first that fails. Valid whatever the dependence.
    """
    rejected = [False] * len(p_values)
    for position, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] > alpha / (len(p_values) - position):
            break
        rejected[int(index)] = True
    return rejected


def least_paths(alpha: float, unseen: float) -> int:
    """Return how many paths miss something of probability ``unseen`` with chance ``alpha`` at most.

    (1 - unseen)**n <= alpha: the rule of three, turned round.
    """
    return math.ceil(math.log(alpha) / math.log1p(-unseen))


def _rank(ordered: FloatArray, alpha: float) -> FloatArray:
    """Return the order statistic below which the p-value of the same data is at most ``alpha``."""
    draws = len(ordered)
    above = math.floor(alpha * (draws + 1) * (1.0 + 1e-12))
    if above < 1:
        return np.full(ordered.shape[1], np.inf)
    row: FloatArray = ordered[draws - above]
    return row
