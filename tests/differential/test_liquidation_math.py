"""`contracts/lib/liquidation_math.vy` against its Python twin, and its closed forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import liquidation_math as twin
from sim.reference import pool_math
from sim.reference.fixed_point import QUANTUM, WAD, quantize_down
from sim.reference.margin_math import realized_pnl, released_entry, unrealized_pnl
from tests.support.twins import AMOUNT, POSITIVE, PRICE, RATIO, SECONDS, SIGNED, assert_complete, assert_equal

COEFFICIENT = st.integers(0, 10**21)
REFERENCE = st.integers(10**15, 10**20)
VOLATILITY = st.integers(0, 10**21)
QUANTA = st.integers(0, 10**21).map(lambda n: n * QUANTUM)


@st.composite
def closes(draw):
    gain = draw(st.integers(1, 10**18))
    return draw(st.integers(1, 10**30)), gain * QUANTUM, draw(st.integers(0, gain)) * QUANTUM


@st.composite
def fee_rates(draw):
    """Half of them small enough that no cap hides the last unit."""
    if draw(st.booleans()):
        small = st.integers(0, 10**18)
        return draw(st.integers(0, 10**16)), draw(small), draw(small), draw(small), draw(RATIO), WAD, WAD
    return tuple(draw(case) for case in (RATIO, COEFFICIENT, COEFFICIENT, VOLATILITY, RATIO, RATIO, RATIO))


@st.composite
def shares(draw):
    """Half of them between both ends, which hide the last unit."""
    if draw(st.booleans()):
        reference = draw(REFERENCE)
        volatility = draw(st.integers(reference // 2, 2 * reference))
        few = st.integers(0, WAD // 4)
        return WAD // 2, draw(few), draw(few), 0, WAD, volatility, reference, draw(RATIO)
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


@st.composite
def within_a_position(draw):
    """What is wanted, what is held, and two bounds of it."""
    held = draw(AMOUNT)
    return draw(st.integers(0, held)), held, draw(AMOUNT), draw(AMOUNT)


CASES = {
    "shortfall": st.tuples(SIGNED, POSITIVE),
    "excess_volatility": st.tuples(VOLATILITY, REFERENCE),
    "fee_rate": fee_rates(),
    "impact_rate": st.tuples(SIGNED, PRICE, PRICE),
    "close_notional": st.tuples(SIGNED, AMOUNT, AMOUNT, RATIO, RATIO, RATIO),
    "exit_cost_rate": st.tuples(SIGNED, PRICE, PRICE, st.integers(1 - WAD, WAD)),
    "leg_score": st.tuples(RATIO, COEFFICIENT, RATIO, SIGNED),
    "least_close": st.tuples(AMOUNT, RATIO, AMOUNT, AMOUNT),
    "without_dust": within_a_position(),
    "let_through": within_a_position(),
    "impact_size": st.tuples(AMOUNT, PRICE, RATIO),
    "round_trip_rate": st.tuples(RATIO, st.integers(0, 2 * WAD)),
    "is_near_average": st.tuples(SIGNED, PRICE, PRICE, RATIO),
    "tip": st.tuples(QUANTA, QUANTA, QUANTA),
    "bounty_share": shares(),
    "adequacy": st.tuples(AMOUNT, AMOUNT),
    "available_capacity": st.tuples(AMOUNT, AMOUNT, SECONDS),
    "deficit_share": st.tuples(QUANTA, AMOUNT, st.integers(1, 10**36)),
    "deleverage_score": st.tuples(AMOUNT, AMOUNT),
    "deleverage_size": closes(),
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


@given(deficit=QUANTA, losses=st.lists(st.integers(1, 10**30), min_size=1, max_size=8))
def test_shares_of_a_deficit_cover_it_and_exceed_it_by_rounding_only(deficit, losses):
    shares = [twin.deficit_share(deficit, loss, sum(losses)) for loss in losses]
    assert all(share % QUANTUM == 0 and share <= deficit for share in shares)
    assert deficit <= sum(shares) < deficit + QUANTUM * len(losses)


@given(gain=AMOUNT, entry=st.integers(1, 10**30), parts=st.integers(1, 8))
def test_a_score_does_not_fall_when_a_position_is_split(gain, entry, parts):
    whole = twin.deleverage_score(gain * parts, entry * parts)
    assert twin.deleverage_score(gain, entry) == whole


@given(case=closes(), price=st.integers(1, 10**24))
def test_the_least_part_realises_its_haircut(case, price):
    """And takes no larger part of an equity that the gain is bounded by than of the position."""
    size, _, _ = case
    entry = -size * price // WAD - 10**20  # a short that gained 100 quote on all of it, and less than a wei
    gain = quantize_down(unrealized_pnl(-size, price, entry))
    for haircut in (QUANTUM, gain // 3 // QUANTUM * QUANTUM, gain):
        part = twin.deleverage_size(size, gain, haircut)
        released = released_entry(entry, -size, -part)
        assert part == size or realized_pnl(-part, price, released) >= haircut
        assert haircut * size <= gain * part


@given(case=within_a_position())
def test_a_bound_is_kept_and_leaves_no_dust_where_there_is_room(case):
    wanted, held, room, smallest = case
    closed = twin.let_through(wanted, held, room, smallest)
    assert closed <= min(wanted, held, room)
    if closed < wanted and room > 2 * smallest:
        assert held - closed >= smallest
        assert closed >= smallest
    if held <= room:
        assert closed == wanted


@given(least=QUANTA, bounty=QUANTA, fund_part=QUANTA)
def test_a_tip_is_neither_above_what_the_bounty_lacks_nor_what_the_fund_was_paid(least, bounty, fund_part):
    tip = twin.tip(least, bounty, fund_part)
    assert 0 <= tip <= fund_part
    assert tip == fund_part or bounty + tip >= least
    assert tip == 0 or bounty + tip <= least


IMPACT = 9 * WAD // 10_000
FEE = WAD // 2_000


@given(
    scale=st.integers(10**20, 10**27),
    cap=st.integers(0, WAD),
    fee=st.integers(1, WAD // 10),
    skew=st.integers(-(10**26), 10**26),
    trade=st.integers(-(10**26), 10**26).filter(bool),
    share=st.integers(1, WAD),
    price=st.integers(10**15, 10**23),
)
def test_no_trade_before_and_back_after_pays_within_the_bound(scale, cap, fee, skew, trade, share, price):
    """Every size and side of the trade, fee, skew, clamp, scale and price, up to the bound of one second."""
    depth = pool_math.depth(scale, price)
    bound = twin.impact_size(depth, price, twin.round_trip_rate(fee, cap))
    forced = -(bound * share // WAD) if trade < 0 else bound * share // WAD
    before = pool_math.fill_price(price, skew, trade, scale, cap)
    after = pool_math.fill_price(price, skew + trade + forced, -trade, scale, cap)
    gain = trade * (after - before) - abs(trade) * (after + before) * fee // WAD
    assert gain <= 2 * abs(trade) * (2 * price // WAD + 2)  # rounding of two fills


def test_the_default_is_within_the_bound_of_the_default_fee_and_premium():
    assert twin.round_trip_rate(FEE, WAD // 20) >= IMPACT


def test_above_the_bound_it_pays():
    """The property above is no tautology: four times the bound, and the trade gains."""
    scale, price, trade = 10**24, 1_175 * WAD, -24_000 * WAD
    forced = -4 * twin.impact_size(pool_math.depth(scale, price), price, IMPACT)
    before = pool_math.fill_price(price, 8_000 * WAD, trade, scale, WAD // 20)
    after = pool_math.fill_price(price, 8_000 * WAD + trade + forced, -trade, scale, WAD // 20)
    assert trade * (after - before) - abs(trade) * (after + before) * FEE // WAD > 0
