"""Who paid in auto-deleveraging was for sale.

Deleveraging shared a deficit by size and ranked by leverage: five fresh accounts with ten cents of gain a
unit stood in front of the real winner and used up the size (haircut 19,775 -> 25). A winner that closed in
the deficit's own block kept everything. And the record named the market closed last, so that whoever
liquidated chose between winners who paid 50 and winners who paid 15,050.

Now the budget is money; a gain that is realised while a deficit of the other side pends is held up to what
pends; and a deficit is shared by where the loss arose. The inputs are drawn from: 0 to 8 accounts with any
gain in front of a winner, both orders of liquidation, and closes before and after every other call.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.deployers import deploy, harness
from tests.support.protocol import Protocol, id_of, isolated, logs_of

DEFICIT = 20_000 * WAD
NOTHING = 2 * QUANTUM


@pytest.fixture(scope="module")
def bare():
    """A protocol of two markets whose fund is empty."""
    with isolated():
        yield Protocol(fund=0, fund_target=0, markets=2)


@pytest.fixture
def protocol(bare):
    with isolated():
        accounts = list(bare.accounts)
        yield bare
        bare.accounts = accounts
        bare.held_dust = 0


def crash(protocol: Protocol, *, price: int = 1_800 * WAD) -> tuple[str, str]:
    """A long of 250 with 30,000 against a short of 250 with 60,000; at 1,800 it owes 20,000."""
    winner = protocol.account("winner", 60_000)
    protocol.increase(winner, -250 * WAD)
    bankrupt = protocol.account("bankrupt", 30_000)
    protocol.increase(bankrupt, 250 * WAD)
    protocol.set_price(price)
    return winner, bankrupt


def ranked(protocol: Protocol, accounts: list[str]) -> list[str]:
    """Return winners in the order that deleveraging asks for."""
    return sorted(accounts, key=lambda account: (-protocol.score(account), id_of(account)))


def shielded(
    protocol: Protocol, shields: int, cents: int, size: int, *, alone_first: bool
) -> tuple[int, int]:
    """Return the haircuts in all and what pended, with fresh shorts that gained some cents a unit."""
    with isolated():
        winner, bankrupt = crash(protocol, price=1_800 * WAD + cents * WAD // 100)
        fresh = [protocol.account(f"shield {i}", 6_000) for i in range(shields)]
        for account in fresh:
            protocol.increase(account, -size * WAD)
        protocol.set_price(1_800 * WAD)
        protocol.liquidate(bankrupt)
        pending = protocol.ledger.totals().pending_deficit
        if alone_first and fresh:
            protocol.deleverage(bankrupt, ranked(protocol, fresh))
        protocol.deleverage(bankrupt, ranked(protocol, [winner, *(fresh if not alone_first else [])]))
        for account in fresh:
            assert protocol.state(account).equity >= 6_000 * WAD - NOTHING  # no more than its gain
        protocol.check_books()
        haircuts = int(protocol.ledger.totals().haircuts)
        protocol.accounts = [a for a in protocol.accounts if a not in {winner, bankrupt, *fresh}]
        return haircuts, int(pending)


@settings(max_examples=8, deadline=None)
@given(
    shields=st.integers(0, 8),
    cents=st.integers(1, 500),
    size=st.integers(1, 50),
    alone_first=st.booleans(),
)
def test_fresh_accounts_shield_nobody(bare, shields, cents, size, alone_first):
    """Named among the winners or before them in a call of their own."""
    haircuts, pending = shielded(bare, shields, cents, size, alone_first=alone_first)
    assert haircuts == pending == pytest.approx(DEFICIT, abs=NOTHING)


def test_five_shields_of_ten_cents(bare):
    with_shields, _ = shielded(bare, 5, 10, 50, alone_first=True)
    without, _ = shielded(bare, 0, 10, 50, alone_first=True)
    assert with_shields >= without * 9 // 10


def test_neither_collateral_nor_splitting_changes_a_rank(protocol):
    winner, _ = crash(protocol)
    score = protocol.score(winner)
    # 200 on 2,000 a unit; a gain is whole quanta, one less than it may be, of a cost of 500,000.
    assert score == pytest.approx(WAD // 10, abs=2 * QUANTUM // 500_000)
    protocol.deposit(winner, 10**12)
    assert protocol.score(winner) == score


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_of_liquidations_chooses_nobody(protocol, order):
    """40,000 lost in market 0 and 50 in market 1, by 25,000: 15,050 owed, 40,000/40,050 of it in market 0."""
    winners = [protocol.account(f"winner {market}", 50_000) for market in (0, 1)]
    bankrupt = protocol.account("bankrupt", 25_000)
    for market, (winner, size) in enumerate(zip(winners, (100, 10), strict=True)):
        protocol.increase(winner, -100 * WAD, market=market)
        protocol.increase(bankrupt, size * WAD, market=market)
    protocol.set_price(1_600 * WAD)
    protocol.set_price(1_995 * WAD, market=1)
    while protocol.open_markets(bankrupt):  # the protocol chooses; whoever calls names one that is open
        named = next(market for market in order if protocol.position(bankrupt, market).size)
        protocol.liquidate(bankrupt, market=named)
    assert (protocol.deficit(bankrupt).market, protocol.deficit(bankrupt).side) == (0, 1)
    owed = -protocol.collateral(bankrupt)
    assert owed == pytest.approx(15_050 * WAD, abs=NOTHING)
    for market, part in ((0, 40_000), (1, 50)):
        assert protocol.share(bankrupt, market).amount == pytest.approx(owed * part // 40_050, abs=NOTHING)
    protocol.deleverage(bankrupt, [winners[0]])
    (event,) = logs_of(protocol.waterfall, "DeficitMoved")
    left = -protocol.collateral(bankrupt)
    assert (event.account, event.market, event.side, event.deficit) == (id_of(bankrupt), 1, 1, left)
    assert protocol.ledger.totals().haircuts == pytest.approx(owed * 40_000 // 40_050, abs=NOTHING)
    protocol.check_books()
    # What is left is charged to the other market, whose winners bear no more than their part.
    assert (protocol.deficit(bankrupt).market, protocol.share(bankrupt, 0).amount) == (1, 0)
    with boa.reverts("deleveraging: wrong market"):
        protocol.deleverage(bankrupt, [winners[0]])
    protocol.deleverage(bankrupt, [winners[1]], market=1)
    assert protocol.collateral(bankrupt) == 0
    protocol.check_books()


def two_losses(protocol) -> tuple[str, list[str]]:
    """40,000 lost in market 0 and 20,000 in market 1, by 25,000: a third of what is owed is market 1's."""
    bankrupt = protocol.account("bankrupt", 25_000)
    winners = [protocol.account(f"winner {market}", 50_000) for market in (0, 1)]
    for market, (winner, size) in enumerate(zip(winners, (100, 50), strict=True)):
        protocol.increase(winner, -size * WAD, market=market)
        protocol.increase(bankrupt, size * WAD, market=market)
    for market in (0, 1):
        protocol.set_price(1_600 * WAD, market=market)
    while protocol.open_markets(bankrupt):
        protocol.liquidate(bankrupt, market=0 if protocol.position(bankrupt).size else 1)
    return bankrupt, winners


