"""quant 8.7: the linear cascade, D = eps/(1 - R), through keepers, liquidators, contracts and impact.

Accounts are placed so that the density of liquidations is constant in the log price: account j is liquidated
when the log price has fallen by j * GAP, and sells the same quote amount there. The pool hedges all of it at
once, impact is linear and permanent, throttle and withdrawal of depth are off. Each close then moves the log
price by R * GAP, and news of eps must end at eps/(1 - R).
"""

from __future__ import annotations

import math

import pytest

from sim.core.units import WAD
from tests.support.closed_form_world import Account, build_listed_world, run_loop

MAINTENANCE = 0.02
NOTIONAL = 10_000.0
"""Quote that each account sells when its liquidation price is met."""
GAP = 0.00005
EPS = 0.002
BLOCKS = 120


def threshold_accounts(count: int) -> list[Account]:
    """Return longs with liquidation prices P0 exp(-j GAP), j = 1.. and equal notional there."""
    accounts = []
    for j in range(1, count + 1):
        fall = math.exp(-j * GAP)
        notional = NOTIONAL / fall
        # C = S (P0 - P_j (1 - m)) makes equity equal to the requirement at P_j.
        accounts.append(Account(notional=notional, collateral=notional * (1.0 - fall * (1.0 - MAINTENANCE))))
    return accounts


def run_cascade(ratio: float, count: int):
    """Return the finished loop of news of EPS under a price response of ``ratio`` a unit of fall."""
    depth = 0.01 * NOTIONAL / (ratio * GAP)
    world = build_listed_world(
        threshold_accounts(count),
        "markets.0.impact.law=linear",
        f"markets.0.impact.depth_per_percent={depth}",
        "markets.0.impact.depth_withdrawal=0.0",
        "markets.0.impact.depth_floor=1.0",
        "markets.0.impact.refill_half_life_seconds=0",
        "markets.0.impact.impact_half_life_seconds=0",
        f"protocol.risk_model_parameters.maintenance_ratio={MAINTENANCE}",
        f"protocol.risk_model_parameters.initial_ratio={MAINTENANCE + GAP / 10.0}",
        # Ten times the requirement restored: what would be left is dust, so all closes.
        "protocol.liquidation.buffer=10.0",
        f"protocol.margin.min_position_notional={NOTIONAL / 2.0}",
        "protocol.liquidation.min_bounty=10.0",
        "flow.hedge_share=1.0",
        "flow.hedge_half_life_seconds=0",
        f'shocks=[{{ kind = "price_jump", at_block = 2, size = {math.expm1(-EPS)} }}]',
        f"blocks={BLOCKS}",
    )
    loop = run_loop(world, BLOCKS)
    world.chain.close()
    return loop


def bounds(ratio: float) -> tuple[float, float]:
    """Return the least and the most D that discretisation allows.

    Thresholds lie GAP apart: the fixed point D = eps + R GAP floor(D / GAP) is at most R GAP/(1 - R) below
    the formula and never above it. A close takes place up to two generations (each at most eps) below its
    threshold, at a notional smaller by that much.
    """
    late = math.exp(-2.0 * EPS)
    least = (EPS - ratio * GAP) / (1.0 - ratio * late)
    return least, EPS / (1.0 - ratio)


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_cascade_ends_at_the_formula(ratio):
    least, most = bounds(ratio)
    loop = run_cascade(ratio, round(1.25 * most / GAP))
    external = loop.world.external[0]
    fall = math.log(float(external.path.prices[0]) / external.state.price)
    assert least * (1.0 - 1e-9) <= fall <= most * (1.0 + 1e-9)
    assert (most - least) / most < 0.04  # or the comparison says nothing
    # The oracle ends there too, every account above it is closed and every account below it is open.
    index = loop.reading.markets[0].index_price / WAD
    assert index == pytest.approx(external.state.price, rel=1e-12)
    closed = [size == 0 for size in loop.world.mirror.exact_size[0]]
    accounts = round(1.25 * most / GAP)
    assert closed[:accounts] == [j * GAP < fall for j in range(1, accounts + 1)]


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_attribution_recovers_the_multiplier(ratio):
    """Closes that the news alone explains: eps/GAP; the others are endogenous, a share R of all."""
    least, most = bounds(ratio)
    loop = run_cascade(ratio, round(1.25 * most / GAP))
    total = len(loop.recorder.forest)
    exogenous = round(EPS / GAP)
    endogenous = loop.recorder.totals.endogenous_notional / loop.recorder.totals.liquidated_notional
    # One close more or less at each of the two edges, and closes below their thresholds weigh less.
    assert endogenous == pytest.approx(1.0 - exogenous / total, abs=2.0 / total + 2.0 * EPS)
    low, high = 1.0 - EPS / least, 1.0 - EPS / most
    assert low - 2.0 / total - 2.0 * EPS <= endogenous <= high + 2.0 / total + 2.0 * EPS


def test_above_one_nothing_stops_it():
    """R > 1: the fall has no fixed point and goes through the whole population."""
    count = 150
    loop = run_cascade(1.25, count)
    assert len(loop.recorder.forest) == count
    external = loop.world.external[0]
    assert external.state.impact_log < -0.9 * 1.25 * GAP * count
