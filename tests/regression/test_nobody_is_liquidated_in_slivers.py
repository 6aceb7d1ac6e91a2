"""One account was liquidated 21 times: each call closed just what restored the buffer, and the price fell on.

A call closes at least a share of the position and at least the smallest position, and leaves none below it.
"""

from __future__ import annotations

import math

import pytest

from sim.core.units import WAD
from tests.support.forced_closes import forced_world

SMALLEST = 1_000.0


def calls(share: float, notional: float, **words: float) -> list[int]:
    """Return the notionals closed in a fall of a thousandth a step, quote."""
    world = forced_world(
        (2_000.0,), min_close_share=share, buffer=0.0, min_position_notional=SMALLEST, **words
    )
    account = world.trader(0, notional * 0.0501)
    world.open(account, notional / 2_000.0)
    price, closed = 2_000.0, []
    while world.position(account, 0).size and price > 1_600.0:
        price *= 0.999
        world.move(price, wait=60)
        result = world.force(account)
        closed += [
            event.values["size_closed"] * int(price) // WAD
            for event in result.events
            if event.name == "Liquidated"
        ]
    return closed


@pytest.mark.parametrize("notional", [1_200.0, 5_000.0, 20_000.0, 50_000.0])
def test_a_steady_fall_takes_few_calls(notional):
    closed = calls(0.25, notional)
    worst = math.ceil(math.log(max(notional / (4 * SMALLEST), 1.0)) / -math.log(0.75)) + 4
    assert 1 <= len(closed) <= worst < 21
    assert all(close >= 0.99 * SMALLEST for close in closed[:-1])


def test_without_the_share_it_takes_more():
    assert len(calls(0.0, 50_000.0)) > len(calls(0.25, 50_000.0))


def test_what_a_bound_has_left_is_not_closed_in_slivers():
    """A second account in the same second waits for the next instead of closing the 100 that are left."""
    world = forced_world(
        (2_000.0,), min_close_share=0.25, max_close_impact=0.00001, backstop_close_impact=0.00001,
        skew_scale=1e6, min_position_notional=100.0,
    )  # fmt: skip
    for account in (0, 1):
        world.trader(account, 5_100.0)
        world.open(account, 50.0)
    world.move(1_945.0)
    first = world.force(0)
    assert first.status
    room = 10.0 - next(e for e in first.events if e.name == "Liquidated").values["size_closed"] / WAD
    assert 0 < room < 0.25 * 50
    assert world.force(1).reason == "liquidation: throttled"
    world.wait(1)
    assert world.force(1).status
