"""One number of many paths with its interval, or with the reason why it has none: the rule of every page.

A mean, a quantile or an expected shortfall is judged here for sweeps, frontiers and searches alike, so that
no page prints an interval that another refuses. Which methods hold their level on which losses is measured by
``scripts/coverage.py``; the table is in ``docs/statistics.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.metrics.statistics.clustered import clustered_mean, clustered_proportion
from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import Interval, quantile_interval, quantile_ranks, rule_of_three
from sim.metrics.statistics.tail_profile import LEAST, SMALL_SAMPLE, TailSplit, mean_reach, split_tail

Kind = Literal["mean", "quantile", "shortfall"]

LEAST_PATHS = 20
"""Fewest paths of an interval of a mean: below it nothing is known of the largest values."""
LEAST_UNITS = 10
"""Fewest populations, pairs or replicates: below it their own spread is unknown."""
_ROUNDING = 1e-12
TAIL_PATHS = 10
"""Fewest paths in a tail that is averaged, and fewest that differ from all others in a mean."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is taken of the paths; large values are the bad ones."""

    kind: Kind
    probability: float = 0.0
    """Of the quantile, or where the shortfall begins."""

    @property
    def label(self) -> str:
        """``mean``, ``VaR99``, ``ES99``."""
        if self.kind == "mean":
            return "mean"
        return f"{'VaR' if self.kind == 'quantile' else 'ES'}{100.0 * self.probability:.3g}"

    def tail_paths(self, paths: int) -> float:
        """Return on how many paths it rests: all of them for a mean, the tail otherwise."""
        return float(paths) if self.kind == "mean" else round(paths * (1.0 - self.probability), 9)

    def estimate(self, values: FloatArray) -> float:
        """Return the measure of a sample float64[n]."""
        if self.kind == "mean":
            return float(np.mean(values))
        if self.kind == "quantile":
            return float(np.quantile(values, self.probability, method="inverted_cdf"))
        return empirical_expected_shortfall(values, self.probability)


