"""Margin formulas that failed in a run: what each did, when, with which inputs, and what stood in for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.engine.results.formula_story import (
    asked_about,
    good_ratios,
    how_long,
    inputs_of,
    story,
    what_it_did,
)
from sim.protocol.event_words import named
from sim.reporting.findings.blocks import Part, details, headed, table
from sim.reporting.formatting import number, plural
from sim.reporting.run_folder import RunFolder

LISTED = 20
"""Failures that a page lists; the table of the run has all."""

TOLD = 3
"""Failures whose story and inputs stand in full."""


def formula_warning(run: RunFolder) -> str:
    """Return the sentence above everything else, empty if every formula answered."""
    failures = _rows(run)
    if not failures:
        return ""
    first = failures[0]
    told = story(first, run.market_name(int(first["market"])), _person(run))
    return (
        f"{plural(len(failures), 'question')} to margin formulas had no good answer. The first: {told[0]} "
        "seawall explain tells the rest."
    )


def formula_failures(run: RunFolder) -> list[Part]:
    """Return the failures as a table, and the first in full."""
    failures = _rows(run)
    if not failures:
        return []
    person = _person(run)
    columns = [
        *headed("", "Market"),
        *headed("n", "From block"),
        *headed("wrap", "Asked about", "It", "For", "Last good ratios"),
        *headed("n", "Refused"),
    ]
    rows = [
        (
            run.market_name(int(row["market"])),
            number(int(row["block"])),
            asked_about(row, person),
            what_it_did(row),
            how_long(row),
            good_ratios(row),
            number(int(row["refused"])),
        )
        for row in failures[:LISTED]
    ]
    parts: list[Part] = [table(columns, rows, note=_more(len(failures)))]
    for row in failures[:TOLD]:
        parts += [" ".join(story(row, run.market_name(int(row["market"])), person))]
        inputs = [(one.name, one.value, one.unit, one.meaning) for one in inputs_of(row)]
        columns = [*headed("hash", "Input"), *headed("n", "Value"), *headed("", "Unit", "Meaning")]
        parts.append(details(f"What it was asked with in block {int(row['block'])}", table(columns, inputs)))
    return parts


def _more(count: int) -> str:
    return "" if count <= LISTED else f"And {number(count - LISTED)} more in formula_failures.parquet."


def _rows(run: RunFolder) -> list[Mapping[str, Any]]:
    if run.formula_failures is None:
        return []
    frame = run.formula_failures
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _person(run: RunFolder) -> Callable[[int], str]:
    """Return what names a participant, as `seawall explain` does."""
    if run.accounts is None or not {"account", "group"} <= set(run.accounts):
        return named({})
    numbers = run.accounts.groupby("group", sort=False)["account"]
    return named({str(group): range(int(found.min()), int(found.max()) + 1) for group, found in numbers})
