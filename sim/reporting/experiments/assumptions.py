"""The numbers of a scenario nobody measured, as a table for experiment pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.core.errors import InputError
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.plan import Plan
from sim.reporting.experiments.page import Markup, details, heading, paragraph
from sim.reporting.experiments.tables import Column, plain_value, table


def scenario_assumptions(plan: Plan) -> Markup:
    """Return the parameters of a plan's first point with their sources, assumptions first.

    A scenario that can no longer be loaded (another version wrote the folder) is said to be so.
    """
    try:
        scenario = load_scenario(plan.scenario, overrides=plan.points[0].overrides if plan.points else ())
    except InputError as error:
        return paragraph(f"The scenario cannot be read any more, so its assumptions are not listed: {error}")
    return assumptions_tables(assumptions(scenario))


def assumptions_tables(entries: list[dict[str, Any]]) -> Markup:
    """Return parameters whose source is an assumption, and behind a line to click all others."""
    assumed = [one for one in entries if "assumption" in str(one.get("source", "")).lower()]
    other = [one for one in entries if one not in assumed]
    return Markup("").join(
        [
            heading("Numbers nobody measured, at the first point"),
            details(f"{len(assumed)} parameters whose source is an assumption", _parameters(assumed)),
            details(f"{len(other)} other parameters, each with its source", _parameters(other)),
        ]
    )


def _parameters(entries: list[dict[str, Any]]) -> Markup:
    columns = [
        Column(heading="Parameter", kind="hash"),
        Column(heading="Value", kind="v"),
        Column(heading="Unit"),
        Column(heading="Source", kind="wrap"),
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
