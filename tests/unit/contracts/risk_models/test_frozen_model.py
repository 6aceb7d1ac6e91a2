"""The stand-in before a margin formula: passes on, and once frozen answers by the position alone."""

from __future__ import annotations

from dataclasses import astuple, replace

import boa
import pytest

from sim.reference import risk_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.protocol import Protocol
from tests.support.risk_parameters import ADAPTIVE, CALM


@pytest.fixture
def formula(owner):
    return deploy("risk_models/AdaptiveRiskModel", owner, astuple(replace(ADAPTIVE, haircut=WAD // 50)))


@pytest.fixture
def stand_in(owner, formula):
    return deploy("testing/FrozenRiskModel", owner, formula)


LIVE = [
    CALM,
    replace(CALM, variance_fast=9 * WAD),
    replace(CALM, notional=5_000_000 * WAD, confidence=40 * WAD),
    replace(CALM, open_interest=35_000_000 * WAD, depth=10**24),
    replace(CALM, side=-1, skew=-(10**24), exceptions=3, account_notional=10**25, report_age_seconds=60),
]


@pytest.mark.parametrize("inputs", LIVE)
def test_passes_every_question_on_until_it_is_frozen(stand_in, formula, inputs):
    assert stand_in.margin_ratios(astuple(inputs)) == formula.margin_ratios(astuple(inputs))
    assert stand_in.collateral_haircut() == formula.collateral_haircut() == WAD // 50


def test_once_frozen_the_position_alone_is_live(stand_in, formula, owner):
    protocol = Protocol()
    snapshot = protocol.registry.market_snapshot(0)
    with boa.env.prank(owner):
        stand_in.freeze(protocol.registry, 0)
    held = risk_math.RiskInputs(
        notional=0,
        price=snapshot.index_price,
        confidence=snapshot.confidence,
        variance_fast=snapshot.variance_fast,
        variance_slow=snapshot.variance_slow,
        open_interest=snapshot.open_interest,
        depth=snapshot.depth,
        skew=snapshot.skew,
        exceptions=snapshot.exceptions,
        report_age_seconds=snapshot.report_age_seconds,
    )
    for inputs in LIVE:
        expected = formula.margin_ratios(astuple(replace(held, notional=inputs.notional)))
        assert stand_in.margin_ratios(astuple(inputs)) == expected
    answers = [tuple(stand_in.margin_ratios(astuple(replace(CALM, notional=n)))) for n in (0, 10**26)]
    assert answers[0] != answers[1]
    assert stand_in.collateral_haircut() == WAD // 50


def test_once_thawed_it_passes_every_question_on_again(stand_in, formula, owner):
    protocol = Protocol()
    with boa.reverts("frozen_risk_model: not the owner"):
        stand_in.thaw()
    with boa.env.prank(owner):
        with boa.reverts("frozen_risk_model: not frozen"):
            stand_in.thaw()
        stand_in.freeze(protocol.registry, 0)
        stand_in.thaw()
    for inputs in LIVE:
        assert stand_in.margin_ratios(astuple(inputs)) == formula.margin_ratios(astuple(inputs))
    with boa.env.prank(owner):
        stand_in.freeze(protocol.registry, 0)  # for the world without margin feedback


def test_it_is_frozen_once_and_by_its_owner(stand_in, owner):
    protocol = Protocol()
    with boa.reverts("frozen_risk_model: not the owner"):
        stand_in.freeze(protocol.registry, 0)
    with boa.env.prank(owner):
        stand_in.freeze(protocol.registry, 0)
        with boa.reverts("frozen_risk_model: frozen already"):
            stand_in.freeze(protocol.registry, 0)
