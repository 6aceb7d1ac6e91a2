"""Procyclicality against the closed forms and the noise table of quant 3.3 and 8.14-8.15."""

import math

import numpy as np
import pytest

from sim.metrics.margin_model.procyclicality import (
    alternating_path,
    evaluate_procyclicality,
    ewma_impulse,
    increase,
    realised_volatility,
    responsiveness,
)


@pytest.mark.parametrize(("decay", "n", "expected"), [(0.94, 5, 1.3410), (0.97, 20, 1.5390)])
def test_the_impulse_of_an_ewma_is_the_notes(decay, n, expected):
    assert ewma_impulse(np.array([float(n)]), decay, 2.0)[0] == pytest.approx(expected, abs=5e-5)


def test_an_ewma_fed_with_the_alternating_path_follows_the_closed_form():
    path = alternating_path(1_000.0, 0.01, 2.0, calm_steps=10, stressed_steps=30)
    returns = np.diff(np.log(path))
    assert np.abs(returns) == pytest.approx([0.01] * 10 + [0.02] * 30)
    assert abs(math.log(path[10] / path[0])) < 1e-12  # no drift while calm
    variance, margins = 0.01**2, []
    for value in returns:
        variance = 0.94 * variance + 0.06 * value**2
        margins.append(math.sqrt(variance))
    ratio = np.array(margins[9:]) / margins[9]
    assert ratio == pytest.approx(ewma_impulse(np.arange(31.0), 0.94, 2.0))


def test_rises_and_peak_to_trough_of_a_known_series():
    margin = np.array([0.1, 0.2, 0.1, 0.4, 0.4])
    result = evaluate_procyclicality(margin, 1_800)
    assert result.peak_to_trough == pytest.approx(4.0)
    assert result.mean == pytest.approx(0.24)
    one, hour = result.increases
    assert (one.period, one.steps, one.largest, one.periods) == ("1 step (30 min)", 1, pytest.approx(3.0), 4)
    assert (hour.period, hour.steps, hour.largest) == ("1 h", 2, pytest.approx(3.0))
    assert hour.high is not None
    assert hour.high.estimate == pytest.approx(3.0)  # of the rises 0 -> 2 and 2 -> 4


def test_periods_that_are_no_whole_steps_are_left_out():
    names = [one.period for one in evaluate_procyclicality(np.full(200_000, 0.1), 7_200).increases]
    assert names == ["1 step (2 h)", "24 h", "5 d"]
    assert [one.period for one in evaluate_procyclicality(np.full(30, 0.1), 3_600).increases] == [
        "1 step (1 h)",
        "24 h",
    ]


def test_the_99_percent_rise_uses_periods_that_do_not_overlap():
    margin = 1.0 + np.arange(1_001) / 1_000
    result = increase(margin, 10, "10 steps")
    assert result.periods == 100
    assert result.largest == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("decay", "trough_range", "one_period", "five_periods"),
    [(0.94, (1.82, 2.38), 0.35, 0.46), (0.97, (1.46, 1.77), 0.17, 0.23), (0.99, (1.19, 1.34), 0.06, 0.08)],
)
def test_the_noise_floor_of_the_notes(decay, trough_range, one_period, five_periods):
    generator = np.random.default_rng(11)
    runs = 200
    normal = generator.standard_normal((runs, 1_250)) ** 2
    variance = np.ones(runs)
    margins = np.empty((runs, 1_250))
    for step in range(1_250):
        variance = decay * variance + (1 - decay) * normal[:, step]
        margins[:, step] = np.sqrt(variance)
    results = [evaluate_procyclicality(row, 17_280) for row in margins]
    trough = np.array([one.peak_to_trough for one in results])
    # The share of runs in the notes' 5-95 % range is binomial with p = 0.9; the ends have three digits.
    inside = np.mean((trough > trough_range[0] - 0.01) & (trough < trough_range[1] + 0.01))
    assert abs(inside - 0.9) < 4.5 * math.sqrt(0.9 * 0.1 / runs)
    for steps, expected in ((1, one_period), (5, five_periods)):
        rises = np.array([increase(row, steps, "").largest for row in margins])
        # The notes give whole per cents, and their own simulation has an error like this one's.
        assert abs(np.median(rises) - expected) < 0.01 + 4.5 * 1.2533 * rises.std() / math.sqrt(runs)


def _blocks(sigma: np.ndarray, per_block: int) -> np.ndarray:
    sign = np.where(np.arange(sigma.size * per_block) % 2 == 0, 1.0, -1.0)
    return np.exp(np.concatenate(([0.0], np.cumsum(np.repeat(sigma, per_block) * sign))))


def test_realised_volatility_of_constant_moves():
    volatility = realised_volatility(_blocks(np.array([0.01, 0.02]), 24), 3_600, 24)
    assert volatility == pytest.approx([0.01 * math.sqrt(8_760), 0.02 * math.sqrt(8_760)])


@pytest.mark.parametrize("power", [1.0, 0.5, 0.0])
def test_responsiveness_finds_the_elasticity(power):
    sigma = np.random.default_rng(2).uniform(0.005, 0.03, 60)
    margin = np.concatenate(([0.05], np.repeat(sigma**power, 24)))
    result = responsiveness(margin, _blocks(sigma, 24), 3_600, block_steps=24)
    assert result is not None
    assert result.slope == pytest.approx(power, abs=1e-9)
    assert result.lower <= result.slope <= result.upper
    assert (result.r_squared is None) == (power == 0.0)


def test_its_errors_are_newey_and_wests():
    statsmodels = pytest.importorskip("statsmodels.api")
    generator = np.random.default_rng(3)
    sigma = generator.uniform(0.005, 0.03, 200)
    margin = np.concatenate(([0.05], np.repeat(sigma * np.exp(generator.normal(0, 0.2, 200)), 24)))
    result = responsiveness(margin, _blocks(sigma, 24), 3_600, block_steps=24)
    assert result is not None
    held = margin[1:].reshape(-1, 24).mean(axis=1)
    design = statsmodels.add_constant(np.log(sigma * math.sqrt(8_760)))
    fit = statsmodels.OLS(np.log(held), design).fit(cov_type="HAC", cov_kwds={"maxlags": result.lags})
    assert result.slope == pytest.approx(fit.params[1], rel=1e-9)
    assert (result.lower, result.upper) == pytest.approx(tuple(fit.conf_int()[1]), rel=1e-9)


def test_too_few_blocks_say_nothing():
    sigma = np.linspace(0.01, 0.02, 19)
    prices = _blocks(sigma, 24)
    assert responsiveness(np.full(prices.size, 0.1), prices, 3_600, block_steps=24) is None
