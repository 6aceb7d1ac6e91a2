from __future__ import annotations

import boa
import pytest

from sim.reference import liquidation_math, margin_math
from sim.reference.fixed_point import QUANTUM, WAD, sqrt_wad
from tests.support.protocol import logs_of

BUFFER = 15 * WAD // 100


def open_long(protocol, collateral=1_001, size=10 * WAD):
    trader = protocol.account("trader", collateral)
    protocol.increase(trader, size)
    return trader


@pytest.mark.parametrize(("offset", "liquidated"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("side", [1, -1])
def test_eligible_iff_equity_is_below_the_requirement(protocol, side, offset, liquidated):
    """The boundary, one quantum either way; the rest below a quantum is rounding of the entry."""
    trader = open_long(protocol, 1_001, side * 10 * WAD)
    protocol.set_price((2_000 - side * 60) * WAD)
    state = protocol.state(trader)
    gap = state.maintenance_requirement - state.equity
    assert gap > 0
    protocol.deposit(trader, -(-gap // QUANTUM) + offset)  # the least that makes it healthy, and one less
    state = protocol.state(trader)
    assert (state.equity < state.maintenance_requirement) == liquidated
    assert abs(state.equity - state.maintenance_requirement) <= 2 * QUANTUM
    if liquidated:
        protocol.liquidate(trader)
        assert abs(protocol.position(trader).size) < 10 * WAD
    else:
        with boa.reverts("liquidation: healthy"):
            protocol.liquidate(trader)
    protocol.check_books()


@pytest.mark.parametrize("side", [1, -1])
def test_equity_of_exactly_the_requirement_is_enough(protocol, side):
    """At a price, to the wei, at which a whole number of token units makes them equal."""
    trader = open_long(protocol, 1_001, side * 10 * WAD)
    price = (2_000 - side * 60) * WAD
    protocol.set_price(price)
    state = protocol.state(trader)
    # Of four wei of price, ten units gain 40 or lose 40, and a fortieth of the notional is one more.
    lost = 39 if side > 0 else -41
    gap = state.maintenance_requirement - state.equity
    protocol.set_price(price + 4 * (gap * pow(lost, -1, QUANTUM) % QUANTUM))
    state = protocol.state(trader)
    units, rest = divmod(state.maintenance_requirement - state.equity, QUANTUM)
    assert units > 0
    assert rest == 0
    protocol.deposit(trader, units)
    state = protocol.state(trader)
    assert state.equity == state.maintenance_requirement
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)


def test_liquidation_price_is_the_closed_form(protocol):
    """Long at 2,000 with leverage 10 and maintenance 2.5 %: P = P0 (1 - 1/L)/(1 - m)."""
    trader = open_long(protocol, 2_000)
    price = 2_000 * (1 - 1 / 10) / (1 - 0.025)
    protocol.set_price(int((price + 1e-6) * 1e18))
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)
    protocol.set_price(int((price - 1e-6) * 1e18))
    protocol.liquidate(trader)


def test_short_liquidation_price_is_the_closed_form(protocol):
    trader = open_long(protocol, 2_000, -10 * WAD)
    price = 2_000 * (1 + 1 / 10) / (1 + 0.025)
    protocol.set_price(int((price - 1e-6) * 1e18))
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)
    protocol.set_price(int((price + 1e-6) * 1e18))
    protocol.liquidate(trader)


def test_a_partial_close_is_the_closed_form_and_restores_the_buffer(protocol):
    trader = open_long(protocol)
    protocol.set_price(1_945 * WAD)
    state = protocol.state(trader)
    m = state.equity / state.notional
    target = 0.025 * 1.15
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert event.size_closed / (10 * WAD) == pytest.approx((target - m) / target, rel=1e-9)
    after = protocol.state(trader)
    assert after.equity / after.notional == pytest.approx(target, rel=1e-9)
    assert after.equity >= after.maintenance_requirement
    assert (event.fee, event.deficit, event.breach_cause) == (0, 0, 0)
    protocol.check_books()


def test_a_partial_close_with_fee_and_impact_restores_at_least_the_buffer(build):
    protocol = build(liquidation={"fee_base": WAD // 200}, skew_scale=10_000 * WAD)
    trader = open_long(protocol, 1_020)
    protocol.increase(protocol.account("hedge", 100_000), -30 * WAD)  # closing a long meets a discount
    protocol.set_price(1_945 * WAD)
    before = protocol.state(trader)
    assert before.equity < before.maintenance_requirement
    plan = protocol.preview(trader)
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert (event.size_closed, event.fee, event.bounty) == (
        plan.first.size,
        plan.first.fee,
        plan.first.bounty,
    )
    assert event.fill_price < event.risk_price
    assert 0 < event.size_closed < 10 * WAD
    assert event.fee > 0
    after = protocol.state(trader)
    assert after.equity * WAD >= after.maintenance_requirement * (WAD + BUFFER) * (1 - 1e-9)
    protocol.check_books()


def test_what_would_be_dust_is_closed_too(protocol):
    protocol.set_margin(min_position_notional=18_000 * WAD)
    trader = open_long(protocol)
    protocol.set_price(1_945 * WAD)
    protocol.liquidate(trader)
    assert protocol.position(trader).size == 0
    assert protocol.collateral(trader) == pytest.approx(451 * WAD, abs=2 * QUANTUM)


def test_without_a_position_it_reverts(protocol):
    with boa.reverts("liquidation: no position"):
        protocol.liquidate(protocol.account("trader", 100))


def test_a_price_that_is_not_good_enough_blocks(protocol):
    trader = open_long(protocol)
    protocol.set_price(1_900 * WAD)
    protocol.wait(10 * 86_400)
    with boa.reverts("liquidation: price not valid"):
        protocol.liquidate(trader)
    assert not protocol.preview(trader).eligible


def test_the_fee_is_adaptive_and_split(build):
    protocol = build(liquidation={"fee_base": WAD // 200}, fund=500_000)
    trader = open_long(protocol)
    protocol.set_price(1_945 * WAD)
    state, market = protocol.state(trader), protocol.lens.market_states()[0]
    fund = protocol.fund.reserves()
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    sigma = sqrt_wad(max(market.variance_fast, market.variance_slow))
    rate = liquidation_math.fee_rate(
        WAD // 200,
        WAD // 2,
        WAD,
        liquidation_math.excess_volatility(sigma, 6 * WAD // 10),
        liquidation_math.shortfall(state.equity, state.maintenance_requirement),
        5 * WAD // 100,
        6 * WAD // 10 * 25 // 1_000,
    )
    assert rate == 6 * WAD // 10 * 25 // 1_000  # so volatile that the cap of 60 % of maintenance binds
    assert event.fee == margin_math.fee(margin_math.notional(event.size_closed, 1_945 * WAD), rate)
    share = liquidation_math.bounty_share(
        WAD // 2, WAD // 10, WAD // 5, 3 * WAD // 10, 8 * WAD // 10, sigma, 6 * WAD // 10, WAD // 2
    )
    assert event.sigma == sigma
    assert event.bounty == margin_math.share(event.fee, share) == protocol.wallet(protocol.liquidator)
    assert event.insurance_fee == event.fee - event.bounty == protocol.fund.reserves() - fund
    protocol.check_books()


def test_a_fee_never_makes_an_account_bankrupt(build):
    protocol = build(liquidation={"fee_base": 5 * WAD // 100, "fee_maintenance_share": WAD - 1})
    trader = open_long(protocol)
    protocol.set_price(1_901 * WAD)  # equity 11 of 19,010
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert 0 < event.fee <= event.equity * 95 // 100
    assert event.deficit == 0
    assert protocol.position(trader).size == 0
    assert protocol.collateral(trader) > 0
    protocol.check_books()


def test_a_bankrupt_account_pays_no_fee(build):
    protocol = build(liquidation={"fee_base": 5 * WAD // 100})
    trader = open_long(protocol)
    protocol.set_price(1_850 * WAD)
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert (event.fee, event.bounty, event.insurance_fee) == (0, 0, 0)
    assert event.deficit == pytest.approx(499 * WAD, abs=2 * QUANTUM)
    assert protocol.exceptions() == protocol.liquidation.liquidations() == 1


@pytest.mark.parametrize("fund", [1_000_000, 501, 0])
def test_nobody_is_tipped_for_a_bankrupt_account(build, fund):
    protocol = build(liquidation={"min_bounty": 5 * WAD}, fund=fund)
    trader = open_long(protocol)
    protocol.set_price(1_850 * WAD)
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert event.tip == protocol.wallet(protocol.liquidator) == protocol.ledger.totals().tips == 0
    protocol.check_books()


@pytest.mark.parametrize(("least", "binds"), [(5, False), (60, False), (500, True)])
def test_tips_stop_at_what_the_bounty_lacks_and_the_fund_was_paid(build, least, binds):
    protocol = build(liquidation={"min_bounty": least * WAD, "fee_base": WAD // 200})
    trader = open_long(protocol)
    protocol.set_price(1_945 * WAD)
    fund = protocol.fund.reserves()
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert event.tip == min(max(least * WAD - event.bounty, 0), event.insurance_fee)
    assert (event.tip == event.insurance_fee) == binds
    assert protocol.fund.reserves() == fund + event.insurance_fee - event.tip
    protocol.check_books()


def test_the_throttle_holds_back_and_refills(build):
    # Depth is 1 % of 1,000 * 2,000 = 20,000; a tenth of it an hour: 1,933 at 1,933.
    protocol = build(
        liquidation={"throttle_share_per_hour": WAD // 10, "max_close_impact": WAD // 10},
        skew_scale=1_000 * WAD,
    )
    trader = open_long(protocol, 1_120)
    hedge = protocol.account("hedge", 100_000)
    protocol.increase(hedge, -10 * WAD)
    protocol.set_price(1_933 * WAD)
    state = protocol.state(trader)
    assert 2 * state.maintenance_requirement // 3 < state.equity < state.maintenance_requirement
    assert protocol.liquidation.throttle_capacity(0) == 1_933 * WAD
    protocol.liquidate(trader)
    # All but the smallest position, so that no rest has to close beyond the throttle.
    closed = 10 * WAD - protocol.position(trader).size
    assert closed == pytest.approx(1_833 * WAD // 1_933, rel=1e-9)
    assert protocol.liquidation.throttle_capacity(0) == pytest.approx(100 * WAD, rel=1e-9)
    assert protocol.preview(trader).eligible
    with boa.reverts("liquidation: throttled"):
        protocol.liquidate(trader)
    protocol.wait(1_800)
    assert protocol.liquidation.throttle_capacity(0) == pytest.approx(1_066.5 * WAD, rel=1e-9)
    protocol.liquidate(trader)
    expected = WAD + (9_665 - 1_000) * WAD // 19_330
    assert 10 * WAD - protocol.position(trader).size == pytest.approx(expected, rel=1e-6)


def test_an_account_far_below_bypasses_the_throttle(build):
    protocol = build(liquidation={"throttle_share_per_hour": WAD // 1_000}, skew_scale=1_000 * WAD)
    trader = open_long(protocol, 1_120)
    protocol.set_price(1_900 * WAD)
    state = protocol.state(trader)
    assert state.equity < 2 * state.maintenance_requirement // 3
    protocol.liquidate(trader)
    assert protocol.position(trader).size < 5 * WAD
    assert protocol.liquidation.throttle_capacity(0) == 0


def test_a_fill_far_from_the_average_price_waits(build):
    """The average of an hour is near 2,000 still, and the fill 3 % below it; a band of 1 %."""
    protocol = build(liquidation={"average_price_band": WAD // 100})
    trader = open_long(protocol, 1_120)
    protocol.set_price(1_933 * WAD)
    state = protocol.state(trader)
    assert 2 * state.maintenance_requirement // 3 < state.equity < state.maintenance_requirement
    plan = protocol.preview(trader)
    assert (plan.eligible, plan.obstacle) == (True, 4)
    with boa.reverts("liquidation: far from average price"):
        protocol.liquidate(trader)
    protocol.set_price(1_933 * WAD, wait=3 * 3_600)
    protocol.set_price(1_933 * WAD)
    assert protocol.preview(trader).obstacle == 0
    protocol.liquidate(trader)
    assert protocol.position(trader).size < 10 * WAD


def test_an_account_far_below_does_not_wait_for_the_average_price(build):
    protocol = build(liquidation={"average_price_band": WAD // 100})
    trader = open_long(protocol, 1_120)
    protocol.set_price(1_900 * WAD)
    protocol.liquidate(trader)
    assert protocol.position(trader).size < 10 * WAD


def test_a_breach_by_a_risen_ratio_is_told_apart(protocol):
    trader = open_long(protocol)
    protocol.set_ratios(12 * WAD // 100, 6 * WAD // 100)
    protocol.liquidate(trader)
    (event,) = logs_of(protocol.liquidation, "Liquidated")
    assert event.breach_cause == 1


def test_a_ramp_shields_existing_positions_for_a_while(build):
    protocol = build(margin={"ramp_per_hour": WAD // 4})
    trader = open_long(protocol)
    protocol.set_ratios(12 * WAD // 100, 6 * WAD // 100)
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)
    hours = 0
    while protocol.state(trader).equity >= protocol.state(trader).maintenance_requirement:
        for _ in range(6):
            protocol.wait(600)
            protocol.registry.poke(0)
        hours += 1
    assert hours == 3  # 2.5 % grows to 5 % within (1 + 1/24)^(6 h) >= 2: h = 3
    protocol.liquidate(trader)


def test_cross_margin_is_liquidated_by_account(build):
    protocol = build(markets=2)
    trader = protocol.account("trader", 2_002)
    protocol.increase(trader, 10 * WAD)
    protocol.increase(trader, 10 * WAD, market=1)
    protocol.set_price(1_900 * WAD, market=0)  # alone it would be under water, with the other it is not
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)
    protocol.set_price(1_985 * WAD, market=1)
    state = protocol.state(trader)
    assert 0 < state.equity < state.maintenance_requirement
    protocol.liquidate(trader, market=1)  # the protocol chooses, of equals the first
    after = protocol.state(trader)
    assert after.equity * WAD >= after.maintenance_requirement * (WAD + BUFFER) * (1 - 1e-9)
    assert protocol.position(trader, 0).size < protocol.position(trader, 1).size == 10 * WAD
    protocol.check_books()


def test_a_deficit_waits_until_the_last_position_is_closed(build):
    protocol = build(markets=2)
    trader = protocol.account("trader", 2_002)
    protocol.increase(trader, 10 * WAD)
    protocol.increase(trader, 10 * WAD, market=1)
    protocol.set_price(1_750 * WAD, market=0)
    protocol.liquidate(trader)
    assert protocol.collateral(trader) < 0
    assert protocol.ledger.totals().pending_deficit == protocol.ledger.totals().bad_debt == 0
    protocol.check_books()
    protocol.liquidate(trader, market=1)
    assert protocol.collateral(trader) == 0
    assert protocol.ledger.totals().bad_debt == pytest.approx(498 * WAD, abs=4 * QUANTUM)
    protocol.check_books()


def test_the_decision_can_be_redone_from_its_events(protocol):
    trader = open_long(protocol)
    protocol.set_price(1_945 * WAD)
    protocol.liquidate(trader)
    logs = protocol.liquidation.get_logs()
    (check,) = [log for log in logs if type(log).__name__ == "MarginChecked"]
    (event,) = [log for log in logs if type(log).__name__ == "Liquidated"]
    assert check.kind == 1
    assert check.equity == event.equity < check.requirement == event.maintenance_requirement
    assert margin_math.requirement(check.notional, check.ratio) == check.requirement
    closed = liquidation_math.close_notional(
        check.equity, check.requirement, check.notional, check.ratio, 1, BUFFER
    )
    assert event.size_closed == pytest.approx(closed * WAD // check.price, rel=1e-12)
