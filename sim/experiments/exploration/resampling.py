"""Statistics over paths and their bootstrap: one set of drawn paths for every point and every metric.

Points are compared on common random numbers, so a resample draws *paths*, and every point and metric is
computed from the same drawn paths: differences between points keep the precision that pairing buys.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.resampling import drawn_counts
from sim.core.rng import Streams
from sim.metrics.statistics.clustered import clustered_proportion
from sim.metrics.statistics.intervals import Interval, clopper_pearson

Statistic = Literal["mean", "var95", "var99", "es95", "es99"]
STATISTICS: tuple[str, ...] = get_args(Statistic)

_TAIL = {"var95": 0.95, "es95": 0.95, "var99": 0.99, "es99": 0.99}

MINIMUM_CLUSTERS = 10
"""Assumption: below ten independent groups of paths a bootstrap interval is far too short; it is flagged."""


def tail_paths(statistic: Statistic, paths: int) -> float:
    """Return on how many paths the statistic rests: all of them for a mean, the tail otherwise."""
    return paths * (1.0 - _TAIL[statistic]) if statistic in _TAIL else float(paths)


def independent_clusters(
    paths: IntArray, *, populations: int, antithetic: bool, sobol_points: int = 1
) -> IntArray:
    """Return a label for each path, int64[path]; paths of different labels are independent.

    Paths of one population share their accounts (unless there is a single population, on which everything is
    then conditional), paths 2j and 2j + 1 are mirrors when antithetic, and paths of one scrambled Sobol
    sequence of drawn inputs depend on one another. Where several hold, whatever is linked shares a label.
    """
    number = np.asarray(paths, dtype=np.int64)
    links = []
    if populations > 1:
        links.append((number // 2 if antithetic else number) % populations)  # pairs share a book
    if antithetic:
        links.append(number // 2)
    if sobol_points > 1:
        links.append(number // sobol_points)
    label = number.copy()
    while True:
        before = label.copy()
        for link in links:
            _, member = np.unique(link, return_inverse=True)
            least = np.full(member.max(initial=-1) + 1, np.iinfo(np.int64).max)
            np.minimum.at(least, member, label)
            label = least[member]
        if np.array_equal(before, label):
            return label


def event_interval(
    events: FloatArray, clusters: IntArray, *, confidence: float, side: Literal["lower", "upper"]
) -> Interval:
    """Return the probability of an event with a one-sided bound; the other end is open.

    Exact (Clopper and Pearson) if every path is independent; otherwise with the effective number of paths
    (Korn and Graubard): what many linked paths agree on is not seen many times.

    Parameters
    ----------
    events
        float64[path], not zero where it happened.
    clusters
        int64[path]: paths of different labels are independent.
    """
    happened = np.asarray(events) != 0.0
    groups = np.unique(clusters).size
    if groups == happened.size:
        count = int(np.count_nonzero(happened))
        return clopper_pearson(count, happened.size, confidence=confidence, side=side)
    if groups < 2:  # one book, one sequence: nothing says how another would do
        found = Interval(estimate=float(happened.mean()), lower=0.0, upper=1.0, confidence=confidence)
    else:  # the two-sided interval of 2 c - 1 leaves 1 - c on each side, but of none or all it has one side
        unanimous = happened.all() or not happened.any()
        level = confidence if unanimous else 2.0 * confidence - 1.0
        found = clustered_proportion(happened, clusters, confidence=level)
    return Interval(
        estimate=found.estimate,
        lower=found.lower if side == "lower" else 0.0,
        upper=found.upper if side == "upper" else 1.0,
        confidence=confidence,
    )


def resample_counts(
    clusters: IntArray, replicates: int, streams: Streams, *, name: str = "exploration:paths"
) -> FloatArray:
    """Return how often each path is drawn in each resample, float64[replicate, path].

    Whole clusters are drawn with replacement; replicate b uses the stream `name` at step b, so that more
    replicates change none of the first. Raises ValueError with fewer than two clusters.
    """
    labels, member = np.unique(clusters, return_inverse=True)
    drawn = drawn_counts(streams, name, units=labels.size, replicates=replicates)
    return np.array([counts[member] for counts in drawn])


def evaluate(
    values: FloatArray, statistic: Statistic, *, counts: FloatArray | None = None, tail: int = 1
) -> FloatArray:
    """Return a statistic of each row of values.

    Parameters
    ----------
    values
        float64[..., path], without NaN.
    statistic
        ``mean``; ``varNN``, the smallest value whose empirical distribution function reaches NN %; ``esNN``,
        the mean of the worst share of paths, the last one in part (Acerbi and Tasche, Journal of Banking and
        Finance 26, 2002).
    counts
        float64[replicate, path], how often each path counts; without them every path counts once.
    tail
        1 if large values are the bad ones, -1 if small ones are.

    Returns
    -------
    FloatArray
        float64[...], or float64[..., replicate] with counts.
    """
    rows = np.asarray(values, dtype=np.float64)
    weights = np.ones((1, rows.shape[-1])) if counts is None else counts
    flat = rows.reshape(-1, rows.shape[-1])
    if statistic == "mean":
        result = flat @ weights.T / weights.sum(axis=1)
        # A dot product of equal values is off by rounding, and would make a constant look random.
        constant = np.ptp(flat, axis=1) == 0.0
        result[constant] = flat[constant, :1]
    else:
        result = np.stack([tail * _tail(tail * row, weights, statistic) for row in flat])
    shaped: FloatArray = result.reshape(*rows.shape[:-1], weights.shape[0])
    return shaped[..., 0] if counts is None else shaped


def _tail(values: FloatArray, weights: FloatArray, statistic: Statistic) -> FloatArray:
    """Return value at risk or expected shortfall of the upper tail, float64[replicate]."""
    order = np.argsort(values, kind="stable")[::-1]
    ordered, drawn = values[order], weights[:, order]
    reached = np.cumsum(drawn, axis=1)
    share = np.round((1.0 - _TAIL[statistic]) * reached[:, -1], 9)  # n (1 - p) is whole more often than shown
    if statistic.startswith("var"):
        # F(v) >= p means that no more than the share lies strictly above v.
        quantile: FloatArray = ordered[np.argmax(reached > share[:, None], axis=1)]
        return quantile
    inside = np.clip(share[:, None] - (reached - drawn), 0.0, drawn)
    worst: FloatArray = (inside * ordered).sum(axis=1) / share
    return worst
