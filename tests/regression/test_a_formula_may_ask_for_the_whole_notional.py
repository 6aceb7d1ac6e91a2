"""A formula that asked for exactly the whole notional was taken for one that does not answer.

Whoever had a position there could not withdraw, however much it held, and not open in other markets. Open
interest at the upper bound of the adaptive formula is enough. Now it is an answer: who holds the whole
notional, and what else is asked, may add risk and withdraw.
"""

from __future__ import annotations

from dataclasses import astuple, replace

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.protocol import Protocol, isolated
from tests.support.risk_parameters import ADAPTIVE

CROWDED = replace(ADAPTIVE, open_interest_lower=100_000 * WAD, open_interest_upper=1_000_000 * WAD)


@pytest.fixture
def protocol():
    """A market whose formula asks for the whole notional since open interest is a million."""
    with isolated():
        model = deploy("risk_models/AdaptiveRiskModel", boa.env.generate_address("owner"), astuple(CROWDED))
        made = Protocol(risk_model=model, max_premium=WAD // 1_000)
        made.rich = made.account("rich", 100_000)
        made.increase(made.rich, WAD)
        whale = made.account("whale", 1_100_000)
        made.increase(whale, 4_985 * WAD // 10)
        made.set_price(2_007 * WAD)
        assert made.registry.market_snapshot(0).initial_ratio == WAD
        yield made


def test_who_holds_the_whole_notional_withdraws(protocol):
    state = protocol.state(protocol.rich)
    assert state.initial_requirement == state.notional == 2_007 * WAD
    # Collateral and loss, at what closing costs, cover the notional and no more.
    protocol.withdraw(protocol.rich, 97_000 * 10**6)
    with boa.reverts("margin_checks: margin too low"):
        protocol.withdraw(protocol.rich, 2_000 * 10**6)


def test_who_holds_less_is_refused_by_its_margin(protocol):
    thin = protocol.account("thin", 2_000)
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(thin, WAD)
    protocol.deposit(thin, 100 * 10**6)
    protocol.increase(thin, WAD)
