"""The numbers of a scenario nobody measured, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.core.errors import InputError
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.plan import Plan
from sim.reporting.findings.blocks import Heading, Part, Table, details, headed, plain_value, table


def scenario_assumptions(plan: Plan) -> list[Part]:
    """Return the parameters of a plan's first point with their sources, assumptions first.

    A scenario that can no longer be loaded (another version wrote the folder) is said to be so.
    """
    try:
        scenario = load_scenario(plan.scenario, overrides=plan.points[0].overrides if plan.points else ())
    except InputError as error:
        return [f"The scenario cannot be read any more, so its assumptions are not listed: {error}"]
    return [Heading(text="Numbers nobody measured, at the first point"), *folded(assumptions(scenario))]


def folded(entries: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Return parameters whose source is an assumption, and all others, each behind a line to click."""
    assumed, other = split(entries)
    return [
        details(f"{len(assumed)} parameters whose source is an assumption", parameters_table(assumed)),
        details(f"{len(other)} other parameters, each with its source", parameters_table(other)),
    ]


def split(entries: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the entries whose source is an assumption, and the others."""
    assumed = [one for one in entries if "assumption" in str(one.get("source", "")).lower()]
    return assumed, [one for one in entries if one not in assumed]


def parameters_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return parameters with value, unit and source."""
    columns = [
        *headed("hash", "Parameter"),
        *headed("value", "Value"),
        *headed("", "Unit"),
        *headed("wrap", "Source"),
    ]
    return table(columns, [_cells(one) for one in entries])


def _cells(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    unit = plain_value(entry.get("unit", ""))
    return (
        plain_value(entry.get("parameter", "")),
        plain_value(entry.get("value")),
        "" if unit == "1" else unit,
        plain_value(entry.get("source", "")),
    )
