"""`contracts/lib/liquidation_math.vy` against its Python twin, and its closed forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import liquidation_math as twin
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.twins import AMOUNT, POSITIVE, PRICE, RATIO, SECONDS, SIGNED, assert_complete, assert_equal

COEFFICIENT = st.integers(0, 10**21)
REFERENCE = st.integers(10**15, 10**20)
VOLATILITY = st.integers(0, 10**21)
QUANTA = st.integers(0, 10**21).map(lambda n: n * QUANTUM)


@st.composite
def haircuts(draw):
    remaining = draw(st.integers(1, 10**30))
    return draw(QUANTA), remaining, draw(st.integers(1, remaining)), draw(QUANTA)


@st.composite
def shares(draw):
    most = draw(RATIO)
    return (
        draw(RATIO),
        draw(COEFFICIENT),
        draw(COEFFICIENT),
        draw(st.integers(0, most)),
        most,
        draw(VOLATILITY),
        draw(REFERENCE),
        draw(RATIO),
    )


CASES = {
    "shortfall": st.tuples(SIGNED, POSITIVE),
    "excess_volatility": st.tuples(VOLATILITY, REFERENCE),
    "fee_rate": st.tuples(RATIO, COEFFICIENT, COEFFICIENT, VOLATILITY, RATIO, RATIO, RATIO),
    "impact_rate": st.tuples(SIGNED, PRICE, PRICE),
    "close_notional": st.tuples(SIGNED, AMOUNT, AMOUNT, RATIO, RATIO, RATIO),
    "bounty_share": shares(),
    "adequacy": st.tuples(AMOUNT, AMOUNT),
    "available_capacity": st.tuples(AMOUNT, AMOUNT, SECONDS),
    "deleverage_score": st.tuples(SIGNED, SIGNED, AMOUNT, SIGNED),
    "deleverage_haircut": haircuts(),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(
    notional=st.integers(10**21, 10**27),
    ratio=st.integers(WAD // 200, WAD // 5),
    health=st.integers(1, WAD - 1),
    cost=st.integers(0, WAD // 10),
)
def test_a_partial_close_restores_the_buffered_requirement(notional, ratio, health, cost):
    buffer = 15 * WAD // 100
    requirement = -(-notional * ratio // WAD)
    equity = requirement * health // WAD
    closed = twin.close_notional(equity, requirement, notional, ratio, cost, buffer)
    if closed == notional:
        # All of it: the closed form of a part is not below the whole.
        target = ratio * (WAD + buffer)
        wanted = (requirement * (WAD + buffer) - equity * WAD) * WAD
        assert wanted * (10**9 + 1) >= notional * (target - cost * WAD) * 10**9
        return
    left = notional - closed
    equity_after = equity - -(-closed * cost // WAD)
    needed = left * ratio * (WAD + buffer) // WAD**2
    assert equity_after >= needed - 3
    assert equity_after <= needed + notional // 10**9 + 10


@pytest.mark.parametrize(
    ("shortfall", "volatility", "expected"),
    [
        (0, 740, 0.0051),
        (0, 1_200, 0.0075),
        (WAD // 2, 1_670, 0.0162),
        (WAD, 2_160, 0.0439),
        (WAD // 4, 3_300, 0.05),
    ],
)
def test_fee_rate_matches_the_published_table(shortfall, volatility, expected):
    excess = twin.excess_volatility(volatility * 10**15, 6 * 10**17)
    rate = twin.fee_rate(5 * 10**15, WAD // 2, WAD, excess, shortfall, 5 * 10**16, WAD)
    assert rate / 1e18 == pytest.approx(expected, abs=1.1e-4)  # its volatilities are rounded


@given(
    rate=st.integers(1, WAD),
    excess=st.integers(0, 10**19),
    step=st.integers(1, 10**18),
    shortfall=RATIO,
)
def test_fee_rate_is_convex_in_volatility_below_its_cap(rate, excess, step, shortfall):
    def at(x):
        return twin.fee_rate(rate, WAD // 2, WAD, x, shortfall, 10**30, 10**30)

    assert at(excess + 2 * step) - at(excess + step) >= at(excess + step) - at(excess) - 20


@given(deficit=QUANTA, sizes=st.lists(st.integers(1, 10**24), min_size=1, max_size=32))
def test_haircuts_of_rich_winners_add_up_to_the_deficit_exactly(deficit, sizes):
    left, unmatched = deficit, sum(sizes)
    for size in sizes:
        haircut = twin.deleverage_haircut(left, unmatched, size, 10**60)
        assert haircut % QUANTUM == 0
        left -= haircut
        unmatched -= size
    assert left == 0


@given(case=haircuts())
def test_a_haircut_takes_neither_more_than_the_gain_nor_than_the_deficit(case):
    deficit, _, _, gain = case
    assert 0 <= twin.deleverage_haircut(*case) <= min(deficit, gain)
