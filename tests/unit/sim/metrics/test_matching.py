"""Forced closes of two worlds, matched unit by unit: what adds up does so to the unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.units import WAD
from sim.metrics.matching import Close, Subject, match, totals_of

BLOCK = 12
CLOSES = st.lists(
    st.builds(
        Close,
        account=st.integers(0, 3),
        market=st.integers(0, 1),
        size=st.integers(-(10**21), 10**21),
        timestamp=st.integers(0, 10_000),
        notional=st.floats(0.0, 1e6),
    ),
    max_size=12,
).map(lambda closes: sorted(closes, key=lambda close: close.timestamp))


def size_of(closes, market=None):
    return sum(abs(close.size) for close in closes if market in (None, close.market))


@given(here=CLOSES, there=CLOSES)
def test_excess_less_avoided_is_the_difference_of_the_totals(here, there):
    rows = match(here, there, block_seconds=BLOCK)
    for market in (0, 1):
        of_market = [row for row in rows if row.subject.market == market]
        difference = size_of(here, market) - size_of(there, market)
        assert sum(row.excess - row.avoided for row in of_market) == difference
        assert sum(row.matched + row.excess for row in of_market) == size_of(here, market)
        assert sum(row.matched + row.avoided for row in of_market) == size_of(there, market)
    for row in rows:
        assert min(row.matched, row.excess, row.avoided, row.forward, row.put_off) >= 0
        assert row.forward + row.put_off <= row.matched
        assert not (row.excess and row.avoided)
    # In quote there is a third part: matched units that were closed at other prices.
    found = totals_of(rows)
    difference = found.notional - found.notional_there
    assert found.excess - found.avoided + found.repriced == pytest.approx(difference, rel=1e-12, abs=1e-6)


@given(closes=CLOSES)
def test_a_world_against_itself_is_nothing(closes):
    rows = match(closes, closes, block_seconds=BLOCK)
    for row in rows:
        assert (row.excess, row.avoided, row.forward, row.put_off, row.unit_seconds) == (0, 0, 0, 0, 0)
    found = totals_of(rows)
    assert (found.excess, found.avoided, found.repriced, found.forward) == (0.0,) * 4
    assert found.forward_seconds is None


@given(here=CLOSES, there=CLOSES)
def test_the_other_way_round_excess_is_what_was_avoided(here, there):
    rows, back = (match(*pair, block_seconds=BLOCK) for pair in ((here, there), (there, here)))
    for row, other in zip(rows, back, strict=True):
        assert row.subject == other.subject
        assert (row.excess, row.avoided, row.forward) == (other.avoided, other.excess, other.put_off)
        assert row.unit_seconds == -other.unit_seconds


def close(size, timestamp, price, *, account=1, market=0):
    return Close(account, market, int(size * WAD), timestamp, abs(size) * price)


def test_by_hand():
    """Ten units here in two parts, seven there in two: seven are matched, the last three are excess."""
    here = [close(4, 100, 10.0), close(6, 200, 9.0)]
    there = [close(5, 300, 8.0), close(2, 205, 7.0)]
    (row,) = match(here, there, block_seconds=BLOCK)
    assert row.subject == Subject(account=1, market=0, is_long=True)
    assert (row.matched, row.excess, row.avoided) == (7 * WAD, 3 * WAD, 0)
    # Four units 200 s earlier, one 100 s, and two 5 s: within a block.
    assert (row.forward, row.put_off, row.unit_seconds) == (5 * WAD, 0, (800 + 100 + 10) * WAD)
    assert row.forward_notional == pytest.approx(4 * 10.0 + 9.0)
    assert row.excess_notional == pytest.approx(3 * 9.0)
    assert row.matched_notional == pytest.approx(40.0 + 27.0)
    assert row.matched_notional_there == pytest.approx(40.0 + 14.0)
    assert row.brought_forward == ((200, 40.0), (100, 9.0))
    assert totals_of([row]).forward_seconds == 200  # of 49, 40 by 200 s


def test_accounts_markets_and_sides_are_not_mixed():
    here = [close(1, 0, 10.0), close(1, 0, 10.0, market=1), close(-1, 50, 10.0)]
    there = [close(1, 0, 10.0, account=2), close(2, 0, 10.0, market=1)]
    rows = match(here, there, block_seconds=1)
    assert {row.subject: (row.excess // WAD, row.avoided // WAD) for row in rows} == {
        Subject(1, 0, False): (1, 0),
        Subject(1, 0, True): (1, 0),
        Subject(1, 1, True): (0, 1),
        Subject(2, 0, True): (0, 1),
    }
    assert totals_of(rows).avoided == 20.0
