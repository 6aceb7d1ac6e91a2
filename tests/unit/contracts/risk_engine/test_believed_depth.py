"""Openings and withdrawals believe less depth in a wild market or beside a small pool; upkeep does not."""

from __future__ import annotations

from dataclasses import astuple, replace

import boa
import pytest

from sim.reference import pool_math, risk_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.protocol import Protocol, logs_of
from tests.support.risk_parameters import ADAPTIVE

SHALLOW = replace(ADAPTIVE, liquidity_floor=WAD)
"""Size is measured against what the pool quotes, and nothing less."""
SKEW_SCALE = 100_000 * WAD
QUOTED = pool_math.depth(SKEW_SCALE, 2_000 * WAD)
SIZE = 500 * WAD


@pytest.fixture
def deep(build) -> Protocol:
    """A pool of ten million in a market that is two million deep."""
    owner = boa.env.generate_address("owner")
    model = deploy("risk_models/AdaptiveRiskModel", owner, astuple(SHALLOW))
    protocol: Protocol = build(risk_model=model, skew_scale=SKEW_SCALE)
    assert protocol.registry.market_snapshot(0).depth == QUOTED
    return protocol


def checked(protocol: Protocol):
    """Return what the last check was made on."""
    (event,) = logs_of(protocol.desk, "MarginChecked")
    return event


def asked(event) -> int:
    """Return the initial ratio of the twin for what a check believed."""
    inputs = risk_math.RiskInputs(
        notional=event.notional,
        price=2_000 * WAD,
        confidence=event.confidence,
        variance_fast=event.variance_fast,
        variance_slow=event.variance_slow,
        open_interest=event.open_interest,
        depth=event.depth,
    )
    return risk_math.adaptive_ratios(inputs, SHALLOW).initial


def opened(protocol: Protocol, name: str = "trader"):
    account = protocol.account(name, 500_000)
    protocol.increase(account, SIZE)
    return account, checked(protocol)


def test_off_all_that_is_quoted_is_believed(deep):
    _, event = opened(deep)
    assert event.depth == QUOTED
    assert event.ratio == asked(event)


def test_a_pool_with_a_quarter_of_its_reserves_is_a_quarter_as_deep(deep):
    _, before = opened(deep)
    deep.set_margin(depth_reserves=4 * deep.pool.reserves())
    _, event = opened(deep, "another")
    assert event.depth == QUOTED // 4
    assert event.ratio == asked(event) > before.ratio


def test_a_market_of_twice_the_volatility_is_half_as_deep(deep):
    snapshot = deep.registry.market_snapshot(0)
    variance = max(snapshot.variance_fast, snapshot.variance_slow)
    deep.set_margin(depth_variance=variance // 4)
    _, event = opened(deep)
    assert event.depth == pytest.approx(QUOTED / 2, rel=1e-12)
    assert event.ratio == asked(event)


def test_a_share_of_it_is_always_believed(deep):
    deep.set_margin(depth_reserves=10**38, depth_variance=1, depth_share_min=WAD // 20)
    _, event = opened(deep)
    assert event.depth == QUOTED // 20
    deep.set_margin(depth_share_min=WAD)
    _, event = opened(deep, "another")
    assert event.depth == QUOTED


def test_who_fills_the_pool_up_gets_no_more_than_what_is_quoted(deep):
    deep.set_margin(depth_reserves=deep.pool.reserves())
    deep.supply(deep.pool, boa.env.generate_address("whale"), 100_000_000)
    _, event = opened(deep)
    assert event.depth == QUOTED


def test_a_position_that_could_be_opened_yesterday_is_refused_beside_a_small_pool(deep):
    account = deep.account("trader", 100_000)
    with boa.env.anchor():
        deep.increase(account, SIZE)
    deep.set_margin(depth_reserves=10**38)
    with boa.reverts("margin_checks: margin too low"):
        deep.increase(account, SIZE)


def test_nobody_is_liquidated_because_depth_withdraws(deep):
    """Neither a provider who leaves nor a wild market asks those who are in for more."""
    account, _ = opened(deep)
    before = tuple(deep.state(account))
    deep.set_margin(depth_reserves=10**38, depth_variance=1)
    assert tuple(deep.state(account)) == before
    with boa.reverts("margin_checks: margin too low"):
        deep.withdraw(account, 350_000 * 10**6)
    deep.decrease(account, SIZE // 2)  # who reduces is not checked
    assert deep.position(account).size == SIZE // 2
