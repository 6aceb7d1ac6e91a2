from __future__ import annotations

import boa
import pytest

from sim.reference import margin_math, pool_math
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import START_PRICE, logs_of, units


@pytest.mark.parametrize("side", [1, -1])
def test_opening_books_size_cost_and_ratio(protocol, side):
    trader = protocol.account("trader", 1_000)
    protocol.increase(trader, side * 3 * WAD)
    (event,) = logs_of(protocol.desk, "PositionChanged")
    (check,) = logs_of(protocol.desk, "MarginChecked")
    position = protocol.position(trader)
    assert position.size == side * 3 * WAD
    assert position.entry_notional == margin_math.entry_cost(side * 3 * WAD, event.fill_price)
    assert position.entry_maintenance_ratio == WAD // 40
    assert (event.cause, event.size_delta, event.size) == (0, side * 3 * WAD, side * 3 * WAD)
    assert (event.realized_pnl, event.fee, event.funding) == (0, 0, 0)
    assert event.collateral == 1_000 * WAD
    assert (check.kind, check.ratio, check.notional) == (0, WAD // 20, 6_000 * WAD)
    protocol.check_books()


def test_the_initial_check_is_exact_to_the_quantum(protocol):
    # 10 at 2,000 and 5 %: 1,000 of margin; the entry costs up to 1e-13 more than the index.
    trader = protocol.account("trader")
    protocol.deposit(trader, units(1_000) - 1)
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(trader, 10 * WAD)
    protocol.deposit(trader, 2)
    protocol.increase(trader, 10 * WAD)


def test_the_worse_of_risk_and_index_price_decides(build):
    protocol = build()
    trader = protocol.account("trader", 1_090)
    protocol.set_price(1_000 * WAD, wait=12)  # the risk price may follow by 22 %
    market = protocol.lens.market_states()[0]
    assert market.risk_price > market.index_price == 1_000 * WAD
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(trader, -20 * WAD)  # 1,000 at the index, but bought back at the risk price
    protocol.increase(trader, 20 * WAD)  # fills at the index, valued at the index


def test_adding_needs_the_same_direction(protocol):
    trader = protocol.account("trader", 10_000)
    protocol.increase(trader, 1 * WAD)
    with boa.reverts("trading: opposite direction"):
        protocol.increase(trader, -1 * WAD)
    protocol.increase(trader, 1 * WAD)
    assert protocol.position(trader).size == 2 * WAD


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (0, "trading: zero size"),
        (10**37, "trading: size out of bounds"),
        (WAD // 20 - 1, "trading: position too small"),
        (10**6 * WAD + 1, "trading: open interest cap"),
    ],
)
def test_invalid_sizes_revert(protocol, size, reason):
    trader = protocol.account("trader", 1_000_000_000)
    with boa.reverts(reason):
        protocol.increase(trader, size)


def test_smallest_position_is_allowed(protocol):
    trader = protocol.account("trader", 10)
    protocol.increase(trader, WAD // 20)


def test_open_interest_is_capped_by_side(build):
    protocol = build(open_interest_cap=10 * WAD)
    first, second = protocol.account("first", 100_000), protocol.account("second", 100_000)
    protocol.increase(first, 10 * WAD)
    with boa.reverts("trading: open interest cap"):
        protocol.increase(second, WAD)
    protocol.increase(second, -10 * WAD)
    protocol.decrease(first, 1 * WAD)
    protocol.check_books()


def test_limit_prices_hold_on_both_sides(build):
    protocol = build(skew_scale=1_000 * WAD)
    trader = protocol.account("trader", 100_000)
    fill = pool_math.fill_price(START_PRICE, 0, 10 * WAD, 1_000 * WAD, WAD // 10)
    assert fill == 2_010 * WAD
    with boa.reverts("settlement: limit price"):
        protocol.increase(trader, 10 * WAD, limit=fill - 1)
    protocol.increase(trader, 10 * WAD, limit=fill)
    other = protocol.account("other", 100_000)
    fill = pool_math.fill_price(START_PRICE, 10 * WAD, -10 * WAD, 1_000 * WAD, WAD // 10)
    with boa.reverts("settlement: limit price"):
        protocol.increase(other, -10 * WAD, limit=fill + 1)
    protocol.increase(other, -10 * WAD, limit=fill)


def test_paused_stale_or_unknown_markets_revert(protocol):
    trader = protocol.account("trader", 10_000)
    with boa.reverts("markets: unknown market"):
        protocol.increase(trader, WAD, market=1)
    protocol.desk.pause(sender=protocol.owner)
    with boa.reverts("pausable: paused"):
        protocol.increase(trader, WAD)
    protocol.desk.unpause(sender=protocol.owner)
    protocol.wait(10 * 86_400)
    with boa.reverts("margin_checks: price not valid"):
        protocol.increase(trader, WAD)


def test_a_trade_fee_is_split_exactly(build):
    protocol = build(margin={"trade_fee_rate": 5 * WAD // 10_000})
    trader = protocol.account("trader", 10_000)
    pool, fund = protocol.pool.reserves(), protocol.fund.reserves()
    size = 3 * WAD + 1_234_567_890_123
    protocol.increase(trader, size)
    (event,) = logs_of(protocol.desk, "PositionChanged")
    fee = margin_math.fee(margin_math.notional(size, event.fill_price), 5 * WAD // 10_000)
    assert event.fee == fee == 10_000 * WAD - protocol.collateral(trader)
    to_fund = protocol.fund.reserves() - fund
    to_pool = protocol.pool.reserves() - pool
    assert to_fund == margin_math.share(fee, 2 * WAD // 10)
    assert to_pool == margin_math.share(fee, 6 * WAD // 10)
    assert protocol.ledger.totals().accrued_fees == fee - to_fund - to_pool
    assert fee % QUANTUM == 0
    protocol.check_books()


def test_the_fee_counts_in_the_initial_check(build):
    protocol = build(margin={"trade_fee_rate": WAD // 1_000})
    trader = protocol.account("trader", 1_019)
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(trader, 10 * WAD)  # 1,000 of margin and 20 of fee
    protocol.deposit(trader, units(1) + 2)
    protocol.increase(trader, 10 * WAD)


def test_cross_margin_counts_every_market(build):
    protocol = build(markets=2)
    trader = protocol.account("trader", 1_500)
    protocol.increase(trader, 10 * WAD)
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(trader, 10 * WAD, market=1)
    protocol.increase(trader, -4 * WAD, market=1)
    assert protocol.open_markets(trader) == 3
    # A gain in one market carries a loss in the other.
    protocol.set_price(1_900 * WAD, market=0)
    protocol.set_price(1_800 * WAD, market=1)
    assert protocol.state(trader).equity == pytest.approx((1_500 - 1_000 + 800) * WAD, abs=10**7)
    protocol.check_books()


def test_every_market_of_the_account_needs_a_valid_price(build):
    protocol = build(markets=2)
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 1 * WAD)
    protocol.wait(2 * 86_400)
    protocol.set_price(2_000 * WAD, market=1)
    with boa.reverts("margin_checks: price not valid"):
        protocol.increase(trader, 1 * WAD, market=1)
