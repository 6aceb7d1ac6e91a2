"""The numbers of the headline study, each with its interval, or with the reason why it has none.

Estimates, intervals and refusals are those of every sweep (`sim.experiments.estimates`): books count as what
is independent, not paths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from sim.experiments.estimates.pairs import paired_estimates
from sim.experiments.estimates.points import estimate_paths

BASE = "static"
CONFIDENCE = 0.95

SCALES = {"%": 100.0, "bp": 1e4, "x": 1.0}
METRICS: Mapping[str, tuple[str, str]] = {
    "liquidated_share": ("open interest liquidated", "%"),
    "excess_share": ("part of it that forced selling adds", "%"),
    "price_overshoot": ("overshoot below the price without flow", "%"),
    "fund_drain": ("fund drain, of open interest", "bp"),
    "loss_beyond_collateral_ratio": ("loss beyond collateral, of open interest", "bp"),
    "uncovered_loss_ratio": ("uncovered loss, of open interest", "bp"),
    "peak_to_trough_margin": ("peak-to-trough margin", "x"),
    "max_1h_margin_increase": ("largest rise of margin in an hour", "%"),
    "mean_initial_margin_ratio": ("mean initial margin", "%"),
}
"""Metric -> (name, unit shown)."""
EVENTS = ("insolvent", "fund_depleted")
TAILED = "uncovered_loss_ratio"
"""Whose expected shortfall is shown."""

ROUNDING = 1e-9
"""Of an estimate: an interval no wider is rounding of sums, not spread."""

MARGIN_OF = "a small position held since the first block, after the ramp"
"""Whose margin peak-to-trough and the largest rise are of."""

CALM_METRICS = (
    "mean_initial_margin_ratio", "liquidated_share", "peak_to_trough_margin", "max_1h_margin_increase",
)  # fmt: skip
CELL_METRICS = ("liquidated_share", "fund_drain", "loss_beyond_collateral_ratio", "uncovered_loss_ratio")

FALL, MINUTES = "shocks.0.size", "shocks.0.duration_minutes"
HALF_LIFE, FLOOR = "markets.0.impact.impact_half_life_seconds", "markets.0.impact.depth_floor"
DEPTHS = ((0.03, 0.10), (0.10, 0.20), (0.20, 0.35))
"""Bands of the drawn fall."""
SPEEDS = ((2.0, 6.0), (6.0, 20.0))
"""Bands of its duration, minutes."""
FADING = ((180.0, 1_140.0), (1_140.0, 7_201.0))
"""Bands of the drawn half-life of impact, seconds, halved by ratio."""
LEFT = ((0.05, 0.18), (0.18, 0.63))
"""Bands of the drawn share of depth that a crash leaves, halved by ratio."""


def crash_numbers(paths: pd.DataFrame, names: Mapping[int, str]) -> dict[str, Any]:
    """Return every number of the crash sweep.

    Parameters
    ----------
    paths
        One row for each path of each point, complete.
    names
        Point -> policy.
    """
    asked = (*METRICS, *EVENTS)
    base = paths[paths["point"] == _point(names)]
    return {
        "paths": len(base),
        "populations": int(base["population"].nunique()),
        "margin_of": MARGIN_OF,
        "policies": _levels(paths, names, asked),
        "differences": _differences(paths, names, asked),
        "cells": [
            {"depth": list(depth), "minutes": list(speed)}
            | _cell(paths, names, {FALL: depth, MINUTES: speed})
            for depth, speed in product(DEPTHS, SPEEDS)
        ],
        "markets": [
            {"seconds": list(fading), "left": list(left)}
            | _cell(paths, names, {HALF_LIFE: fading, FLOOR: left})
            for fading, left in (product(FADING, LEFT) if {HALF_LIFE, FLOOR} <= set(paths.columns) else ())
        ],
    }


def calm_numbers(paths: pd.DataFrame, names: Mapping[int, str]) -> dict[str, Any]:
    """Return every number of the sweep of ordinary days."""
    return {
        "paths": int((paths["point"] == _point(names)).sum()),
        "policies": _levels(paths, names, CALM_METRICS),
    }


def _point(names: Mapping[int, str]) -> int:
    return next(point for point, name in names.items() if name == BASE)


def _cell(
    paths: pd.DataFrame, names: Mapping[int, str], bands: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    """Return the paired differences among paths whose drawn inputs lie in bands, in absolute value."""
    inside = paths
    for drawn, (low, high) in bands.items():
        inside = inside[inside[drawn].abs().between(low, high, inclusive="left")]
    return {
        "paths": int((inside["point"] == _point(names)).sum()),
        BASE: _levels(inside, {_point(names): BASE}, CELL_METRICS)[BASE],
        "differences": _differences(inside, names, CELL_METRICS),
    }


def _levels(
    paths: pd.DataFrame, names: Mapping[int, str], metrics: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return policy -> metric -> estimate, and the expected shortfall of `TAILED`."""
    found = {name: {metric: _nothing() for metric in metrics} for name in names.values()}
    asked = paths[paths["point"].isin(list(names))]
    for row in estimate_paths(asked, metrics=metrics).to_dict("records"):
        key = {"mean": row["metric"], "probability": row["metric"], "ES99": f"{row['metric']}_es99"}
        if row["statistic"] in key and (row["statistic"] != "ES99" or row["metric"] == TAILED):
            found[names[row["point"]]][key[row["statistic"]]] = _entry(row)
    return found


def _differences(
    paths: pd.DataFrame, names: Mapping[int, str], metrics: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return policy -> metric -> policy less static on the same paths."""
    found = {name: {metric: _nothing() for metric in metrics} for name in names.values() if name != BASE}
    enough = paths["path"].nunique() > 1
    for point, name in names.items() if enough else ():
        if name == BASE:
            continue
        for row in paired_estimates(paths, _point(names), point, metrics=metrics).to_dict("records"):
            if row["statistic"] == "mean difference":
                found[name][row["metric"]] = _entry(row, "variance_factor")
            elif row["statistic"] == "probability difference":
                found[name][row["metric"]] = _entry(row, "only_base", "only_other")
    return found


def _nothing() -> dict[str, Any]:
    return {"estimate": None, "lower": None, "upper": None, "n": 0, "note": "no such path"}


def _entry(row: Mapping[Any, Any], *more: str) -> dict[str, Any]:
    """Return an estimate with its ends; null where nothing is stated, and the note says why."""
    found = {key: _finite(row[key]) for key in ("estimate", "lower", "upper", *more)}
    n, note = int(row["n"]), row["note"]
    middle, lower, upper = found["estimate"], found["lower"], found["upper"]
    if None not in (lower, upper) and upper - lower <= ROUNDING * abs(middle):
        found |= {"lower": None, "upper": None}
        note = f"the same in all {n:,} paths but for rounding"
    return {**found, "n": n, "note": note}


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