MEAN = Measure("mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInterval(Interval):
    """An estimate with what the paths say of it."""

    n: int
    units: int
    """What of the paths is independent."""
    method: str
    note: str = ""
    """Why there is no interval, or one end only; empty if there are two."""
    alike: bool = False
    """Whether every path has the same value."""

    @property
    def bounded(self) -> bool:
        """Whether there is an end at all: neither refused nor without both ends."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside; never without an interval."""
        return self.lower > 0.0 or self.upper < 0.0


def refusal(
    measure: Measure,
    *,
    paths: int,
    units: int,
    word: str = "paths",
    clustered: bool = False,
    bounded: bool = False,
) -> str:
    """Return why so few paths get no interval, or an empty string: the one rule of every page.

    Parameters
    ----------
    measure
        What is estimated.
    paths, units
        Paths with a value, and what of them is independent.
    word
        What the units are.
    clustered
        Paths of a unit depend on one another.
    bounded
        The largest possible value is stated, so that a mean needs no tail.
    """
    if clustered and units < 2:
        return f"one of {word}: no interval"
    if clustered and units < LEAST_UNITS:
        return f"rests on {units} {word}, {LEAST_UNITS} are needed for an interval"
    if measure.kind == "mean" and paths < LEAST_PATHS and not bounded:
        return f"rests on {paths} paths, {LEAST_PATHS} are needed for an interval"
    if measure.kind != "shortfall":
        return ""
    tail = measure.tail_paths(paths)
    if tail < TAIL_PATHS:
        return f"rests on {tail:.3g} paths, {TAIL_PATHS} are needed for an interval"
    if clustered:
        return f"no method tested holds its level where {word} share the tail: no interval"
    return ""


def path_interval(
    values: FloatArray,
    measure: Measure,
    *,
    labels: IntArray | None = None,
    word: str = "paths",
    confidence: float = 0.95,
) -> PathInterval:
    """Return a measure of the paths with its interval.

    Parameters
    ----------
    values
        float64[n], finite, n at least 1.
    measure
        What is taken of them.
    labels, word
        int64[n], the independent unit of each path, and what units are called; None if every path is.
    confidence
        Of the two ends together.

    Returns
    -------
    Ends are NaN where nothing is stated, infinite where the sample bounds one side only; `note` says why.

    Notes
    -----
    *Mean*: Student's t (cluster-robust over units), each end moved out to what the tail on its side allows:
    the sum over the largest tenth is replaced by what the likelihood of its generalised Pareto tail leaves
    possible (`mean_reach`), joined to the t error of the rest by its squares (Zou and Donner, Statistics in
    Medicine 27, 2008; the split into body and tail is that of Peng, Statistics and Probability Letters 52,
    2001).

    *Quantile*: order statistics, exact for every distribution; with units those whose ranks the clustered
    interval of the probability allows (Woodruff, Journal of the American Statistical Association 47, 1952).

    *Shortfall*: profile likelihood of the generalised Pareto tail beyond the largest tenth.
    """
    sample = np.asarray(values, dtype=np.float64)
    units = sample.size if labels is None else int(np.unique(labels).size)
    estimate = measure.estimate(sample)
    if measure.kind == "quantile":
        method = "quantile; exact order statistics" if labels is None else f"quantile; Woodruff over {word}"
    elif measure.kind == "shortfall":
        method = "mean of the worst share; profile likelihood of a generalised Pareto tail"
    else:
        student = "Student t" if labels is None else f"cluster-robust t over {word}"
        method = f"mean; {student}, ends moved out to the tails"
    none = PathInterval(
        estimate=estimate, lower=math.nan, upper=math.nan, confidence=confidence,
        n=sample.size, units=units, method=method,
    )  # fmt: skip
    why = refusal(measure, paths=sample.size, units=units, word=word, clustered=labels is not None)
    if why:
        return replace(none, note=why)
    if measure.kind == "quantile":
        return _quantile(none, sample, measure.probability, labels)
    if sample.min() == sample.max():
        return replace(none, note=same_words(sample.size, units, confidence), alike=True)
    return _mean(none, sample, labels) if measure.kind == "mean" else _shortfall(none, sample, measure)


def same_words(paths: int, units: int, confidence: float) -> str:
    """Say of how many paths another value may be expected when all that were seen are alike."""
    bound = rule_of_three(units, confidence=confidence)
    return (
        f"the same in all {paths:,} paths: another value in at most {bound:.2g} of paths ({confidence:.0%})"
    )


def _quantile(
    none: PathInterval, sample: FloatArray, probability: float, labels: IntArray | None
) -> PathInterval:
    if labels is None:
        found = quantile_interval(sample, probability, confidence=none.confidence)
        ranks = quantile_ranks(sample.size, probability, confidence=none.confidence)
        lower, upper = ranks.lower, ranks.upper
        ends = found.lower, found.upper
    else:
        # Ranks that the clustered interval of P(value above the quantile) allows.
        ordered = np.sort(sample)
        share = clustered_proportion(sample > none.estimate, labels, confidence=none.confidence)
        few = float(special.bdtr(0, sample.size, 1.0 - probability))
        beyond = sample.size * max(share.upper, few), sample.size * share.lower
        lower = math.floor(sample.size - beyond[0])
        upper = math.ceil(sample.size - beyond[1]) + 1
        ends = (
            float(ordered[lower - 1]) if lower >= 1 else -math.inf,
            float(ordered[upper - 1]) if upper <= sample.size else math.inf,
        )
    words = f"ranks {lower} to {upper} of {sample.size:,}"
    if lower < 1 or upper > sample.size:
        side = "either" if lower < 1 and upper > sample.size else "an upper" if lower >= 1 else "a lower"
        words = f"sample too small for {side} end"
    return replace(none, lower=ends[0], upper=ends[1], note=words)


def _mean(none: PathInterval, sample: FloatArray, labels: IntArray | None) -> PathInterval:
    counts = np.unique(sample, return_counts=True)[1]
    apart = sample.size - int(counts.max())
    if apart < TAIL_PATHS:
        return replace(
            none, note=f"{apart} of {sample.size:,} paths differ from the others, {TAIL_PATHS} are needed"
        )
    mean = none.estimate
    up, few_up = _gap(sample, labels, none.confidence, at_edge=int(counts[-1]))
    down, few_down = _gap(-sample, labels, none.confidence, at_edge=int(counts[0]))
    if few_up or few_down:
        return replace(none, note=few_up or few_down)
    note = ""
    if math.isinf(up) or math.isinf(down):
        note = _heavy("an upper" if math.isfinite(down) else "a lower" if math.isfinite(up) else "either")
    return replace(none, lower=mean - down, upper=mean + up, note=note)


def _heavy(side: str) -> str:
    return f"tail too heavy for {side} end: fewer than 1.25 moments look finite"


def _gap(
    sample: FloatArray, labels: IntArray | None, confidence: float, *, at_edge: int
) -> tuple[float, str]:
    """Return how far the upper end lies above the mean, or why that cannot be said."""
    spread, factor = _error(sample, labels, confidence)
    plain = factor * spread
    tail = split_tail(sample)
    excess = tail.excess
    alike = excess.size == 0 or excess.min() == excess.max()
    if alike or at_edge >= max(LEAST, 0.05 * sample.size):  # a value that often reached is a bound, no tail
        return plain, ""
    if excess.size < LEAST:
        return math.nan, f"{excess.size} of {sample.size:,} paths lie beyond the others, {LEAST} are needed"
    share, mean_excess = excess.size / sample.size, float(excess.mean())
    inflation = _tail_effect(sample, tail, labels)
    reach = mean_reach(excess, confidence=confidence, inflation=inflation, upper_only=True)[1]
    if math.isinf(reach):
        return math.inf, ""
    smooth = np.minimum(sample, tail.threshold) + np.where(sample > tail.threshold, mean_excess, 0.0)
    body, factor = _error(smooth, labels, confidence)
    return max(plain, math.hypot(factor * body, share * (reach - mean_excess))), ""


def _error(sample: FloatArray, labels: IntArray | None, confidence: float) -> tuple[float, float]:
    """Return the standard error of the mean and Student's quantile."""
    if labels is None:
        quantile = float(special.stdtrit(sample.size - 1, 0.5 + confidence / 2.0))
        return float(sample.std(ddof=1)) / math.sqrt(sample.size), quantile
    found = clustered_mean(sample, labels, confidence=confidence)
    quantile = float(special.stdtrit(found.populations - 1, 0.5 + confidence / 2.0))
    return found.interval.half_width / quantile, quantile


def _tail_effect(sample: FloatArray, tail: TailSplit, labels: IntArray | None) -> float:
    """Return by how many times dependence within units lowers what the exceedances say."""
    if labels is None:
        return 1.0
    above: BoolArray = sample > tail.threshold
    score = np.log1p(np.maximum(sample - tail.threshold, 0.0) / float(tail.excess.mean()))
    score[above] -= score[above].mean()
    found = clustered_mean(score, labels)
    few = float(special.stdtrit(found.populations - 1, 0.975) / special.stdtrit(sample.size - 1, 0.975)) ** 2
    return max((found.design_effect or 1.0) * few, 1.0)


def _shortfall(none: PathInterval, sample: FloatArray, measure: Measure) -> PathInterval:
    tail = split_tail(sample)
    excess = tail.excess
    if excess.size < max(LEAST, 2.0 * TAIL_PATHS) or excess.min() == excess.max():
        return replace(
            none, note=f"{excess.size} of {sample.size:,} paths lie in the tail: too few to fit it"
        )
    worst = min(measure.tail_paths(sample.size) / excess.size, 1.0)
    small = 1.0 + SMALL_SAMPLE / excess.size
    lower, upper = mean_reach(excess, worst=worst, confidence=none.confidence, inflation=small)
    # The threshold is a quantile of the sample; its error by the density of the fitted tail.
    share = excess.size / sample.size
    quantile = float(special.stdtrit(sample.size - 1, 0.5 + none.confidence / 2.0))
    error = quantile * float(excess.mean()) * math.sqrt((1.0 - share) / excess.size)
    middle = none.estimate
    ends = (
        middle - math.hypot(max(middle - tail.threshold - lower, 0.0), error),
        middle + math.hypot(max(tail.threshold + upper - middle, 0.0), error),
    )
    note = _heavy("an upper") if math.isinf(upper) else ""
    return replace(none, lower=ends[0], upper=ends[1], note=note)


def paired_interval(
    first: FloatArray,
    second: FloatArray,
    measure: Measure,
    *,
    labels: IntArray | None = None,
    word: str = "paths",
    confidence: float = 0.95,
) -> PathInterval:
    """Return the measure of the second arm less that of the first, both on the same paths.

    Parameters
    ----------
    first, second
        float64[n], entry j of both from path j.
    measure, labels, word, confidence
        As for `path_interval`.

    Notes
    -----
    A mean is that of the differences by path. Quantiles and shortfalls have the interval of each arm, joined
    by their squares as if the arms were independent (Zou and Donner, Statistics in Medicine 27, 2008), by
    their sum if the arms move against each other: what pairing would gain in a tail rests on the few paths in
    it and is given away, so that the interval is too long rather than too short.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if measure.kind == "mean":
        gap = two - one
        if np.ptp(gap) <= _ROUNDING * max(float(np.abs(one).max()), float(np.abs(two).max())):
            gap = np.full(gap.size, float(np.median(gap)))  # one difference, but for rounding
        found = path_interval(gap, measure, labels=labels, word=word, confidence=confidence)
        if found.alike and found.estimate != 0.0:  # what both arms have at every path is known
            found = replace(found, lower=found.estimate, upper=found.estimate)
        return replace(found, method=found.method.replace("mean", "mean of differences", 1))
    arms = [
        path_interval(arm, measure, labels=labels, word=word, confidence=confidence) for arm in (one, two)
    ]
    difference = arms[1].estimate - arms[0].estimate
    joined = replace(
        arms[0],
        estimate=difference,
        lower=math.nan,
        upper=math.nan,
        method=f"difference of arms; {arms[0].method}",
        note="",
    )
    missing = next((arm.note for arm in arms if math.isnan(arm.lower)), "")
    if missing:
        return replace(joined, note=missing)
    if np.array_equal(one, two):
        return replace(
            joined, note=same_words(one.size, joined.units, confidence).replace("value", "difference")
        )
    against = _rank_correlation(one, two) < 0.0
    down = (arms[1].estimate - arms[1].lower, arms[0].upper - arms[0].estimate)
    up = (arms[1].upper - arms[1].estimate, arms[0].estimate - arms[0].lower)
    lower, upper = (sum(gap) if against else math.hypot(*gap) for gap in (down, up))
    notes = dict.fromkeys(arm.note for arm in arms if math.isinf(arm.lower) or math.isinf(arm.upper))
    return replace(joined, lower=difference - lower, upper=difference + upper, note="; ".join(notes))


def _rank_correlation(one: FloatArray, two: FloatArray) -> float:
    """Return Spearman's correlation; 0 if an arm does not vary."""
    ranks = [np.unique(arm, return_inverse=True, return_counts=True)[1:] for arm in (one, two)]
    middle = [(np.cumsum(counts) - 0.5 * counts)[place] for place, counts in ranks]
    centred = [rank - rank.mean() for rank in middle]
    size = math.sqrt(float(centred[0] @ centred[0]) * float(centred[1] @ centred[1]))
    return float(centred[0] @ centred[1]) / size if size > 0.0 else 0.0
