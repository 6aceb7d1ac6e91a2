"""Formula failures of a run told in sentences: for `seawall explain` and for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sim.core.columns import fields_of
from sim.core.units import WAD
from sim.engine.blocks.formula_watch import HAIRCUT, MARKET, NEVER
from sim.protocol.event_words import plain_number
from sim.protocol.formulas import Fault, FaultKind, FormulaInputs

TABLE: Final = "formula_failures"


class InputWords(NamedTuple):
    """One input of a formula for a reader."""

    name: str
    value: str
    unit: str
    meaning: str


def inputs_of(row: Mapping[str, Any]) -> list[InputWords]:
    """Return what the formula was asked with, in the order of ``IRiskModel.RiskInputs``.

    Parameters
    ----------
    row
        Of the table ``formula_failures``, by column.
    """
    found = []
    for field in fields_of(FormulaInputs):
        unit, _, scale = field.column.unit.partition(", ")
        value = int(row[field.name])
        words = plain_number(value, WAD) if scale == "WAD" else f"{value:,}"
        found.append(InputWords(field.name, words, unit, field.column.meaning.removeprefix("input: ")))
    return found


def asked_about(row: Mapping[str, Any], person: Callable[[int], str]) -> str:
    """Return what the question was about."""
    if row["question"] == MARKET:
        return "the market without a position"
    if row["question"] == HAIRCUT:
        return "the haircut of collateral"
    side = "a long" if int(row["side"]) > 0 else "a short"
    return f"{side} of {plain_number(int(row['notional']), WAD)} USDC of {person(int(row['account']))}"


def what_it_did(row: Mapping[str, Any]) -> str:
    """Return what the formula did instead of answering, as words after "it"."""
    return Fault(FaultKind(row["fault"]), str(row["detail"])).told()


def how_long(row: Mapping[str, Any]) -> str:
    """Return how long the question had no answer."""
    count, answered = int(row["blocks"]), int(row["answered_block"])
    blocks = "1 block" if count == 1 else f"{count:,} blocks"
    if answered == NEVER:
        return f"{blocks}, to the end of the run"
    return "less than a block" if answered == int(row["block"]) else f"{blocks}, until block {answered:,}"


def good_ratios(row: Mapping[str, Any]) -> str:
    """Return the last good ratios of the market without a position, and of when they are."""
    initial, maintenance = (int(row[f"good_{name}_ratio"]) for name in ("initial", "maintenance"))
    block = int(row["good_block"])
    when = "of the set-up, before block 1" if block == 0 else f"of block {block:,}"
    return f"initial {initial / WAD:.4%}, maintenance {maintenance / WAD:.4%}, {when}"


def story(row: Mapping[str, Any], market: str, person: Callable[[int], str]) -> list[str]:
    """Return a failure in plain sentences.

    Parameters
    ----------
    row
        Of the table ``formula_failures``, by column.
    market
        Name of the market.
    person
        Participant -> name.
    """
    refused = int(row["refused"])
    count = f"{refused:,} transaction{'' if refused == 1 else 's'}"
    about, lasted = asked_about(row, person), how_long(row)
    began = f"In block {int(row['block']):,} the margin formula of {market} had no good answer about {about}"
    told = [
        f"{began}: it {what_it_did(row)}.",
        f"This lasted {lasted}.",
        f"The last good ratios of the market without a position are {good_ratios(row)}.",
    ]
    if row["question"] == HAIRCUT:
        told.append(f"Meanwhile nothing that adds risk on {market} was let through: {count} refused. "
                    "Nothing else asks for the haircut.")  # fmt: skip
        return told
    whose = "there" if row["question"] == MARKET else "with such a position"
    told.append(
        f"Meanwhile nobody could add risk or take collateral out {whose}: {count} refused. For all else the "
        "initial ratio was the whole notional, and the maintenance ratio the last good one, so that the "
        "formula's silence liquidated nobody."
    )
    return told
