"""S13: a source that changes its unit is told so; a unit that all change together is limited and said.

The class of inputs: every power of ten that feeds have been off by (2, 3, 6, 8 and 12, up and down), at the
edges of the factor of two within which it is recognised, with one to seven sources.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference import oracle_math
from sim.reference.fixed_point import WAD
from tests.support.oracle_driver import HEARTBEAT, START_PRICE, OracleDriver

PRICE = START_PRICE
POWERS = [sign * power for power in oracle_math.UNIT_POWERS for sign in (1, -1)]
REASON = "oracle: price off by a power of ten"
WIDE = {"min_price": 1, "max_price": 2**96 - 1}
TOO_VOLATILE = oracle_math.STATUS_TOO_VOLATILE


def times(power, price=PRICE):
    return price * 10**power if power > 0 else price // 10**-power


@pytest.fixture
def make():
    with boa.env.anchor():
        owner = boa.env.generate_address()
        reporters = [boa.env.generate_address() for _ in range(7)]

        def made(count, price=PRICE, **changes):
            oracle = OracleDriver(owner, reporters, count=count, **(WIDE | changes))
            oracle.wait(12)
            oracle.report_all(price, 0)
            oracle.wait(12)
            return oracle

        yield made


def in_range(price):
    return 1 < price < 2**96 - 1


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_alone_it_is_refused_and_the_report_before_it_stands(make, count):
    oracle = make(count)
    before, said = oracle.read(), oracle.contract.source_report(0, oracle.reporters[0])
    for power in POWERS:
        if in_range(times(power)):
            with boa.reverts(REASON):
                oracle.report(0, times(power), 0)
    assert oracle.read() == before
    assert oracle.contract.source_report(0, oracle.reporters[0]) == said


@pytest.mark.parametrize("price", [PRICE * 50, PRICE * 200, PRICE // 50, PRICE * 2_000])
def test_it_is_recognised_to_a_factor_of_two(make, price):
    oracle = make(3)
    with boa.reverts(REASON):
        oracle.report(0, price, 0)


@pytest.mark.parametrize("price", [PRICE * 50 - 1, PRICE * 200 + 1, PRICE * 2_000 + 1, PRICE // 49])
def test_what_is_off_by_something_else_is_outvoted_like_any_other(make, price):
    oracle = make(3)
    oracle.report(0, price, 0)
    assert (oracle.read().index_price, oracle.read().status) == (PRICE, oracle_math.STATUS_VALID)


@pytest.mark.parametrize("power", [2, -2, 3, -3, 6, -6])
@pytest.mark.parametrize("max_divergence", [5 * WAD, 10**24])
def test_what_all_sources_agree_on_is_limited_and_said(make, power, max_divergence):
    oracle = make(3, max_divergence=max_divergence)
    for position in range(3):
        with boa.reverts(REASON):
            oracle.report(position, times(power), 0)
    oracle.wait(HEARTBEAT)  # nobody is left who stands by the old one
    oracle.report(0, times(power), 0)
    assert oracle.read().status >= oracle_math.STATUS_STALE
    oracle.report(1, times(power), 0)
    (event,) = oracle.events("UnitJumped")
    assert (event.previous_price, event.index_price, event.exponent) == (PRICE, times(power), power)
    oracle.report(2, times(power), 0)
    assert oracle.events("UnitJumped") == []  # it is said once
    price = oracle.read()
    assert price.index_price == times(power)
    assert price.status == TOO_VOLATILE
    assert not any(oracle.allowed())
    # Five per cent, or four standard deviations, in 300 s: 72 s after the last observation.
    assert abs(price.risk_price - PRICE) < PRICE // 10


@pytest.mark.parametrize("count", [3, 4, 7])
def test_a_dishonest_source_that_stands_by_the_old_one_stops_no_jump_of_all_others(make, count):
    oracle = make(count)
    for _ in range(5):
        oracle.wait(HEARTBEAT // 4)
        oracle.report(count - 1, PRICE, 0)
    for position in range(count - 1):
        oracle.report(position, PRICE * 100, 0)
    assert oracle.read().index_price == PRICE * 100


def test_a_single_source_is_believed_limited_and_said(make):
    oracle = make(1, minimum_sources=1, valid_sources=1)
    oracle.report(0, PRICE * 100, 0)
    assert len(oracle.events("UnitJumped")) == 1
    assert oracle.read().status == TOO_VOLATILE
    assert oracle.read().risk_price < PRICE * 11 // 10


def test_a_first_report_may_not_be_off_the_price_that_the_asset_was_listed_with_once_two_others_stand(make):
    oracle = make(3)
    fresh = OracleDriver(oracle.owner, oracle.reporters, count=3, **WIDE)
    fresh.wait(12)
    fresh.report(0, PRICE, 0)
    fresh.report(1, PRICE, 0)
    with boa.reverts(REASON):
        fresh.report(2, PRICE * 1_000, 0)
