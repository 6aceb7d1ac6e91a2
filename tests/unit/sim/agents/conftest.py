"""Handmade states, and outcomes of what agents sent."""

import pytest

from sim.agents.base import ActionResult, Outcome
from sim.core.rng import Streams
from tests.support.handmade_state import build_state, market, protocol, under_water


def results_of(batches, status="success", block=100, reason=""):
    """Return the outcome in which every call of ``batches`` met the same fate."""
    results = [
        ActionResult(batch.kind, int(actor), tuple(column[row] for column in batch.args), status, reason)
        for batch in batches
        for row, actor in enumerate(batch.actors)
    ]
    return Outcome(block=block, results=tuple(results))


@pytest.fixture
def draws():
    return Streams(7)


@pytest.fixture
def make_state():
    return build_state


@pytest.fixture
def make_market():
    return market


@pytest.fixture
def make_protocol():
    return protocol


@pytest.fixture
def make_under_water():
    return under_water


@pytest.fixture
def settle():
    return results_of
