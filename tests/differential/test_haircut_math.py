"""`contracts/lib/haircut_math.vy` against its Python twin, and what a haircut may not do."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import haircut_math as twin
from sim.reference.fixed_point import WAD
from sim.reference.risk_math import MAX_AMOUNT
from tests.support.twins import PRICE, RATIO, assert_complete, assert_equal

COEFFICIENT = st.one_of(st.integers(0, 10**21), st.sampled_from([0, 1, WAD, 4 * WAD, 10**21]))
HORIZON = st.integers(0, 31_536_000)
VARIANCE = st.one_of(st.integers(0, 10**26), st.sampled_from([0, 1, WAD // 4, WAD, 10**26]))
WORTH = st.one_of(st.integers(0, 10**40), st.integers(0, 10**25), st.sampled_from([0, 1, WAD, 10**60]))
DEPTH = st.one_of(st.integers(WAD, 10**38), st.sampled_from([WAD, 10**6 * WAD, 10**38]))
SIZED = (WORTH, RATIO, DEPTH, VARIANCE, COEFFICIENT)

CASES = {
    "value": st.tuples(st.integers(0, 10**24), st.sampled_from([10**12, 10**10, 10**6, 1]), PRICE),
    "base_haircut": st.tuples(RATIO, COEFFICIENT, HORIZON, COEFFICIENT, VARIANCE, PRICE, st.just(0) | PRICE),
    "haircut": st.tuples(RATIO, WORTH, DEPTH, VARIANCE, COEFFICIENT),
    "largest_counted": st.tuples(RATIO, DEPTH, VARIANCE, COEFFICIENT),
    "counted_value": st.tuples(*SIZED),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    assert_equal(twin, function, *data.draw(CASES[function]))


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(case=CASES["counted_value"])
def test_nothing_counts_for_more_than_it_is_worth_after_its_least_haircut(case):
    worth, base, *_ = case
    assert 0 <= twin.counted_value(*case) <= worth * (WAD - base) // WAD


@given(case=CASES["counted_value"], more=WORTH)
def test_more_never_counts_for_less_but_for_rounding(case, more):
    worth, *terms = case
    less, most = twin.counted_value(worth, *terms), twin.counted_value(worth + more, *terms)
    assert most >= less - less // 10**15 - 10


@given(case=CASES["base_haircut"], wider=st.integers(0, 10**30))
def test_a_haircut_grows_with_variance_and_confidence(case, wider):
    *head, variance, confidence, price = case
    assert twin.base_haircut(*head, variance + wider, confidence, price) >= twin.base_haircut(*case)
    assert twin.base_haircut(*head, variance, confidence + wider, price) >= twin.base_haircut(*case)


def test_each_term_alone_is_what_the_formula_says():
    year = 31_536_000
    assert twin.base_haircut(WAD // 50, 0, 3_600, 0, WAD, 0, WAD) == WAD // 50
    # Volatility of 100 % over a quarter of a year is 50 %, times 1.5.
    assert twin.base_haircut(0, 3 * WAD // 2, year // 4, 0, WAD, 0, WAD) == 75 * WAD // 100
    assert twin.base_haircut(0, 0, 0, 2 * WAD, WAD, 3 * WAD, 100 * WAD) == 6 * WAD // 100
    # Variance 3.65 a year is 0.01 a day, a deviation of 10 %; a quarter of the depth halves it.
    assert twin.haircut(0, 25 * WAD, 100 * WAD, 365 * WAD // 100, WAD) == WAD // 20
    assert twin.haircut(WAD // 10, 25 * WAD, 100 * WAD, 365 * WAD // 100, WAD) == 15 * WAD // 100


def test_the_haircut_is_at_most_everything():
    assert twin.base_haircut(WAD, WAD, 3_600, WAD, WAD, WAD, WAD) == WAD
    assert twin.haircut(WAD // 2, 10**30, WAD, 10**20, WAD) == WAD
    assert twin.counted_value(10**30, WAD, 10**24, WAD, WAD) == 0
    assert twin.base_haircut(0, 0, 0, WAD, 0, 0, 0) == WAD  # no price, no confidence


@given(base=st.integers(0, WAD - 1), depth=st.integers(10**22, 10**28), daily=st.integers(10**15, WAD))
def test_the_largest_counted_value_is_where_the_value_peaks(base, depth, daily):
    variance = daily * daily * 365 // WAD
    top = twin.largest_counted(base, depth, variance, WAD)
    if not 10**12 < top < MAX_AMOUNT:
        return
    peak = twin.counted_value(top, base, depth, variance, WAD)
    for share in (Fraction(9, 10), Fraction(11, 10)):
        worth = int(top * share)
        exact = worth * (WAD - twin.haircut(base, worth, depth, variance, WAD)) // WAD
        assert exact <= peak + peak // 10**9 + 10
    assert twin.counted_value(3 * top, base, depth, variance, WAD) == peak
