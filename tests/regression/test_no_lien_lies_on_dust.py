"""A stranger's gift of one unit of an asset let a lien lie that held back what its owner deposited later.

What others pay of the debt of an account with assets is a lien on them, and ends with the last of them;
but one unit of eighteen decimals sells for nothing, so that it stayed until somebody repaid the whole debt.
Now no lien lies where no asset is worth a hundredth of quote, and it ends when none is any more. That is too
little to play with: a debtor's assets worth more are sold for what others have paid, as ever.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET_PRICE, Asset, check_assets, value_of
from tests.support.protocol import Protocol, id_of, isolated

LEAST = WAD // 100


@pytest.fixture
def listed():
    with isolated():
        protocol = Protocol()
        yield protocol, Asset(protocol)


def ruined(protocol, asset, gift):
    """An account that owed what the fund has paid, and has been given some of an asset before."""
    debtor = protocol.account("debtor", 120)
    protocol.increase(debtor, WAD)
    if gift:
        asset.deposit(debtor, gift, payer=protocol.liquidator)
    protocol.set_price(1_800 * WAD)
    protocol.decrease(debtor)
    assert protocol.collateral(debtor) == 0
    return debtor


def test_a_gift_of_dust_holds_nothing_back(listed):
    protocol, asset = listed
    debtor = ruined(protocol, asset, 1)
    assert protocol.assets.lien_of(id_of(debtor)) == 0
    asset.set_price(ASSET_PRICE, wait=1)
    asset.deposit(debtor, asset.unit)
    assert value_of(protocol, debtor) == 90 * WAD + 90
    asset.withdraw(debtor, asset.unit)
    check_assets(protocol, [asset], [debtor])


@pytest.mark.parametrize("less", [0, 1])
def test_the_least_that_bears_one_is_exact_and_can_be_sold(listed, less):
    protocol, asset = listed
    debtor = ruined(protocol, asset, LEAST * asset.unit // ASSET_PRICE - less)
    assert (protocol.assets.lien_of(id_of(debtor)) == 0) == bool(less)
    if less:
        return
    fund = protocol.fund.reserves()
    asset.set_price(ASSET_PRICE, wait=1)
    protocol.waterfall.sell_collateral(id_of(debtor))
    assert 0 < protocol.fund.reserves() - fund < LEAST
    assert protocol.assets.lien_of(id_of(debtor)) == 0


@pytest.mark.parametrize("fault", ["silent", "gone"])
def test_an_oracle_s_fault_frees_no_debtor(listed, fault):
    protocol, asset = listed
    debtor = protocol.account("debtor", 120)
    protocol.increase(debtor, WAD)
    asset.deposit(debtor, asset.unit)
    if fault == "silent":
        protocol.wait(86_401)
        protocol.report_again()
    else:
        boa.env.set_code(asset.oracle.address, b"")
    protocol.set_price(1_800 * WAD)
    protocol.decrease(debtor)
    assert protocol.assets.lien_of(id_of(debtor)) >= 80 * WAD
    with boa.reverts("collateral_balances: lien"):
        asset.withdraw(debtor, 1)


def test_dust_of_another_asset_does_not_keep_it(listed):
    """Else whoever gives it before the last sale would keep the lien alive for ever."""
    protocol, asset = listed
    other = Asset(protocol, changes={"haircut_min": WAD // 2})
    debtor = ruined(protocol, asset, asset.unit // 11)
    lien = protocol.assets.lien_of(id_of(debtor))
    assert lien >= 80 * WAD
    other.deposit(debtor, 1, payer=protocol.liquidator)
    asset.set_price(ASSET_PRICE, wait=1)
    protocol.waterfall.sell_collateral(id_of(debtor))
    assert (asset.balance(debtor), other.balance(debtor)) == (0, 1)
    assert protocol.assets.lien_of(id_of(debtor)) == 0
    asset.deposit(debtor, asset.unit)
    asset.withdraw(debtor, asset.unit)
    check_assets(protocol, [asset, other], [debtor])
    protocol.check_books()


def test_what_is_left_of_a_part_sold_keeps_it(build_small):
    """A lien that waits for the next second's sale does not end meanwhile."""
    protocol, asset = build_small
    debtor = ruined(protocol, asset, 9 * asset.unit // 100)
    lien = protocol.assets.lien_of(id_of(debtor))
    asset.set_price(ASSET_PRICE, wait=1)
    protocol.waterfall.sell_collateral(id_of(debtor))
    assert 0 < protocol.assets.lien_of(id_of(debtor)) < lien


@pytest.fixture
def build_small():
    """A pool that takes less than a tenth of a token at one time."""
    with isolated():
        protocol = Protocol()
        yield protocol, Asset(protocol, liquidity=2_000)
