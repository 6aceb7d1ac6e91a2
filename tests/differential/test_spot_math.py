"""`contracts/lib/spot_math.vy` against its Python twin, and that no swap gains on the pool."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sim.reference import spot_math as twin
from sim.reference.fixed_point import WAD
from tests.support.twins import assert_complete, assert_equal

AMOUNT = st.one_of(st.integers(0, 10**30), st.integers(0, 10**9), st.sampled_from([0, 1, 2, 10**6, 10**18]))
RESERVE = st.one_of(st.integers(1, 10**30), st.integers(1, 10**9))
FEE = st.one_of(st.integers(1, WAD // 10), st.sampled_from([1, 3 * WAD // 1_000, WAD // 10]))
SWAP = st.tuples(AMOUNT, RESERVE, RESERVE, FEE)

CASES = {
    "amount_out": SWAP,
    "amount_in": SWAP,
    "least_forced": st.tuples(FEE, st.integers(0, WAD)),
    "most_forced": st.tuples(AMOUNT, FEE, st.integers(0, WAD)),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    assert_equal(twin, function, *data.draw(CASES[function]))


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(case=SWAP)
def test_the_product_never_falls(case):
    amount, reserve_in, reserve_out, _ = case
    out = twin.amount_out(*case)
    assert out < reserve_out
    assert (reserve_in + amount) * (reserve_out - out) >= reserve_in * reserve_out


@given(case=SWAP)
def test_there_and_back_never_gains(case):
    amount, reserve_in, reserve_out, fee = case
    out = twin.amount_out(*case)
    assert twin.amount_out(out, reserve_out - out, reserve_in + amount, fee) <= amount


@given(case=SWAP)
def test_what_is_asked_for_comes_out_and_hardly_less_goes_in(case):
    amount, reserve_in, reserve_out, fee = case
    needed = twin.amount_in(*case)
    if amount >= reserve_out:
        assert needed == twin.MAX_UINT256
        return
    assert twin.amount_out(needed, reserve_in, reserve_out, fee) >= amount
    if needed > 1:  # the fee's rounding may hide one unit
        assert twin.amount_out(needed - 2, reserve_in, reserve_out, fee) < amount or amount == 0


@given(
    reserve=st.integers(10**18, 10**28),
    other=st.integers(10**18, 10**28),
    fee=FEE,
    band=st.integers(0, WAD // 2),
    front=st.integers(0, WAD),
)
def test_a_sandwich_of_a_forced_sale_does_not_pay(reserve, other, fee, band, front):
    """Sell, let the most be sold by force, buy back: as far as the band lets the price be pushed."""
    sold = reserve * front // WAD
    proceeds = twin.amount_out(sold, reserve, other, fee)
    x, y = reserve + sold, other - proceeds
    forced = twin.most_forced(x, fee, band)
    filled = twin.amount_out(forced, x, y, fee)
    if forced == 0 or filled * reserve * WAD < forced * other * (WAD - band):
        return  # below the band: nothing is sold
    x, y = x + forced, y - filled
    assert twin.amount_out(proceeds, y, x, fee) <= sold


def test_more_than_the_bound_would_pay():
    """The bound is no larger than it must be: a sale of four fees of the reserve pays a sandwich."""
    reserve, other, fee, sold = 10**24, 10**24, 3 * WAD // 1_000, 10**22
    proceeds = twin.amount_out(sold, reserve, other, fee)
    x, y = reserve + sold, other - proceeds
    forced = 4 * twin.most_forced(x, fee, WAD // 20)
    filled = twin.amount_out(forced, x, y, fee)
    assert twin.amount_out(proceeds, y - filled, x + forced, fee) > sold


@given(
    fee=st.integers(1, WAD // 20),
    fees=st.integers(2, 8),
    price=st.integers(1, 10**12),
    reserve=st.integers(10**12, 10**20),
)
def test_the_least_that_is_sold_fills_within_the_band(fee, fees, price, reserve):
    """In a pool at the reference price of which it is less than a hundredth of what the band leaves."""
    band = min(fees * fee, WAD // 2)
    units = twin.least_forced(fee, band)
    assume(units * 100 * WAD < reserve * (band - fee))
    out = twin.amount_out(units, reserve, reserve * price, fee)
    assert (out + 1) * WAD >= units * price * (WAD - band)
