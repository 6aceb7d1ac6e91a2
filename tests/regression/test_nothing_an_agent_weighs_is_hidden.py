"""About 33 constants of agents moved results, had no key in a scenario and stood in no manifest.

Learning rates, the gas of a lost race, the weights of a top-up, the bids of automation: the report said
"under these assumptions and no others", and they were others. Every number an agent weighs is now a field of
its section; a bare number in its code is a unit, a rounding or a guard, and is listed here with what it is.
"""

from __future__ import annotations

import ast
from collections import Counter
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

ZERO = "no division by zero"
ORDER = "place among the kinds"
ROUNDING = "rounding to the nearest"

NO_ASSUMPTION: dict[str, dict[float, tuple[int, str]]] = {
    "arbitrageur.py": {0.01: (1, "depth is quote for one per cent"), 30: (1, ORDER)},
    "base.py": {
        86_400: (1, "seconds of a day"),
        1_000_000: (2, "parts in which slippage is exact"),
        0.5: (1, ROUNDING),
    },
    "book_file.py": {
        4: (2, "digits of an id; files that are remembered"),
        8: (1, "markets that the contracts hold"),
        10: (1, "base of the largest number"),
        18: (1, "digits of the largest number"),
        20: (1, "problems that are told"),
        40: (1, "characters of a cell that are told"),
        64: (1, "characters of a number"),
        100: (1, "characters of a name"),
        200_000: (1, "most accounts of a book"),
    },
    "closer.py": {75: (1, ORDER)},
    "collateral_seller.py": {65: (1, ORDER)},
    "decided.py": {96: (1, "bits of the highest fee of a call, in wei")},
    "deleverager.py": {1e-6: (1, "how far apart floats surely rank as the contract does"), 70: (1, ORDER)},
    "entrants.py": {200_000: (1, "most accounts of a table"), 15: (1, ORDER)},
    "fees.py": {1_000: (5, "decimals in which factors of fees are exact"), 0.5: (2, ROUNDING)},
    "kind.py": {
        0.001: (1, "of a group that does not say, with no reporters"),
        0.05: (1, "of an opening that does not say, with no position"),
        32: (1, "most tables of a kind"),
        100: (1, ORDER),
    },
    "dishonest_reporter.py": {55: (1, ORDER)},
    "liquidation_terms.py": {1e-12: (1, ZERO)},
    "liquidator.py": {
        0.01: (1, "depth is quote for one per cent"),
        1e-12: (2, ZERO),
        1e-9: (1, ZERO),
        1_000: (2, "decimals in which factors of fees are exact"),
        0.5: (1, ROUNDING),
        40: (1, ORDER),
    },
    "liquidity_provider.py": {
        3_600.0: (1, "seconds of an hour"),
        1_000_000: (2, "parts in which shares are exact"),
        0.5: (1, ROUNDING),
        60: (1, ORDER),
    },
    "oracle_keeper.py": {365.0: (1, "days of a year"), 50: (1, ORDER)},
    "spot_arbitrageur.py": {62: (1, ORDER)},
    "several_markets.py": {
        8: (1, "markets that the contracts hold"),
        1e-9: (1, "how far rounded weights may be from a sum of 1"),
    },
    "trader_cohort.py": {
        200_000: (1, "most accounts of a cohort"),
        1e-6: (1, ZERO),
        3_600.0: (1, "seconds of an hour"),
        1e-9: (3, ZERO),
        10: (1, ORDER),
    },
    "waiting_bids.py": {32: (1, "bits of an account in a key of member and account")},
    "correlation_keeper.py": {53: (1, ORDER)},
    "volatility_keeper.py": {52: (1, ORDER)},
    "whale.py": {
        60: (2, "seconds of a minute"),
        32: (1, "most accounts that the contracts' clusters hold"),
        200: (1, "most accounts of one whale"),
        20: (1, ORDER),
    },
}
"""File -> bare number -> how often it stands there, and what it is."""


def bare_numbers(tree: ast.AST) -> Counter[float]:
    """Return the numbers of a module that declare no field."""
    found: Counter[float] = Counter()
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", "") in DECLARING:
        return found
    if isinstance(tree, ast.Constant):
        is_number = isinstance(tree.value, int | float) and not isinstance(tree.value, bool)
        if is_number and tree.value not in SMALL:
            found[tree.value] += 1
    for child in ast.iter_child_nodes(tree):
        found += bare_numbers(child)
    return found


@pytest.mark.parametrize("path", sorted(AGENTS.glob("*.py")), ids=lambda path: path.name)
def test_every_bare_number_is_a_unit_a_rounding_or_a_guard(path):
    assert bare_numbers(ast.parse(path.read_text())) == {
        number: count for number, (count, _) in NO_ASSUMPTION.get(path.name, {}).items()
    }


def test_a_weight_in_the_code_would_be_seen():
    code = "RATE = 0.2\nclass A(Section):\n    share: float = number(0.4, 0.0, 1.0, '1', 'x', source='y')\n"
    assert bare_numbers(ast.parse(code)) == {0.2: 1}


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
