"""Two points of a sweep on the same paths: differences, other minus base, with intervals and methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.experiments.estimates.design import (
    QUANTILES,
    SHORTFALL,
    TAIL_PATHS,
    TAILED,
    Design,
    Units,
    independent_units,
    metric_columns,
)
from sim.experiments.estimates.rows import join
from sim.metrics.book import METRICS
from sim.metrics.statistics.clustered import clustered_mean
from sim.metrics.statistics.intervals import rule_of_three
from sim.metrics.statistics.paired import mcnemar_of_paths, paired_difference
from sim.metrics.statistics.paired_proportion import paired_proportion_difference
from sim.metrics.statistics.tail_bootstrap import TailMeasures, bootstrap_tails, tail_measures

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
    masks: dict[bytes, list[str]] = {}
    arms: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name in metric_columns(first, metrics):
        a, b = (np.asarray(table[name], dtype=np.float64) for table in (first, second))
        present = np.isfinite(a) & np.isfinite(b)
        if present.sum() < 2:
            continue
        arms[name] = a[present], b[present]
        masks.setdefault(present.tobytes(), []).append(name)
    for mask, names in masks.items():
        present = np.frombuffer(mask, dtype=np.bool_)
        labels = None if units.labels is None else units.labels[present]
        note = "" if present.all() else f"not defined in {int((~present).sum())} of the common paths"
        kept = Units(labels, units.word)
        tails = _tail_rows({name: arms[name] for name in names}, kept, chosen, note)
        for name in names:
            label = {"metric": name, "family": METRICS[name].family}
            if METRICS[name].is_event:
                found = [_event_row(arms[name][0] > 0.5, arms[name][1] > 0.5, kept, chosen, note)]
            else:
                found = [_mean_row(*arms[name], kept, chosen, note), *tails.get(name, ())]
            rows += [label | one for one in found]
    order = {name: index for index, name in enumerate(METRICS.names())}
    rows.sort(key=lambda one: order[one["metric"]])  # stable: statistics keep their order
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
    paired = paired_difference(b, a, confidence=design.confidence)
    count = _count(difference, units.labels)
    interval, method = paired.difference, "mean of differences; paired Student t"
    ends = (interval.lower, interval.upper)
    if not difference.any():
        bound = rule_of_three(count, confidence=design.confidence)
        words = f"identical in all {a.size:,} paths: different in at most {bound:.2g} of them"
        note = join(note, f"{words} ({design.confidence:.0%})")
    elif difference.min() == difference.max():
        note = join(note, "the same difference in every path")
    elif count < 2:
        ends, note = (math.nan, math.nan), join(note, f"one of {units.word}: no interval")
    elif units.labels is not None:
        clustered = clustered_mean(difference, units.labels, confidence=design.confidence)
        ends = (clustered.interval.lower, clustered.interval.upper)
        method = f"mean of differences; cluster-robust t over {units.word}"
    return _row(
        "mean difference",
        (float(a.mean()), float(b.mean()), float(difference.mean())),
        ends,
        design.confidence,
        n=a.size,
        units=count,
        method=method,
        note=note,
        variance_factor=math.nan if paired.variance_factor is None else paired.variance_factor,
    )


def _event_row(a: BoolArray, b: BoolArray, units: Units, design: Design, note: str) -> dict[str, Any]:
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
    elif count < 2 or test.only_first + test.only_second == 0:
        ends, method = (math.nan, math.nan), "difference of shares"
        words = "no path differs" if count >= 2 else f"one of {units.word}"
        note = join(note, f"{words}: no interval that allows for {units.word}")
    else:
        change = b.astype(np.float64) - a.astype(np.float64)
        clustered = clustered_mean(change, units.labels, confidence=design.confidence)
        ends = (clustered.interval.lower, clustered.interval.upper)
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
    arms: Mapping[str, tuple[FloatArray, FloatArray]], units: Units, design: Design, note: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of quantiles and shortfalls of all metrics, bootstrapped jointly."""
    names = [
        name
        for name in arms
        if METRICS[name].family in TAILED and METRICS[name].direction > 0 and not METRICS[name].is_event
    ]
    if not names:
        return {}
    first, second = (np.stack([arms[name][arm] for name in names], axis=1) for arm in (0, 1))
    n = len(first)
    count = _count(first, units.labels)
    levels = (*QUANTILES, SHORTFALL)
    enough = [count >= 2 and n * (1.0 - level) >= TAIL_PATHS - 1e-9 for level in levels]
    measures = TailMeasures(QUANTILES, (SHORTFALL,))
    base, changed = tail_measures(first, measures), tail_measures(second, measures)
    lower = upper = np.full(base.shape, math.nan)
    if any(enough):
        lower, upper = bootstrap_tails(
            np.concatenate([first, second], axis=1),
            Streams(design.seed),
            measures=measures,
            units=units.labels,
            contrast=True,
            name="paired tail bootstrap",
            replicates=design.replicates,
            confidence=design.confidence,
        )
    found: dict[str, list[dict[str, Any]]] = {}
    for column, name in enumerate(names):
        for index, (label, level) in enumerate(zip(("VaR95", "VaR99", "ES99"), levels, strict=True)):
            if label == "ES99" and METRICS[name].family != "severity":
                continue
            few = f"rests on {n * (1.0 - level):.3g} paths: sample too small for an interval"
            ends = (float(lower[index, column]), float(upper[index, column]))
            pair = (float(base[index, column]), float(changed[index, column]))
            found.setdefault(name, []).append(
                _row(
                    f"{label} difference",
                    (*pair, pair[1] - pair[0]),
                    ends if enough[index] else (math.nan, math.nan),
                    design.confidence,
                    n=n,
                    units=count,
                    method=f"joint bootstrap by {units.word}, {design.replicates:,} replicates",
                    note=note if enough[index] else join(note, few),
                )
            )
    return found


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
