from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import ALL, isolated, logs_of, rewound


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("price", [1_900, 2_100])
def test_a_full_close_realises_exactly_the_profit(protocol, side, price):
    trader = protocol.account("trader", 5_000)
    pool = protocol.pool.reserves()
    protocol.increase(trader, side * 10 * WAD)
    protocol.set_price(price * WAD)
    protocol.decrease(trader)
    profit = side * 10 * (price - 2_000) * WAD
    assert profit - 2 * QUANTUM <= protocol.collateral(trader) - 5_000 * WAD <= profit
    assert protocol.pool.reserves() - pool == 5_000 * WAD - protocol.collateral(trader)
    assert protocol.position(trader).size == 0
    assert protocol.open_markets(trader) == 0
    protocol.check_books()


def test_a_closed_account_is_like_a_fresh_one(protocol):
    trader, fresh = protocol.account("trader", 5_000), protocol.account("fresh")
    protocol.increase(trader, 10 * WAD)
    protocol.decrease(trader)
    protocol.desk.withdraw(0, protocol.collateral(trader) // QUANTUM, sender=trader)
    for read in (protocol.position, protocol.collateral, protocol.state, protocol.deficit):
        assert read(trader) == read(fresh)
    assert protocol.open_markets(trader) == 0


def test_a_partial_close_keeps_the_average_entry(protocol):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 10 * WAD)
    before = protocol.position(trader)
    protocol.set_price(2_100 * WAD)
    protocol.decrease(trader, 4 * WAD)
    after = protocol.position(trader)
    assert after.size == 6 * WAD
    assert after.entry_notional == before.entry_notional - -(-before.entry_notional * 4 // 10)
    assert protocol.collateral(trader) == pytest.approx(5_400 * WAD, abs=QUANTUM)


def test_dust_closes_too(protocol):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 10 * WAD)
    protocol.decrease(trader, 10 * WAD - WAD // 20 + 1)  # would leave just below 100 quote
    assert protocol.position(trader).size == 0


def test_the_smallest_position_may_stay(protocol):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 10 * WAD)
    protocol.decrease(trader, 10 * WAD - WAD // 20)
    assert protocol.position(trader).size == WAD // 20


@pytest.mark.parametrize(
    ("size", "reason"), [(0, "trading: zero size"), (10 * WAD + 1, "trading: size exceeds position")]
)
def test_invalid_sizes_revert(protocol, size, reason):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 10 * WAD)
    with boa.reverts(reason):
        protocol.decrease(trader, size)


def test_without_a_position_it_reverts(protocol):
    with boa.reverts("trading: no position"):
        protocol.decrease(protocol.account("trader", 5_000))


def test_limit_prices_hold(protocol):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 10 * WAD)
    with boa.reverts("settlement: limit price"):
        protocol.decrease(trader, ALL, limit=2_000 * WAD + 1)
    protocol.decrease(trader, ALL, limit=1_999 * WAD)


def test_reductions_work_while_paused_stale_and_under_maintenance(protocol):
    trader = protocol.account("trader", 1_001)
    protocol.increase(trader, 10 * WAD)
    protocol.set_price(1_920 * WAD)
    state = protocol.state(trader)
    assert state.equity < state.maintenance_requirement
    protocol.desk.pause(sender=protocol.owner)
    protocol.decrease(trader, 5 * WAD)
    protocol.wait(10 * 86_400)
    with boa.reverts("trading: would owe at a bad price"):
        protocol.decrease(trader)
    protocol.deposit(trader, 20_000 * 10**6)
    low = protocol.oracle.settlement_prices(0).long_price
    protocol.decrease(trader)
    expected = 20_000 * WAD + 601 * WAD - 5 * (1_920 * WAD - low) - 400 * WAD
    assert protocol.collateral(trader) == pytest.approx(expected, abs=2 * QUANTUM)
    protocol.check_books()


def test_closing_a_bankrupt_account_goes_down_the_same_waterfall(protocol):
    trader = protocol.account("trader", 1_001)
    protocol.increase(trader, 10 * WAD)
    protocol.set_price(1_850 * WAD)  # loss 1,500
    fund = protocol.fund.reserves()
    protocol.decrease(trader)
    (covered,) = logs_of(protocol.desk, "BadDebtCovered")
    totals = protocol.ledger.totals()
    assert covered.pending == 0
    assert fund - protocol.fund.reserves() == totals.fund_draws == totals.bad_debt == covered.amount
    assert 499 * WAD <= totals.bad_debt <= 499 * WAD + 2 * QUANTUM
    assert protocol.collateral(trader) == 0
    protocol.check_books()


def test_a_fee_that_an_account_in_debt_cannot_pay_is_fronted_by_the_pool(build):
    protocol = build(margin={"trade_fee_rate": WAD // 100})
    trader = protocol.account("trader", 1_201)
    protocol.increase(trader, 10 * WAD)  # fee 200
    protocol.set_price(1_850 * WAD)
    protocol.decrease(trader)  # loss 1,500 and fee 185 on 1,001
    totals = protocol.ledger.totals()
    assert totals.bad_debt == pytest.approx(684 * WAD, abs=2 * QUANTUM)
    assert totals.accrued_fees == pytest.approx(77 * WAD, abs=2 * QUANTUM)
    protocol.check_books()


@settings(max_examples=25)
@given(
    parts=st.lists(st.integers(WAD // 10, 2 * WAD), min_size=1, max_size=6),
    prices=st.lists(st.integers(1_800 * WAD, 2_200 * WAD), min_size=6, max_size=6),
    side=st.sampled_from([1, -1]),
)
def test_rounding_is_never_in_favour_of_the_trader(protocol, parts, prices, side):
    with isolated(), rewound(protocol):
        trader = protocol.account("trader", 50_000)
        size = sum(parts)
        protocol.increase(trader, side * size)
        exact = -protocol.position(trader).entry_notional * WAD
        for part, price in zip(parts, prices, strict=False):
            protocol.set_price(price)
            held = abs(protocol.position(trader).size)
            if held == 0:
                break
            protocol.decrease(trader, min(part, held))
            (event,) = logs_of(protocol.desk, "PositionChanged")
            exact += -event.size_delta * event.fill_price
        held = protocol.position(trader).size
        exact += held * 2_000 * WAD
        booked = protocol.state(trader).collateral - 50_000 * WAD
        open_part = held * 2_000 * WAD // WAD - protocol.position(trader).entry_notional
        assert (booked + open_part) * WAD <= exact
        assert exact - (booked + open_part) * WAD <= (len(parts) + 1) * 2 * QUANTUM * WAD
        protocol.check_books()
