"""Two points of a sweep on the same paths: differences, other minus base, with intervals and methods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.errors import InputError
from sim.experiments.estimates.design import (
    TAIL_MEASURES,
    TAILED,
    Design,
    Units,
    independent_units,
    metric_columns,
)
from sim.experiments.estimates.rows import join
from sim.metrics.book import METRICS
from sim.metrics.statistics.intervals import rule_of_three
from sim.metrics.statistics.over_paths import MEAN, paired_interval, path_interval
from sim.metrics.statistics.paired import mcnemar_of_paths, paired_difference
from sim.metrics.statistics.paired_proportion import paired_proportion_difference

if TYPE_CHECKING:
    import pandas as pd

PAIRED_COLUMNS = (
    "metric",
    "family",
    "statistic",
    "base",
    "other",
    "estimate",
    "lower",
    "upper",
    "confidence",
    "n",
    "units",
    "variance_factor",
    "only_base",
    "only_other",
    "p_value",
    "method",
    "note",
)
"""`estimate` is other minus base. `variance_factor` says by how many times pairing cut the variance of the
mean difference; `only_base`, `only_other` and McNemar's `p_value` belong to events."""


def paired_estimates(
    paths: pd.DataFrame,
    base_point: int,
    other: int,
    *,
    design: Design | None = None,
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the differences of two points over the paths that both have.

    Parameters
    ----------
    paths
        As for `estimate_paths`.
    base_point, other
        Points; the difference is other minus base.
    design, metrics
        As for `estimate_paths`; a stopping rule plays no part here.

    Returns
    -------
    pandas.DataFrame
        Columns `PAIRED_COLUMNS`. Statistics: ``mean difference``; ``probability difference`` for events;
        ``VaR95``, ``VaR99`` and, for severity, ``ES99 difference`` where more is worse.

    Raises
    ------
    InputError
        The points share fewer than two paths, or a path of theirs has two populations.
    """
    import pandas as pd  # noqa: PLC0415  (slow to import)

    chosen = design or Design()
    first, second = _common(paths, base_point, other)
    units = independent_units(first, chosen)
    rows: list[dict[str, Any]] = []
    for name in metric_columns(first, metrics):
        a, b = (np.asarray(table[name], dtype=np.float64) for table in (first, second))
        present = np.isfinite(a) & np.isfinite(b)
        if present.sum() < 2:
            continue
        labels = None if units.labels is None else units.labels[present]
        note = "" if present.all() else f"not defined in {int((~present).sum())} of the common paths"
        kept, pair = Units(labels, units.word), (a[present], b[present])
        label = {"metric": name, "family": METRICS[name].family}
        if METRICS[name].is_event:
            found = [event_row(pair[0] > 0.5, pair[1] > 0.5, kept, chosen, note)]
        else:
            found = [_mean_row(*pair, kept, chosen, note), *_tail_rows(name, *pair, kept, chosen, note)]
        rows += [label | one for one in found]
    return pd.DataFrame(rows, columns=list(PAIRED_COLUMNS))


def _common(paths: pd.DataFrame, base_point: int, other: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    first, second = (
        paths[paths["point"] == point].set_index("path", drop=False).sort_index()
        for point in (base_point, other)
    )
    shared = first.index.intersection(second.index)
    if len(shared) < 2:
        raise InputError(f"points {base_point} and {other} share {len(shared)} paths; at least 2 are needed")
    first, second = first.loc[shared], second.loc[shared]
    if "population" in first and not (first["population"] == second["population"]).all():
        raise InputError(f"points {base_point} and {other} have different populations on the same path")
    return first, second


def _mean_row(a: FloatArray, b: FloatArray, units: Units, design: Design, note: str) -> dict[str, Any]:
    difference = b - a
    found = paired_interval(a, b, MEAN, labels=units.labels, word=units.word, confidence=design.confidence)
    words = found.note
    if not difference.any():
        bound = rule_of_three(found.units, confidence=design.confidence)
        words = f"identical in all {a.size:,} paths: different in at most {bound:.2g} of them"
        words = f"{words} ({design.confidence:.0%})"
    elif difference.min() == difference.max():
        words = "the same difference in every path"
    factor = paired_difference(b, a, confidence=design.confidence).variance_factor
    return _row(
        "mean difference",
        (float(a.mean()), float(b.mean()), float(difference.mean())),
        (found.lower, found.upper),
        design.confidence,
        n=a.size,
        units=found.units,
        method=found.method,
        note=join(note, words),
        variance_factor=math.nan if factor is None else factor,
    )


def event_row(a: BoolArray, b: BoolArray, units: Units, design: Design, note: str) -> dict[str, Any]:
    """Return the row of the difference of an event's probability, bool[path] in both arms."""
    test = mcnemar_of_paths(a, b)
    shares = (float(a.mean()), float(b.mean()), float(b.mean()) - float(a.mean()))
    extra: dict[str, Any] = {"only_base": test.only_first, "only_other": test.only_second}
    count = _count(a, units.labels)
    note = join(note, f"{int(a.sum()):,} and {int(b.sum()):,} of {a.size:,} paths")
    if units.labels is None:
        found = paired_proportion_difference(
            test.only_first, test.only_second, a.size, confidence=design.confidence
        )
        ends = (found.lower, found.upper)
        method = "difference of shares; Tango's score interval, McNemar exact"
        extra["p_value"] = test.p_value
    else:
        change = b.astype(np.float64) - a.astype(np.float64)
        linked = path_interval(
            change, MEAN, labels=units.labels, word=units.word, confidence=design.confidence
        )
        ends, note = (linked.lower, linked.upper), join(note, linked.note)
        method = f"difference of shares; cluster-robust t over {units.word}"
    return _row(
        "probability difference",
        shares,
        ends,
        design.confidence,
        n=a.size,
        units=count,
        method=method,
        note=note,
        **extra,
    )


def _tail_rows(
    name: str, a: FloatArray, b: FloatArray, units: Units, design: Design, note: str
) -> Iterator[dict[str, Any]]:
    """Yield the rows of quantiles and, for severity, of the shortfall."""
    metric = METRICS[name]
    if metric.family not in TAILED or metric.direction <= 0:
        return
    for measure in TAIL_MEASURES:
        if measure.kind == "shortfall" and metric.family != "severity":
            continue
        found = paired_interval(
            a, b, measure, labels=units.labels, word=units.word, confidence=design.confidence
        )
        yield _row(
            f"{measure.label} difference",
            (measure.estimate(a), measure.estimate(b), found.estimate),
            (found.lower, found.upper),
            design.confidence,
            n=a.size,
            units=found.units,
            method=found.method,
            note=join(note, found.note),
        )


def _row(
    statistic: str,
    values: tuple[float, float, float],
    ends: tuple[float, float],
    confidence: float,
    **more: Any,
) -> dict[str, Any]:
    base, other, difference = values
    empty = {"variance_factor": math.nan, "only_base": None, "only_other": None, "p_value": math.nan}
    return (
        empty
        | {
            "statistic": statistic,
            "base": base,
            "other": other,
            "estimate": difference,
            "lower": ends[0],
            "upper": ends[1],
            "confidence": confidence,
        }
        | more
    )


def _count(values: FloatArray | BoolArray, labels: IntArray | None) -> int:
    return len(values) if labels is None else len(np.unique(labels))
