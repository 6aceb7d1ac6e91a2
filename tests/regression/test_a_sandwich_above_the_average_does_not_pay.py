"""A forced sale was held against what margin counts an asset at, the lower of risk and average price.

After a rally the average lags: a pool at the index could be pushed down to the band under the average, a
debtor's asset be sold there, and be bought back. Now it is held against the index where that is higher.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import Asset
from tests.support.protocol import Protocol, id_of, isolated

BAND = 3 * WAD // 100


def debtor_after_a_rally(lead):
    """A debtor with an asset whose price has risen from 100, and whose pool stands at it."""
    protocol = Protocol()
    asset = Asset(
        protocol, liquidity=200_000, changes={"haircut_min": WAD // 20, "sale_band": BAND, "sale_fee_rate": 0}
    )
    debtor = protocol.account("debtor", 100)
    asset.deposit(debtor, 30 * asset.unit)
    protocol.increase(debtor, 10 * WAD)
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    asset.set_price(lead * WAD, wait=12)
    asset.push_pool_to(lead * WAD)
    assert protocol.assets.holding_of(id_of(debtor), asset.id).price < lead * WAD
    return protocol, asset, debtor


@pytest.mark.parametrize("lead", [120, 130])
def test_no_sandwich_gains(lead):
    with isolated():
        protocol, asset, debtor = debtor_after_a_rally(lead)
        filled = 0
        for permille in range(0, 260, 5):
            with boa.env.anchor():
                attacker = boa.env.generate_address("attacker")
                front = int(asset.pool.reserves().asset) * permille // 1_000
                got = asset.swap(attacker, sold=front) if front else 0
                try:
                    protocol.waterfall.sell_collateral(id_of(debtor), sender=attacker)
                except boa.BoaError:
                    continue
                filled += 1
                if got:
                    protocol.token.approve(asset.pool.address, got, sender=attacker)
                    asset.pool.swap(False, got, 0, attacker, sender=attacker)
                assert asset.token.balanceOf(attacker) <= front
        assert filled > 1  # the pool may be pushed a little


def test_it_is_sold_at_the_index_less_the_band():
    with isolated():
        protocol, asset, debtor = debtor_after_a_rally(120)
        units, quote = asset.balance(debtor), protocol.collateral(debtor)
        protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
        sold, raised = units - asset.balance(debtor), protocol.collateral(debtor) - quote
        assert sold > 0
        assert raised * asset.unit >= sold * 120 * (WAD - BAND)


def test_after_a_fall_the_counted_price_binds():
    """The index has fallen below what margin counts: nothing is sold at it."""
    with isolated():
        protocol, asset, debtor = debtor_after_a_rally(120)
        asset.set_price(80 * WAD, wait=12)
        asset.push_pool_to(80 * WAD)
        counted = protocol.assets.holding_of(id_of(debtor), asset.id).price
        if counted > 80 * WAD * WAD // (WAD - BAND):
            with boa.reverts():
                protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
        else:
            protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
