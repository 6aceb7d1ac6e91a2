"""Bootstrap of quantiles and expected shortfalls of many columns at once, by path or by larger units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.resampling import drawn_counts
from sim.core.rng import Streams
from sim.metrics.statistics.intervals import check_confidence


@dataclass(frozen=True, slots=True)
class TailMeasures:
    """Which tails are measured: probabilities of quantiles, and of expected shortfalls beyond a quantile."""

    quantiles: tuple[float, ...] = (0.95, 0.99)
    shortfalls: tuple[float, ...] = (0.99,)

    @property
    def count(self) -> int:
        """Number of measures; quantiles come first."""
        return len(self.quantiles) + len(self.shortfalls)


DEFAULT_MEASURES = TailMeasures()


def tail_measures(values: FloatArray, measures: TailMeasures = DEFAULT_MEASURES) -> FloatArray:
    """Return the measures of each column, float64[measure, column].

    Parameters
    ----------
    values
        float64[n, column], without NaN.

    Notes
    -----
    The same estimators as `quantile_interval` (smallest observation whose distribution function reaches the
    probability) and `empirical_expected_shortfall`.
    """
    descending = -np.sort(-np.asarray(values, dtype=np.float64), axis=0)
    cumulative = np.broadcast_to(np.arange(1.0, len(descending) + 1)[:, np.newaxis], descending.shape)
    return _measures(descending, cumulative, measures)


def bootstrap_tails(
    values: FloatArray,
    streams: Streams,
    *,
    measures: TailMeasures = DEFAULT_MEASURES,
    units: Sequence[int] | IntArray | None = None,
    contrast: bool = False,
    name: str = "tail bootstrap",
    replicates: int = 2_000,
    confidence: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Return percentile bootstrap ends (lower, upper) of the tail measures of each column.

    Parameters
    ----------
    values
        float64[path, column], without NaN. A path is drawn with all its columns (quant 7.1).
    streams, name
        Randomness: replicate k uses the stream `name` at step k.
    units
        int64[path]: the independent unit of each path, drawn whole: a population, an antithetic pair, a
        scrambled replicate. None draws single paths.
    contrast
        The second half of the columns belongs to the second arm: differences, second minus first, are
        returned for each column of the first half.
    replicates, confidence
        As for `bootstrap_interval`, whose caution about tails resting on few paths holds here too.

    Returns
    -------
    Two arrays float64[measure, column].

    Raises
    ------
    ValueError
        Fewer than two units or replicates, NaN, or an odd number of columns to contrast.
    """
    check_confidence(confidence)
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 2 or np.isnan(sample).any():
        raise ValueError("need paths in rows and metrics in columns, without NaN")
    if contrast and sample.shape[1] % 2:
        raise ValueError("a contrast needs as many columns of the second arm as of the first")
    labels = np.arange(len(sample)) if units is None else np.unique(units, return_inverse=True)[1]
    if labels.shape != (len(sample),):
        raise ValueError(f"need one unit per path, were {len(labels)} for {len(sample)}")
    groups = int(labels.max()) + 1 if len(labels) else 0
    if groups < 2 or replicates < 2:
        raise ValueError("need at least two independent units and two replicates")
    order = np.argsort(-sample, axis=0, kind="stable")
    descending = np.take_along_axis(sample, order, axis=0)
    owner = labels[order]
    found = []
    for counts in drawn_counts(streams, name, units=groups, replicates=replicates):
        measured = _measures(descending, np.cumsum(counts[owner], axis=0), measures)
        if contrast:
            half = sample.shape[1] // 2
            measured = measured[:, half:] - measured[:, :half]
        found.append(measured)
    tail = (1.0 - confidence) / 2.0
    lower, upper = np.quantile(np.stack(found), (tail, 1.0 - tail), axis=0)
    return lower, upper


def _measures(descending: FloatArray, cumulative: FloatArray, measures: TailMeasures) -> FloatArray:
    """Measure columns sorted downwards in which value i stands cumulative[i] - cumulative[i - 1] times."""
    total = float(cumulative[-1, 0])
    found = np.empty((measures.count, descending.shape[1]))
    for row, probability in enumerate(measures.quantiles):
        # n p is whole more often than floating point says.
        rank = total - math.ceil(total * probability - 1e-9) + 1
        first = np.argmax(cumulative >= rank, axis=0)
        found[row] = np.take_along_axis(descending, first[np.newaxis, :], axis=0)[0]
    for row, probability in enumerate(measures.shortfalls, start=len(measures.quantiles)):
        weight = total * (1.0 - probability)
        inside = np.minimum(cumulative, weight)
        share = np.diff(inside, axis=0, prepend=0.0)
        found[row] = (descending * share).sum(axis=0) / weight
    return found
