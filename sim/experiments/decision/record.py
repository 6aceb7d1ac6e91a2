"""``compare.json``: the whole outcome as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sim.experiments.decision.compare import Comparison
from sim.experiments.decision.enactment import calldata
from sim.experiments.decision.results import Result
from sim.experiments.decision.verdict import Decision
from sim.experiments.sweep.api import SweepResult

DIGITS = 12
"""Significant digits written: sums of many floats differ beyond them between processors."""


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Return everything a comparison came to, without wall clock or machine."""
    plan = comparison.plan
    fresh = comparison.confirmation
    record = {
        "word": comparison.word.value,
        "reasons": list(comparison.reasons),
        "exit_code": comparison.exit_code,
        "identical": comparison.decision.identical,
        "registration_sha256": comparison.registration.sha256,
        "plan_sha256": comparison.registration.plan_sha256,
        "current": {"file": comparison.arms.current.source.name, "sha256": comparison.arms.current.sha256},
        "proposed": {"file": comparison.arms.proposed.source.name, "sha256": comparison.arms.proposed.sha256},
        "scenario": comparison.arms.scenario.name,
        "changes": [
            {"parameter": item.parameter, "before": item.before, "after": item.after}
            for item in comparison.arms.changes
        ],
        "error_rates": {
            "alpha": plan.rule.alpha,
            "better_without_any_improvement_at_most": plan.rule.alpha,
            "better_or_not_worse_though_beyond_a_margin_at_most": plan.rule.alpha,
            "worse_though_within_every_margin_at_most": plan.rule.alpha,
        },
        "decision": _decision(comparison.decision),
        "confirmation": None if fresh is None else _decision(fresh),
        "paths": _paths(comparison.result, comparison.registration.main.seed),
        "confirmation_paths": None
        if comparison.confirmation_result is None
        else _paths(comparison.confirmation_result, comparison.registration.confirmation.seed),
        "at_once": asdict(comparison.at_once),
        "distances": [asdict(item) for item in comparison.distances],
        "worst_paths": [asdict(item) for item in comparison.worst],
        "enactment": calldata(comparison.enacting),
    }
    return {key: _clean(value) for key, value in record.items()}


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "word": decision.word.value,
        "paths": decision.paths,
        "least_paths": decision.least_paths,
        "reasons": list(decision.reasons),
        "cells": [
            {"cell": cell.cell, "word": cell.word.value, "reasons": list(cell.reasons)}
            for cell in decision.cells
        ],
        "flips": [asdict(flip) for flip in decision.flips],
        "pooled": [_result(result) for result in decision.pooled],
        "results": [_result(result) for result in decision.results],
    }


def _result(result: Result) -> dict[str, Any]:
    found = {key: value for key, value in asdict(result).items() if key != "endpoint"}
    return {"cell": found.pop("cell"), "endpoint": result.endpoint.name, **found, "mcnemar_p": result.mcnemar}


def _paths(result: SweepResult, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "completed": result.completed,
        "total": result.total,
        "digest": result.digest,
        "failures": [
            {"point": item.point, "path": item.path, "reason": item.reason, "invariant": item.invariant}
            for item in result.failures
        ],
    }


def _clean(value: Any) -> Any:
    """Return a value as JSON can hold it: no NaN, no infinity, no digits that a processor decides."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_clean(item) for item in value]
    return value
