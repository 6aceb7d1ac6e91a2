"""Every function of every contract, called as every role in three states: what the table of access says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.access.events import ELSEWHERE, EVENTS
from tests.support.access.page import artifacts, differences, is_stand_in, missing
from tests.support.access.roles import GOVERNOR, STATES
from tests.support.access.table import TABLE
from tests.support.access.world import AccessWorld

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def world():
    return AccessWorld()


@pytest.fixture(scope="module")
def seen(world):
    return world.observe()


def test_every_function_that_changes_something_has_a_row():
    assert missing(artifacts()) == []


def test_everybody_is_told_what_the_table_says(seen):
    assert differences(seen) == []


def test_every_cell_was_tried(seen):
    for row in TABLE:
        tried = seen[row.contract, row.function, row.case]
        for state, roles in STATES.items():
            # No contract but the governor calls itself.
            callers = {role for role in roles if role != row.contract or role == GOVERNOR}
            assert callers == {role for role, other in tried if other == state}


def test_somebody_can_do_each_thing_that_can_be_done_more_than_once(seen):
    refused = {
        f"{row.contract}.{row.function}"
        for row in TABLE
        if "done" not in seen[row.contract, row.function, row.case].values()
    }
    assert refused == {"ledger.connect", "liquidity_pool.connect", "risk_governor.seal"}


def test_every_call_logs_what_it_did(world):
    assert world.logged() == EVENTS


def test_every_event_is_looked_at_somewhere(world):
    logged = {event for events in EVENTS.values() for event in events}
    declared = {
        f"{key}.{event.name}"
        for key, abi in world.deployment.abis.items()
        if not is_stand_in(key)
        for event in abi.events.values()
    }
    assert declared - logged == set(ELSEWHERE)
    for event, file in ELSEWHERE.items():
        assert event.split(".")[1] in (ROOT / file).read_text()


def test_what_anybody_may_do_takes_nothing_of_anybody_else(world):
    assert world.harmed() == []
