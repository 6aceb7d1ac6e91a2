"""S4, the oracle's half: `settle_status` was read by nobody, so positions settled at a price too volatile.

`settlement_prices` gives the index while the status is good enough for it, and else both ends of where the
price may be: a long is reduced at the one, a short at the other. That it never reverts, holds both the last
good index and the newest one, and is the twin's, `test_oracle_math` draws; here is each status in turn.
"""

from __future__ import annotations

import math

import boa
import pytest

from sim.reference import oracle_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import ORACLE_PARAMETERS
from tests.support.oracle_driver import HEARTBEAT, START_PRICE, START_VARIANCE, OracleDriver

PRICE = START_PRICE


@pytest.fixture
def make():
    with boa.env.anchor():
        owner = boa.env.generate_address()
        reporters = [boa.env.generate_address() for _ in range(7)]

        def made(**changes):
            oracle = OracleDriver(owner, reporters, **changes)
            oracle.wait(12)
            oracle.report_all(PRICE, 0)
            oracle.wait(12)
            return oracle

        yield made


def test_a_good_price_settles_at_the_index(make):
    oracle = make()
    assert oracle.settlement() == (PRICE, PRICE)
    oracle.report_all(PRICE * 11 // 10, PRICE // 20)  # UNCERTAIN
    assert oracle.read().status == oracle_math.STATUS_UNCERTAIN
    assert oracle.settlement() == (PRICE * 11 // 10, PRICE * 11 // 10)


@pytest.mark.parametrize(("price", "long_price", "short_price"), [
    (PRICE * 10, PRICE, PRICE * 10), (PRICE // 10, PRICE // 10, PRICE),
])  # fmt: skip
def test_too_volatile_settles_at_the_worst_side_of_old_and_new_however_often_it_is_said(
    make, price, long_price, short_price
):
    oracle = make(heartbeat=3_600)
    for _ in range(5):
        oracle.report_all(price, 0)
        assert oracle.read().status == oracle_math.STATUS_TOO_VOLATILE
        assert oracle.settlement() == (long_price, short_price)
        oracle.wait(12)


def test_once_the_average_has_followed_it_settles_at_the_index_again(make):
    oracle = make(heartbeat=3_600)
    for _ in range(50):
        oracle.report_all(PRICE * 10, 0)
        oracle.wait(12)
    assert oracle.read().status == oracle_math.STATUS_VALID
    assert oracle.settlement() == (PRICE * 10, PRICE * 10)
    oracle.report_all(PRICE * 100, 0)  # and what was good last is the new one
    assert oracle.settlement() == (PRICE * 10, PRICE * 100)


@pytest.mark.parametrize("silence", [1, 60, 3_600, 86_400, 10**9])
def test_stale_moves_both_ends_by_what_the_limiter_allows(make, silence):
    oracle = make()
    oracle.wait(HEARTBEAT - 12 + silence)
    age = oracle.now - oracle.read().updated_at
    assert oracle.read().status == oracle_math.STATUS_STALE
    assert age == HEARTBEAT + silence
    deviation = 4 * math.sqrt(oracle.read().variance_fast / WAD * 300 / 31_536_000)
    move = min(max(0.05, deviation) * math.sqrt(age / 300), 20)
    low, high = oracle.settlement()
    assert low / PRICE == pytest.approx(
        max(math.exp(-move), ORACLE_PARAMETERS["min_price"] / PRICE), rel=1e-6
    )
    assert high / PRICE == pytest.approx(
        min(math.exp(move), ORACLE_PARAMETERS["max_price"] / PRICE), rel=1e-6
    )


def test_two_sources_settle_at_the_worst_side_of_the_last_good_price_and_theirs(make):
    oracle = make()
    oracle.wait(HEARTBEAT)
    oracle.report(0, PRICE * 9 // 10, 0)
    oracle.report(1, PRICE * 9 // 10, PRICE // 100)
    assert oracle.read().status == oracle_math.STATUS_INSUFFICIENT
    assert oracle.settlement() == (PRICE * 9 // 10 - PRICE // 100, PRICE)


def test_settle_status_alone_decides_from_where_on(make):
    found = []
    for settle_status in range(5):
        with boa.env.anchor():
            oracle = make(settle_status=settle_status)
            oracle.report_all(PRICE, PRICE // 20)
            assert oracle.read().status == oracle_math.STATUS_UNCERTAIN
            first = oracle.settlement()
            oracle.wait(HEARTBEAT + 1)
            found.append((first == (PRICE, PRICE), oracle.settlement() == (PRICE, PRICE)))
    assert found == [(False, False), (True, False), (True, False), (True, True), (True, True)]


def test_it_has_an_answer_before_the_first_round_and_none_for_what_is_not_listed(make):
    oracle = make(count=0)
    assert oracle.read().status == oracle_math.STATUS_NONE
    low, high = oracle.settlement()
    assert 0 < low < PRICE < high
    assert oracle.read().variance_fast == START_VARIANCE
    for asset in (1, 8, 2**255):
        with boa.reverts("oracle: unknown asset"):
            oracle.contract.settlement_prices(asset)
