"""Every cell of the table of ways out: tried, with what `docs/exits.md` says of it."""

from __future__ import annotations

from pathlib import Path

import boa
import pytest

from tests.support.exit_table import ACTIONS, FAULTS, HEDGED, World, cell, page
from tests.support.protocol import isolated

PAGE = Path(__file__).resolve().parents[3] / "docs" / "exits.md"


@pytest.fixture(scope="module")
def world():
    with isolated():
        yield World()


@pytest.mark.parametrize("hedged", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_way_out_is_open_while_nothing_is_broken(world, action, hedged):
    with boa.env.anchor():
        assert world.tries(action, hedged=hedged) == "done"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_cell(world, action, fault):
    with boa.env.anchor():
        world.breaks(fault)
        assert world.tries(action, hedged=fault in HEDGED) == cell(action, fault)[0]
        if action != "owner's repair":
            world.protocol.check_books()


def test_the_page_says_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8") == page(), "run scripts/update_exits.py"