def test_a_winner_of_a_lesser_loss_cannot_leave_before_it_is_asked(protocol):
    bankrupt, winners = two_losses(protocol)
    owed = -protocol.collateral(bankrupt)
    for market, part in ((1, 1), (0, 2)):
        protocol.decrease(winners[market], market=market)
        held = protocol.held(winners[market], market=market).amount
        assert held == protocol.share(bankrupt, market).amount == pytest.approx(owed * part // 3, abs=NOTHING)
    protocol.check_books()
    protocol.socialize(bankrupt)  # the other sides are empty: no window
    totals = protocol.ledger.totals()
    assert (totals.haircuts, totals.socialized_loss, totals.pending_deficit) == (owed, 0, 0)
    protocol.held_dust += 2  # shares of a deficit are rounded up, so that they cover all of it
    assert totals.held_gains <= 2 * QUANTUM
    protocol.check_books()


@pytest.mark.parametrize("repaid", [0.25, 1])
def test_what_is_repaid_frees_gains_in_every_market(protocol, repaid):
    bankrupt, winners = two_losses(protocol)
    for market in (0, 1):
        protocol.decrease(winners[market], market=market)
    before = [protocol.held(winners[market], market=market).amount for market in (0, 1)]
    protocol.deposit(
        bankrupt, int(-protocol.collateral(bankrupt) * repaid) // QUANTUM, payer=protocol.liquidator
    )
    for market in (0, 1):
        held = protocol.held(winners[market], market=market)
        assert held.freed == pytest.approx(before[market] * repaid, abs=NOTHING)
        assert held.amount == pytest.approx(before[market] * (1 - repaid), abs=NOTHING)
    protocol.check_books()


def test_what_an_account_lost_before_it_was_flat_does_not_count(protocol):
    bankrupt = protocol.account("bankrupt", 25_000)
    protocol.increase(bankrupt, 50 * WAD, market=1)
    protocol.set_price(1_900 * WAD, market=1)
    protocol.decrease(bankrupt, 25 * WAD, market=1)  # loses 2,500 with a position left, so it is noted
    protocol.decrease(bankrupt, market=1)
    protocol.increase(bankrupt, 100 * WAD)
    protocol.set_price(1_700 * WAD)
    protocol.liquidate(bankrupt)
    assert protocol.share(bankrupt, 0).amount == -protocol.collateral(bankrupt) > 0
    assert protocol.share(bankrupt, 1).amount == 0


def test_a_winner_that_closes_in_the_deficits_block_pays_all_the_same(protocol):
    winner, bankrupt = crash(protocol)
    protocol.liquidate(bankrupt)
    protocol.decrease(winner)
    pays = protocol.held(winner).amount
    assert pays == protocol.ledger.totals().held_gains == -protocol.collateral(bankrupt)
    assert protocol.collateral(winner) == pytest.approx(60_000 * WAD + 50_000 * WAD - pays, abs=NOTHING)
    protocol.check_books()
    with boa.reverts("trading: deficit pending"):
        protocol.withdraw(winner, 1)
    protocol.socialize(bankrupt)  # the other side is empty: no window
    totals = protocol.ledger.totals()
    assert (totals.socialized_loss, totals.haircuts, totals.held_gains) == (0, pays, 0)
    protocol.check_books()
    protocol.withdraw(winner, protocol.collateral(winner) // QUANTUM)


def test_what_is_held_has_its_part_of_the_cost_and_not_a_unit_more(protocol):
    """More cost for the same gain would be a lower rank."""
    winner, bankrupt = crash(protocol)
    protocol.liquidate(bankrupt)
    cost, before = abs(protocol.position(winner).entry_notional), protocol.collateral(winner)
    protocol.decrease(winner)
    held = protocol.held(winner)
    gain = protocol.collateral(winner) - before + held.amount
    assert cost * held.amount % gain != 0
    assert held.entry_notional == cost * held.amount // gain


def test_a_closed_winner_can_be_named_and_ranks_by_what_it_gained(protocol):
    winner, bankrupt = crash(protocol)
    other = protocol.account("other", 60_000)
    protocol.increase(other, -10 * WAD)
    protocol.set_price(1_790 * WAD)
    protocol.liquidate(bankrupt)
    protocol.decrease(winner)
    pays = protocol.held(winner).amount
    with boa.reverts("deleveraging: wrong order"):
        protocol.deleverage(bankrupt, [other, winner])  # ten on 1,800 against 210 on 2,000
    protocol.deleverage(bankrupt, [winner, other])
    (event,) = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert (event.winner, event.size, event.haircut) == (id_of(winner), 0, pays)
    assert protocol.position(other).size == -10 * WAD
    protocol.check_books()


def test_what_is_held_comes_back_when_the_deficit_is_paid_otherwise(protocol):
    winner, bankrupt = crash(protocol)
    protocol.liquidate(bankrupt)
    protocol.decrease(winner, 200 * WAD)
    protocol.decrease(winner)  # a second close adds to the part, up to what pends and no more
    held = protocol.held(winner).amount
    assert held == -protocol.collateral(bankrupt)
    before = protocol.collateral(winner)
    protocol.deposit(bankrupt, 5_000 * 10**6, payer=protocol.liquidator)
    assert protocol.held(winner).freed == pytest.approx(5_000 * WAD, abs=NOTHING)
    protocol.release(winner)
    assert protocol.collateral(winner) - before == pytest.approx(5_000 * WAD, abs=NOTHING)
    protocol.supply(protocol.fund, protocol.fund_backer, 100_000)
    protocol.cover(bankrupt)
    protocol.check_books()
    protocol.release(winner)
    protocol.release(winner)  # twice gives nothing more
    assert protocol.collateral(winner) - before == pytest.approx(held, abs=3 * QUANTUM)
    assert protocol.ledger.totals().held_gains <= 3 * QUANTUM  # a quantum for each time it collected
    protocol.check_books()


def test_held_gains_share_what_a_deficit_takes(protocol):
    """Two winners closed; half of the deficit is repaid, the rest takes half of both."""
    bankrupt = protocol.account("bankrupt", 30_000)
    protocol.increase(bankrupt, 250 * WAD)
    winners = [protocol.account(f"winner {i}", 60_000) for i in range(2)]
    for winner, size in zip(winners, (75, 25), strict=True):
        protocol.increase(winner, -size * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.liquidate(bankrupt)
    for winner in winners:
        protocol.decrease(winner)
    for winner, gain in zip(winners, (15_000, 5_000), strict=True):
        assert protocol.held(winner).amount == pytest.approx(gain * WAD, abs=NOTHING)
    protocol.deposit(bankrupt, 10_000 * 10**6, payer=protocol.liquidator)
    protocol.socialize(bankrupt)
    assert protocol.ledger.totals().socialized_loss == 0
    for winner, half in zip(winners, (7_500, 2_500), strict=True):
        assert protocol.held(winner).amount == 0
        assert protocol.held(winner).freed == pytest.approx(half * WAD, abs=2 * NOTHING)
        protocol.release(winner)
    protocol.held_dust = 2
    protocol.check_books()


def test_a_dust_deficit_holds_no_more_than_itself_from_everybody_together(protocol):
    bankrupt = protocol.account("bankrupt", 1_001)
    protocol.increase(bankrupt, 10 * WAD)
    winners = [protocol.account(f"winner {i}", 60_000) for i in range(3)]
    for winner in winners:
        protocol.increase(winner, -100 * WAD)
    protocol.set_price(1_899 * WAD)  # ten units lose 1,010
    protocol.liquidate(bankrupt)
    owed = -protocol.collateral(bankrupt)
    assert owed == pytest.approx(9 * WAD, abs=NOTHING)
    for winner in winners:
        protocol.decrease(winner)
    assert [protocol.held(winner).amount for winner in winners] == [owed, 0, 0]
    protocol.check_books()


def test_losers_and_the_losing_side_have_nothing_held(protocol):
    late = protocol.account("late", 60_000)
    winner, bankrupt = crash(protocol)
    protocol.increase(late, 10 * WAD)
    protocol.liquidate(bankrupt)
    protocol.set_price(1_850 * WAD)
    protocol.decrease(late)  # gains 500 on the side that lost
    assert protocol.held(late).amount == protocol.held(late, side=-1).amount == 0
    protocol.set_price(2_100 * WAD)
    protocol.decrease(winner)  # its gain is gone
    assert protocol.ledger.totals().held_gains == 0
    assert protocol.position(winner).size == 0


def test_a_pot_of_which_next_to_nothing_is_left_is_not_added_to(protocol):
    """Its shares would outgrow every word; what is left is given back."""
    winner, bankrupt = crash(protocol)
    second = protocol.account("second", 30_000)
    protocol.increase(second, 250 * WAD)
    protocol.liquidate(bankrupt)
    protocol.decrease(winner, 125 * WAD)
    held = protocol.held(winner).amount
    assert held > 10_000 * WAD
    with boa.env.prank(protocol.owner):
        protocol.ledger.set_operator(protocol.liquidator, True)
    with boa.env.prank(protocol.liquidator):
        protocol.ledger.lock()
        protocol.ledger.use_held(id_of(bankrupt), 0, 0, held - 100 * QUANTUM)
        protocol.ledger.unlock()
    assert protocol.held(winner).amount == 100 * QUANTUM
    protocol.set_price(1_650 * WAD)
    protocol.liquidate(second)
    owed = -protocol.collateral(second) - protocol.collateral(bankrupt)
    before = protocol.collateral(winner)
    protocol.decrease(winner)
    held = protocol.held(winner)
    assert (held.amount, held.freed) == (owed, 0)
    # 350 a unit, what was left in the old pot came back, and all that pends is held anew.
    gained = protocol.collateral(winner) - before
    assert gained == pytest.approx(125 * 350 * WAD + 100 * QUANTUM - owed, abs=NOTHING)
    protocol.check_books()


def test_a_policy_can_share_badly_but_not_rob(protocol):
    policy = harness("RobbingPolicy")
    winner, bankrupt = crash(protocol)
    small = protocol.account("small", 6_000)
    protocol.increase(small, -10 * WAD)
    protocol.set_price(1_799 * WAD)
    protocol.liquidate(bankrupt)
    for caller in (winner, protocol.liquidator):
        with boa.reverts("access: not owner"):
            protocol.waterfall.set_deleverage_policy(policy.address, sender=caller)
    with boa.reverts("deleveraging: no contract"):
        protocol.waterfall.set_deleverage_policy(winner, sender=protocol.owner)
    protocol.waterfall.set_deleverage_policy(policy.address, sender=protocol.owner)
    equities = [protocol.state(account).equity for account in (small, winner)]
    owed = -protocol.collateral(bankrupt)
    policy.set_surplus(1)
    with boa.reverts("deleveraging: policy answers for others"):
        protocol.deleverage(bankrupt, [small, winner])
    policy.set_surplus(0)
    with boa.reverts("deleveraging: named twice"):
        protocol.deleverage(bankrupt, [small, small, winner])
    protocol.deleverage(bankrupt, [small, winner])
    first, second = logs_of(protocol.waterfall, "AutoDeleveraged")
    assert first.haircut == pytest.approx(10 * WAD, abs=NOTHING)  # all of a gain of one a unit
    assert first.haircut + second.haircut == owed
    for account, equity, event in zip((small, winner), equities, (first, second), strict=True):
        assert protocol.state(account).equity >= equity - event.haircut - NOTHING
    assert protocol.collateral(bankrupt) == 0
    protocol.check_books()


def test_pro_rata_takes_the_same_part_of_every_gain(protocol):
    protocol.waterfall.set_deleverage_policy(
        deploy("deleverage_policies/ProRataPolicy").address, sender=protocol.owner
    )
    bankrupt = protocol.account("bankrupt", 30_000)
    protocol.increase(bankrupt, 250 * WAD)
    winners = [protocol.account(f"winner {i}", 100_000) for i in range(3)]
    for winner, size in zip(winners, (100, 50, 200), strict=True):
        protocol.increase(winner, -size * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.liquidate(bankrupt)
    owed = -protocol.collateral(bankrupt)
    protocol.deleverage(bankrupt, sorted(winners, key=id_of))
    assert protocol.collateral(bankrupt) == 0
    for event in logs_of(protocol.waterfall, "AutoDeleveraged"):
        size = {id_of(w): s for w, s in zip(winners, (100, 50, 200), strict=True)}[event.winner]
        assert event.haircut == pytest.approx(owed * size // 350, abs=2 * NOTHING)
        # Only what the haircut takes is closed: 200 a unit were gained.
        assert -event.size == pytest.approx(event.haircut // 200, rel=1e-6)
    protocol.check_books()
