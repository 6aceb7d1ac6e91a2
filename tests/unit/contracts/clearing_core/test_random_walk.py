"""Long random histories: every law of conservation after every action, no revert without a known reason."""

from __future__ import annotations

import random

import pytest
from boa.contracts.base_evm_contract import BoaError

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import ALL, units

KNOWN = (
    "vault: nothing waits",
    "vault: zero shares",
    "pool: still waiting",
    "pool: not claimable",
    "pool: nearly worthless",
    "margin_checks: margin too low",
    "trading: opposite direction",
    "trading: no position",
    "margin_checks: collateral too low",
    "trading: deficit pending",
    "trading: position too small",
    "trading: size exceeds position",
    "margin_checks: price not valid",
    "liquidation: healthy",
    "liquidation: no position",
    "liquidation: throttled",
    "liquidation: far from average price",
    "liquidation: price not valid",
    "loss_waterfall: no deficit",
    "deleveraging: wrong market",
    "deleveraging: no gain",
    "loss_waterfall: window open",
)


def step(protocol, rng, traders):
    trader = rng.choice(traders)
    market = rng.randrange(2)
    action = rng.choices(
        ["price", "increase", "decrease", "withdraw", "deposit", "liquidate", "deleverage", "pool", "fund"],
        [3, 6, 2, 1, 1, 6, 2, 1, 1],
    )[0]
    if action == "price":
        price = protocol.oracle.asset_price(market).index_price
        protocol.set_price(
            price * rng.randrange(80, 122) // 100, market=market, wait=rng.choice([12, 300, 3_600])
        )
    elif action == "increase":
        protocol.increase(trader, rng.choice([1, -1]) * rng.randrange(WAD // 10, 30 * WAD), market=market)
    elif action == "decrease":
        protocol.decrease(trader, rng.choice([ALL, rng.randrange(1, 5 * WAD)]), market=market)
    elif action == "withdraw":
        protocol.desk.withdraw(0, rng.randrange(1, units(2_000)), sender=trader)
    elif action == "deposit":
        protocol.deposit(trader, rng.randrange(1, units(1_000)))
    elif action == "liquidate":
        for account in traders:
            if protocol.preview(account).eligible:
                trader = account
        protocol.liquidate(trader, market=market)
    elif action == "deleverage":
        broke = [t for t in traders if protocol.deficit(t).recorded_at]
        trader = broke[0] if broke else trader
        record = protocol.deficit(trader)
        scores = {t: protocol.score(t, record.market) for t in traders}
        winners = [
            t
            for t in sorted(traders, key=lambda t: (-scores[t], int(t, 16)))
            if scores[t] and (protocol.position(t, record.market).size > 0) != (record.side > 0)
        ]
        if winners and rng.random() < 0.7:
            protocol.deleverage(trader, winners[:3], market=record.market)
        else:
            protocol.socialize(trader)
    else:
        vault = getattr(protocol, action)
        backer = protocol.liquidity_provider if action == "pool" else protocol.fund_backer
        chosen = rng.random()
        if vault.maxWithdraw(backer):
            assets = min(rng.randrange(1, units(3_000)), vault.maxWithdraw(backer))
            vault.withdraw(assets, backer, backer, sender=backer)
        elif chosen < 0.3:
            vault.request_exit(vault.balanceOf(backer) // 8, sender=backer)
        elif vault.maxDeposit(backer):
            protocol.supply(vault, backer, rng.randrange(1, 3_000))
        elif chosen < 0.6:
            vault.claim_shares(backer)
        else:
            protocol.token.mint(backer, units(3_000))
            protocol.token.approve(vault.address, units(3_000), sender=backer)
            vault.request_deposit(rng.randrange(1, units(3_000)), sender=backer)


@pytest.mark.parametrize("seed", range(2))
def test_books_balance_after_every_action(build, seed):
    rng = random.Random(seed)
    protocol = build(
        markets=2,
        pool=30_000,
        fund=2_000,
        skew_scale=2_000 * WAD,
        margin={
            "trade_fee_rate": WAD // 2_000,
            "funding_coefficient": WAD // 8,
            "ramp_per_hour": WAD // 4,
            "withdraw_margin_ratio": 0,
        },
        liquidation={"fee_base": WAD // 200, "min_bounty": 2 * WAD, "throttle_share_per_hour": 2 * WAD},
    )
    traders = [protocol.account(f"trader {i}", rng.randrange(2_000, 20_000)) for i in range(6)]
    done = 0
    for _ in range(60):
        try:
            step(protocol, rng, traders)
            done += 1
        except BoaError as error:
            if not any(reason in str(error) for reason in KNOWN):
                raise
        protocol.check_books()
        state = protocol.lens.protocol_state()
        claims = state.total_collateral + state.accrued_fees + state.pool_reserves + state.fund_reserves
        held = state.ledger_token_balance + state.pool_token_balance + state.fund_token_balance
        assert held == claims
    assert done > 15
    assert protocol.liquidation.liquidations() > 0


def test_the_walks_reach_every_stage_of_the_waterfall(build):
    """One seed is not enough evidence that the stages are exercised: this history visits them all."""
    protocol = build(pool=100_000, fund=300)
    winner = protocol.account("winner", 50_000)
    broke = [protocol.account(f"broke {i}", 1_001) for i in range(3)]
    protocol.increase(winner, -20 * WAD)
    for account in broke:
        protocol.increase(account, 10 * WAD)
    protocol.set_price(1_850 * WAD)
    for account in broke:
        protocol.liquidate(account)
        protocol.check_books()
    for account in broke[:2]:
        protocol.deleverage(account, [winner])
        protocol.check_books()
    # The winner paid two and still has a gain: the pool pays the third once nobody has named it in time.
    protocol.set_price(1_850 * WAD, wait=3_600)
    protocol.socialize(broke[2])
    totals = protocol.ledger.totals()
    assert totals.fund_draws == 300 * WAD
    assert totals.haircuts > 0
    assert totals.socialized_loss > 0
    assert totals.bad_debt == pytest.approx(3 * 499 * WAD, abs=10 * QUANTUM)
    protocol.check_books()
