"""Single rows of the table of estimates: one statistic with its interval, sample size, method and caution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.metrics.statistics.clustered import clustered_mean, clustered_proportion
from sim.metrics.statistics.intervals import Interval, clopper_pearson, rule_of_three
from sim.metrics.statistics.over_paths import MEAN, PathInterval, path_interval
from sim.metrics.statistics.tail_profile import likeliest_shape, shape_reach

REPLICATES = "scrambled replicates"
MINIMUM_REPLICATES = 16
"""Scrambled replicates needed for an interval (quant 7.3)."""
EXCEEDANCES = 50
"""Assumption: fewest distinct losses for a tail index; its standard error is then about 0.14 (1 + xi)."""
TAIL_SHARE = 0.1
"""Assumption: the generalised Pareto tail is fitted to the largest tenth, the usual choice."""


def row(
    statistic: str,
    estimate: float,
    lower: float = math.nan,
    upper: float = math.nan,
    confidence: float = math.nan,
    *,
    n: int,
    units: int,
    method: str,
    note: str = "",
) -> dict[str, Any]:
    """Return one row of the table, without point and metric."""
    return {
        "statistic": statistic,
        "estimate": estimate,
        "lower": lower,
        "upper": upper,
        "confidence": confidence,
        "n": n,
        "units": units,
        "method": method,
        "note": note,
    }


def interval_row(statistic: str, found: PathInterval, note: str = "") -> dict[str, Any]:
    """Return the row of an interval of `path_interval`."""
    return row(
        statistic,
        found.estimate,
        found.lower,
        found.upper,
        found.confidence if not math.isnan(found.lower) else math.nan,
        n=found.n,
        units=found.units,
        method=found.method,
        note=join(note, found.note),
    )


def mean_row(
    values: FloatArray, labels: IntArray | None, word: str, confidence: float, note: str = ""
) -> dict[str, Any]:
    """Return the mean with its interval over independent units, or why it has none."""
    found = path_interval(values, MEAN, labels=labels, word=word, confidence=confidence)
    if labels is not None and not math.isnan(found.lower):
        clustered = clustered_mean(values, labels, confidence=confidence)
        if clustered.design_effect is not None:
            note = join(note, f"design effect {clustered.design_effect:.3g}")
        if word == REPLICATES and found.units < MINIMUM_REPLICATES:
            note = join(note, f"rests on {found.units} replicates, {MINIMUM_REPLICATES} are asked for")
        if word == "populations" and clustered.share_between is not None:
            note = join(note, f"{clustered.share_between:.0%} of variance between populations")
    return interval_row("mean", found, note)


def probability_row(
    events: BoolArray, labels: IntArray | None, word: str, confidence: float, note: str = ""
) -> dict[str, Any]:
    """Return the probability of an event; after none, or nothing else, the one-sided bound in words."""
    count, n = int(np.count_nonzero(events)), len(events)
    units = n if labels is None else len(np.unique(labels))
    seen = f"{count:,} of {n:,}"
    if labels is not None and units < 2:
        return row(
            "probability",
            count / n,
            n=n,
            units=units,
            method="share",
            note=join(note, f"{seen}; one of {word}: no interval"),
        )
    if count in (0, n):
        bound = rule_of_three(units, confidence=confidence)
        side = "below" if count == 0 else "above"
        edge = bound if count == 0 else 1.0 - bound
        what = "no event" if count == 0 else "the event"
        words = join(note, f"{what} in {n:,} paths: {side} {edge:.2g} ({confidence:.0%})")
        lower, upper = (0.0, bound) if count == 0 else (edge, 1.0)
        by = "" if labels is None else f", counting {units:,} {word}"
        method = f"exact one-sided bound (rule of three){by}"
        return row(
            "probability",
            count / n,
            lower,
            upper,
            confidence,
            n=n,
            units=units,
            method=method,
            note=join(note, words),
        )
    if labels is None:
        found: Interval = clopper_pearson(count, n, confidence=confidence)
        method = "exact (Clopper-Pearson)"
    else:
        found = clustered_proportion(events, labels, confidence=confidence)
        method = f"Clopper-Pearson with the effective number of paths (Korn-Graubard), by {word}"
    return row(
        "probability",
        count / n,
        found.lower,
        found.upper,
        confidence,
        n=n,
        units=units,
        method=method,
        note=join(note, seen),
    )


def tail_index_row(
    values: FloatArray, labels: IntArray | None, confidence: float, sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Return the shape xi of a generalised Pareto tail with its profile interval, or why there is none."""
    method = f"generalised Pareto, largest {TAIL_SHARE:.0%}, profile likelihood"
    exceedances = math.floor(TAIL_SHARE * values.size)
    ordered = np.sort(values)
    distinct = len(np.unique(ordered[values.size - exceedances :])) if exceedances else 0
    if distinct < EXCEEDANCES:
        note = f"{distinct} distinct losses in the largest {TAIL_SHARE:.0%}; a tail index needs {EXCEEDANCES}"
        return row("tail index", math.nan, method=method, note=note, **sizes)
    threshold = float(ordered[values.size - exceedances - 1])
    excess = ordered[values.size - exceedances :] - threshold
    excess = excess[excess > 0.0]
    shape = likeliest_shape(excess)
    note = f"{excess.size} exceedances of {threshold:.4g}"
    if labels is not None:  # linked paths exceed together: its error is larger by what nobody knows
        linked = join(note, "linked paths: no interval")
        return row("tail index", shape, method=method, note=linked, **sizes)
    lower, upper = shape_reach(excess, confidence=confidence)
    if upper > 0.5:
        note += "; an infinite variance is not excluded"
    return row("tail index", shape, lower, upper, confidence, method=method, note=note, **sizes)


def join(*notes: str) -> str:
    """Return the notes that say something, joined."""
    return "; ".join(note for note in notes if note)
