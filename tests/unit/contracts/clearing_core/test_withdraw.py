from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import logs_of, units


def test_all_of_an_idle_account_can_leave(protocol):
    trader = protocol.account("trader", 100)
    protocol.desk.withdraw(0, units(100), sender=trader)
    assert protocol.wallet(trader) == 100 * WAD
    assert protocol.collateral(trader) == 0
    assert len(logs_of(protocol.desk, "MarginChecked")) == 0
    protocol.check_books()


def test_more_than_the_collateral_reverts(protocol):
    trader = protocol.account("trader", 100)
    with boa.reverts("margin_checks: collateral too low"):
        protocol.desk.withdraw(0, units(100) + 1, sender=trader)


def test_an_idle_account_can_leave_at_a_stale_price(protocol):
    trader = protocol.account("trader", 100)
    protocol.wait(10 * 86_400)
    protocol.desk.withdraw(0, units(100), sender=trader)


def test_with_a_position_a_tenth_of_notional_stays(protocol):
    # Notional 10,000: the initial ratio asks for 500, the withdrawal rule for 1,000.
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 5 * WAD)
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, units(4_000), sender=trader)
    protocol.desk.withdraw(0, units(4_000) - 1, sender=trader)
    (check,) = logs_of(protocol.desk, "MarginChecked")
    assert check.kind == 2
    assert check.requirement == 1_000 * WAD
    assert check.requirement <= check.equity < check.requirement + QUANTUM
    protocol.check_books()


def test_a_higher_initial_ratio_binds_instead(protocol):
    protocol.set_ratios(WAD // 5, WAD // 10)
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 5 * WAD)
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, units(3_000), sender=trader)
    protocol.desk.withdraw(0, units(3_000) - 1, sender=trader)


@pytest.mark.parametrize("weight", [WAD, WAD // 2, 0])
def test_unrealised_gains_count_by_weight(protocol, weight):
    protocol.set_ratios(WAD // 4, WAD // 8)
    protocol.set_margin(upnl_weight=weight)
    trader = protocol.account("trader", 5_100)
    protocol.increase(trader, 5 * WAD)
    protocol.set_price(2_400 * WAD, wait=86_000)  # gain 2,000, notional 12,000
    # The average price has not caught up: the gain counts at the worst of three prices.
    ema = protocol.lens.market_states()[0].ema_price
    gain = 5 * (ema - 2_000 * WAD) * weight // WAD
    allowed = (5_100 * WAD + gain - 5 * ema // 4) // QUANTUM
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, allowed + 1, sender=trader)
    protocol.desk.withdraw(0, allowed - 1, sender=trader)


def test_unrealised_gains_count_up_to_the_cap(protocol):
    protocol.set_margin(upnl_cap=10 * WAD, withdraw_margin_ratio=0)
    trader = protocol.account("trader", 1_000)
    protocol.increase(trader, 5 * WAD)
    for _ in range(3):
        protocol.set_price(2_400 * WAD, wait=80_000)
    price = protocol.lens.market_states()[0].ema_price
    allowed = (1_010 * WAD - 5 * price // 20) // QUANTUM
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, allowed + 1, sender=trader)
    protocol.desk.withdraw(0, allowed - 1, sender=trader)


def test_losses_count_in_full_at_the_worst_price(protocol):
    protocol.set_margin(upnl_weight=0)
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 5 * WAD)
    protocol.set_price(1_900 * WAD)  # loss 500, notional 9,500
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, units(3_551), sender=trader)
    protocol.desk.withdraw(0, units(3_549), sender=trader)


def test_the_cost_of_closing_out_stays_too(build):
    protocol = build(skew_scale=500 * WAD, max_premium=WAD // 40)
    maker = protocol.account("maker", 100_000)
    trader = protocol.account("trader", 10_000)
    protocol.increase(trader, 5 * WAD)
    protocol.increase(maker, -10 * WAD)  # the skew is -5: closing the long meets a discount of 1.5 %
    impact = 5 * 2_000 * WAD * 15 // 1_000
    pnl = -(protocol.position(trader).entry_notional - 10_000 * WAD)
    allowed = (10_000 * WAD + pnl - impact - 1_000 * WAD) // QUANTUM
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, allowed + 1, sender=trader)
    protocol.desk.withdraw(0, allowed - 1, sender=trader)


def test_a_haircut_on_collateral_counts(protocol):
    protocol.set_ratios(WAD // 10, WAD // 20, haircut=WAD // 10)
    trader = protocol.account("trader", 10_000)
    protocol.increase(trader, 5 * WAD)
    # Nine tenths of what stays must be at least 1,000.
    with boa.reverts("margin_checks: margin too low"):
        protocol.desk.withdraw(0, units(10_000 - 1_111), sender=trader)
    protocol.desk.withdraw(0, units(10_000 - 1_112), sender=trader)


def test_a_stale_price_blocks(protocol):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, 1 * WAD)
    protocol.wait(10 * 86_400)
    with boa.reverts("margin_checks: price not valid"):
        protocol.desk.withdraw(0, 1, sender=trader)


def test_a_pending_deficit_beyond_the_fund_blocks_everyone(build):
    protocol = build(fund=100)
    bystander = protocol.account("bystander", 50)
    trader, other = protocol.account("trader", 1_001), protocol.account("other", 100_000)
    protocol.increase(trader, 10 * WAD)
    protocol.increase(other, -10 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.liquidate(trader)
    assert not protocol.waterfall.withdrawals_open()
    with boa.reverts("trading: deficit pending"):
        protocol.desk.withdraw(0, 1, sender=bystander)
    protocol.wait(60)
    protocol.socialize(trader)
    protocol.desk.withdraw(0, units(50), sender=bystander)
    protocol.check_books()
