"""quant 8.10: the fraction of a position whose close restores the target ratio, f = (mT - m)/(mT - c)."""

from __future__ import annotations

import pytest

from sim.core.units import WAD
from tests.support.closed_form_world import PRICE, Account, Driver, build_listed_world

NOTIONAL = 200_000.0
SIZE = NOTIONAL / PRICE


def liquidation_world(mark_impact: float, fee: float, accounts: list[Account]) -> Driver:
    """Return a world with maintenance 4 % and target 5 %; the shorts' skew prices the close."""
    short = -sum(min(account.notional, 0.0) for account in accounts) / PRICE
    # Closing all of account 0 sells at a premium of (SIZE - short - SIZE / 2) / skew_scale.
    skew_scale = (short - SIZE / 2.0) / mark_impact if mark_impact else 1e18
    world = build_listed_world(
        accounts,
        "protocol.risk_model_parameters.maintenance_ratio=0.04",
        "protocol.risk_model_parameters.initial_ratio=0.05",
        "protocol.liquidation.buffer=0.25",
        f"protocol.liquidation.fee_base={fee}",
        "protocol.liquidation.fee_volatility_coefficient=0.0",
        "protocol.liquidation.fee_shortfall_coefficient=0.0",
        f"markets.0.pool.skew_scale={skew_scale}",
        "markets.0.pool.max_premium=0.02",
    )
    return Driver(world)


@pytest.mark.parametrize(
    ("ratio", "fee", "fraction"),
    [
        (0.02, 0.012, (0.05 - 0.02) / (0.05 - 0.012)),  # the golden case: 0.789474
        (0.035, 0.005, (0.05 - 0.035) / (0.05 - 0.005)),
        (0.03, 0.0, (0.05 - 0.03) / 0.05),
    ],
)
def test_fraction_and_restored_ratio(ratio, fee, fraction):
    if fee == 0.012:
        assert fraction == pytest.approx(0.789474, abs=5e-7)
    driver = liquidation_world(0.0, fee, [Account(notional=NOTIONAL, collateral=NOTIONAL / 10.0)])
    # Equity / notional is `ratio` where C + S (P - P0) = ratio S P.
    price = PRICE * (1.0 - 0.1) / (1.0 - ratio)
    driver.report(price)
    (before,) = driver.client.account_states([0])
    assert before.equity / before.notional == pytest.approx(ratio, rel=1e-12)
    (receipt,) = driver.liquidate(0)
    assert receipt.status, receipt.revert_reason
    (values,) = driver.liquidated()
    assert values["size_closed"] / WAD / SIZE == pytest.approx(fraction, rel=1e-10)
    (after,) = driver.client.account_states([0])
    assert after.equity / after.notional == pytest.approx(0.05, rel=1e-9)
    driver.world.chain.close()


def test_mark_impact_counts_as_cost():
    """Fee 0.4 % plus a close 0.8 % below the risk price: c = 1.2 %, the golden fraction again.

    The contract takes the impact of closing everything; the part it does close has more skew to sell
    into, so the account ends at the target or above it, never below.
    """
    accounts = [
        Account(notional=NOTIONAL, collateral=NOTIONAL / 10.0),
        Account(notional=-5.0 * NOTIONAL, collateral=4.0 * NOTIONAL),
    ]
    driver = liquidation_world(0.008, 0.004, accounts)
    (opened,) = driver.client.positions(0, [0])
    (state,) = driver.client.account_states([0])
    size = opened.size / WAD
    # The opening fill carried the skew's price: solve C + S P - entry = 2 % S P for the price.
    entry = opened.entry_notional / WAD
    price = (entry - state.collateral / WAD) / size / (1.0 - 0.02)
    driver.report(price)
    (before,) = driver.client.account_states([0])
    assert before.equity / before.notional == pytest.approx(0.02, rel=1e-9)
    (receipt,) = driver.liquidate(0)
    assert receipt.status, receipt.revert_reason
    (values,) = driver.liquidated()
    assert values["size_closed"] / opened.size == pytest.approx(0.789474, abs=5e-7)
    (after,) = driver.client.account_states([0])
    assert 0.05 <= after.equity / after.notional < 0.055
    driver.world.chain.close()


def test_nothing_is_closed_above_the_requirement_and_everything_below_zero_equity():
    driver = liquidation_world(0.0, 0.005, [Account(notional=NOTIONAL, collateral=NOTIONAL / 10.0)])
    saved = driver.snapshot()
    driver.report(PRICE * 0.9 / (1.0 - 0.0401))
    (receipt,) = driver.liquidate(0)
    assert receipt.revert_reason == "liquidation: healthy"
    driver.restore(saved)
    driver.report(PRICE * 0.899)
    (receipt,) = driver.liquidate(0)
    assert receipt.status
    assert driver.client.positions(0, [0])[0].size == 0
    driver.world.chain.close()
