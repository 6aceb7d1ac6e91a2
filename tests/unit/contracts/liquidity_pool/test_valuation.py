from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.deployers import deploy
from tests.support.protocol import id_of


@pytest.mark.parametrize("price", [1_900, 2_000, 2_100])
def test_unrealised_gains_of_traders_are_the_pools_losses(protocol, price):
    before = protocol.pool.totalAssets()
    protocol.increase(protocol.account("long", 100_000), 30 * WAD)
    protocol.increase(protocol.account("short", 100_000), -10 * WAD)
    protocol.set_price(price * WAD)
    expected = before * QUANTUM - 20 * (price - 2_000) * WAD
    assert protocol.pool.totalAssets() * QUANTUM == pytest.approx(expected, abs=2 * QUANTUM)
    assert protocol.lens.protocol_state().pool_assets == pytest.approx(expected, abs=QUANTUM)


def test_valuation_in_constant_time_equals_the_sum_over_accounts(build):
    protocol = build(markets=3, margin={"funding_coefficient": WAD // 8}, skew_scale=5_000 * WAD)
    accounts = [protocol.account(f"trader {i}", 200_000) for i in range(6)]
    for i, account in enumerate(accounts):
        for market in range(3):
            protocol.increase(account, (-1) ** (i + market) * (i + 1) * WAD // 3, market=market)
    for market, price in enumerate((1_900, 2_050, 2_222)):
        protocol.set_price(price * WAD, market=market)
    states = protocol.risk.account_states([id_of(a) for a in accounts])
    traders = sum(state.equity for state in states)
    state = protocol.lens.protocol_state()
    total = state.pool_assets + traders + state.accrued_fees
    held = state.pool_token_balance + state.ledger_token_balance
    # The risk price has caught up with the index, so that both value at one price.
    assert [m.risk_price for m in protocol.lens.market_states()] == [1_900 * WAD, 2_050 * WAD, 2_222 * WAD]
    assert 0 <= held - total < 100  # WAD units: rounding alone, and never against the protocol
    protocol.check_books()


def test_realising_does_not_move_the_share_price(protocol):
    trader = protocol.account("trader", 100_000)
    protocol.increase(trader, 30 * WAD)
    protocol.set_price(2_150 * WAD)
    before = protocol.pool.totalAssets()
    protocol.decrease(trader)
    assert 0 <= protocol.pool.totalAssets() - before <= 2


def test_assets_do_not_fall_below_zero(build):
    protocol = build(pool=1_000)
    protocol.increase(protocol.account("trader", 100_000), 30 * WAD)
    protocol.set_price(2_150 * WAD)
    assert protocol.pool.totalAssets() == 0
    assert protocol.lens.protocol_state().pool_assets == 0


def test_providers_can_take_out_only_what_is_not_owed(protocol):
    provider = protocol.liquidity_provider
    trader = protocol.account("trader", 100_000)
    protocol.increase(trader, 30 * WAD)
    protocol.set_price(2_150 * WAD)  # owed 4,500
    protocol.leave(protocol.pool, provider)
    assert protocol.pool.totalSupply() == 0
    assert protocol.pool.reserves() >= 4_499 * WAD
    protocol.decrease(trader)
    assert protocol.ledger.totals().bad_debt == 0
    assert protocol.collateral(trader) == pytest.approx(104_500 * WAD, abs=2 * QUANTUM)
    protocol.check_books()


def test_a_pending_deficit_is_not_there_for_who_leaves_and_keeps_nobody(build):
    protocol = build(fund=0)
    bankrupt, other = protocol.account("bankrupt", 1_001), protocol.account("other", 50_000)
    protocol.increase(bankrupt, 10 * WAD)
    protocol.increase(other, -10 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.liquidate(bankrupt)
    pool, provider = protocol.pool, protocol.liquidity_provider
    protocol.request(pool, provider, pool.balanceOf(provider) // 2)
    protocol.wait(3_600)
    protocol.report_again()
    waiting = pool.maxWithdraw(provider)
    assert not protocol.waterfall.withdrawals_open()
    assert waiting > 0
    protocol.socialize(bankrupt)
    assert pool.maxWithdraw(provider) == pytest.approx(waiting, abs=2)  # it had been left out before
    pool.withdraw(waiting - 2, provider, provider, sender=provider)
    protocol.check_books()


def test_zero_addresses_are_refused(protocol):
    zero, assets = "0x" + "00" * 20, protocol.assets.address
    with boa.reverts("pool: zero address"):
        deploy("LiquidityPool", protocol.owner, protocol.token.address, zero, assets, (60, 600))
    with boa.reverts("vault: zero asset"):
        deploy("LiquidityPool", protocol.owner, zero, protocol.ledger.address, assets, (60, 600))
