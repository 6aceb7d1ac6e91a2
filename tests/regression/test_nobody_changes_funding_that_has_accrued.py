"""Funding since a market's last touch accrued at the cap of the margin ratios of now.

Whoever paid it could have a variance reported or chosen that brings initial and maintenance ratio together,
which caps the rate at nothing, touch the market, and owe nothing for hours. Now it accrues at the ratios that
the formula gave at the last touch.
"""

from __future__ import annotations

from dataclasses import astuple

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.protocol import START_VARIANCE, Protocol, isolated
from tests.support.risk_parameters import VOLATILITY
from tests.support.volatility_driver import ESTIMATOR

HOUR = 3_600
DAY = 86_400


@pytest.fixture
def protocol():
    """A market that chooses what is reported as implied, with a long who pays funding."""
    with isolated():
        made = Protocol(
            estimators=True,
            max_premium=WAD // 1_000,
            skew_scale=1_000_000 * WAD,
            risk_model=deploy(
                "risk_models/VolatilityRiskModel", boa.env.generate_address("owner"), astuple(VOLATILITY)
            ),
            margin={"funding_coefficient": 5 * WAD, "funding_margin_coefficient": WAD},
        )
        made.speaker = boa.env.generate_address("speaker")
        made.volatility.add_market(START_VARIANCE, made.speaker, sender=made.owner)
        words = ESTIMATOR | {"implied_weight": WAD, "expiry_seconds": 30 * DAY}
        made.volatility.set_estimator(0, tuple(words.values()), sender=made.owner)
        made.volatility.report_implied(0, START_VARIANCE, sender=made.speaker)
        made.volatility.update(0)
        long = made.account("long", 1_000_000)
        made.increase(long, 200 * WAD)
        assert made.registry.market_snapshot(0).funding_rate > 0
        yield made


def choose(protocol, variance):
    protocol.volatility.report_implied(0, variance, sender=protocol.speaker)
    protocol.volatility.update(0)


def test_a_variance_changes_nothing_that_has_accrued(protocol):
    protocol.wait(HOUR)
    before = protocol.registry.market_snapshot(0)
    choose(protocol, 10**26)
    after = protocol.registry.market_snapshot(0)
    assert after.initial_ratio > before.initial_ratio  # the formula has heard it
    assert after.initial_ratio - after.maintenance_ratio < 10
    assert after.funding_index == before.funding_index > 0
    protocol.registry.poke(0)
    assert protocol.registry.funding_index(0) == before.funding_index


def test_it_counts_from_the_next_touch_on(protocol):
    protocol.wait(HOUR)
    choose(protocol, 10**26)
    protocol.registry.poke(0)
    index = protocol.registry.funding_index(0)
    protocol.wait(HOUR)
    assert protocol.registry.market_snapshot(0).funding_index - index < 10**6
