"""A registry that asks a volatility oracle: formulas see what it chooses."""

from __future__ import annotations

from dataclasses import astuple

import boa
import pytest
from boa import loads_partial

from sim.reference import risk_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import NOBODY, START_PRICE, START_VARIANCE, id_of
from tests.support.risk_parameters import VOLATILITY
from tests.support.volatility_driver import ESTIMATOR, HOUR

SEEING = f"""{FORMULA_HEAD}

@view
@external
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    if inputs.notional == 0:
        return MarginRatios(initial=10**17, maintenance=5 * 10**16)
    return MarginRatios(
        initial=inputs.variance_fast + inputs.variance_range, maintenance=inputs.variance_implied
    )


@view
@external
def collateral_haircut() -> uint256:
    return 0
"""
"""A designer's formula whose answer is what it sees."""


class Chosen:
    """A protocol whose market 0 may choose its variance."""

    def __init__(self, build, **changes):
        self.protocol = build(estimators=True, **changes)
        self.oracle = self.protocol.volatility
        self.speaker = boa.env.generate_address("speaker")
        self.oracle.add_market(START_VARIANCE, self.speaker, sender=self.protocol.owner)

    def set(self, **changes):
        self.oracle.set_estimator(0, tuple((ESTIMATOR | changes).values()), sender=self.protocol.owner)

    def settle(self, seconds=12):
        self.protocol.wait(seconds)
        self.oracle.update(0)

    @property
    def snapshot(self):
        return self.protocol.registry.market_snapshot(0)


@pytest.fixture
def chosen(build):
    owner = boa.env.generate_address("designer")
    model = deploy("risk_models/VolatilityRiskModel", owner, astuple(VOLATILITY))
    # Its ratio at rest carries no larger premium.
    return Chosen(build, risk_model=model, max_premium=WAD // 1_000)


def ratios(variance):
    inputs = risk_math.RiskInputs(
        notional=0,
        price=START_PRICE,
        confidence=0,
        variance_fast=variance,
        variance_slow=variance,
        open_interest=0,
        depth=WAD,
    )
    found = risk_math.volatility_ratios(inputs, VOLATILITY)
    return found.initial, found.maintenance


def test_a_shipped_formula_uses_what_is_chosen_and_the_oracles_own_without_a_choice(chosen):
    own = chosen.protocol.oracle.asset_price(0)
    snapshot = chosen.snapshot
    assert (snapshot.variance_fast, snapshot.variance_slow) == (own.variance_fast, own.variance_slow)
    assert snapshot.variance_range != 0
    chosen.set(implied_weight=WAD)
    chosen.oracle.report_implied(0, 4 * WAD, sender=chosen.speaker)
    chosen.settle()
    snapshot = chosen.snapshot
    assert snapshot.variance_fast == snapshot.variance_slow == snapshot.variance_implied == 4 * WAD
    assert (snapshot.initial_ratio, snapshot.maintenance_ratio) == ratios(4 * WAD)


def test_a_choice_that_expires_gives_the_oracles_own_back(chosen):
    chosen.set(implied_weight=WAD, expiry_seconds=HOUR // 2)
    chosen.oracle.report_implied(0, 4 * WAD, sender=chosen.speaker)
    chosen.settle()
    raised = chosen.snapshot.initial_ratio
    chosen.protocol.wait(HOUR // 2 + 1)
    snapshot = chosen.snapshot
    assert snapshot.variance_range == 0
    assert snapshot.variance_fast == chosen.protocol.oracle.asset_price(0).variance_fast
    assert snapshot.initial_ratio < raised


def test_a_designers_formula_sees_ranges_and_what_is_implied(chosen):
    protocol = chosen.protocol
    model = loads_partial(SEEING).deploy()
    protocol.registry.set_market(0, model.address, WAD, sender=protocol.owner)
    chosen.oracle.report_implied(0, WAD // 100, sender=chosen.speaker)
    chosen.settle()
    snapshot = chosen.snapshot
    assert snapshot.variance_implied == WAD // 100
    curve = protocol.lens.margin_curve(0, [WAD])[0]
    assert curve.initial == snapshot.variance_fast + snapshot.variance_range
    assert curve.maintenance == WAD // 100


def test_who_is_liquidated_follows_the_choice(chosen):
    protocol = chosen.protocol
    trader = protocol.account("trader", 10_000)
    protocol.increase(trader, 30 * WAD)
    with boa.reverts():
        protocol.liquidate(trader)
    chosen.set(implied_weight=WAD)
    chosen.oracle.report_implied(0, 100 * WAD, sender=chosen.speaker)
    chosen.settle()
    assert protocol.lens.account_states([id_of(trader)])[0].maintenance_requirement > 10_000 * WAD
    protocol.liquidate(trader)


def test_a_registry_without_one_has_no_address_and_knows_no_ranges(protocol):
    assert protocol.registry.volatility_oracle() == NOBODY
    snapshot = protocol.registry.market_snapshot(0)
    assert (snapshot.variance_range, snapshot.variance_implied) == (0, 0)
    assert snapshot.variance_fast == protocol.oracle.asset_price(0).variance_fast
