"""S4: positions settled at a price too volatile, as nobody read `settle_status`: 100k became 1.3 million.

Drawn here: prices far from the last good one in both directions, sides, parts that are closed, a silence.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import WAD
from tests.support.protocol import START_PRICE, Protocol, isolated


@pytest.fixture(scope="module")
def shared():
    with isolated():
        protocol = Protocol(pool=50_000_000)
        yield protocol, protocol.account("trader", 10_000_000)


@settings(max_examples=20, deadline=None)
@given(
    side=st.sampled_from((1, -1)),
    tenths=st.integers(1, 10),
    # Not near a power of ten, which the oracle takes for another unit and refuses.
    price=st.builds(
        lambda factor, percent: int(START_PRICE * factor) * percent // 100,
        st.sampled_from((1 / 350, 1 / 35, 1 / 6, 7, 35, 350)),
        st.integers(95, 105),
    ),
    closes_again=st.booleans(),
)
def test_a_price_too_volatile_is_nobodys_gain(shared, side, tenths, price, closes_again):
    protocol, trader = shared
    with boa.env.anchor():
        protocol.increase(trader, side * 10 * WAD)
        protocol.set_price(price)
        assert protocol.oracle.asset_price(0).status == 4
        prices = protocol.oracle.settlement_prices(0)
        worst = min(price, START_PRICE) if side > 0 else max(price, START_PRICE)
        assert (prices.long_price if side > 0 else prices.short_price) == worst
        protocol.decrease(trader, tenths * WAD)
        # A part is a part: a price in the wrong unit must not make dust of the rest.
        assert protocol.position(trader).size == side * (10 - tenths) * WAD
        gain = side * tenths * (worst - START_PRICE)
        assert protocol.collateral(trader) == pytest.approx(10_000_000 * WAD + gain, abs=10**13 * tenths)
        assert protocol.collateral(trader) <= 10_000_000 * WAD
        if closes_again and tenths < 10:
            protocol.decrease(trader)
            assert protocol.collateral(trader) <= 10_000_000 * WAD


@pytest.mark.parametrize("side", [1, -1])
def test_while_nothing_is_heard_it_settles_at_how_far_the_price_may_have_moved(shared, side):
    protocol, trader = shared
    with boa.env.anchor():
        protocol.increase(trader, side * 10 * WAD)
        protocol.wait(86_400 + 60)
        prices = protocol.oracle.settlement_prices(0)
        assert prices.long_price < START_PRICE < prices.short_price
        worst = prices.long_price if side > 0 else prices.short_price
        if side < 0:  # the limiter is loose on the bench: a short waits, or brings what it may come to owe
            with boa.reverts("trading: would owe at a bad price"):
                protocol.decrease(trader, WAD)
            protocol.deposit(trader, worst // 10**12)
        before = protocol.collateral(trader)
        protocol.decrease(trader, WAD)
        expected = before + side * (worst - START_PRICE)
        assert protocol.collateral(trader) == pytest.approx(expected, abs=10**13)
        protocol.deposit(trader, 10**6)


@pytest.mark.parametrize("side", [1, -1])
def test_nobody_comes_to_owe_at_a_bad_price(shared, side):
    """Else who owns the pool takes from the fund what an account of its own cannot pay; it waits or adds."""
    protocol, _ = shared
    with boa.env.anchor():
        poor = protocol.account("poor", 1_100)
        protocol.increase(poor, side * 10 * WAD)
        protocol.set_price(START_PRICE // 7 if side > 0 else START_PRICE * 7)
        for part in (WAD, 2**256 - 1):
            with boa.reverts("trading: would owe at a bad price"):
                protocol.decrease(poor, part)
        protocol.deposit(poor, 200_000 * 10**6)
        protocol.decrease(poor)
        assert protocol.ledger.totals().bad_debt == 0
        protocol.accounts.remove(poor)


def test_at_a_good_price_both_sides_settle_at_the_index(shared):
    protocol, trader = shared
    with boa.env.anchor():
        protocol.increase(trader, 10 * WAD)
        protocol.set_price(2_100 * WAD)
        protocol.decrease(trader)
        assert protocol.collateral(trader) == pytest.approx(10_001_000 * WAD, abs=10**13)
