"""Account, fund, auto-deleveraging, socialised loss: each stage only after the one before."""

from __future__ import annotations

import boa
import pytest

from sim.reference import liquidation_math, margin_math
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import ALL, id_of, logs_of

LOSS = 1_000  # of the bankrupt beyond its collateral, in quote


def crash(protocol, winners=((10, 50_000),)):
    """A long of 10 loses 1,000 more than it has; the winners are shorts (size, collateral)."""
    bankrupt = protocol.account("bankrupt", 1_000 + 1)
    protocol.increase(bankrupt, 10 * WAD)
    accounts = []
    for i, (size, collateral) in enumerate(winners):
        account = protocol.account(f"winner {i}", collateral)
        protocol.increase(account, -size * WAD // 1)
        accounts.append(account)
    protocol.set_price(1_799 * WAD + WAD * 9 // 10)  # loses 2,001 on 10
    protocol.liquidate(bankrupt)
    return bankrupt, accounts


def ranked(protocol, accounts):
    """Winners as the contract wants them."""
    return sorted(accounts, key=lambda a: (-protocol.score(a), int(a, 16)))


def deleverage(protocol, bankrupt, winners, market=0):
    protocol.deleverage(bankrupt, winners, market=market)


def near(quote):
    return pytest.approx(quote * WAD, abs=4 * QUANTUM)


def test_a_winner_gives_no_more_than_equity_in_whole_token_units(build):
    """Two thousand gained and 3,500 lost elsewhere, on 3,000: 1,500 and a part of a unit is all there is."""
    protocol = build(markets=2, fund=0, fund_target=0)
    winner = protocol.account("winner", 3_000)
    protocol.increase(winner, -10 * WAD)
    protocol.increase(winner, 10 * WAD, market=1)
    bankrupt = protocol.account("bankrupt", 2_100)
    protocol.increase(bankrupt, 20 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.set_price(1_650 * WAD + 123_456, market=1)
    protocol.decrease(bankrupt)  # owes 1,900
    equity = protocol.state(winner).equity
    assert equity == near(1_500)
    assert equity % QUANTUM != 0
    deleverage(protocol, bankrupt, [winner])
    (event,) = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert event.haircut == equity - equity % QUANTUM
    # The close rounds its gain down to the unit, as every close does.
    assert abs(protocol.state(winner).equity) < QUANTUM
    protocol.check_books()


def test_a_sufficient_fund_covers_everything(build):
    protocol = build(fund=1_500)
    bankrupt, _ = crash(protocol)
    totals = protocol.ledger.totals()
    assert totals.bad_debt == totals.fund_draws == near(LOSS)
    assert totals.pending_deficit == totals.haircuts == totals.socialized_loss == 0
    assert protocol.fund.reserves() == 1_500 * WAD - totals.fund_draws
    assert protocol.collateral(bankrupt) == 0
    assert protocol.deficit(bankrupt).recorded_at == 0
    for call in (deleverage, lambda p, b, _: p.socialize(b)):
        with boa.reverts("loss_waterfall: no deficit"):
            call(protocol, bankrupt, [])
    protocol.check_books()


def test_what_the_fund_lacks_is_taken_from_winners_exactly(build):
    protocol = build(fund=400)
    bankrupt, (winner,) = crash(protocol)
    (event,) = logs_of(protocol.liquidation, "DeficitRecorded")
    assert (event.account, event.market, event.side) == (id_of(bankrupt), 0, 1)
    assert event.deficit == near(LOSS)
    pending = protocol.ledger.totals().pending_deficit
    record = protocol.deficit(bankrupt)
    assert (protocol.fund.reserves(), pending) == (0, near(600))
    assert (record.market, record.side) == (0, 1)
    before = protocol.collateral(winner)
    score = protocol.score(winner)
    deleverage(protocol, bankrupt, [winner])
    (event,) = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert (event.bankrupt, event.winner, event.size) == (
        id_of(bankrupt),
        id_of(winner),
        -10 * WAD - protocol.position(winner).size,
    )
    assert (event.haircut, event.score) == (pending, score)
    # Only as much is closed as the haircut takes of a gain of 200.1 a unit; the rest goes on.
    assert -event.size == pytest.approx(pending * 10 // 2_001, rel=1e-6)
    assert protocol.collateral(winner) - before == near(0)
    assert protocol.state(winner).equity == near(50_000 + 2_001 - 600)
    totals = protocol.ledger.totals()
    assert totals.haircuts == pending
    assert totals.bad_debt == near(LOSS)
    assert totals.pending_deficit == totals.socialized_loss == 0
    assert protocol.waterfall.withdrawals_open()
    protocol.check_books()


def test_winners_pay_in_turn_each_up_to_its_gain(build):
    """800.4 of the first, what is left of the second, nothing of the third, whatever their leverage."""
    protocol = build(fund=0)
    bankrupt, winners = crash(protocol, ((4, 10_000), (4, 2_000), (4, 5_000)))
    order = ranked(protocol, winners)
    assert order == sorted(winners, key=id_of)  # the same entry price, the same rank
    pending = protocol.ledger.totals().pending_deficit
    deleverage(protocol, bankrupt, order)
    first, second = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert (first.size, first.haircut) == (-4 * WAD, pytest.approx(800_400 * WAD // 1_000, abs=4 * QUANTUM))
    assert first.haircut + second.haircut == pending
    assert protocol.position(order[1]).size == -4 * WAD - second.size
    assert protocol.position(order[2]).size == -4 * WAD
    protocol.check_books()


def test_a_close_leaves_no_dust(build):
    """The haircut takes 4.9975 of 5 units; what would be left is worth less than the smallest position."""
    protocol = build(fund=0)
    bankrupt, (winner,) = crash(protocol, ((5, 10_000),))
    deleverage(protocol, bankrupt, [winner])
    (event,) = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert (event.size, event.haircut) == (-5 * WAD, near(LOSS))
    assert protocol.collateral(winner) == pytest.approx(10_000 * WAD + WAD // 2, abs=4 * QUANTUM)
    protocol.check_books()


def test_the_fund_is_asked_again_before_winners(build):
    protocol = build(fund=0)
    bankrupt, (winner,) = crash(protocol)
    protocol.supply(protocol.fund, protocol.fund_backer, 2_000)
    deleverage(protocol, bankrupt, [winner])
    assert protocol.ledger.totals().haircuts == 0
    assert protocol.ledger.totals().fund_draws == near(LOSS)
    assert protocol.position(winner).size == -10 * WAD
    protocol.check_books()


def test_anyone_may_ask_the_fund_again(build):
    protocol = build(fund=0)
    bankrupt, _ = crash(protocol)
    protocol.supply(protocol.fund, protocol.fund_backer, 300)
    assert protocol.cover(bankrupt) == near(LOSS - 300)
    assert protocol.cover(bankrupt) == near(LOSS - 300)
    assert protocol.cover(protocol.account("other", 5)) == 0
    assert protocol.ledger.totals().bad_debt == 300 * WAD
    protocol.check_books()


def test_winners_out_of_order_revert(build):
    protocol = build(fund=0)
    bankrupt, winners = crash(protocol, ((4, 10_000), (4, 2_000)))
    order = ranked(protocol, winners)
    with boa.reverts("deleveraging: wrong order"):
        deleverage(protocol, bankrupt, order[::-1])


def test_ties_go_by_address(build):
    protocol = build(fund=0)
    bankrupt, winners = crash(protocol, ((4, 5_000), (4, 5_000)))
    low, high = sorted(winners, key=lambda a: int(a, 16))
    assert protocol.score(low) == protocol.score(high)
    for wrong in ([high, low], [low, low]):
        with boa.reverts():
            deleverage(protocol, bankrupt, wrong)
    deleverage(protocol, bankrupt, [low, high])


def test_losers_the_same_side_and_strangers_are_never_touched(build):
    protocol = build(fund=0)
    late = protocol.account("late", 50_000)
    same_side = protocol.account("same side", 50_000)
    protocol.increase(same_side, 5 * WAD)
    bankrupt, (winner,) = crash(protocol)
    protocol.increase(late, -5 * WAD)
    protocol.set_price(1_850 * WAD)
    with boa.reverts("deleveraging: no gain"):
        deleverage(protocol, bankrupt, [late])
    for other in (same_side, bankrupt, protocol.account("stranger", 10)):
        with boa.reverts("deleveraging: wrong side"):
            deleverage(protocol, bankrupt, [other])
    with boa.reverts("deleveraging: wrong market"):
        deleverage(protocol, bankrupt, [winner], market=1)
    with boa.reverts("loss_waterfall: no deficit"):
        deleverage(protocol, winner, [winner])


def test_a_haircut_never_exceeds_the_gain_and_the_rest_is_socialised(build):
    protocol = build(fund=0)
    poor = protocol.account("poor", 50_000)
    bankrupt = protocol.account("bankrupt", 1_001)
    protocol.increase(bankrupt, 10 * WAD)
    protocol.set_price(1_810 * WAD)
    protocol.increase(poor, -10 * WAD)  # gains no more than a little
    protocol.set_price(1_799 * WAD + WAD * 9 // 10)
    protocol.liquidate(bankrupt)
    before = protocol.collateral(poor)
    deleverage(protocol, bankrupt, [poor])
    (event,) = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert event.haircut == near(101)
    assert protocol.collateral(poor) == before
    assert protocol.ledger.totals().pending_deficit == near(LOSS - 101)
    assets = protocol.pool.totalAssets()
    protocol.socialize(bankrupt)  # nobody is left on the other side: no need to wait
    (event,) = logs_of(protocol.waterfall, "LossSocialized")
    totals = protocol.ledger.totals()
    assert event.amount == totals.socialized_loss == near(LOSS - 101)
    assert (assets - protocol.pool.totalAssets()) * QUANTUM == pytest.approx(event.amount, abs=2 * QUANTUM)
    assert totals.pending_deficit == totals.total_debt == 0
    assert totals.bad_debt == near(LOSS)
    protocol.check_books()


def test_socialising_waits_for_the_window(build):
    protocol = build(fund=0)
    bankrupt, _ = crash(protocol)
    protocol.wait(59)
    with boa.reverts("loss_waterfall: window open"):
        protocol.socialize(bankrupt)
    protocol.wait(1)
    protocol.socialize(bankrupt)
    assert protocol.ledger.totals().socialized_loss == near(LOSS)
    with boa.reverts("loss_waterfall: no deficit"):
        protocol.socialize(bankrupt)
    protocol.check_books()


def test_without_opposite_open_interest_it_is_socialised_at_once(build):
    protocol = build(fund=0)
    bankrupt, _ = crash(protocol, ())
    protocol.socialize(bankrupt)
    assert protocol.ledger.totals().socialized_loss == near(LOSS)


def test_socialising_asks_the_fund_first(build):
    protocol = build(fund=0)
    bankrupt, _ = crash(protocol)
    protocol.supply(protocol.fund, protocol.fund_backer, 5_000)
    protocol.socialize(bankrupt)
    assert protocol.ledger.totals().socialized_loss == 0
    assert protocol.ledger.totals().fund_draws == near(LOSS)


def test_a_bankrupt_short_is_the_mirror_image(build):
    protocol = build(fund=250)
    bankrupt, winner = protocol.account("bankrupt", 1_001), protocol.account("winner", 50_000)
    protocol.increase(bankrupt, -10 * WAD)
    protocol.increase(winner, 10 * WAD)
    protocol.set_price(2_200 * WAD + WAD // 10)
    protocol.liquidate(bankrupt)
    assert protocol.deficit(bankrupt).side == -1
    deleverage(protocol, bankrupt, [winner])
    totals = protocol.ledger.totals()
    assert (totals.fund_draws, totals.haircuts, totals.bad_debt) == (250 * WAD, near(750), near(LOSS))
    assert protocol.collateral(winner) == near(50_000)  # what was closed paid the haircut
    assert protocol.state(winner).equity == near(50_000 + 2_001 - 750)
    protocol.check_books()


def test_gains_the_pool_cannot_pay_go_down_the_waterfall(build):
    protocol = build(pool=1_000, fund=600)
    winner = protocol.account("winner", 50_000)
    protocol.increase(winner, -10 * WAD)
    protocol.set_price(1_800 * WAD)  # gains 2,000
    protocol.decrease(winner, ALL)
    (event,) = logs_of(protocol.desk, "GainUnpaid")
    totals = protocol.ledger.totals()
    assert event.fund_draw == totals.fund_draws == 600 * WAD
    assert event.haircut == totals.socialized_loss == near(400)
    assert protocol.collateral(winner) == near(51_600)
    assert protocol.pool.reserves() == protocol.fund.reserves() == 0
    protocol.check_books()


def test_a_pool_that_cannot_front_fees_keeps_them(build):
    protocol = build(pool=0, fund=0, margin={"trade_fee_rate": WAD // 1_000, "pool_fee_share": 0})
    winner, loser = protocol.account("winner", 50_000), protocol.account("loser", 50_000)
    protocol.increase(winner, -10 * WAD)
    protocol.increase(loser, 10 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.decrease(winner, ALL)
    assert protocol.collateral(winner) == near(50_000 - 20 + 8)  # the fund had 8 of fees
    assert protocol.ledger.totals().bad_debt == near(2_000 - 18)
    protocol.check_books()


def test_score_is_relative_gain(protocol):
    trader = protocol.account("trader", 5_000)
    assert protocol.score(trader) == 0
    protocol.increase(trader, -10 * WAD)
    assert protocol.score(trader) == 0
    protocol.set_price(1_600 * WAD)
    position = protocol.position(trader)
    assert protocol.score(trader) == liquidation_math.deleverage_score(
        margin_math.realized_pnl(position.size, 1_600 * WAD, position.entry_notional),
        abs(position.entry_notional),
    )
