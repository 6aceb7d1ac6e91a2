"""Other assets come in and go out: what is booked, what is refused, and with what everything broken."""

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import Asset, check_assets, value_of
from tests.support.deployers import harness
from tests.support.protocol import id_of, units


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_what_comes_in_goes_out(world, decimals):
    protocol, _ = world
    asset = Asset(protocol, decimals=decimals, liquidity=0)
    trader = protocol.account("trader")
    asset.deposit(trader, 3 * asset.unit)
    assert value_of(protocol, trader) == 270 * WAD
    check_assets(protocol, [asset], [trader])
    asset.withdraw(trader, asset.unit)
    assert (asset.balance(trader), asset.token.balanceOf(trader)) == (2 * asset.unit, asset.unit)
    asset.withdraw(trader, 2 * asset.unit)
    assert protocol.ledger.assets_of(id_of(trader)) == 0
    check_assets(protocol, [asset], [trader])


def test_one_deposits_for_another_and_takes_out_of_ones_own(world):
    protocol, asset = world
    trader, other = protocol.account("trader"), protocol.account("other")
    asset.deposit(trader, asset.unit, payer=other)
    with boa.reverts("collateral_balances: balance too low"):
        asset.withdraw(other, asset.unit)
    with boa.reverts("collateral_balances: account of nobody"):
        asset.deposit(0, asset.unit, payer=other)
    with boa.reverts("collateral_assets: unknown asset"):
        protocol.desk.deposit_collateral(id_of(trader), 1, 1, sender=trader)
    for call in (asset.deposit, asset.withdraw):
        with boa.reverts():
            call(trader, 0)


def test_the_cap_binds_on_all_accounts_together(world):
    protocol, asset = world
    one, two = protocol.account("one"), protocol.account("two")
    asset.change(deposit_cap=5 * WAD)
    asset.deposit(one, 3 * asset.unit)
    with boa.reverts("collateral_balances: deposit cap"):
        asset.deposit(two, 2 * asset.unit + 1)
    asset.deposit(two, 2 * asset.unit)
    asset.withdraw(one, asset.unit)
    asset.deposit(two, asset.unit)


def test_a_delisted_asset_counts_and_goes_out(world):
    protocol, asset = world
    trader = protocol.account("trader")
    asset.deposit(trader, 2 * asset.unit)
    asset.change(deposit_cap=0)
    with boa.reverts("collateral_balances: deposit cap"):
        asset.deposit(trader, 1, payer=protocol.liquidator)
    assert value_of(protocol, trader) == 180 * WAD
    asset.withdraw(trader, 2 * asset.unit)
    assert asset.token.balanceOf(trader) == 2 * asset.unit


def test_a_token_that_returns_nothing_and_keeps_a_part_is_credited_what_arrives(world):
    protocol, _ = world
    token = harness("OddToken", 8)
    asset = Asset(protocol, decimals=8, token=token, liquidity=0)
    trader = protocol.account("trader")
    token.set_fee(10)
    asset.deposit(trader, 10 * asset.unit)
    assert asset.balance(trader) == 9 * asset.unit
    check_assets(protocol, [asset], [trader])
    asset.withdraw(trader, 9 * asset.unit)
    assert token.balanceOf(trader) == 81 * asset.unit // 10


def test_everything_else_broken_assets_come_in(world):
    """Exits never depend on what can fail: formula, drawer, fund, pool, pause, a stale price."""
    protocol, asset = world
    trader = protocol.account("trader", 50_000)
    protocol.increase(trader, 10 * WAD)
    model = harness("SwitchableRiskModel")
    protocol.registry.set_market(0, model.address, 10**24, sender=protocol.owner)
    model.set_fault(1, 0)
    protocol.fund.set_drawer(protocol.ledger.address, False, sender=protocol.owner)
    protocol.desk.pause(sender=protocol.owner)
    reserves = asset.pool.reserves()
    asset.pool.remove_liquidity(reserves.asset, reserves.quote, protocol.owner, sender=protocol.owner)
    protocol.wait(86_401)
    asset.deposit(trader, asset.unit)
    assert asset.balance(trader) == asset.unit
    protocol.decrease(trader)
    asset.withdraw(trader, asset.unit)


def test_nobody_but_operators_in_an_operation_moves_balances(world):
    protocol, asset = world
    trader = protocol.account("trader")
    asset.deposit(trader, asset.unit)
    account = id_of(trader)
    calls = (
        ("deposit", (trader, account, 0, 1)),
        ("withdraw", (account, 0, 1, trader)),
        ("sell", (account, 0, 1, trader)),
        ("raise_lien", (account, 1)),
        ("lower_lien", (account, 1)),
    )
    operator = protocol.operator()
    for name, arguments in calls:
        data = getattr(protocol.assets, name).prepare_calldata(*arguments)
        with boa.reverts("collateral_balances: not operator"):
            getattr(protocol.assets, name)(*arguments, sender=trader)
        with boa.reverts("collateral_balances: not locked"):
            operator.call_unlocked(protocol.assets.address, data)


def test_a_hook_finds_the_lock_taken(world):
    """A token that calls back in the middle of a deposit or a withdrawal begins nothing."""
    protocol, _ = world
    token = harness("HookedToken")
    asset = Asset(protocol, decimals=6, token=token, liquidity=0)
    trader = protocol.account("trader")
    own = id_of(token.address)
    token.mint(token.address, 10 * asset.unit)
    token.allow(protocol.assets.address, 2**256 - 1)
    desk = protocol.desk
    again = desk.deposit_collateral.prepare_calldata(own, asset.id, asset.unit)
    token.do(desk.address, again)
    for data in (
        again,
        desk.withdraw_collateral.prepare_calldata(0, asset.id, asset.unit),
        desk.deposit.prepare_calldata(own, 1),
        desk.withdraw.prepare_calldata(0, 1),
    ):
        for move in (asset.deposit, asset.withdraw):
            called = token.called()
            token.arm(desk.address, data, 0)
            move(trader, asset.unit)
            assert token.called() == called + 1
            assert not token.succeeded()
    check_assets(protocol, [asset], [trader, token.address])


def test_withdrawals_wait_while_a_deficit_pends(build):
    protocol = build(fund=0)
    asset = Asset(protocol)
    debtor, trader = protocol.account("debtor", 1_100), protocol.account("trader")
    asset.deposit(trader, asset.unit)
    protocol.increase(debtor, 10 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.decrease(debtor)
    with boa.reverts("trading: deficit pending"):
        asset.withdraw(trader, 1)
    protocol.deposit(debtor, units(1_000))
    asset.withdraw(trader, asset.unit)


def test_a_mode_and_positions_leave_assets_alone(world):
    """Mode, open markets, assets and episode share a word."""
    protocol, asset = world
    trader = protocol.account("trader", 5_000)
    asset.deposit(trader, asset.unit)
    account = id_of(trader)
    for mode in (1, 0, 1):
        protocol.desk.set_mode(0, mode, sender=trader)
        assert (protocol.ledger.mode_of(account), protocol.ledger.assets_of(account)) == (mode, 1)
    protocol.increase(trader, WAD)
    assert (protocol.ledger.assets_of(account), protocol.open_markets(trader)) == (1, 1)
    asset.withdraw(trader, asset.unit)
    assert (protocol.ledger.assets_of(account), protocol.open_markets(trader)) == (0, 1)
    assert protocol.ledger.mode_of(account) == 1
    check_assets(protocol, [asset], [trader])
