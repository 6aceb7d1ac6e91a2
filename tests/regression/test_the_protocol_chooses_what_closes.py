"""The liquidator chose what to close: a hedge of +200 and -190 became -190, or +200.

The protocol chooses, and a forced close never makes an account riskier: neither the sum of its notionals nor
the magnitude of their signed sum grows, whichever market the caller names.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.core.units import WAD
from tests.support.forced_closes import forced_world

FIRST, HEDGE = 5, 6  # of the plan's words
DUST = 10**7  # what rounding of a size is worth, WAD quote


@pytest.mark.parametrize("market", [0, 1])
def test_a_hedge_closes_from_both_sides(market):
    world = forced_world((2_000.0, 2_000.0), fee_base=0.005)
    account = world.trader(0, 45_000)
    world.open(account, 200.0)
    world.open(account, -190.0, 1)
    world.move(1_930.0, 2_080.0)
    before = [world.position(account, m).size for m in (0, 1)]
    net = abs(world.net(account))
    plan = world.plan(account)
    assert plan[FIRST][0] == 1  # the short is worth more, so the net exposure is on its side
    result = world.force(account, market)
    assert result.status, result.reason
    after = [world.position(account, m).size for m in (0, 1)]
    assert all(abs(new) < abs(old) for new, old in zip(after, before, strict=True))
    assert abs(sum(after)) <= 2 * abs(sum(before))  # the case's own statement
    assert abs(world.net(account)) <= net + DUST
    closes = [event.values for event in result.events if event.name == "Liquidated"]
    assert [close["market"] for close in closes] == [0, 1]
    assert [abs(close["size_closed"]) for close in closes] == [plan[HEDGE][1], plan[FIRST][1]]
    state = world.states()[account]
    assert state.equity >= state.maintenance_requirement


def test_of_one_side_the_riskiest_closes_first():
    world = forced_world((2_000.0, 2_000.0), maintenance_ratio=(0.02, 0.04))
    account = world.trader(0, 4_000)
    world.open(account, 20.0)
    world.open(account, 19.0, 1)
    world.move(1_955.0, 1_955.0)
    plan = world.plan(account)
    assert (plan[0], plan[FIRST][0], plan[HEDGE][1]) == (True, 1, 0)
    assert world.force(account, 0).status  # the caller expected the larger one
    assert world.position(account, 0).size == 20 * WAD
    assert world.position(account, 1).size < 19 * WAD


def test_equal_ones_close_by_market_and_the_cost_of_exit_decides_between_equal_ratios():
    def first(skewed: float) -> int:
        world = forced_world((2_000.0, 2_000.0), skew_scale=100_000.0)
        other = world.trader(1, 1_000_000)
        world.open(other, -20.0, 1)
        if skewed:
            world.open(other, -skewed)
        account = world.trader(0, 4_000)
        world.open(account, 20.0)
        world.open(account, 20.0, 1)
        world.move(1_945.0, 1_945.0)
        plan = world.plan(account)
        assert plan[0]
        return int(plan[FIRST][0])

    assert first(20.0) == 0
    assert first(100.0) == 1  # closing in market 0 meets a discount


def test_a_perfect_hedge_can_be_closed():
    world = forced_world((2_000.0, 2_000.0))
    account = world.trader(0, 55_000)
    world.open(account, 200.0)
    world.open(account, -180.0, 1)
    world.move(1_890.0, 2_100.0)
    assert world.net(account) == 0
    assert world.plan(account)[0]
    assert world.force(account).status
    assert 0 < world.position(account, 0).size < 200 * WAD
    assert 0 < -world.position(account, 1).size < 180 * WAD
    assert abs(world.net(account)) <= DUST


def test_a_market_without_a_position_is_refused():
    world = forced_world((2_000.0, 2_000.0))
    account = world.trader(0, 2_000)
    world.open(account, 10.0)
    world.move(1_840.0, 2_000.0)
    assert world.force(account, 1).reason == "liquidation: no position"
    assert world.force(account, 0).status


MOVES = st.tuples(*[st.one_of(st.floats(0.92, 0.97), st.floats(1.03, 1.08))] * 3)
SIZES = st.tuples(
    *[st.sampled_from([-200.0, -190.0, -50.0, -10.0, -1.0, 0.0, 1.0, 10.0, 60.0, 190.0, 200.0])] * 3
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(sizes=SIZES, moves=MOVES, excess=st.floats(0.0, 0.05), named=st.integers(0, 2), deep=st.booleans())
def test_no_close_makes_an_account_riskier(sizes, moves, excess, named, deep):
    """Any book of three markets, any move, any market named, bounds that bind or not; call after call."""
    world = forced_world(
        (2_000.0, 2_000.0, 2_000.0),
        fee_base=0.005,
        min_close_share=0.25,
        skew_scale=1e9 if deep else 100_000.0,
        max_close_impact=0.0005,
        backstop_close_impact=0.002,
    )
    notional = sum(abs(size) for size in sizes) * 2_000.0
    account = world.trader(0, notional * ((0.0502 if deep else 0.056) + excess / 10) + 10.0)
    for market, size in enumerate(sizes):
        if size:
            world.open(account, size, market)
    world.move(*(2_000.0 * move for move in moves))
    for _ in range(12):
        net, gross = abs(world.net(account)), world.gross(account)
        sizes_before = [world.position(account, market).size for market in range(3)]
        plan = world.plan(account)
        market = named if sizes_before[named] else next((m for m in range(3) if sizes_before[m]), 0)
        result = world.force(account, market)
        assert result.status == (plan[0] and plan[1] == 0 and any(sizes_before))
        if not result.status:
            if plan[1] != 3:  # throttled: the next second goes on
                return
            world.wait(1)
            continue
        assert abs(world.net(account)) <= net + DUST
        assert world.gross(account) < gross
        for market, before in enumerate(sizes_before):
            after = world.position(account, market).size
            assert abs(after) <= abs(before)
            assert after * before >= 0
