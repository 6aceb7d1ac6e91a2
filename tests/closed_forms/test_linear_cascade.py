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
from sim.engine.worlds.feedback import FEEDBACK, WHOLE, Feedback
from sim.metrics.matching import match, totals_of
from tests.support.closed_form_world import Account, build_listed_world, run_loop

MAINTENANCE = 0.02
NOTIONAL = 10_000.0
"""Quote that each account sells when its liquidation price is met."""
GAP = 0.00005
EPS = 0.002
BLOCKS = 120
"""More than a jump needs; gradual news adds its own."""
SECONDS = 12
DELAY = 2 * SECONDS
"""From a close to the next that it sets off: the price outside and the report move in the block after, the
liquidator sees them one later."""


def threshold_accounts(count: int) -> list[Account]:
    """Return longs with liquidation prices P0 exp(-j GAP), j = 1.. and equal notional there."""
    accounts = []
    for j in range(1, count + 1):
        fall = math.exp(-j * GAP)
        notional = NOTIONAL / fall
        # C = S (P0 - P_j (1 - m)) makes equity equal to the requirement at P_j.
        accounts.append(Account(notional=notional, collateral=notional * (1.0 - fall * (1.0 - MAINTENANCE))))
    return accounts


def news(minutes: float) -> str:
    """Return the shocks of a log fall of EPS, at once or spread evenly."""
    shape = f'kind = "price_drift", duration_minutes = {minutes}' if minutes else 'kind = "price_jump"'
    return f"shocks=[{{ {shape}, at_block = 2, size = {math.expm1(-EPS)} }}]"


def run_cascade(ratio: float, count: int, *, minutes: float = 0.0, feedback: Feedback = WHOLE):
    """Return the finished loop of news of EPS under a price response of ``ratio`` a unit of fall."""
    depth = 0.01 * NOTIONAL / (ratio * GAP)
    blocks = BLOCKS + round(60.0 * minutes) // SECONDS
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
        "protocol.liquidation.fee_base=0.0001",  # or nobody is paid to close
        "flow.hedge_share=1.0",
        "flow.hedge_half_life_seconds=0",
        news(minutes),
        f"blocks={blocks}",
        feedback=feedback,
    )
    loop = run_loop(world, blocks)
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


def test_above_one_nothing_stops_it():
    """R > 1: the fall has no fixed point and goes through the whole population."""
    count = 150
    loop = run_cascade(1.25, count)
    assert len(loop.recorder.closes) == count
    external = loop.world.external[0]
    assert external.state.impact_log < -0.9 * 1.25 * GAP * count


# --- what the worlds say of it, at every pace of the news ---

NEWS_ALONE = round(EPS / GAP)
"""Accounts that the news closes without any feedback, less one if rounding keeps the last open."""


@pytest.mark.parametrize("minutes", [0, 2, 10, 30])
@pytest.mark.parametrize("ratio", [0.2, 0.35, 0.5, 0.6])
def test_the_excess_share_is_the_branching_ratio_at_every_pace(ratio, minutes):
    least, most = bounds(ratio)
    count = round(1.1 * most / GAP)
    here = run_cascade(ratio, count, minutes=minutes)
    there = run_cascade(ratio, count, minutes=minutes, feedback=FEEDBACK["no_price_feedback"])
    # The fall is the formula's; without price feedback the price is the path.
    external = here.world.external[0]
    fall = math.log(float(external.path.prices[0]) / external.state.price)
    assert least * (1.0 - 1e-9) <= fall <= most * (1.0 + 1e-9)
    assert there.world.external[0].state.price == float(there.world.external[0].path.prices[-1])

    rows = match(here.recorder.closes, there.recorder.closes, block_seconds=SECONDS)
    found = totals_of(rows)
    closed, alone = len(here.recorder.closes), len(there.recorder.closes)
    assert NEWS_ALONE - 1 <= alone <= NEWS_ALONE
    assert math.floor(least / GAP) <= closed <= math.floor(most / GAP)
    # Up to whole accounts, and closes up to two generations below their thresholds weigh less.
    late = math.exp(-2.0 * EPS)
    excess_share = 1.0 - found.notional_there / found.notional
    assert 1.0 - alone / (closed * late) <= excess_share <= 1.0 - alone * late / closed
    assert excess_share == pytest.approx(ratio, abs=2.0 / closed + 2.0 * EPS)
    assert found.avoided == 0.0
    assert found.excess / found.notional == pytest.approx(excess_share, abs=2.0 * EPS)

    # An account d below the start closes R d T/EPS earlier, less the steady lag of the feedback; mean over
    # d up to EPS, and each of two times is a whole block.
    earlier = sum(row.unit_seconds for row in rows) / sum(row.matched for row in rows)
    mean = ratio * 60.0 * minutes / 2.0
    lag = DELAY * ratio / (1.0 - ratio)
    assert max(mean - lag, 0.0) - SECONDS <= earlier <= mean + SECONDS


@pytest.mark.parametrize("removed", [4, 10])
def test_removing_accounts_flow_costs_the_closes_it_caused(removed):
    """Without the flow of n accounts the fall ends n R GAP/(1 - R) higher: n R/(1 - R) fewer closes."""
    ratio = 0.5
    _, most = bounds(ratio)
    count = round(1.1 * most / GAP)
    whole = len(run_cascade(ratio, count).recorder.closes)
    silenced = Feedback(silenced=frozenset(range(removed)))  # participant i is account i
    left = run_cascade(ratio, count, feedback=silenced)
    assert {close.account for close in left.recorder.closes} >= silenced.silenced
    lost = removed * ratio / (1.0 - ratio)
    # One account more or less at the edge of each run.
    assert whole - len(left.recorder.closes) == pytest.approx(lost, abs=2.0)
