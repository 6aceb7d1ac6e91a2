"""`contracts/lib/pool_math.vy` against its Python twin; skew pricing cannot be gamed by splitting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import pool_math as twin
from sim.reference.fixed_point import WAD
from tests.support.twins import AMOUNT, PRICE, SIGNED, assert_complete, assert_equal

SCALE = st.one_of(st.integers(10**12, 10**40), st.sampled_from([10**12, 10**21, 10**40]))
CAP = st.one_of(st.integers(0, WAD - 1), st.sampled_from([0, 1, WAD // 10, WAD - 1]))

CASES = {
    "premium": st.tuples(SIGNED, SIGNED, SCALE, CAP),
    "fill_price": st.tuples(PRICE, SIGNED, SIGNED, SCALE, CAP),
    "depth": st.tuples(SCALE, PRICE),
    "pool_assets": st.tuples(AMOUNT, AMOUNT, SIGNED, SIGNED),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(
    skew=st.integers(-(10**24), 10**24),
    size=st.integers(1, 10**24),
    scale=st.integers(10**24, 10**30),
    price=st.integers(10**15, 10**24),
)
def test_a_round_trip_never_pays(skew, size, scale, price):
    bought = twin.fill_price(price, skew, size, scale, WAD // 10)
    sold = twin.fill_price(price, skew + size, -size, scale, WAD // 10)
    assert sold <= bought


@given(
    skew=st.integers(-(10**24), 10**24),
    first=st.integers(1, 10**24),
    second=st.integers(1, 10**24),
    price=st.integers(10**15, 10**24),
)
def test_splitting_a_buy_is_not_cheaper(skew, first, second, price):
    scale, cap = 10**27, WAD - 1
    whole = (first + second) * twin.fill_price(price, skew, first + second, scale, cap)
    parts = first * twin.fill_price(price, skew, first, scale, cap)
    parts += second * twin.fill_price(price, skew + first, second, scale, cap)
    assert parts >= whole - (first + second) * (2 + price // WAD)
