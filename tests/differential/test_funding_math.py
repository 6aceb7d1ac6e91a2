"""`contracts/lib/funding_math.vy` against its Python twin, its cap, and its path independence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import funding_math as twin
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.twins import PRICE, RATIO, SECONDS, SIGNED, assert_complete, assert_equal

RATE = st.integers(-WAD, WAD)
GROWTH = st.integers(-(10**30), 10**30)


@st.composite
def rate_inputs(draw):
    initial = draw(st.integers(2, WAD))
    return (
        draw(st.integers(-WAD, WAD)),
        draw(st.integers(0, 100 * WAD)),
        draw(st.integers(0, 100 * WAD)),
        draw(RATIO),
        initial,
        draw(st.integers(1, initial - 1)),
    )


CASES = {
    "funding_rate": rate_inputs(),
    "index_growth": st.tuples(RATE, PRICE, SECONDS),
    "funding_owed": st.tuples(SIGNED, GROWTH),
    "funding_payment": st.tuples(SIGNED, GROWTH),
    "unsettled_funding": st.tuples(SIGNED, GROWTH, st.integers(-(10**60), 10**60)),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(inputs=rate_inputs())
def test_rate_is_odd_in_the_premium_and_capped(inputs):
    premium, coefficient, margin, most, initial, maintenance = inputs
    rate = twin.funding_rate(*inputs)
    assert rate == -twin.funding_rate(-premium, coefficient, margin, most, initial, maintenance)
    assert abs(rate) <= most


@given(rate=RATE, price=PRICE, steps=st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_accruing_in_steps_differs_by_less_than_one_unit_each(rate, price, steps):
    in_steps = sum(twin.index_growth(rate, price, step) for step in steps)
    assert abs(in_steps - twin.index_growth(rate, price, sum(steps))) <= len(steps)


@given(size=SIGNED, growth=GROWTH)
def test_both_sides_of_a_position_pay_at_least_what_the_other_gets(size, growth):
    owed = twin.funding_payment(size, growth) + twin.funding_payment(-size, growth)
    assert 0 <= owed <= 2 * QUANTUM
