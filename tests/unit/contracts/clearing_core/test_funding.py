from __future__ import annotations

import pytest

from sim.reference import funding_math, pool_math
from sim.reference.fixed_point import WAD
from tests.support.protocol import Protocol, logs_of

SCALE = 1_000 * WAD


@pytest.fixture
def funded(build) -> Protocol:
    return build(margin={"funding_coefficient": WAD // 8}, skew_scale=SCALE, max_premium=WAD // 40)


def rate(skew):
    premium = pool_math.mark_premium(skew, SCALE, WAD // 40)
    return funding_math.funding_rate(premium, WAD // 8, 75 * WAD // 100, 4 * WAD // 100, WAD // 20, WAD // 40)


@pytest.mark.parametrize("side", [1, -1])
def test_the_crowded_side_pays_the_pool(funded, side):
    trader = funded.account("trader", 100_000)
    funded.increase(trader, side * 30 * WAD)
    before = funded.registry.market_snapshot(0)
    assert before.funding_rate == rate(side * 30 * WAD)
    assert before.funding_rate * side > 0
    funded.wait(3_600)
    growth = funded.registry.market_snapshot(0).funding_index - before.funding_index
    assert growth == before.funding_rate * 2_000
    collateral, reserves = funded.collateral(trader), funded.pool.reserves()
    funded.increase(trader, side * WAD)
    (event,) = logs_of(funded.desk, "PositionChanged")
    assert event.funding == funding_math.funding_payment(side * 30 * WAD, growth) > 0
    assert collateral - funded.collateral(trader) == funded.pool.reserves() - reserves == event.funding
    funded.check_books()


def test_the_other_side_receives(funded):
    crowd, other = funded.account("crowd", 100_000), funded.account("other", 100_000)
    funded.increase(crowd, 30 * WAD)
    funded.increase(other, -10 * WAD)
    funded.wait(3_600)
    funded.decrease(other)
    (event,) = logs_of(funded.desk, "PositionChanged")
    assert event.funding < 0
    funded.check_books()


def test_funding_counts_in_equity_before_it_is_settled(funded):
    trader = funded.account("trader", 100_000)
    funded.increase(trader, 30 * WAD)
    before = funded.state(trader).equity
    funded.wait(36_000)
    owed = 30 * funded.registry.market_snapshot(0).funding_rate * 2_000 * 10 // 1
    assert before - funded.state(trader).equity == pytest.approx(owed, abs=100)
    assert funded.collateral(trader) == 100_000 * WAD


def test_poking_often_or_once_gives_the_same_index(build):
    indices = []
    for pokes in (1, 12):
        protocol = build(margin={"funding_coefficient": WAD // 8}, skew_scale=SCALE)
        protocol.increase(protocol.account("trader", 100_000), 7 * WAD + 12_345)
        start = protocol.registry.market_snapshot(0).funding_index
        for _ in range(pokes):
            protocol.wait(3_600 // pokes)
            protocol.registry.poke(0)
        indices.append(protocol.registry.market_snapshot(0).funding_index - start)
    assert abs(indices[0] - indices[1]) <= 12


@pytest.mark.parametrize(
    ("changes", "cap"),
    [
        ({"funding_coefficient": 100 * WAD}, 75 * WAD // 4_000),
        ({"funding_coefficient": 100 * WAD, "max_funding_rate_per_hour": WAD // 1_000}, WAD // 1_000),
        ({"funding_coefficient": 0}, 0),
    ],
)
def test_the_rate_is_capped(build, changes, cap):
    protocol = build(margin=changes, skew_scale=SCALE)
    protocol.increase(protocol.account("trader", 100_000), 30 * WAD)
    assert protocol.registry.market_snapshot(0).funding_rate == cap


def test_new_funding_parameters_do_not_apply_to_the_past(funded):
    trader = funded.account("trader", 100_000)
    funded.increase(trader, 30 * WAD)
    funded.wait(3_600)
    expected = funded.registry.market_snapshot(0).funding_index
    funded.set_margin(funding_coefficient=0)
    assert funded.registry.market_snapshot(0).funding_index == expected != 0
    funded.wait(3_600)
    assert funded.registry.market_snapshot(0).funding_index == expected


def test_accrual_is_logged_once_per_block(funded):
    funded.increase(funded.account("trader", 100_000), 30 * WAD)
    funded.wait(600)
    funded.registry.poke(0)
    (event,) = logs_of(funded.registry, "FundingAccrued")
    assert event.funding_index == funded.registry.market_snapshot(0).funding_index
    funded.registry.poke(0)
    assert logs_of(funded.registry, "FundingAccrued") == []
