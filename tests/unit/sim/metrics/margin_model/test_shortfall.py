"""Expected shortfall read off a margin; critical values of quant 3.1."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.margin_model.shortfall import (
    evaluate_shortfall,
    implied_deviation,
    log10_e_wealth,
    normal_forecast,
    simulated_z2,
)
from sim.metrics.margin_model.windows import Windows
from sim.metrics.statistics.expected_shortfall import acerbi_szekely_z2, e_backtest_wealth


def test_normal_value_at_risk_and_shortfall_are_the_textbooks():
    at_risk, shortfall = normal_forecast(np.array([1.0, 2.0]), 0.025)
    assert at_risk == pytest.approx([1.959964, 3.919928], rel=1e-6)
    assert shortfall == pytest.approx([2.337803, 4.675606], rel=1e-6)


def test_a_margin_states_the_deviation_its_promise_implies():
    assert implied_deviation(np.array([2.326348]), 0.01) == pytest.approx([1.0], rel=1e-6)


@pytest.mark.parametrize(("law", "expected"), [("normal", -0.701), ("t3", -0.815)])
def test_critical_values_are_those_of_the_notes(law, expected):
    simulations = 100_000
    simulated = simulated_z2(250, 0.025, Streams(3), law=law, simulations=simulations)
    critical = np.quantile(simulated, 0.05)
    # Standard error of a quantile: sqrt(p (1 - p) / n) / density, the density from the sample itself. The
    # notes' own 400,000 simulations and three digits add half of it and 0.0005.
    density = 0.02 / (np.quantile(simulated, 0.06) - np.quantile(simulated, 0.04))
    error = math.sqrt(0.05 * 0.95 / simulations) / density
    assert abs(critical - expected) < 4.5 * math.hypot(error, 0.5 * error) + 0.0005
    mean_error = simulated.std() / math.sqrt(simulations)
    assert abs(simulated.mean()) < 4.5 * mean_error  # E Z2 = 0 under the hypothesis


def test_the_short_cut_has_the_law_of_whole_series():
    generator = np.random.default_rng(8)
    losses = generator.standard_normal((4_000, 250))
    at_risk, shortfall = normal_forecast(np.ones(250), 0.025)
    whole = [acerbi_szekely_z2(-row, at_risk, shortfall, 0.025) for row in losses]
    simulated = simulated_z2(250, 0.025, Streams(3), law="normal")
    assert stats.ks_2samp(whole, simulated).pvalue > 1e-5


def _windows(losses: np.ndarray) -> Windows:
    n = losses.size
    return Windows(starts=np.arange(n), length=1, margin=np.full(n, 0.05), long_loss=losses)


def test_a_right_forecast_is_not_rejected_and_half_of_it_is_at_once():
    losses = 0.01 * np.random.default_rng(5).standard_normal(2_000)
    right = evaluate_shortfall(_windows(losses), np.full(2_000, 0.01), "long", Streams(1), name="a")
    assert right.normal.verdict == "not rejected"
    assert right.rejected_at is None
    half = evaluate_shortfall(_windows(losses), np.full(2_000, 0.005), "long", Streams(1), name="a")
    assert (half.normal.verdict, half.student.verdict, half.sequential) == ("rejected",) * 3
    assert half.z2 < half.normal.critical < 0
    assert half.rejected_at is not None
    assert half.log10_wealth[half.rejected_at] >= math.log10(20.0)
    assert (half.log10_wealth[: half.rejected_at] < math.log10(20.0)).all()


def test_a_short_is_judged_by_the_rises():
    losses = np.concatenate((np.full(500, 0.0), np.full(50, -0.2)))
    windows = _windows(losses)
    deviation = np.full(550, 0.01)
    assert evaluate_shortfall(windows, deviation, "long", Streams(1), name="a").breaches == 0
    assert evaluate_shortfall(windows, deviation, "short", Streams(1), name="a").breaches == 50


def test_wealth_in_logarithms_is_the_wealth():
    evidence, bets = np.array([0.0, 3.0, 0.5, 10.0]), np.array([0.0, 0.1, 0.5, 0.2])
    assert 10 ** log10_e_wealth(evidence, bets) == pytest.approx(e_backtest_wealth(evidence, bets))
