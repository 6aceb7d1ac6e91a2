"""`contracts/lib/pool_math.vy` against its Python twin; skew pricing cannot be gamed by splitting."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import pool_math as twin
from sim.reference.fixed_point import WAD
from tests.support.twins import AMOUNT, PRICE, SIGNED, assert_complete, assert_equal

SCALE = st.one_of(st.integers(10**12, 10**40), st.sampled_from([10**12, 10**21, 10**40]))
CAP = st.one_of(st.integers(0, WAD - 1), st.sampled_from([0, 1, WAD // 10, WAD - 1]))

VARIANCE = st.one_of(st.integers(0, 10**26), st.integers(0, 10 * WAD), st.just(0))

CASES = {
    "mark_premium": st.tuples(SIGNED, SCALE, CAP),
    "fill_premium": st.tuples(SIGNED, SIGNED.filter(bool), SCALE, CAP),
    "fill_price": st.tuples(PRICE, SIGNED, SIGNED, SCALE, CAP),
    "depth": st.tuples(SCALE, PRICE),
    "followed_depth": st.tuples(
        AMOUNT, VARIANCE, VARIANCE, AMOUNT, st.integers(0, 10**38), st.integers(1, WAD)
    ),
    "pool_assets": st.tuples(AMOUNT, AMOUNT, SIGNED, SIGNED),
    "closing_gain": st.tuples(SIGNED, SIGNED, PRICE, SCALE, CAP),
    "exit_assets": st.tuples(AMOUNT, AMOUNT, AMOUNT, AMOUNT),
    "is_enterable": st.tuples(AMOUNT, AMOUNT),
    "entry_assets": st.tuples(AMOUNT, AMOUNT, AMOUNT, AMOUNT, SIGNED, AMOUNT),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


# The clamp begins at about eight steps on either side: trades begin, end and lie wholly beyond it.
STEP = 10**22
UNITS = st.builds(lambda steps, dust: steps * STEP + dust, st.integers(-40, 40), st.integers(-3, 3))
TERMS = st.sampled_from(
    [(160 * STEP, WAD // 20), (16 * STEP, WAD // 2), (8 * STEP + 1, WAD - 1), (STEP - 1, WAD // 3), (STEP, 0)]
)
PRICES = st.integers(10**15, 10**24)


def paid(price: int, skew: int, sizes: list[int], terms: tuple[int, int]) -> int:
    """Return what buys and sells one after another cost together (WAD quote, times WAD)."""
    total = 0
    for size in sizes:
        total += size * twin.fill_price(price, skew, size, *terms)
        skew += size
    return total


def rounding(price: int, sizes: list[int]) -> int:
    """Return the most that fills are rounded by: two units of premium and one of price, on each size."""
    return sum(abs(size) for size in sizes) * (2 * price // WAD + 2)


@given(skew=UNITS, sizes=st.lists(UNITS.filter(bool), min_size=1, max_size=6), terms=TERMS, price=PRICES)
def test_no_way_there_and_back_pays(skew, sizes, terms, price):
    there = sum(sizes)
    assert paid(price, skew, [*sizes, -there] if there else sizes, terms) >= 0


@given(skew=UNITS, sizes=st.lists(UNITS.filter(bool), min_size=2, max_size=6), terms=TERMS, price=PRICES)
def test_steps_cost_what_one_trade_costs(skew, sizes, terms, price):
    whole = sum(sizes)
    at_once = paid(price, skew, [whole], terms) if whole else 0
    assert abs(paid(price, skew, sizes, terms) - at_once) <= rounding(price, [*sizes, whole])


@given(skew=UNITS, size=UNITS.filter(bool), terms=TERMS, price=PRICES)
def test_a_fill_is_the_integral_of_the_clamped_curve(skew, size, terms, price):
    """Against the exact antiderivative: x^2 / (2 scale) within the clamp, a straight line beyond.

    Two roundings, each below one unit against the trader, and the clamp begins up to one base unit early.
    """
    scale, cap = terms
    bound = Fraction(scale * cap, WAD)

    def antiderivative(x: int) -> Fraction:
        inside = min(max(Fraction(x), -bound), bound)
        return inside**2 / (2 * scale) + Fraction(cap, WAD) * (abs(x) - abs(inside))

    exact = (antiderivative(skew + size) - antiderivative(skew)) / size
    premium = Fraction(twin.fill_premium(skew, size, scale, cap), WAD)
    assert 0 <= (premium - exact) * (1 if size > 0 else -1) <= Fraction(2, WAD) + Fraction(1, scale)


def test_steps_past_the_clamp_and_one_trade_back_leave_nothing():
    terms = (10**24, WAD // 20)
    steps = [10**22] * 40  # the clamp begins after five of them
    assert paid(2_000 * WAD, 0, [*steps, -(40 * 10**22)], terms) >= 0


@given(skew=UNITS, sizes=st.lists(UNITS.filter(bool), min_size=1, max_size=6), terms=TERMS, price=PRICES)
def test_trades_at_one_price_gain_nothing_together(skew, sizes, terms, price):
    """What all positions together gain if they were closed is what no trade changes, but for rounding.

    So nobody can move what shares are worth by opening positions before he comes or leaves.
    """
    entry = 0 if not skew else paid(price, 0, [skew], terms) // WAD
    before = twin.closing_gain(skew, entry, price, *terms)
    after = entry + -(-paid(price, skew, sizes, terms) // WAD)
    end = skew + sum(sizes)
    gained = twin.closing_gain(end, after, price, *terms) - before
    assert abs(gained) <= rounding(price, [skew, *sizes, end]) // WAD + 4


@given(free=AMOUNT)
def test_shares_are_minted_while_a_tenth_of_the_reserves_is_free(free):
    assert twin.is_enterable(free, 10 * free)
    assert not twin.is_enterable(free, 10 * free + 1)


@pytest.mark.parametrize(
    ("variance", "reserves", "expected"),
    [
        (1 * WAD, 10**25, 10**24),  # calm and full
        (0, 10**26, 10**24),  # never more than is quoted
        (4 * WAD, 10**25, 10**24 // 2),  # twice the volatility
        (1 * WAD, 10**25 // 4, 10**24 // 4),  # a quarter of the reserves
        (4 * WAD, 10**25 // 4, 10**24 // 8),  # both
        (10**4 * WAD, 10**25, 10**24 // 20),  # a hundredth by volatility, and no less than a twentieth
        (1 * WAD, 0, 10**24 // 20),  # an empty pool
    ],
)
def test_depth_withdraws_with_volatility_and_with_the_pool(variance, reserves, expected):
    assert twin.followed_depth(10**24, variance, WAD, reserves, 10**25, WAD // 20) == expected
    assert twin.followed_depth(10**24, variance, 0, reserves, 0, WAD // 20) == 10**24
