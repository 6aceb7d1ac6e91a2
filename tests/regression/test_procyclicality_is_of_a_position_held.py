"""Peak-to-trough and the largest rise in an hour were of the ratio asked of a *new* position.

The text said "of a position held throughout". On the study's first path the model asked 14.6 times as much
at the peak as at the trough, +1,363 % in an hour; the ramp let through 1.43 times and +42 %.
"""

from __future__ import annotations

import math

import pytest

from sim.core.units import WAD, to_wad
from sim.metrics.margin import Procyclicality
from sim.reference.ramp_math import ramped_ratio
from tests.support.small_run import small_execution

QUARTER = WAD // 4
"""Ramp: growth in an hour, of what it is."""
STEP = 600  # seconds between touches: the longest that counts whole
IN_AN_HOUR = 3_600 // STEP
BLOCKS = 24


def held(targets: list[float]) -> Procyclicality:
    """Return what a position held has to hold where the model asks these ratios, one a step."""
    series, ramped = Procyclicality(), 0
    for step, ratio in enumerate(targets):
        target = to_wad(ratio)
        ramped = ramped_ratio(ramped, target, QUARTER, STEP)
        series.observe(step * STEP, target, ramped)
    return series


def test_a_ratio_that_triples_grows_by_compound_quarters_of_an_hour():
    """After n touches the ramp has let through (1 + 0.25 / 6)^n, in an hour (1 + 0.25 / 6)^6."""
    hours = 2
    found = held([0.04] + [0.12] * hours * IN_AN_HOUR)
    growth = 1.0 + 0.25 / IN_AN_HOUR
    assert found.peak_to_trough == pytest.approx(growth ** (hours * IN_AN_HOUR), rel=1e-12)
    assert found.max_increase == pytest.approx(growth**IN_AN_HOUR - 1.0, rel=1e-12)


def test_the_ramp_ends_at_the_models_ratio():
    found = held([0.04] + [0.06] * 24)
    assert found.peak_to_trough == pytest.approx(1.5, rel=1e-12)


def test_a_rise_back_to_the_ratio_of_the_opening_is_not_held_back():
    """Opened at 4 %: a fall to 2 % is at once, and so is the way back to 4 %; only then the ramp begins."""
    found = held([0.04, 0.02, 0.08])
    assert found.max_increase == pytest.approx(1.0, rel=1e-12)
    assert found.peak_to_trough == pytest.approx(2.0, rel=1e-12)


def test_on_the_contracts_a_jump_asks_more_of_new_positions_at_once_and_of_held_ones_by_the_ramp():
    def run(ramp: bool):
        return small_execution(
            f"blocks={BLOCKS}", "traders.0.count=24", "protocol.risk_model=volatility",
            f"protocol.margin.maintenance_ramp={str(ramp).lower()}",
            f"protocol.margin.ramp_per_hour={QUARTER / WAD}",
            "shocks=[{ kind = 'price_jump', at_block = 6, size = -0.04 }]",
        )  # fmt: skip

    ramped, at_once = run(True), run(False)
    seconds = (BLOCKS + 1) * ramped.world.seconds_per_block
    held_back = ramped.recorder.procyclicality
    assert 0.0 < held_back.max_increase <= math.expm1(QUARTER / WAD * seconds / 3_600.0)
    assert at_once.recorder.procyclicality.max_increase > 10.0 * held_back.max_increase
    assert at_once.recorder.procyclicality.peak_to_trough > held_back.peak_to_trough > 1.0
