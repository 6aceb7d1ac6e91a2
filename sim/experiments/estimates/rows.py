"""Single rows of the table of estimates: one statistic with its interval, sample size, method and caution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.metrics.statistics.clustered import clustered_mean, clustered_proportion
from sim.metrics.statistics.expected_shortfall import fit_tail
from sim.metrics.statistics.intervals import (
    Interval,
    clopper_pearson,
    quantile_interval,
    quantile_ranks,
    rule_of_three,
)
from sim.metrics.statistics.paired import MeanInterval, mean_interval

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


def mean_row(
    values: FloatArray, labels: IntArray | None, word: str, confidence: float, note: str = ""
) -> dict[str, Any]:
    """Return the mean with a t interval over independent units; no interval if no value differs."""
    n = values.size
    units = n if labels is None else len(np.unique(labels))
    mean = float(values.mean())
    if units < 2:
        return row(
            "mean", mean, n=n, units=units, method="mean", note=join(note, f"one of {word}: no interval")
        )
    if values.min() == values.max():
        bound = rule_of_three(units, confidence=confidence)
        same = (
            f"the same in all {n:,} paths: another value in at most {bound:.2g} of paths ({confidence:.0%})"
        )
        return row("mean", mean, n=n, units=units, method="mean; rule of three", note=join(note, same))
    if labels is None:
        found: MeanInterval = mean_interval(values, confidence=confidence)
        method = "mean; Student t"
    else:
        clustered = clustered_mean(values, labels, confidence=confidence)
        found = clustered.interval
        method = f"mean; cluster-robust t over {word}"
        if clustered.design_effect is not None:
            note = join(note, f"design effect {clustered.design_effect:.3g}")
        if word == REPLICATES and units < MINIMUM_REPLICATES:
            note = join(note, f"rests on {units} replicates, {MINIMUM_REPLICATES} are asked for")
        if word == "populations" and clustered.share_between is not None:
            note = join(note, f"{clustered.share_between:.0%} of variance between populations")
    return row("mean", mean, found.lower, found.upper, confidence, n=n, units=units, method=method, note=note)


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


def tail_index_row(values: FloatArray, confidence: float, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return the shape xi of a generalised Pareto tail with a normal interval, or why there is none."""
    method = f"generalised Pareto, largest {TAIL_SHARE:.0%}, maximum likelihood"
    exceedances = math.floor(TAIL_SHARE * values.size)
    ordered = np.sort(values)
    distinct = len(np.unique(ordered[values.size - exceedances :])) if exceedances else 0
    if distinct < EXCEEDANCES:
        note = f"{distinct} distinct losses in the largest {TAIL_SHARE:.0%}; a tail index needs {EXCEEDANCES}"
        return row("tail index", math.nan, method=method, note=note, **sizes)
    try:
        fit = fit_tail(values, exceedances=exceedances)
    except ValueError as error:
        return row("tail index", math.nan, method=method, note=str(error), **sizes)
    half = float(special.ndtri(0.5 + confidence / 2)) * fit.shape_error
    note = f"standard error {fit.shape_error:.2g}, {fit.exceedances} exceedances of {fit.threshold:.4g}"
    if fit.shape + half > 0.5:
        note += "; an infinite variance is not excluded, so intervals of ES99 are doubtful"
    return row(
        "tail index",
        fit.shape,
        fit.shape - half,
        fit.shape + half,
        confidence,
        method=method,
        note=note,
        **sizes,
    )


def quantile_row(
    name: str, values: FloatArray, probability: float, confidence: float, note: str
) -> dict[str, Any]:
    """Return a quantile of independent paths between exact order statistics."""
    found = quantile_interval(values, probability, confidence=confidence)
    ranks = quantile_ranks(values.size, probability, confidence=confidence)
    words = f"ranks {ranks.lower} to {ranks.upper} of {values.size:,}"
    if ranks.upper > values.size or ranks.lower < 1:
        side = "n upper" if ranks.upper > values.size else " lower"
        words = f"sample too small for a{side} end"
    return row(
        name,
        found.estimate,
        found.lower,
        found.upper,
        confidence,
        n=values.size,
        units=values.size,
        method="quantile; exact order statistics",
        note=join(note, words),
    )


def join(*notes: str) -> str:
    """Return the notes that say something, joined."""
    return "; ".join(note for note in notes if note)
