"""From paths to estimates: every number of a sweep with its interval, its sample size and its method.

The result is a long table, one row per point, metric and statistic, with the columns of `COLUMNS`. All five
families of metrics are always in it (quant 1): a parameter that looks good in one and bad in another must not
be shown in one alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.experiments.estimates.design import (
    FAMILIES,
    TAIL_MEASURES,
    TAILED,
    Design,
    Units,
    independent_units,
    metric_columns,
)
from sim.experiments.estimates.pairs import PAIRED_COLUMNS, paired_estimates
from sim.experiments.estimates.rows import (
    interval_row,
    join,
    mean_row,
    probability_row,
    row,
    tail_index_row,
)
from sim.experiments.sweep.inputs import read_plan
from sim.metrics.book import METRICS, Metric
from sim.metrics.statistics.over_paths import MEAN, path_interval
from sim.metrics.statistics.sequential import mean_sequence, proportion_sequence

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.sweep.plan import Plan
    from sim.experiments.sweep.result import SweepResult

__all__ = [
    "COLUMNS",
    "FAMILIES",
    "PAIRED_COLUMNS",
    "Design",
    "design_of",
    "estimate_paths",
    "estimate_points",
    "paired_estimates",
]

COLUMNS = (
    "point",
    "metric",
    "family",
    "statistic",
    "estimate",
    "lower",
    "upper",
    "confidence",
    "n",
    "units",
    "method",
    "note",
)
"""Of the table; `lower` and `upper` are NaN where there is no interval, infinite where the sample bounds one
side only; `n` counts paths with a value, `units` what of them is independent."""


def estimate_paths(
    paths: pd.DataFrame, *, design: Design | None = None, metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the estimates of every point.

    Parameters
    ----------
    paths
        One row per path: ``point``, ``path``, ``population`` and a column for each metric, NaN where it is
        not defined. As `SweepResult.paths` gives it.
    design
        How the paths depend on each other; independent if absent.
    metrics
        Names of `METRICS`; all that the table has, if absent.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. Statistics: ``mean`` or, for events, ``probability``; ``VaR95``, ``VaR99`` where
        more is worse, for the families `TAILED`; ``ES99`` and ``tail index`` for severity.
    """
    import pandas as pd  # noqa: PLC0415  (slow to import)

    chosen = design or Design()
    rows: list[dict[str, Any]] = []
    for point, table in paths.groupby("point", sort=True):
        units = independent_units(table, chosen)
        names = metric_columns(table, metrics)
        values = {name: np.asarray(table[name], dtype=np.float64) for name in names}
        for name in names:
            context = _Context(metric=METRICS[name], units=units, design=chosen)
            label = {"point": int(str(point)), "metric": name, "family": METRICS[name].family}
            rows += [label | found for found in _metric_rows(values[name], context)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def design_of(plan: Plan) -> Design:
    """Return how the paths of a plan depend on each other, and which metric decided how many there are."""
    stopping = plan.stopping
    ranked = any(draw.method == "sobol" for draw in plan.draws)
    # A stopping rule counts pairs where paths come in pairs.
    looks = 2 if stopping is None else stopping.minimum_paths // (2 if plan.antithetic else 1)
    return Design(
        antithetic=plan.antithetic,
        # Both paths of a pair have the same drawn inputs.
        replicate_paths=plan.sobol_points * (2 if plan.antithetic else 1) if ranked else None,
        stopping_metric=None if stopping is None else stopping.metric,
        tightest_at=max(looks, 2),
        stopping_confidence=0.95 if stopping is None else stopping.confidence,
    )


def estimate_points(result: SweepResult, *, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the estimates of a sweep: those of `estimate_paths` with the points' names in ``name``.

    Raises
    ------
    InputError
        The folder holds no sweep.
    """
    found = estimate_paths(result.paths(), design=design_of(read_plan(result.folder)), metrics=metrics)
    points = result.points().set_index("point")["name"]
    found.insert(1, "name", found["point"].map(points))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    metric: Metric
    units: Units
    design: Design


def _metric_rows(column: FloatArray, context: _Context) -> Iterator[dict[str, Any]]:
    present = np.isfinite(column)
    values = column[present]
    labels = None if context.units.labels is None else context.units.labels[present]
    undefined = "" if present.all() else f"not defined in {int((~present).sum())} paths"
    metric, design = context.metric, context.design
    if not values.size:
        statistic = "probability" if metric.is_event else "mean"
        yield row(statistic, math.nan, n=0, units=0, method="none", note="not defined in any path")
        return
    sizes = {"n": values.size, "units": values.size if labels is None else len(np.unique(labels))}
    if metric.name == design.stopping_metric:
        yield _sequence_row(values, labels, context, undefined)
    elif metric.is_event:
        yield probability_row(values > 0.5, labels, context.units.word, design.confidence, undefined)
    else:
        yield mean_row(values, labels, context.units.word, design.confidence, undefined)
    if metric.is_event or metric.family not in TAILED or metric.direction <= 0:
        return
    for measure in TAIL_MEASURES:
        if measure.kind == "quantile" or metric.family == "severity":
            found = path_interval(
                values, measure, labels=labels, word=context.units.word, confidence=design.confidence
            )
            yield interval_row(measure.label, found, undefined)
    if metric.family == "severity":
        yield tail_index_row(values, labels, design.confidence, sizes)


def _sequence_row(
    values: FloatArray, labels: IntArray | None, context: _Context, note: str
) -> dict[str, Any]:
    """Return the estimate whose interval allows for having been looked at while the paths came in."""
    design, event = context.design, context.metric.is_event
    statistic, confidence = "probability" if event else "mean", design.stopping_confidence
    units = values if labels is None else _unit_means(values, labels)
    method = "time-uniform confidence sequence, the stopping rule's"
    sizes = {"n": values.size, "units": units.size}
    if event and labels is None:
        events = int(np.count_nonzero(values > 0.5))
        exact = proportion_sequence(events, values.size, confidence=confidence)
        method = f"exact (beta-binomial) {method}"
        note = join(note, f"{events:,} of {values.size:,}")
        return row(
            statistic, exact.estimate, exact.lower, exact.upper, confidence, method=method, note=note, **sizes
        )
    half = math.inf
    if units.size >= 2:
        half = mean_sequence(units, confidence=confidence, tightest_at=design.tightest_at).half_width
    mean = float(units.mean())
    if not math.isfinite(half):
        return row(statistic, mean, method=method, note=join(note, "no value differs: no interval"), **sizes)
    if event:
        return row(statistic, mean, mean - half, mean + half, confidence, method=method, note=note, **sizes)
    # The sequence takes the mean for near normal; where its tails leave more open, that counts.
    fixed = path_interval(values, MEAN, labels=labels, word=context.units.word, confidence=confidence)
    if math.isnan(fixed.lower):
        return row(statistic, mean, method=method, note=join(note, fixed.note), **sizes)
    ends = min(mean - half, fixed.lower), max(mean + half, fixed.upper)
    method = f"{method}, ends moved out to the tails"
    return row(statistic, mean, *ends, confidence, method=method, note=join(note, fixed.note), **sizes)


def _unit_means(values: FloatArray, labels: IntArray) -> FloatArray:
    _, index = np.unique(labels, return_inverse=True)
    means: FloatArray = np.bincount(index, weights=values) / np.bincount(index)
    return means
