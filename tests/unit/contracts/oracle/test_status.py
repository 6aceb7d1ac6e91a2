"""The status ladder and the table of what each status allows."""

from __future__ import annotations

from math import log

import boa
import pytest

from sim.reference.fixed_point import WAD

PRICE = 2_000 * WAD
VALID, UNCERTAIN, INSUFFICIENT, STALE, TOO_VOLATILE, NONE = range(6)
# open, withdraw, liquidate, settle
ALLOWED = {
    VALID: [True, True, True, True],
    UNCERTAIN: [False, False, True, True],
    INSUFFICIENT: [False, False, False, False],
    STALE: [False, False, False, False],
    TOO_VOLATILE: [False, False, False, False],
    NONE: [False, False, False, False],
}


def expect(oracle, status):
    assert oracle.read().status == status
    assert oracle.allowed() == ALLOWED[status]


def test_status_before_first_round_is_none_but_reads(make_oracle, constants):
    oracle = make_oracle()
    expect(oracle, NONE)
    read = oracle.read()
    assert read.index_price == read.risk_price == read.ema_price == constants.price
    assert read.variance_fast == read.variance_slow == constants.variance
    assert (read.confidence, read.round_id) == (0, 0)


def test_status_with_three_fresh_sources_is_valid(oracle):
    expect(oracle, VALID)


@pytest.mark.parametrize(("confidence", "status"), [(PRICE // 50, VALID), (PRICE // 50 + 1, UNCERTAIN)])
def test_status_with_wide_confidence_is_uncertain(oracle, confidence, status):
    oracle.wait(12)
    oracle.report_all(PRICE, confidence)
    expect(oracle, status)


def test_status_with_sources_apart_is_uncertain(oracle):
    oracle.wait(12)
    for position, factor in enumerate((95, 100, 106)):
        oracle.report(position, PRICE * factor // 100)
    # One of three is left out, the farther from the index: half of 5 % is left.
    assert oracle.read().confidence == PRICE // 40
    expect(oracle, UNCERTAIN)


def test_status_with_two_fresh_sources_is_insufficient(make_oracle):
    oracle = make_oracle()
    oracle.wait(12)
    oracle.report(0, PRICE)
    oracle.report(1, PRICE)
    expect(oracle, INSUFFICIENT)


def test_status_ages_without_a_transaction_source_by_source(make_oracle):
    oracle = make_oracle()
    oracle.wait(12)
    start = oracle.now
    oracle.report(0, PRICE)
    oracle.wait(10)
    oracle.report(1, PRICE)
    oracle.wait(10)
    oracle.report(2, PRICE)
    for age, status in [(60, VALID), (61, INSUFFICIENT), (70, INSUFFICIENT), (71, STALE), (10**6, STALE)]:
        with boa.env.anchor():
            oracle.wait(start + age - oracle.now)
            expect(oracle, status)


@pytest.mark.parametrize(
    ("price", "status"),
    [(PRICE * 5, VALID), (PRICE * 5 + 1, TOO_VOLATILE), (PRICE // 5, VALID), (PRICE // 5 - 1, TOO_VOLATILE)],
)
def test_status_far_from_average_is_too_volatile(oracle, price, status):
    oracle.wait(12)
    oracle.report_all(price, 0)
    # The average is the one before the move: exactly the starting price.
    expect(oracle, status)


def test_too_volatile_wins_over_stale_and_uncertain(oracle):
    oracle.wait(12)
    oracle.report_all(PRICE * 6, PRICE * 6 // 20)
    expect(oracle, TOO_VOLATILE)
    oracle.wait(1_000)
    expect(oracle, TOO_VOLATILE)


def test_stale_wins_over_insufficient_and_uncertain(oracle):
    oracle.wait(12)
    oracle.report_all(PRICE, PRICE // 20)
    expect(oracle, UNCERTAIN)
    oracle.wait(61)
    expect(oracle, STALE)


def test_average_catches_up_and_status_recovers(oracle):
    oracle.wait(12)
    oracle.report_all(PRICE * 6, 0)
    for _ in range(60):
        oracle.wait(60)
        oracle.report_all(PRICE * 6, 0)
    expect(oracle, VALID)


def test_table_is_a_parameter(make_oracle):
    oracle = make_oracle(
        open_status=INSUFFICIENT, withdraw_status=UNCERTAIN, liquidate_status=VALID, settle_status=VALID
    )
    oracle.wait(12)
    oracle.report(0, PRICE)
    oracle.report(1, PRICE)
    assert oracle.allowed() == [True, False, False, False]


@pytest.mark.parametrize("action", [4, 2**255])
def test_unknown_action_is_not_allowed(oracle, action):
    assert not oracle.contract.is_allowed(0, action)


@pytest.mark.parametrize("asset", [1, 8, 2**255])
def test_unlisted_asset_allows_nothing_and_has_no_price(oracle, asset):
    assert [oracle.contract.is_allowed(asset, action) for action in range(4)] == [False] * 4
    with boa.reverts("oracle: unknown asset"):
        oracle.contract.asset_price(asset)


def test_one_source_suffices_where_parameters_say_so(make_oracle):
    oracle = make_oracle(count=1, minimum_sources=1, valid_sources=1)
    oracle.wait(12)
    oracle.report(0, PRICE)
    expect(oracle, VALID)


def test_spare_sources_keep_the_price_valid_for_longer(make_oracle):
    # Five sources, one stops each ten seconds: the third newest decides how long VALID lasts.
    oracle = make_oracle(count=5)
    oracle.wait(12)
    for position in range(5):
        oracle.wait(10)
        oracle.report(position, PRICE)
    newest = oracle.now
    for age, status in [(40, VALID), (41, INSUFFICIENT), (50, INSUFFICIENT), (51, STALE)]:
        with boa.env.anchor():
            oracle.wait(newest + age - oracle.now)
            expect(oracle, status)


@pytest.mark.parametrize("ratio", [20, 7.6])
def test_how_long_a_jump_is_too_volatile(oracle, ratio):
    """A fall by a factor r: the average needs tau * ln((r - 1) / (m - 1)) to come within m of it.

    95 % are an hour and a half at the defaults, 87 % half an hour, in which nobody is liquidated.
    """
    every, tau, most = 60, 3_600, 5
    price = int(PRICE / ratio)
    oracle.wait(every)
    oracle.report_all(price, 0)
    waited = 0
    while oracle.read().status == TOO_VOLATILE:
        oracle.wait(every)
        waited += every
        oracle.report_all(price, 0)
    # A round is taken in when the next one comes, and that of the fall counts for the time before it.
    assert abs(waited - tau * log((ratio - 1) / (most - 1))) <= every
    expect(oracle, VALID)
