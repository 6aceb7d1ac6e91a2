"""`docs/costs.md` says what its figures say, and weighs every contract that can be deployed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.contract_costs import FIGURES, LIMIT, PAGE, ROOM, compiled_sizes, page

CONTRACTS = Path(__file__).parents[2] / "contracts"


@pytest.fixture(scope="module")
def figures():
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_page_says_what_its_figures_say(figures):
    assert PAGE.read_text(encoding="utf-8") == page(figures), (
        "write it anew: scripts/contract_costs.py --sizes"
    )


def test_every_deployable_is_weighed_and_leaves_room(figures):
    named = {path.stem for path in CONTRACTS.rglob("*.vy") if path.stem[0].isupper()}
    sizes = figures["now"]["sizes"]
    assert set(sizes) == named
    assert sizes == compiled_sizes(), "weigh them anew: scripts/contract_costs.py --sizes"
    assert {name: size for name, size in sizes.items() if size > LIMIT - ROOM} == {}
