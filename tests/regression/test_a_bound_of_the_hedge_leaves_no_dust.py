"""What bounds let through of a hedge left dust of the position that it hedges.

Found by the attacker's machine at moving prices, in two of 5,000 histories: a liquidation closes as much on
both sides, less of the hedge may close at once than is wanted, and what closes of the first was cut to what
that matches, whatever it left.
"""

from __future__ import annotations

import pytest

from sim.core.units import WAD, to_wad
from tests.support.forced_closes import Forced, forced_world

FIRST, HEDGE, OTHER = 0, 1, 2
PRICES = (2_000.0, 500.0, 2_000.0)
LET_THROUGH = 5.5
"""Base units at once: 5,500 of the hedge, of which 4,500 close so that what is left is no dust."""


def world_of(net: float, smallest: int, least_share: float) -> tuple[Forced, int]:
    """Return a world with a bankrupt account of 5,000 long, and 10,000 short against it and other longs."""
    bound = 1e-5
    world = forced_world(
        PRICES,
        initial_ratio=0.26,
        maintenance_ratio=(0.25, 0.05, 0.05),
        skew_scale=LET_THROUGH / bound,
        max_premium=0.0,
        max_close_impact=bound,
        backstop_close_impact=bound,
        min_position_notional=float(smallest),
        min_close_share=least_share,
        throttle_share_per_hour=0.0,
    )
    account = world.trader(0, 4_990.0)
    for market, size in ((FIRST, 2.5), (OTHER, (5_000.0 + net) / 2_000.0), (HEDGE, -10.0)):
        assert world.increase(account, market, to_wad(size)).status
    world.move(PRICES[FIRST], 2.0 * PRICES[HEDGE], PRICES[OTHER])
    return world, account


@pytest.mark.parametrize("least_share", [0.0, 1.0])
@pytest.mark.parametrize(
    ("net", "smallest", "closed", "hedge_closed"),
    [
        # 10 without a hedge and 4,500 with one would leave 490: so much less closes that 1,000 are left.
        (10.0, 1_000, 2.0, 3.99),
        # The net bears that all closes, with the hedge that there is.
        (600.0, 1_000, 2.5, 4.4),
        # 2,000 without a hedge: what the bound lets through of it is not missed.
        (2_000.0, 1_000, 2.5, 3.0),
        # Less than two of the smallest is held: dust, or a sliver that a tip is paid for.
        (10.0, 2_600, 1.455, 2.9),
    ],
)
def test_less_of_the_hedge_leaves_no_dust_and_no_larger_net(net, smallest, closed, hedge_closed, least_share):
    world, account = world_of(net, smallest, least_share)
    assert world.states()[account].equity < 0
    assert world.force(account, FIRST).status
    sizes = [world.position(account, market).size for market in (FIRST, HEDGE)]
    assert sizes == [to_wad(2.5 - closed), -to_wad(10.0 - hedge_closed)]
    assert 0 <= world.net(account) <= net * WAD
