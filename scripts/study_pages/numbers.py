"""The numbers of the headline study, each with its interval and the number of paths behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.core.rng import Streams
from sim.metrics.statistics.clustered import clustered_mean
from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import clopper_pearson
from sim.metrics.statistics.paired import MeanInterval, mcnemar_of_paths, paired_difference
from sim.metrics.statistics.tail_bootstrap import TailMeasures, bootstrap_tails

BASE = "static"
CONFIDENCE = 0.95
TAIL = 0.99

SCALES = {"%": 100.0, "bp": 1e4, "x": 1.0}
METRICS: Mapping[str, tuple[str, str]] = {
    "liquidated_share": ("open interest liquidated", "%"),
    "cascade_size_max": ("largest cascade, liquidations", "x"),
    "price_overshoot": ("overshoot below the fundamental price", "%"),
    "fund_drain": ("fund drain, of open interest", "bp"),
    "bad_debt_ratio": ("bad debt, of open interest", "bp"),
    "uncovered_loss_ratio": ("uncovered loss, of open interest", "bp"),
    "margin_induced_share": ("margin-induced liquidations", "%"),
    "peak_to_trough_margin": ("peak-to-trough margin", "x"),
    "max_1h_margin_increase": ("largest rise of margin in an hour", "%"),
    "mean_initial_margin_ratio": ("mean initial margin", "%"),
}
"""Metric -> (name, unit shown)."""

MARGIN_OF = "a small position held since the first block, after the ramp"
"""Whose margin peak-to-trough and the largest rise are of."""

CALM_METRICS = (
    "mean_initial_margin_ratio", "liquidated_share", "margin_induced_share", "peak_to_trough_margin",
    "max_1h_margin_increase",
)  # fmt: skip
CELL_METRICS = ("liquidated_share", "fund_drain", "bad_debt_ratio", "uncovered_loss_ratio")

DEPTHS = ((0.03, 0.10), (0.10, 0.20), (0.20, 0.35))
"""Bands of the drawn fall."""
SPEEDS = ((2.0, 6.0), (6.0, 20.0))
"""Bands of its duration, minutes."""


def crash_numbers(paths: pd.DataFrame, names: Mapping[int, str]) -> dict[str, Any]:
    """Return every number of the crash sweep.

    Parameters
    ----------
    paths
        One row for each path of each point, complete.
    names
        Point -> policy.
    """
    arms = {names[point]: arm.sort_values("path") for point, arm in paths.groupby("point")}
    base = arms[BASE]
    return {
        "paths": len(base),
        "populations": int(base["population"].nunique()),
        "margin_of": MARGIN_OF,
        "policies": {name: _policy(arm) for name, arm in arms.items()},
        "differences": {name: _difference(arm, base) for name, arm in arms.items() if name != BASE},
        "cells": [_cell(arms, depth, speed) for depth in DEPTHS for speed in SPEEDS],
    }


def calm_numbers(paths: pd.DataFrame, names: Mapping[int, str]) -> dict[str, Any]:
    """Return every number of the sweep of ordinary days."""
    arms = {names[point]: arm for point, arm in paths.groupby("point")}
    return {
        "paths": len(arms[BASE]),
        "policies": {
            name: {metric: _mean(arm[metric], arm) for metric in CALM_METRICS} for name, arm in arms.items()
        },
    }


def _policy(arm: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {metric: _mean(arm[metric], arm) for metric in METRICS}
    for event in ("insolvent", "fund_depleted"):
        events = int(arm[event].sum())
        interval = clopper_pearson(events, len(arm), confidence=CONFIDENCE)
        found[event] = {"events": events, "n": len(arm), "lower": interval.lower, "upper": interval.upper}
    for metric in ("uncovered_loss_ratio", "bad_debt_ratio"):
        values = arm[metric].to_numpy(np.float64)
        lower, upper = bootstrap_tails(
            values[:, np.newaxis], Streams(0), measures=TailMeasures((), (TAIL,)),
            units=arm["population"].to_numpy(), name=f"study:{metric}", confidence=CONFIDENCE,
        )  # fmt: skip
        found[f"{metric}_es99"] = {
            "estimate": empirical_expected_shortfall(values, TAIL),
            "lower": float(lower[0, 0]),
            "upper": float(upper[0, 0]),
        }
    return found


def _difference(arm: pd.DataFrame, base: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in METRICS:
        ours, theirs = arm[metric].to_numpy(np.float64), base[metric].to_numpy(np.float64)
        factor = paired_difference(ours, theirs, confidence=CONFIDENCE).variance_factor
        finite = factor is not None and np.isfinite(factor)
        found[metric] = {**_mean(ours - theirs, arm), "variance_factor": factor if finite else None}
    for event in ("insolvent", "fund_depleted"):
        test = mcnemar_of_paths(base[event].to_numpy() > 0, arm[event].to_numpy() > 0)
        found[event] = {
            "only_static": test.only_first, "only_policy": test.only_second, "p_value": test.p_value,
        }  # fmt: skip
    return found


def _cell(
    arms: Mapping[str, pd.DataFrame], depth: tuple[float, float], speed: tuple[float, float]
) -> dict[str, Any]:
    """Return the paired differences among paths whose crash lies in a band of depth and speed."""
    base = arms[BASE]
    fall, minutes = -base["shocks.0.size"].to_numpy(), base["shocks.0.duration_minutes"].to_numpy()
    inside = (depth[0] <= fall) & (fall < depth[1]) & (speed[0] <= minutes) & (minutes < speed[1])
    chosen = base[inside]
    found: dict[str, Any] = {
        "depth": list(depth), "minutes": list(speed), "paths": len(chosen), "differences": {},
        BASE: {metric: _mean(chosen[metric], chosen) for metric in CELL_METRICS},
    }  # fmt: skip
    for name, arm in arms.items():
        if name != BASE:
            same = arm[inside]
            found["differences"][name] = {
                metric: _mean(same[metric].to_numpy() - chosen[metric].to_numpy(), chosen)
                for metric in CELL_METRICS
            }
    return found


def _mean(values: Any, arm: pd.DataFrame) -> dict[str, float]:
    interval: MeanInterval = clustered_mean(
        np.asarray(values, dtype=np.float64), arm["population"].to_numpy(), confidence=CONFIDENCE
    ).interval
    return {"mean": interval.mean, "lower": interval.lower, "upper": interval.upper}
