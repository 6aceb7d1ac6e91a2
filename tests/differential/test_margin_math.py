"""`contracts/lib/margin_math.vy` against its Python twin, and its rounding against the account."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import margin_math as twin
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.twins import AMOUNT, POSITIVE, PRICE, RATIO, SIGNED, assert_complete, assert_equal

NONZERO = SIGNED.filter(bool)


@st.composite
def partial_close(draw):
    """A position and a part of it, never more than all."""
    size = draw(NONZERO)
    part = draw(st.integers(1, abs(size)))
    return draw(SIGNED), size, part if size > 0 else -part


CASES = {
    "notional": st.tuples(SIGNED, PRICE),
    "skew_notional": st.tuples(SIGNED, PRICE),
    "unrealized_pnl": st.tuples(SIGNED, PRICE, SIGNED),
    "entry_cost": st.tuples(SIGNED, PRICE),
    "released_entry": partial_close(),
    "realized_pnl": st.tuples(SIGNED, PRICE, SIGNED),
    "requirement": st.tuples(AMOUNT, RATIO),
    "fee": st.tuples(AMOUNT, RATIO),
    "share": st.tuples(AMOUNT, RATIO),
    "credited_gain": st.tuples(AMOUNT, RATIO, AMOUNT),
    "haircut_collateral": st.tuples(SIGNED, RATIO),
    "worse_price": st.tuples(NONZERO, PRICE, PRICE),
    "close_out_impact": st.tuples(SIGNED, PRICE, PRICE),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(size=SIGNED, price=PRICE, entry=SIGNED)
def test_unrealized_pnl_rounds_down(size, price, entry):
    exact = size * price - entry * WAD
    assert 0 <= exact - twin.unrealized_pnl(size, price, entry) * WAD < WAD


@pytest.mark.parametrize("loss", [1, WAD - 1, WAD, WAD + 1])
def test_a_loss_is_never_truncated_toward_zero(loss):
    assert twin.unrealized_pnl(-loss, 1, 0) == -((loss + WAD - 1) // WAD)
    assert_equal(twin, "unrealized_pnl", -loss, 1, 0)


@given(case=partial_close(), price=PRICE)
def test_closing_in_two_parts_never_pays_more_than_at_once(case, price):
    entry, size, part = case
    at_once = twin.realized_pnl(size, price, entry)
    released = twin.released_entry(entry, size, part)
    first = twin.realized_pnl(part, price, released)
    second = twin.realized_pnl(size - part, price, entry - released)
    assert at_once - 3 * QUANTUM <= first + second <= at_once


@given(amount=AMOUNT, rate=RATIO)
def test_fee_is_whole_quanta_and_not_below_the_exact_fee(amount, rate):
    fee = twin.fee(amount, rate)
    assert fee % QUANTUM == 0
    assert 0 <= fee * WAD - amount * rate < (QUANTUM + 1) * WAD


@given(size=POSITIVE, price=PRICE)
def test_long_and_short_entries_both_round_against_the_account(size, price):
    assert twin.entry_cost(size, price) * WAD >= size * price
    assert twin.entry_cost(-size, price) * WAD >= -size * price


@given(skew=SIGNED, price=PRICE)
def test_the_skew_of_a_mirrored_market_is_the_opposite(skew, price):
    assert twin.skew_notional(-skew, price) == -twin.skew_notional(skew, price)
    assert 0 <= abs(skew) * price - abs(twin.skew_notional(skew, price)) * WAD < WAD
