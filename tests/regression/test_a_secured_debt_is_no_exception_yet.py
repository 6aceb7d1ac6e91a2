"""A liquidation that ended in a debt counted as an exception also if the debtor's own assets repaid it.

Exceptions raise everybody's margin with `[markets.performance]`, so that small accounts of other assets could
raise it at no loss to anybody. Now the liquidation of an account with other assets is an exception once
others pay of its debt: the fund, winners or the pool.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET_PRICE, Asset
from tests.support.protocol import Protocol, id_of, isolated


@pytest.fixture(params=[1_000_000, 0], ids=["fund", "no fund"])
def listed(request):
    with isolated():
        protocol = Protocol(fund=request.param, liquidation={"fee_base": WAD // 100})
        yield protocol, Asset(protocol)


def liquidated(protocol, asset, units, *, price=1_860 * WAD, quote=0):
    """An account whose only position has been liquidated and has left a debt."""
    trader = protocol.account("trader", quote)
    asset.deposit(trader, units)
    protocol.increase(trader, WAD // 10)
    protocol.set_price(price)
    protocol.liquidate(trader)
    assert protocol.open_markets(trader) == 0
    assert protocol.collateral(trader) < 0 or protocol.assets.lien_of(id_of(trader)) != 0
    return trader


def test_what_its_own_assets_repay_is_none(listed):
    protocol, asset = listed
    trader = liquidated(protocol, asset, asset.unit // 5)
    assert protocol.waterfall.secured_of(id_of(trader)) == -protocol.collateral(trader) > 0
    assert protocol.exceptions() == 0
    asset.set_price(ASSET_PRICE, wait=1)
    protocol.waterfall.sell_collateral(id_of(trader))
    assert protocol.exceptions() == 0
    # Nor is a debt of the same account that no liquidation has left.
    protocol.deposit(trader, 20 * 10**6)
    protocol.set_price(2_000 * WAD)
    protocol.increase(trader, WAD // 10)
    protocol.set_price(1_700 * WAD)
    protocol.decrease(trader)
    settle_with_others(protocol, trader)
    assert protocol.ledger.totals().bad_debt > 0
    assert protocol.exceptions() == 0


def settle_with_others(protocol, trader):
    """Let fund or pool pay what an account owes."""
    protocol.wait(3_600)
    if protocol.cover(trader):
        protocol.wait(61)
        protocol.socialize(trader)


def test_what_others_pay_is_one_and_only_one(listed):
    """In part at once, if there is a fund, and in any case when the window is over."""
    protocol, asset = listed
    has_fund = protocol.fund.reserves() != 0
    trader = liquidated(protocol, asset, asset.unit // 5, price=1_700 * WAD)
    assert protocol.waterfall.secured_of(id_of(trader)) > 0
    assert protocol.exceptions() == (1 if has_fund else 0)
    settle_with_others(protocol, trader)
    assert protocol.collateral(trader) == 0
    assert protocol.exceptions() == 1


def test_a_sale_that_never_comes_makes_it_one(listed):
    protocol, asset = listed
    trader = liquidated(protocol, asset, asset.unit // 5)
    assert protocol.exceptions() == 0
    settle_with_others(protocol, trader)
    assert protocol.exceptions() == 1


def test_winners_that_pay_make_it_one():
    with isolated():
        protocol = Protocol(fund=0, liquidation={"fee_base": WAD // 100})
        asset = Asset(protocol)
        winner = protocol.account("winner", 1_000)
        protocol.increase(winner, -WAD // 10)
        trader = liquidated(protocol, asset, asset.unit // 5)
        protocol.wait(3_600)
        protocol.report_again()
        protocol.deleverage(trader, [winner])
        assert protocol.exceptions() == 1


def test_who_has_no_other_assets_is_one_at_once(listed):
    protocol, _ = listed
    trader = protocol.account("trader", 18)
    protocol.increase(trader, WAD // 10)
    protocol.set_price(1_700 * WAD)
    with boa.env.anchor():
        protocol.liquidate(trader)
        assert protocol.exceptions() == 1
    protocol.decrease(trader)
    assert protocol.exceptions() == 0
