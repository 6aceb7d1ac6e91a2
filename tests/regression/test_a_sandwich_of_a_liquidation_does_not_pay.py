"""A trade before a liquidation of 10 million and one back after it, in one transaction, earned 198,000.

What is closed by force at one time moves the mark by less than a round trip of trade fees costs, whatever
fee and largest premium are then. The arithmetic is held for every size, fee, skew and clamp in
`tests/differential/test_liquidation_math.py`, here on the contracts.
"""

from __future__ import annotations

import pytest

from sim.core.units import WAD
from tests.support.forced_closes import forced_world

FLASH = {
    "initial_ratio": 0.1,
    "maintenance_ratio": 0.05,
    "skew_scale": 1e6,
    "max_premium": 0.05,
    "trade_fee_rate": 0.0005,
    "fee_base": 0.005,
    "min_bounty": 40.0,
    "max_close_impact": 0.0009,
    "backstop_close_impact": 0.01,
    "min_close_share": 0.25,
}


def sandwiched(side: int, **changes: float) -> float:
    """Return what trading 24,000 around every liquidation that one transaction has room for earns, quote."""
    world = forced_world((1_250.0,), **(FLASH | changes))
    victim, attacker = world.trader(0, 1_050_000), world.trader(1, 9_000_000)
    world.open(victim, 8_000.0 * side)
    world.move(1_250.0 - 75.0 * side)
    start = world.collateral(attacker)
    world.open(attacker, -24_000.0 * side)
    calls = 0
    while world.force(victim).status:
        calls += 1
    assert calls >= 1
    assert world.decrease(attacker, 0).status
    return (world.collateral(attacker) - start) / WAD


@pytest.mark.parametrize("side", [1, -1])
def test_it_costs_more_than_it_earns(side):
    assert sandwiched(side) < 0


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("fee", "impact"), [(0.0005, 1.0), (0.0001, 0.0009), (0.0003, 0.05)])
def test_no_parameter_lets_more_through_than_a_round_trip_of_fees_costs(fee, impact, side):
    """The impact was a word of one contract and the fee one of another, and either could be changed alone."""
    words = {"max_close_impact": impact, "backstop_close_impact": 1.0, "backstop_ratio": 0.0}
    assert sandwiched(side, trade_fee_rate=fee, **words) < 0


def test_without_a_fee_no_bound_could_make_it_cost_anything():
    """Then the parameter alone counts: nothing else would ever close."""
    assert sandwiched(1, trade_fee_rate=0.0, max_close_impact=0.01) > 30_000


def test_however_small_the_fee_is_an_account_is_closed():
    """A fee of a thousandth of a basis point lets through what the least impact does."""
    words = {"trade_fee_rate": 1e-7, "min_close_share": 0.0, "buffer": 0.0}
    world = forced_world((1_250.0,), **(FLASH | words))
    victim = world.trader(0, 1_050_000)
    world.open(victim, 8_000.0)
    world.move(1_175.0)
    result = world.force(victim)
    assert result.status, result.reason
    (event,) = [event for event in result.events if event.name == "Liquidated"]
    assert event.values["size_closed"] <= 10 * WAD  # 0.001 % of the skew scale
    assert event.values["size_closed"] > 9 * WAD


def test_the_rest_closes_second_by_second():
    """An account of eight times what one second lets through is out of danger within as many seconds."""
    world = forced_world((1_250.0,), **FLASH)
    victim = world.trader(0, 1_050_000)
    world.open(victim, 8_000.0)
    world.move(1_175.0)
    seconds = 0
    while world.plan(victim)[0]:
        result = world.force(victim)
        assert result.status, result.reason
        assert world.force(victim).reason in ("liquidation: throttled", "liquidation: healthy")
        world.wait(1)
        seconds += 1
    assert 1 < seconds <= 9
    state = world.states()[victim]
    assert state.equity >= state.maintenance_requirement


def test_several_victims_share_the_bound():
    world = forced_world((1_250.0,), **FLASH)
    victims = [world.trader(account, 105_000) for account in range(3)]
    for victim in victims:
        world.open(victim, 800.0)
    world.move(1_175.0)
    closed = sum(
        abs(event.values["size_closed"])
        for victim in victims
        for event in world.force(victim).events
        if event.name == "Liquidated"
    )
    assert 0 < closed <= 900 * WAD  # 0.09 % of the skew scale


def test_far_below_the_bound_is_wider():
    """At two thirds of the requirement and below, ten times as much goes through."""
    world = forced_world((1_250.0,), **FLASH)
    victim = world.trader(0, 1_050_000)
    world.open(victim, 8_000.0)
    world.move(1_145.0)
    state = world.states()[victim]
    assert 3 * state.equity < 2 * state.maintenance_requirement
    result = world.force(victim)
    assert result.status
    assert next(e for e in result.events if e.name == "Liquidated").values["size_closed"] > 900 * WAD


@pytest.mark.parametrize("side", [1, -1])
def test_a_fill_far_from_the_average_price_waits(side):
    """A spike of the index closes nobody at its height, until the account is far below."""

    def obstacle(band: float, ratio: float) -> int:
        world = forced_world(
            (2_000.0,), average_price_band=band, backstop_ratio=ratio, maintenance_ratio=0.04
        )
        account = world.trader(0, 1_100)
        world.open(account, 10.0 * side)
        world.move(2_000.0 - 50.0 * side)
        plan = world.plan(account)
        assert plan[0]
        result = world.force(account)
        assert result.status == (plan[1] == 0)
        if not result.status:
            assert result.reason == "liquidation: far from average price"
        return int(plan[1])

    assert obstacle(0.05, 0.6) == 0
    assert obstacle(0.01, 0.6) == 4
    assert obstacle(0.01, 1.0) == 0
