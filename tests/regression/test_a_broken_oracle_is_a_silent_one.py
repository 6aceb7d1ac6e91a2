"""An asset's oracle that reverts stopped the liquidation and closing of whoever had one unit of the asset.

And anybody could give such a unit. The registry called the oracle unguarded: a margin check, a deficit that
is covered, repaid or socialised reads the price of every asset that the account has. Now an oracle that
reverts, does not end, is gone or answers what no price can be is a silent one: its asset counts for nothing
where risk is added or collateral leaves, and in maintenance at the price that was last noted while somebody
stood for it, so that its fault liquidates nobody and holds up nobody.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET_PRICE, Asset, check_assets, value_of
from tests.support.protocol import Protocol, id_of, isolated

ALL_ONES = "5f19"
"""What puts the largest word there is on the stack."""
FAULTS = {
    "reverts": "5f5ffd",
    "does not end": "5b5f56",
    "is gone": "",
    "answers one word": "60205ff3",
    "answers nothing but zeros": "6101205ff3",
    # Every price the largest number, the status VALID.
    "answers nonsense": "".join(f"{ALL_ONES}60{at:02x}52" for at in range(0, 256, 32)) + "6101205ff3",
}


@pytest.fixture(scope="module")
def scene():
    """Somebody carried by an asset, two with a gift of one unit of it, a debtor whose assets cover it."""
    with isolated():
        protocol = Protocol(fund=0, fund_target=0)
        asset = Asset(protocol)
        holder = protocol.account("holder")
        asset.deposit(holder, 20 * asset.unit)
        protocol.increase(holder, WAD)
        given = [protocol.account(name, 1_050) for name in ("liquidated", "closed")]
        for account in given:
            asset.deposit(account, 1, payer=protocol.liquidator)
            protocol.increase(account, 10 * WAD)
        debtor = protocol.account("debtor", 100)
        asset.deposit(debtor, 30 * asset.unit)
        protocol.increase(debtor, 10 * WAD)
        asset.set_price(9 * ASSET_PRICE // 10)
        protocol.set_price(1_880 * WAD)
        protocol.decrease(debtor)
        protocol.set_price(1_900 * WAD, wait=1)
        protocol.decrease(holder, WAD // 10)
        asset.set_price(8 * ASSET_PRICE // 10, confidence=WAD // 10)
        asset.change(confidence_coefficient=WAD, z=4 * WAD)
        protocol.deposit(holder, 20 * 10**6)
        protocol.increase(holder, WAD // 2)  # a check, which takes note of the price
        yield protocol, asset, holder, *given, debtor


def go_on(protocol, asset, holder, liquidated, closed, debtor):
    """Do everything that must not wait for an asset's oracle or token."""
    protocol.set_price(1_800 * WAD, wait=1)
    protocol.liquidate(liquidated)
    protocol.decrease(closed)
    protocol.cover(debtor)
    protocol.deposit(debtor, 10**6)
    with boa.reverts("forced_sales: nothing can be sold now"):
        protocol.waterfall.sell_collateral(id_of(debtor))
    protocol.wait(3_600)
    for account in (debtor, liquidated, closed):
        protocol.cover(account)
    protocol.wait(61)
    for account in (debtor, liquidated, closed):
        protocol.socialize(account)
    assert protocol.ledger.pending_deficit() == 0
    assert protocol.assets.lien_of(id_of(debtor)) > 1_000 * WAD  # nobody gains by the fault
    protocol.withdraw(holder, 1)
    protocol.decrease(holder)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_everything_goes_on_and_nobody_is_liquidated(scene, fault):
    protocol, asset, holder, *others = scene
    with isolated():
        before, equity = value_of(protocol, holder), protocol.state(holder).equity
        boa.env.set_code(asset.oracle.address, bytes.fromhex(FAULTS[fault]))
        assert [value_of(protocol, holder, kind) for kind in (0, 1, 2)] == [0, before, 0]
        assert protocol.state(holder).equity == equity
        with boa.reverts("liquidation: healthy"):
            protocol.liquidate(holder)
        with boa.reverts("margin_checks: margin too low"):
            protocol.increase(holder, WAD)
        saved = protocol.account("saved")
        asset.deposit(saved, asset.unit)
        assert value_of(protocol, saved) == 0
        asset.withdraw(saved, asset.unit)
        protocol.deposit(holder, 10**9)
        go_on(protocol, asset, holder, *others)
        asset.change(haircut_min=WAD // 2)  # what the governor can do about it
        assert value_of(protocol, holder) < before * 2 // 3
        asset.withdraw(holder, asset.balance(holder))
        check_assets(protocol, [asset], [holder, *others])
        protocol.check_books()


def test_a_token_that_is_broken_stops_no_more_than_itself(scene):
    protocol, asset, holder, *others = scene
    with isolated():
        boa.env.set_code(asset.token.address, bytes.fromhex(FAULTS["reverts"]))
        protocol.deposit(holder, 10**9)
        go_on(protocol, asset, holder, *others)
        with boa.reverts():
            asset.withdraw(holder, 1)
        protocol.check_books()
