"""A liquidation of an account with every position it can have is far from a block's limit."""

from __future__ import annotations

import pytest

from tests.support.forced_closes import forced_world

MOST_GAS = 5_000_000


@pytest.mark.parametrize("positions", [1, 3, 8])
@pytest.mark.parametrize("hedged", [False, True])
def test_a_liquidation_fits_into_a_block(positions, hedged):
    world = forced_world((2_000.0,) * positions, fee_base=0.005, min_bounty=10.0)
    account = world.trader(0, 1_050.0 * positions)
    for market in range(positions):
        world.open(account, -10.0 if hedged and market % 2 else 10.0, market)
    world.move(*(2_080.0 if hedged and market % 2 else 1_920.0 for market in range(positions)))
    result = world.force(account)
    assert result.status, result.reason
    assert result.gas < MOST_GAS
