"""One endpoint in one cell: paired values, bounds and p-values, before any correction for several of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.experiments.decision.bounds import MeanBounds, MeanWeights, least_paths, mean_bounds, sign_p_value
from sim.experiments.decision.endpoints import Endpoint
from sim.metrics.statistics.over_paths import refusal
from sim.metrics.statistics.paired import mcnemar_exact

ALL_CELLS = "all cells"
"""Cell of results that average each path over the cells."""

_ROUNDING = 1e-24  # of a variance: its square root is the rounding of the values


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The numbers of the decision rule."""

    confidence: float = 0.975
    """Of every one-sided bound; 1 - confidence is alpha."""
    power: float = 0.8
    """Of the smallest detectable effect."""
    unseen: float = 0.05
    """A path kind of this probability must not be missed: sets the least number of paths."""
    missing: float = 0.01
    """Share of paths that may lack a value in one arm only before an endpoint is undetermined."""

    @property
    def alpha(self) -> float:
        """One-sided error of a bound, rounded as it was meant: 1 - 0.975 is 0.025."""
        return round(1.0 - self.confidence, 12)

    @property
    def least_paths(self) -> int:
        """Fewer paths are undetermined whatever they show."""
        return least_paths(self.alpha, self.unseen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Both arms in one model of the market; entry j of every array comes from path j."""

    name: str
    current: Mapping[str, FloatArray]
    """Metric -> float64[paths]; NaN where a path has no value."""
    proposed: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One endpoint in one cell, or averaged over the cells.

    Differences are proposed minus current, in the metric's unit; *harm* is the same with the sign turned
    where less is worse.
    """

    cell: str
    """Name of the cell; ``all cells`` for the pooled one."""
    endpoint: Endpoint
    n: int
    """Paths used."""
    missing_both: int
    """Paths without a value in either arm: nothing to compare, left out."""
    missing_one: int
    """Paths with a value in one arm only."""
    current: float
    """Mean, probability or expected shortfall under the current parameters; NaN if n is 0."""
    proposed: float
    difference: float
    lower: float
    """One-sided bound; together with ``upper`` an interval of confidence 1 - 2 alpha."""
    upper: float
    differing: int
    """Paths on which the arms differ at all."""
    only_current: int
    """Paths with the event under the current parameters alone; 0 for an endpoint that is no event."""
    only_proposed: int
    variance_factor: float | None
    """By how many times pairing cut the variance; None if nothing varies, infinite if differences do not."""
    detectable: float
    """Smallest harm or benefit that this n tells from zero with the rule's power."""
    non_inferior: bool
    beyond: bool
    """Harm is certainly larger than the margin."""
    superior: bool
    helped: bool
    """Significantly better than zero in this cell."""
    harmed: bool
    """Significantly worse than zero in this cell."""
    unusable: str = ""
    """Why nothing can be said; empty if something can."""
    error: float = float("inf")
    """Standard error of the difference; infinite if it has none."""
    books: int | None = None
    """Books of accounts that the paths share: what is independent, and what bounds count. None if every path
    is independent."""

    @property
    def mcnemar(self) -> float | None:
        """Exact two-sided p-value of the paths with the event in one arm only.

        None if the endpoint is no event, or if paths share books: McNemar takes them for independent.
        """
        if self.endpoint.statistic != "probability" or self.books is not None:
            return None
        return mcnemar_exact(self.only_current, self.only_proposed).p_value

    @property
    def harm_upper(self) -> float:
        """Upper bound of the harm."""
        return self.upper if self.endpoint.direction > 0 else -self.lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One endpoint's values, and each path's harm where both arms have one."""

    cell: str
    endpoint: Endpoint
    usable: BoolArray
    current: FloatArray
    proposed: FloatArray
    harm: FloatArray
    """float64[usable paths]."""
    missing_one: int
    unusable: str
    books: IntArray | None = None
    """int64[usable paths], the book of each; None if every path is independent."""

    @property
    def units(self) -> FloatArray:
        """The harm of what is independent: of each path, or the mean harm of each book."""
        if self.books is None or not len(self.harm):
            return self.harm
        _, place = np.unique(self.books, return_inverse=True)
        means: FloatArray = np.bincount(place, weights=self.harm) / np.bincount(place)
        return means

    @property
    def differing(self) -> int:
        """Number of paths on which the arms differ."""
        return int(np.count_nonzero(self.harm)) + self.missing_one

    @classmethod
    def of(cls, cell: Cell, endpoint: Endpoint, rule: Rule, books: IntArray | None = None) -> Column:
        """Return the endpoint's values in a cell; `books` int64[paths] says which paths are linked."""
        current = np.asarray(cell.current[endpoint.metric], dtype=np.float64)
        proposed = np.asarray(cell.proposed[endpoint.metric], dtype=np.float64)
        has_current, has_proposed = np.isfinite(current), np.isfinite(proposed)
        usable = has_current & has_proposed
        missing_one = int(np.count_nonzero(has_current != has_proposed))
        n = int(np.count_nonzero(usable))
        kept = None if books is None else books[usable]
        return cls(
            cell=cell.name,
            endpoint=endpoint,
            usable=usable,
            current=current,
            proposed=proposed,
            harm=endpoint.harm(proposed[usable], current[usable]) if n else np.zeros(0),
            missing_one=missing_one,
            unusable=_unusable(endpoint, n, len(usable), missing_one, rule, kept),
            books=kept,
        )


def _unusable(
    endpoint: Endpoint, n: int, paths: int, missing_one: int, rule: Rule, books: IntArray | None
) -> str:
    if n == 0 and paths > 0:
        return "no path has a value in both arms"
    if missing_one > rule.missing * paths:
        return f"{missing_one} of {paths} paths have a value in one arm only"
    if n < rule.least_paths:
        return f"{n} paths with a value, {rule.least_paths} are needed"
    units = n if books is None else int(np.unique(books).size)
    return refusal(
        endpoint.measure, paths=n, units=units, word="books", clustered=books is not None, bounded=True
    )


def pooled_column(columns: Sequence[Column], rule: Rule) -> Column:
    """Return the endpoint with each path's values averaged over the cells, paths complete in all cells."""
    first = columns[0]
    usable: BoolArray = np.logical_and.reduce([column.usable for column in columns])
    harm = np.mean([column.harm[usable[column.usable]] for column in columns], axis=0)
    with np.errstate(invalid="ignore"):
        current = np.mean([column.current for column in columns], axis=0)
        proposed = np.mean([column.proposed for column in columns], axis=0)
    unusable = next((column.unusable for column in columns if column.unusable), "")
    books = None if first.books is None else first.books[usable[first.usable]]
    n = int(np.count_nonzero(usable))
    return replace(
        first, cell=ALL_CELLS, usable=usable, harm=harm, current=current, proposed=proposed,
        missing_one=sum(column.missing_one for column in columns),
        unusable=unusable or _unusable(first.endpoint, n, len(usable), 0, rule, books), books=books,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A result before the families of hypotheses are corrected, with its p-values."""

    result: Result
    p_superior: float
    p_beyond: float
    p_helped: float
    p_harmed: float


def all_tested(columns: Sequence[Column], rule: Rule, weights: MeanWeights) -> list[Tested]:
    """Return the tests of every column; those of equal length share their weightings."""
    found: dict[int, Tested] = {}
    units = [column.units for column in columns]
    for n in sorted({len(harm) for harm in units}):
        places = [place for place, harm in enumerate(units) if len(harm) == n]
        if n < 2:
            found |= {place: tested(columns[place], rule, None) for place in places}
            continue
        harm = np.stack([units[place] for place in places], axis=1)
        reach = np.array([columns[place].endpoint.reach for place in places])
        bounds = mean_bounds(harm, reach, weights)
        for index, place in enumerate(places):
            found[place] = tested(columns[place], rule, bounds.column(index))
    return [found[place] for place in range(len(columns))]


def tested(column: Column, rule: Rule, bounds: MeanBounds | None) -> Tested:
    """Return the tests of one column from the bounds of its harm; None if fewer than two paths are left."""
    endpoint, n = column.endpoint, len(column.harm)
    current, proposed = column.current[column.usable], column.proposed[column.usable]
    blank = Result(
        cell=column.cell, endpoint=endpoint, n=n,
        missing_both=len(column.usable) - n - column.missing_one if column.cell != ALL_CELLS else 0,
        missing_one=column.missing_one,
        current=_summed_up(endpoint, current), proposed=_summed_up(endpoint, proposed),
        difference=float("nan"), lower=-np.inf, upper=np.inf,
        differing=int(np.count_nonzero(column.harm)),
        only_current=0, only_proposed=0, variance_factor=None, detectable=np.inf,
        non_inferior=False, beyond=False, superior=False, helped=False, harmed=False,
        unusable=column.unusable, books=None if column.books is None else len(column.units),
    )  # fmt: skip
    if bounds is None:
        return Tested(result=blank, p_superior=1.0, p_beyond=1.0, p_helped=1.0, p_harmed=1.0)
    low, high = float(bounds.lower(rule.alpha)[0]), float(bounds.upper(rule.alpha)[0])
    mean, error = float(bounds.mean[0]), float(bounds.error[0])
    sign = 1.0 if endpoint.direction > 0 else -1.0
    zero = np.zeros(1)
    is_event = endpoint.statistic == "probability"
    p_superior = float(bounds.p_below(zero - endpoint.threshold)[0])
    p_helped = float(bounds.p_below(zero)[0])
    p_harmed = float(bounds.p_above(zero)[0])
    if is_event:  # the exact test has the last word on yes-or-no outcomes
        helped_sign, harmed_sign = sign_p_value(column.units), sign_p_value(-column.units)
        p_superior, p_helped = max(p_superior, helped_sign), max(p_helped, helped_sign)
        p_harmed = max(p_harmed, harmed_sign)
    usable = not column.unusable
    quantile = float(special.ndtri(rule.power))
    only_current = int(np.count_nonzero(proposed < current)) if is_event else 0
    only_proposed = int(np.count_nonzero(proposed > current)) if is_event else 0
    result = replace(
        blank,
        difference=sign * mean,
        lower=low if sign > 0 else -high,
        upper=high if sign > 0 else -low,
        only_current=only_current,
        only_proposed=only_proposed,
        variance_factor=_variance_factor(endpoint, proposed, current),
        error=error,
        detectable=max(high - mean, mean - low) + quantile * error,
        non_inferior=usable and high < endpoint.margin,
    )
    if not usable:
        return Tested(result=result, p_superior=1.0, p_beyond=1.0, p_helped=1.0, p_harmed=1.0)
    return Tested(
        result=result,
        p_superior=p_superior,
        p_beyond=float(bounds.p_above(zero + endpoint.margin)[0]),
        p_helped=p_helped,
        p_harmed=p_harmed,
    )


def _summed_up(endpoint: Endpoint, values: FloatArray) -> float:
    if not len(values):
        return float("nan")
    if endpoint.statistic != "expected_shortfall":
        return float(values.mean())
    losses = endpoint.direction * values
    quantile = float(np.quantile(losses, 1.0 - endpoint.tail, method="inverted_cdf"))
    worst = quantile + float(np.maximum(losses - quantile, 0.0).mean()) / endpoint.tail
    return endpoint.direction * worst


def _variance(values: FloatArray) -> float:
    """Return the variance, rounding taken out: 0 of values that are alike."""
    variance = float(values.var(ddof=1))
    return variance if variance > _ROUNDING * float(np.square(values).mean()) else 0.0


def _variance_factor(endpoint: Endpoint, proposed: FloatArray, current: FloatArray) -> float | None:
    """Return (Var proposed + Var current) / Var(difference), as ``paired_difference`` defines it."""
    if endpoint.statistic == "expected_shortfall":
        return None
    apart, left = _variance(proposed) + _variance(current), _variance(proposed - current)
    if left > _ROUNDING * apart:
        return apart / left
    return np.inf if apart > 0.0 else None
