"""The default margin asked 4.6 % where 2.2 % cover 99 % of hours, and rose ninefold in an hour (T17)."""

from dataclasses import replace

import numpy as np
import pytest

from scripts.walk_forward import ROWS, SCENARIO, margins, measure, scale_of, walk
from sim.core.rng import Streams
from sim.engine.scenario.load import load_scenario
from sim.experiments.backtest.prices import price_series
from sim.metrics.margin_model.windows import LEVEL
from sim.reference.fixed_point import WAD
from sim.reference.risk_math import adaptive_ratios
from tests.support.risk_parameters import ADAPTIVE, CALM
from tests.support.shared_data import BTC_FOUR_YEARS, require


def test_walk_forward_coverage_on_btc_hours_is_not_rejected():
    prices = price_series(load_scenario(SCENARIO), 0, prices=require(BTC_FOUR_YEARS), step_seconds=3_600)
    found = measure(ROWS[0].name, prices.prices, margins(ROWS[0], prices))
    assert found.forward.hours > 28_000
    assert found.forward.holds
    assert found.stretch.holds
    assert found.p_either >= LEVEL  # with the z that ships
    assert found.cycle.peak_to_trough < 6.0
    assert {rise.steps: rise.largest for rise in found.cycle.increases}[1] < 0.8


def test_a_scale_from_the_past_holds_where_nothing_changes_and_fails_where_risk_doubles():
    draws = Streams(4).draw("losses").normal(24_000)
    steady = walk(draws, "all before")
    assert steady.holds
    assert steady.p_independent >= 0.01
    wilder = walk(np.concatenate((draws[:12_000], 2.0 * draws[12_000:])), "all before")
    assert not wilder.holds
    assert wilder.highest > 5 * wilder.lowest


def test_the_scale_leaves_one_percent_a_side():
    """The 980th of 1,000 losses of either sign: 20 are larger."""
    losses = np.arange(1, 1_001) * np.where(np.arange(1_000) % 2, 1.0, -1.0)
    assert scale_of(losses) == 980.0
    assert np.count_nonzero(np.abs(losses) > scale_of(losses)) == 20


@pytest.mark.parametrize(("weight", "believed"), [(0.0, 0.25), (0.125, 0.25), (0.5, 0.5), (1.0, 1.0)])
def test_the_fast_variance_counts_by_its_weight_and_never_lowers_the_slow_one(weight, believed):
    inputs = replace(CALM, variance_fast=WAD, variance_slow=WAD // 4, notional=0, confidence=0)
    formula = replace(ADAPTIVE, fast_weight=int(weight * WAD), stress_weight=0)
    expected = 4 * (believed * 3_600 / 31_536_000) ** 0.5
    assert adaptive_ratios(inputs, formula).maintenance / WAD == pytest.approx(expected, rel=1e-9)
