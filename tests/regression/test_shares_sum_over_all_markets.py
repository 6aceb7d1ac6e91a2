"""Losses of all markets stood over the open interest of market 0.

With two markets ``liquidated_share`` was 1.119 where 0.545 was liquidated; bad debt, drain and uncovered loss
as shares of open interest, and the bound of insolvency, likewise, in reports and in ``compare``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import execute, summarise
from sim.metrics.book import path_metrics
from tests.support.closed_form_world import closed_form_scenario

SMALL, LARGE = 10_000.0, 90_000.0  # quote of each position in markets 0 and 1: a long and a short
LEVERAGE, FALL = 5.0, 0.3
LONGS = SMALL + LARGE
LOSS = LONGS * (FALL - 1.0 / LEVERAGE)  # what a fall of 30 % takes beyond a fifth
TIP = 10.0
"""What the fund adds, or nobody would close an account with nothing left."""
OPEN_INTEREST = 2.0 * LONGS


def market(name: str) -> str:
    return (
        f'{{ name = "{name}", initial_price = 2_000.0, price = {{ kind = "gbm", volatility = 0.0 }}, '
        'impact = { law = "none" }, pool = { skew_scale = 1e18, max_premium = 0.01, '
        "open_interest_cap_notional = 1e15 } }"
    )


def trader(index: int, side: str, size: float) -> str:
    return (
        f'{{ name = "{side}_{index}", market = {index}, count = 1, long_share = {float(side == "long")}, '
        f'leverage = {{ distribution = "fixed", value = {LEVERAGE} }}, '
        f'size = {{ distribution = "fixed", value = {size} }}, '
        "top_up = { attentive_share = 0.0, wallet_ratio = 0.0 }, trades_per_day = 0.0 }"
    )


@pytest.fixture(scope="module")
def summary() -> dict[str, object]:
    scenario = closed_form_scenario(
        0,
        f"markets=[{market('ETH')}, {market('BTC')}]",
        "traders=["
        + ", ".join(
            trader(m, side, size) for m, size in ((0, SMALL), (1, LARGE)) for side in ("long", "short")
        )
        + "]",
        "shocks=["
        + ", ".join(f"{{ kind = 'price_jump', market = {m}, at_block = 3, size = -{FALL} }}" for m in (0, 1))
        + "]",
        f"protocol.liquidation.min_bounty={TIP}",
    )
    run = execute(scenario, RunOptions(out=Path(), worlds="none"), {})
    run.world.chain.close()
    return summarise(run)


def test_every_share_of_two_markets_stands_over_both(summary):
    found = path_metrics(summary)
    assert found["open_interest_start"] == pytest.approx(OPEN_INTEREST, rel=1e-9)
    assert found["liquidated_share"] == pytest.approx(LONGS * (1.0 - FALL) / OPEN_INTEREST, rel=1e-9)
    assert found["bad_debt_ratio"] == pytest.approx(LOSS / OPEN_INTEREST, rel=1e-9)
    assert found["fund_drain"] == pytest.approx(LOSS / OPEN_INTEREST, rel=1e-9)  # nobody is tipped


def test_what_the_fund_could_not_pay_stands_over_both(summary):
    found = path_metrics(summary | {"socialized_loss": 0.01 * OPEN_INTEREST})
    assert found["uncovered_loss_ratio"] == pytest.approx(0.01, rel=1e-9)
