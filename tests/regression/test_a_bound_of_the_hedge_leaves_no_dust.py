"""What bounds let through of a hedge left dust of the position that it hedges.

Found by the attacker's machine at moving prices, in two of 5,000 histories: a liquidation closes as much on
both sides, less of the hedge may close at once than is wanted, and what closes of the first was cut to what
that matches, whatever it left.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sim.core.units import WAD, to_wad
from tests.support.forced_closes import Forced, forced_world

FIRST, HEDGE, OTHER = 0, 1, 2
SHORT = 10_000.0
"""Notional of the hedge."""
OTHER_PRICE = 2_000.0
LET_THROUGH = 5.5
"""Base units at once of any position. Of 5,500, 4,500 close where what is left shall be 1,000."""


class Case(NamedTuple):
    """Prices, base units and quote."""

    price: float
    held: float
    hedge: float
    net: float
    smallest: int
    closed: float
    hedge_closed: float


CASES = [
    # 10 without a hedge and 4,500 with one would leave 490: so much less closes that 1,000 are left.
    Case(2_000.0, 2.5, 10.0, 10.0, 1_000, 2.0, 3.99),
    # The net bears that all closes: 300 long becomes 200 short.
    Case(2_000.0, 2.5, 10.0, 300.0, 1_000, 2.5, 4.5),
    # 2,000 without a hedge: what the bound lets through of it is not missed.
    Case(2_000.0, 2.5, 10.0, 2_000.0, 1_000, 2.5, 3.0),
    # Less than two of the smallest is held: dust, or a sliver that a tip is paid for.
    Case(2_000.0, 2.5, 10.0, 10.0, 2_600, 1.455, 2.9),
    # The net bears that all closes, but the position's own bound lets 6,600 of 7,200 through.
    Case(1_200.0, 6.0, 10.0, 1_000.0, 3_600, 3.0, 2.6),
    # So little closes, by the bounds of both, that it needs no hedge.
    Case(1_250.0, 6.4, 40.0, 4_100.0, 4_000, 3.2, 0.0),
]


def world_of(case: Case, least_share: float) -> tuple[Forced, int]:
    """Return a world with a bankrupt account that is short against what is held and other longs."""
    bound = 1e-5
    world = forced_world(
        (case.price, SHORT / case.hedge / 2.0, OTHER_PRICE),
        initial_ratio=0.21,
        maintenance_ratio=(0.2, 0.05, 0.05),
        skew_scale=LET_THROUGH / bound,
        max_premium=0.0,
        max_close_impact=bound,
        backstop_close_impact=bound,
        min_position_notional=float(case.smallest),
        min_close_share=least_share,
        throttle_share_per_hour=0.0,
    )
    account = world.trader(0, 4_990.0)
    other = (SHORT + case.net - case.price * case.held) / OTHER_PRICE
    for market, size in ((FIRST, case.held), (OTHER, other), (HEDGE, -case.hedge)):
        assert world.increase(account, market, to_wad(size)).status
    world.move(case.price, SHORT / case.hedge, OTHER_PRICE)
    return world, account


@pytest.mark.parametrize("least_share", [0.0, 1.0])
@pytest.mark.parametrize("case", CASES)
def test_less_of_the_hedge_leaves_no_dust_and_no_larger_net(case, least_share):
    world, account = world_of(case, least_share)
    assert world.states()[account].equity < 0
    assert world.force(account, FIRST).status
    sizes = [world.position(account, market).size for market in (FIRST, HEDGE)]
    assert sizes == [to_wad(case.held - case.closed), -to_wad(case.hedge - case.hedge_closed)]
    assert abs(world.net(account)) <= case.net * WAD
