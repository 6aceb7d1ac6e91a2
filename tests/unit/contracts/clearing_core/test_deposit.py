from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import id_of, logs_of, units


def test_deposit_credits_exactly_what_was_taken(protocol):
    trader = protocol.account("trader")
    protocol.deposit(trader, 1_234_567)
    (event,) = logs_of(protocol.desk, "Deposited")
    assert protocol.collateral(trader) == 1_234_567 * QUANTUM
    assert (event.account, event.amount, event.collateral) == (
        id_of(trader),
        1_234_567,
        1_234_567 * QUANTUM,
    )
    protocol.check_books()


def test_anyone_may_deposit_for_an_account(protocol):
    trader, donor = protocol.account("trader"), protocol.account("donor")
    protocol.deposit(trader, units(5), payer=donor)
    assert protocol.collateral(trader) == 5 * WAD
    assert protocol.collateral(donor) == 0


def test_deposit_without_tokens_reverts(protocol):
    trader = protocol.account("trader")
    protocol.token.approve(protocol.ledger.address, units(1), sender=trader)
    with boa.reverts("token: balance too low"):
        protocol.desk.deposit(id_of(trader), units(1), sender=trader)


def test_deposit_for_nobody_reverts(protocol):
    with boa.reverts("bookings: account of nobody"):
        protocol.desk.deposit(7, 0)  # the account of index 7 of the zero address


def test_deposit_works_while_paused_and_stale(protocol):
    trader = protocol.account("trader")
    protocol.desk.pause(sender=protocol.owner)
    protocol.wait(10 * 86_400)
    protocol.deposit(trader, units(3))
    assert protocol.collateral(trader) == 3 * WAD


@pytest.mark.parametrize("repaid", [1, 500, 999])
def test_deposit_repays_the_pool_before_it_becomes_collateral(build, repaid):
    protocol = build(fund=0)
    trader, other = protocol.account("trader", 1_001), protocol.account("other", 100_000)
    protocol.increase(trader, 10 * WAD)
    protocol.increase(other, -10 * WAD)
    protocol.set_price(1_800 * WAD)  # a loss of 2,000
    protocol.liquidate(trader)
    owed = -protocol.collateral(trader)
    assert owed == 999 * WAD + QUANTUM  # the entry cost a little more than the index price
    reserves = protocol.pool.reserves()
    protocol.deposit(trader, units(repaid))
    assert protocol.pool.reserves() == reserves + repaid * WAD
    assert protocol.ledger.totals().pending_deficit == owed - repaid * WAD
    assert protocol.deficit(trader).recorded_at != 0
    protocol.deposit(trader, units(1_000 - repaid))
    assert protocol.ledger.totals().pending_deficit == 0
    assert protocol.deficit(trader).recorded_at == 0
    assert protocol.collateral(trader) == 1_000 * WAD - owed
    assert protocol.pool.reserves() == reserves + owed
    assert protocol.ledger.totals().bad_debt == 0
    protocol.check_books()


def test_a_donation_changes_nothing(protocol):
    trader = protocol.account("trader", 100)
    protocol.token.mint(protocol.ledger.address, units(1_000_000))
    assert protocol.collateral(trader) == 100 * WAD
    assert protocol.ledger.totals().total_collateral == 100 * WAD
