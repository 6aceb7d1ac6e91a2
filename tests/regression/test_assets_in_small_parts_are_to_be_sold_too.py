"""Of several assets, each worth less than its smallest sale, none was to be sold before others paid.

A debt of little was then the fund's at once, and an exception, which raises everybody's margin with
`[markets.performance]`, until the debtor sold its assets in the same block: at no loss to anybody. Without a
fund it closed everybody's withdrawals. Now they count together, each as the part of a sale that it is.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET_PRICE, Asset
from tests.support.protocol import Protocol, id_of, isolated


def debtor_of(protocol, assets, parts, *, size=WAD // 20, price=1_600):
    """An account that owes after a liquidation, with so much quote of each asset."""
    trader = protocol.account("debtor")
    for asset, worth in zip(assets, parts, strict=True):
        if worth:
            asset.deposit(trader, int(worth * WAD) * asset.unit // ASSET_PRICE)
    protocol.increase(trader, size)
    protocol.set_price(price * WAD)
    protocol.liquidate(trader)
    assert protocol.open_markets(trader) == 0
    return trader


@pytest.fixture(params=[1_000_000, 0], ids=["fund", "no fund"])
def protocol(request):
    with isolated():
        yield Protocol(fund=request.param)


@pytest.mark.parametrize(
    ("parts", "least", "is_secured"),
    [
        ((9.9, 9.9), (10, 10), True),
        ((5.0, 5.0), (10, 10), True),
        ((4.99, 5.0), (10, 10), False),
        # A hundredth of a sale and almost half of one, whatever the smaller of both is.
        ((0.1, 9.8), (10, 20), False),
        ((0.1, 9.8), (10, 9), True),
        ((9.9, 9.9), (10, 1_000), False),
        ((9.9, 0.0), (0, 10), True),
    ],
)
def test_parts_of_a_sale_add_up(protocol, parts, least, is_secured):
    assets = [Asset(protocol, changes={"min_sale": x * WAD}) for x in least]
    debtor = debtor_of(protocol, assets, parts)
    assert (protocol.waterfall.secured_of(id_of(debtor)) != 0) is is_secured


def test_it_is_no_exception_and_closes_no_withdrawals(protocol):
    victim = protocol.account("victim", 1_000)
    assets = [Asset(protocol) for _ in range(4)]
    debtor = debtor_of(protocol, assets, (9.9, 9.9, 9.9, 9.9), size=WAD // 10, price=1_660)
    assert -protocol.collateral(debtor) > 0
    assert protocol.waterfall.secured_of(id_of(debtor)) == -protocol.collateral(debtor)
    assert protocol.exceptions() == 0
    protocol.withdraw(victim, 10**6)
    protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
    assert protocol.exceptions() == 0


def test_what_may_not_be_sold_counts_for_no_part(protocol):
    """Its price is too old, or its window is over."""
    assets = [Asset(protocol), Asset(protocol, changes={"sale_window_seconds": 0})]
    debtor = debtor_of(protocol, assets, (9.9, 9.9))
    assert protocol.waterfall.secured_of(id_of(debtor)) == 0
    with boa.env.anchor():
        assets[1].change(sale_window_seconds=3_600)
        protocol.waterfall.refresh_secured(id_of(debtor))
        still_owes = protocol.collateral(debtor) < 0
        assert (protocol.waterfall.secured_of(id_of(debtor)) != 0) is still_owes
