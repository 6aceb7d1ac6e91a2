"""Deleveraging could leave a debtor without a record, and every withdrawal of everybody closed for ever.

A winner whose gain had carried a withdrawal, and who owed funding by then, lost the whole gain to the
haircut: flat, in debt, and with no record that a call could resolve. Now a haircut takes no more than the
winner's equity and collateral hold, and what a close leaves as a debt is recorded like any other deficit.
"""

from __future__ import annotations

import boa
import pytest

from sim.core.units import QUANTUM, WAD
from tests.support.protocol import Protocol, id_of, isolated

TERMS = {"pool": 5_000_000, "skew_scale": 10**6 * WAD, "max_premium": WAD // 40}
FUNDED = {"funding_coefficient": WAD // 8}


def ranked(protocol: Protocol, accounts: list[str]) -> list[str]:
    """Return winners in the order that deleveraging asks for."""
    scores = {account: protocol.score(account) for account in accounts}
    return sorted((x for x in accounts if scores[x]), key=lambda x: (-scores[x], int(x, 16)))


@pytest.mark.parametrize("hours", [9, 20, 40])
def test_withdrawals_reopen_whatever_a_winner_owes(hours):
    with isolated():
        protocol = Protocol(fund=0, fund_target=0, margin=FUNDED, **TERMS)
        bankrupt = protocol.account("bankrupt", 45_000)
        protocol.increase(bankrupt, 200 * WAD)
        bear = protocol.account("bear", 2_000_000)
        protocol.increase(bear, -3_000 * WAD)
        protocol.set_price(1_700 * WAD)
        winner = protocol.account("winner", 40_000)
        protocol.increase(winner, -200 * WAD)
        bystander = protocol.account("bystander", 1_000)
        for _ in range(hours):
            protocol.set_price(1_500 * WAD, wait=3_600)
        protocol.set_price(1_500 * WAD)
        protocol.desk.withdraw(0, protocol.collateral(winner) // QUANTUM, sender=winner)
        protocol.set_price(1_500 * WAD, wait=3_600)
        protocol.liquidate(bankrupt)
        protocol.deleverage(bankrupt, ranked(protocol, [winner, bear]))
        protocol.check_books()

        protocol.wait(61)
        for account in (bankrupt, winner):
            if protocol.collateral(account) < 0:
                assert protocol.deficit(account).recorded_at != 0
                protocol.socialize(account)
        assert protocol.ledger.totals().pending_deficit == 0
        assert protocol.waterfall.withdrawals_open()
        protocol.desk.withdraw(0, 1, sender=bystander)
        protocol.check_books()


def test_a_haircut_takes_no_more_than_equity():
    """The winner's gain here is the other market's loss: it has nothing to give."""
    with isolated():
        protocol = Protocol(fund=0, fund_target=0, markets=2)
        bankrupt = protocol.account("bankrupt", 25_000)
        protocol.increase(bankrupt, 100 * WAD)
        winner = protocol.account("winner", 30_000)
        protocol.increase(winner, -100 * WAD)
        protocol.increase(winner, 100 * WAD, market=1)
        protocol.set_price(1_600 * WAD)
        protocol.set_price(1_310 * WAD, market=1)  # 40,000 gained, 69,000 lost: about 1,000 left
        equity = protocol.state(winner).equity
        assert 0 < equity < 5_000 * WAD
        protocol.liquidate(bankrupt)
        assert protocol.ledger.totals().pending_deficit > 10_000 * WAD
        protocol.deleverage(bankrupt, [winner])
        assert protocol.ledger.totals().haircuts == equity - equity % QUANTUM
        assert 0 <= protocol.state(winner).equity < QUANTUM
        protocol.check_books()


def test_the_ledger_records_what_a_close_leaves_as_a_debt():
    """It does not count on being asked to close winners only."""
    with isolated():
        protocol = Protocol(fund=0, fund_target=0)
        bankrupt, winner = protocol.account("bankrupt", 10_000), protocol.account("winner", 10_000)
        protocol.increase(bankrupt, 20 * WAD)
        protocol.increase(winner, -20 * WAD)
        protocol.set_price(1_000 * WAD)
        protocol.liquidate(bankrupt)
        protocol.set_price(2_600 * WAD)  # the winner of before owes 2,000
        settled = protocol.settle(
            winner,
            20 * WAD,
            cause=2,
            index_price=2_600 * WAD,
            bankrupt=id_of(bankrupt),
            haircut=5_000 * WAD,
        )
        record = protocol.deficit(winner)
        assert settled.haircut == protocol.ledger.totals().haircuts == 0
        assert protocol.collateral(winner) < 0
        assert (record.market, record.side, record.recorded_at) == (0, -1, boa.env.timestamp)
        protocol.check_books()
