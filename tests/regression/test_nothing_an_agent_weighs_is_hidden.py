"""About 33 constants of agents moved results, had no key in a scenario and stood in no manifest.

Learning rates, the gas of a lost race, the weights of a top-up, the bids of automation: the report said
"under these assumptions and no others", and they were others. Every number an agent weighs is now a field of
its section; a bare number in its code is a unit, a rounding or a guard, and is listed here with what it is.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_origin

import pytest

from sim.core.documents.fields import values_in
from sim.core.documents.sections import walk_sections
from sim.engine.scenario.assumptions import assumptions
from tests.support.fields import scenario_with

AGENTS = Path(__file__).parents[2] / "sim" / "agents"

DECLARING = {"number", "text", "choice", "table", "Field"}
SMALL = {-1, 0, 1, 2, 3}
"""Indices, signs, and what counts positions in a tuple."""

NO_ASSUMPTION = {
    "arbitrageur.py": {0.01: "depth is quote for one per cent", 30: "order"},
    "base.py": {86_400: "seconds of a day", 1_000_000: "parts in which slippage is exact", 0.5: "rounding"},
    "deleverager.py": {1e-6: "how far apart floats surely rank as the contract does", 70: "order"},
    "fees.py": {1_000: "decimals in which factors of fees are exact", 0.5: "rounding"},
    "kind.py": {
        0.001: "of a group that does not say, with no reporters",
        0.05: "of an opening that does not say, with no position",
        32: "most tables of a kind",
        100: "order",
    },
    "liquidation_terms.py": {1e-12: "no division by zero"},
    "liquidator.py": {
        0.01: "depth is quote for one per cent",
        1e-12: "no division by zero",
        1e-9: "no division by zero",
        1_000: "decimals in which factors of fees are exact",
        0.5: "rounding",
        40: "order",
    },
    "liquidity_provider.py": {
        3_600.0: "seconds of an hour",
        1_000_000: "parts in which shares are exact",
        0.5: "rounding",
        60: "order",
    },
    "oracle_keeper.py": {365.0: "days of a year", 50: "order"},
    "trader_cohort.py": {
        200_000: "most accounts of a cohort",
        1e-6: "no division by zero",
        3_600.0: "seconds of an hour",
        1e-9: "no division by zero",
        10: "order",
    },
    "whale.py": {60: "seconds of a minute", 20: "order"},
}
"""File -> bare number -> what it is."""


def bare_numbers(tree: ast.AST) -> set[float]:
    """Return the numbers of a module that declare no field."""
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", "") in DECLARING:
        return set()
    if isinstance(tree, ast.Constant):
        is_number = isinstance(tree.value, int | float) and not isinstance(tree.value, bool)
        return {tree.value} - SMALL if is_number else set()
    return {number for child in ast.iter_child_nodes(tree) for number in bare_numbers(child)}


@pytest.mark.parametrize("path", sorted(AGENTS.glob("*.py")), ids=lambda path: path.name)
def test_every_bare_number_is_a_unit_a_rounding_or_a_guard(path):
    assert bare_numbers(ast.parse(path.read_text())) == set(NO_ASSUMPTION.get(path.name, {}))


def test_a_weight_in_the_code_would_be_seen():
    code = "RATE = 0.2\nclass A(Section):\n    share: float = number(0.4, 0.0, 1.0, '1', 'x', source='y')\n"
    assert bare_numbers(ast.parse(code)) == {0.2}


def test_the_list_of_assumptions_holds_every_field_of_every_table():
    scenario = scenario_with()
    listed = {entry["parameter"] for entry in assumptions(scenario)}
    missing = [
        place
        for path, section in walk_sections(scenario)
        for name, field in values_in(type(section))
        if (place := ".".join(map(str, (*path, name)))) not in listed
        and getattr(section, name) is not None
        and not (
            field.annotation is str or get_origin(field.annotation) is dict
        )  # words; listed by their keys
    ]
    assert missing == []
