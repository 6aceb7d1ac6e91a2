"""A debt of cents could not be sold for where one unit of the token is worth a part of it.

Of a few units the pool's fee takes a whole one: the fill was below the band, the sale reverted, and debt or
lien stayed. Now no fewer units are sold than fill within the band; what they raise beyond the debt is their
owner's.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from sim.reference.spot_math import least_forced
from tests.support.collateral import POOL_FEE, Asset
from tests.support.protocol import Protocol, id_of, isolated

BAND = 3 * WAD // 100


@pytest.mark.parametrize(("decimals", "price"), [(6, 60_000), (8, 100_000), (6, 4_000), (18, 100)])
def test_every_small_debt_is_sold_for(decimals, price):
    with isolated():
        protocol = Protocol(margin={"trade_fee_rate": 5 * WAD // 10_000})
        asset = Asset(protocol, decimals=decimals, liquidity=0, changes={"sale_band": BAND})
        for wait in (10**5, 10**5):
            asset.set_price(price * WAD, wait=wait)
        protocol.report_again()
        asset.set_price(price * WAD, wait=1)
        asset.supply(1_000 * asset.unit, 1_000 * price * 10**6)
        debtor = protocol.account("debtor", 2)
        asset.deposit(debtor, 10 * asset.unit)
        protocol.increase(debtor, WAD)
        least, debts = least_forced(POOL_FEE, BAND), 0
        for cents in (1, 2, 5, 10, 20, 50, 100, 200, 400):
            with boa.env.anchor():
                protocol.set_price((2_000 * 100 - cents) * WAD // 100, wait=12)
                protocol.decrease(debtor)
                debt = -protocol.collateral(debtor)
                if debt <= 0:
                    continue
                debts += 1
                units = asset.balance(debtor)
                protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
                sold = units - asset.balance(debtor)
                assert protocol.collateral(debtor) >= 0
                assert sold >= least
                if sold > least:  # as many as raise it, rounded up twice
                    assert protocol.collateral(debtor) < 3 * price * WAD // asset.unit + WAD // 10**5
        assert debts >= 3
