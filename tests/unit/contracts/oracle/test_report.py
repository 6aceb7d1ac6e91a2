"""`PriceOracle.report`: what is refused, and what an accepted report does."""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import UINT_MAX, WAD
from tests.support.deployers import ORACLE_PARAMETERS

PRICE = 2_010 * WAD


@pytest.fixture
def ready(oracle):
    oracle.wait(12)
    return oracle


def test_report_by_reporter_is_stored_and_logged(ready):
    ready.report(0, PRICE, 3 * WAD, ready.now - 5)
    event = ready.events("Reported")[0]
    assert (event.asset, event.reporter) == (0, ready.reporters[0])
    assert (event.price, event.confidence, event.published_at) == (PRICE, 3 * WAD, ready.now - 5)
    stored = ready.contract.source_report(0, ready.reporters[0])
    assert stored == (1, 60, PRICE, 3 * WAD, ready.now - 5)


def test_report_by_stranger_reverts(ready, stranger):
    with boa.reverts("oracle: not a reporter"):
        ready.contract.report(0, PRICE, WAD, ready.now, sender=stranger)


@pytest.mark.parametrize("asset", [1, 8, UINT_MAX])
def test_report_of_unlisted_asset_reverts(ready, asset):
    with boa.reverts("oracle: not a reporter"):
        ready.contract.report(asset, PRICE, WAD, ready.now, sender=ready.reporters[0])


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (0, "oracle: zero price"),
        (ORACLE_PARAMETERS["min_price"], "oracle: price at minimum"),
        (ORACLE_PARAMETERS["max_price"], "oracle: price at maximum"),
        (UINT_MAX, "oracle: price at maximum"),
    ],
)
def test_report_of_clamped_price_reverts(ready, price, reason):
    with boa.reverts(reason):
        ready.report(0, price, 0)


@pytest.mark.parametrize("price", [ORACLE_PARAMETERS["min_price"] + 1, ORACLE_PARAMETERS["max_price"] - 1])
def test_report_just_inside_bounds_is_taken(ready, price):
    ready.report(0, price, 0)
    assert ready.contract.source_report(0, ready.reporters[0]).price == price


@pytest.mark.parametrize("confidence", [PRICE // 10 + 1, PRICE + 1, UINT_MAX, 2**200])
def test_report_with_wide_confidence_reverts(ready, confidence):
    with boa.reverts("oracle: confidence too wide"):
        ready.report(0, PRICE, confidence)


def test_report_with_confidence_at_limit_is_taken(ready):
    ready.report(0, PRICE, PRICE // 10)
    assert ready.contract.source_report(0, ready.reporters[0]).confidence == PRICE // 10


@pytest.mark.parametrize("ahead", [1, 3_600, 2**64])
def test_report_from_the_future_reverts(ready, ahead):
    with boa.reverts("oracle: published in the future"):
        ready.report(0, PRICE, WAD, ready.now + ahead)


@pytest.mark.parametrize("back", [12, 13])
def test_report_not_newer_than_the_last_reverts(ready, back):
    with boa.reverts("oracle: not newer"):
        ready.report(0, PRICE, WAD, ready.now - back)


def test_report_newer_by_one_second_is_taken(ready):
    ready.report(0, PRICE, WAD, ready.now - 11)
    assert ready.contract.source_report(0, ready.reporters[0]).published_at == ready.now - 11


@pytest.mark.parametrize(
    ("grace", "age", "taken"), [(0, 60, True), (0, 61, False), (30, 90, True), (30, 91, False)]
)
def test_report_older_than_heartbeat_and_grace_reverts(make_oracle, grace, age, taken):
    oracle = make_oracle(heartbeat_grace_seconds=grace)
    oracle.wait(1_000)
    if taken:
        oracle.report(0, PRICE, WAD, oracle.now - age)
    else:
        with boa.reverts("oracle: published too long ago"):
            oracle.report(0, PRICE, WAD, oracle.now - age)


def test_refused_report_changes_nothing(ready):
    before = ready.read()
    with boa.reverts():
        ready.report(0, PRICE, PRICE)
    assert ready.read() == before


def test_report_makes_a_round_and_logs_what_reads_return(ready):
    ready.report(0, PRICE)
    ready.report(1, PRICE)
    event = ready.events("IndexUpdated")[0]
    read = ready.read()
    assert event.round_id == read.round_id == 4
    assert event.index_price == read.index_price == PRICE
    assert event.risk_price == read.risk_price
    assert event.confidence == read.confidence
    assert event.variance_fast == read.variance_fast
    assert event.variance_slow == read.variance_slow
    assert event.status == read.status == 0


def test_first_report_alone_makes_no_round(make_oracle):
    oracle = make_oracle()
    oracle.wait(12)
    oracle.report(0, PRICE)
    assert oracle.events("IndexUpdated") == []
    assert oracle.read().round_id == 0
    oracle.report(1, PRICE)
    assert len(oracle.events("IndexUpdated")) == 1
    assert oracle.read().round_id == 1


def test_lone_source_after_outage_does_not_move_the_index(oracle):
    oracle.wait(600)
    oracle.report(0, PRICE)
    assert oracle.read().index_price == 2_000 * WAD
    assert oracle.read().status == 3
    oracle.report(1, PRICE)
    assert oracle.read().index_price == PRICE
    assert oracle.read().status == 2


def test_liar_among_three_cannot_move_the_index_beyond_honest_prices(ready):
    ready.report(0, 1_999 * WAD)
    ready.report(1, 2_001 * WAD)
    for lie in (ORACLE_PARAMETERS["min_price"] + 1, 90_000 * WAD):
        with boa.env.anchor():
            ready.report(2, lie, 0)
            assert 1_999 * WAD <= ready.read().index_price <= 2_001 * WAD


def test_weights_decide_the_median(make_oracle):
    oracle = make_oracle(weights=[1, 1, 3])
    oracle.wait(12)
    for position, price in enumerate((1_990, 2_000, 2_030)):
        oracle.report(position, price * WAD)
    # The heavy one counts for one less than the others together: alone it decides nothing.
    assert oracle.read().index_price == 2_000 * WAD
    assert oracle.read().confidence == 5 * WAD


def test_weights_decide_the_median_of_four(make_oracle):
    oracle = make_oracle(count=4, weights=[1, 1, 1, 2])
    oracle.wait(12)
    for position, price in enumerate((1_990, 2_000, 2_010, 2_030)):
        oracle.report(position, price * WAD)
    assert oracle.read().index_price == 2_010 * WAD


@pytest.mark.parametrize(("age", "index", "confidence"), [(60, 1_990, 10), (61, 2_000, 5)])
def test_source_counts_up_to_its_last_second_and_then_leaves_the_median(make_oracle, age, index, confidence):
    oracle = make_oracle(count=4)
    oracle.wait(12)
    oracle.report(3, 1_000 * WAD)
    oracle.wait(age)
    for position, price in enumerate((1_990, 2_000, 2_010)):
        oracle.report(position, price * WAD)
    assert oracle.read().index_price == index * WAD
    assert oracle.read().confidence == confidence * WAD
