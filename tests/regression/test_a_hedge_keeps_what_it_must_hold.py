"""A hedge in portfolio mode could leave with less than it must hold right after.

Found by the attacker's machine once it opened a hedge and withdrew everything at once (`part`): where two
markets differ less in initial ratios than in maintenance ratios, a hedge's initial scans lean less than its
maintenance scans, and what it was asked to begin with was less than what it must keep. The account was under
maintenance as soon as its own withdrawal had ended: by a third of what it had to hold, in that history.

Three more ways led there, of which a reader who looked for them found each within a rule that asked for both
requirements at the prices, ratios and depth of the initial one.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from sim.reference.portfolio_math import PAIRS
from tests.support import protocol as harness
from tests.support.deployers import deploy, deploy_oracle
from tests.support.own_formula import SETTABLE_FORMULA
from tests.support.protocol import NOBODY, OPEN_INTEREST_CAP, Protocol, id_of, isolated

PORTFOLIO = 2
FREE = {"withdraw_margin_ratio": 0}


def set_model(protocol: Protocol, far: int = WAD) -> None:
    """All markets move by a scan or far, a tenth of the gross at least, no break, nothing firm."""
    words = (far, WAD, 0, WAD // 10, 0, 0, 0)
    model = deploy("PortfolioRiskModel", protocol.owner, NOBODY, [WAD] * PAIRS, words)
    protocol.risk.set_portfolio_model(model.address, sender=protocol.owner)


@pytest.fixture
def protocol():
    """A market that asks 8 % and 2 %, and one that asks 4 % and 3.9 %, which are believed to move as one."""
    with isolated():
        made = Protocol(markets=2, max_premium=0, margin=FREE)
        made.set_ratios(8 * WAD // 100, 2 * WAD // 100, market=0)
        made.set_ratios(4 * WAD // 100, 39 * WAD // 1_000, market=1)
        set_model(made)
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


def set_formula(protocol: Protocol, market: int, *words: int):
    formula = boa.loads(SETTABLE_FORMULA)
    formula.set(*words)
    protocol.registry.set_market(market, formula.address, OPEN_INTEREST_CAP, sender=protocol.owner)
    return formula


def opens_with_just(protocol: Protocol, account: str, size: int, market: int) -> None:
    """Check that an opening is refused with a token unit less than the account has, and leaves it healthy."""
    with boa.env.anchor():
        protocol.withdraw(account, 1)
        with boa.reverts("margin_checks: margin too low"):
            protocol.increase(account, size, market=market)
    protocol.increase(account, size, market=market)
    state = state_of(protocol, account)
    assert 0 <= state.equity - state.maintenance_requirement < 10**12
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(account, market=market)


def test_open_interest_that_an_opening_makes_counts_in_what_is_kept():
    """The ratio of a position without size rises with one's own open interest: more of the leg is scan."""
    with isolated():
        protocol = Protocol(markets=2, skew_scale=10_000 * WAD, max_premium=0, margin=FREE)
        set_formula(protocol, 0, 8 * WAD // 100, 2 * WAD // 100, 0, 0)
        set_formula(protocol, 1, 40 * WAD // 1_000, 39 * WAD // 1_000, 0, WAD // 10**6)
        set_model(protocol, 105 * WAD // 100)
        account = trader(protocol, "hedged", 9_576)
        protocol.increase(account, 10 * WAD)
        opens_with_just(protocol, account, -40 * WAD, 1)


def test_believed_depth_makes_no_hedge_of_a_leg():
    """Less depth is believed, so that the lighter leg asks for more, and so seems to offset more."""
    with isolated():
        margin = FREE | {"ramp_per_hour": WAD // 4}
        protocol = Protocol(markets=2, skew_scale=10_000 * WAD, max_premium=0, margin=margin)
        lighter = set_formula(protocol, 0, 8 * WAD // 100, 2 * WAD // 100, 2 * WAD // 100, 0)
        set_formula(protocol, 1, 8 * WAD // 100, 79 * WAD // 1_000, 0, 0)
        set_model(protocol)
        account = trader(protocol, "hedged", 5_880)
        protocol.increase(account, 10 * WAD)
        lighter.set(8 * WAD // 100, 7 * WAD // 100, 2 * WAD // 100, 0)  # a ramp begins
        protocol.registry.poke(0)
        protocol.set_margin(depth_variance=WAD // 100)
        opens_with_just(protocol, account, -40 * WAD, 1)


def test_a_risk_price_that_lags_makes_no_hedge_of_a_leg(monkeypatch):
    """At the worse price the heavier leg is smaller, and a far move counts ten times what it leans by."""
    monkeypatch.setattr(harness, "deploy_oracle", lambda owner, **_words: deploy_oracle(owner))
    with isolated():
        protocol = Protocol(markets=2, skew_scale=10_000 * WAD, max_premium=0, margin=FREE)
        for market in range(2):
            protocol.set_ratios(WAD // 5 + WAD // 1_000, WAD // 5, market=market)
        set_model(protocol, 10 * WAD)
        account = trader(protocol, "hedged", 8_954)
        protocol.withdraw(account, 251_509)
        protocol.increase(account, -10 * WAD)
        protocol.set_price(2_300 * WAD, wait=12)
        protocol.set_price(2_000 * WAD, market=1, wait=0)
        state = protocol.oracle.asset_price(0)
        assert state.index_price > state.risk_price
        opens_with_just(protocol, account, 125 * WAD // 10, 1)
