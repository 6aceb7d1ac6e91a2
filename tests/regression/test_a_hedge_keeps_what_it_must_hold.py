"""A hedge in portfolio mode could leave with less than it must hold right after.

Found by the attacker's machine once it opened a hedge and withdrew everything at once (`part`): where two
markets differ less in initial ratios than in maintenance ratios, a hedge's initial scans lean less than its
maintenance scans, and what it was asked to begin with was less than what it must keep. The account was under
maintenance as soon as its own withdrawal had ended: by a third of what it had to hold, in that history.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from sim.reference.portfolio_math import PAIRS
from tests.support.deployers import deploy
from tests.support.protocol import NOBODY, Protocol, id_of, isolated

PORTFOLIO = 2
PLAIN = (WAD, 0, 0, WAD // 10, 0, 0, 0)
"""All markets move by a scan, a tenth of the gross at least, no break, nothing firm."""


@pytest.fixture
def protocol():
    """A market that asks 8 % and 2 %, and one that asks 4 % and 3.9 %, which are believed to move as one."""
    with isolated():
        made = Protocol(markets=2, max_premium=0, margin={"withdraw_margin_ratio": 0})
        made.set_ratios(8 * WAD // 100, 2 * WAD // 100, market=0)
        made.set_ratios(4 * WAD // 100, 39 * WAD // 1_000, market=1)
        model = deploy("PortfolioRiskModel", made.owner, NOBODY, [WAD] * PAIRS, PLAIN)
        made.risk.set_portfolio_model(model.address, sender=made.owner)
        yield made


def trader(protocol: Protocol, name: str, quote: int) -> str:
    account = protocol.account(name, quote)
    protocol.desk.set_mode(0, PORTFOLIO, sender=account)
    return account


def state_of(protocol: Protocol, account: str):
    return protocol.risk.account_states([id_of(account)])[0]


def test_a_withdrawal_leaves_a_hedge_what_it_must_keep(protocol):
    account = trader(protocol, "hedged", 20_000)
    protocol.increase(account, 10 * WAD)  # scans 1,600 to begin with, 400 to keep
    protocol.increase(account, -40 * WAD, market=1)  # 3,200 and 3,120
    state = state_of(protocol, account)
    assert state.maintenance_requirement == 2_720 * WAD  # and not the 1,600 that initial scans lean by
    assert state.initial_requirement == state.maintenance_requirement
    free = (state.equity - state.maintenance_requirement) // 10**12
    with boa.reverts("margin_checks: margin too low"):
        protocol.withdraw(account, free + 1)
    protocol.withdraw(account, free)
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(account)


@pytest.mark.parametrize(("quote", "reason"), [(2_719, "margin_checks: margin too low"), (2_720, None)])
def test_nobody_opens_a_hedge_with_less_than_it_must_keep(protocol, quote, reason):
    account = trader(protocol, "hedged", quote)
    protocol.increase(account, 10 * WAD)
    if reason is None:
        protocol.increase(account, -40 * WAD, market=1)
        assert state_of(protocol, account).equity == quote * WAD
        return
    with boa.reverts(reason):
        protocol.increase(account, -40 * WAD, market=1)
