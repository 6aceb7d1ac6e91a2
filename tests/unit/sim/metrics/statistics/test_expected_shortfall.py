"""Expected shortfall: published critical values, hand counts, and tails of known shape."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.statistics.expected_shortfall import (
    TailFit,
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    e_backtest_wealth,
    e_values,
    empirical_expected_shortfall,
    fit_tail,
    growth_bets,
)

TAIL = 0.025


def _normal() -> tuple[float, float]:
    quantile = float(stats.norm.ppf(TAIL))
    return -quantile, float(stats.norm.pdf(quantile)) / TAIL


def _student(degrees: int) -> tuple[float, float]:
    quantile = float(stats.t.ppf(TAIL, degrees))
    shortfall = stats.t.pdf(quantile, degrees) / TAIL * (degrees + quantile**2) / (degrees - 1)
    return -quantile, float(shortfall)


@pytest.mark.parametrize(("degrees", "critical"), [(None, -0.701), (10, -0.710), (5, -0.735), (3, -0.815)])
def test_z2_critical_values(degrees, critical) -> None:
    """T = 250: 5 % of Z2 lie below the printed value, itself from 400,000 simulations."""
    repetitions, length = 10_000, 250
    risk, shortfall = _normal() if degrees is None else _student(degrees)
    uniforms = Streams(11).draw(f"z2 {degrees}").uniform(repetitions * length)
    profit = np.zeros(uniforms.size)  # outside the tail its value does not enter
    tail = uniforms < TAIL
    distribution = stats.norm if degrees is None else stats.t(degrees)
    profit[tail] = distribution.ppf(uniforms[tail])
    risks, shortfalls = np.full(length, risk), np.full(length, shortfall)
    found = np.array(
        [acerbi_szekely_z2(row, risks, shortfalls, TAIL) for row in profit.reshape(repetitions, length)]
    )
    error = math.sqrt(0.05 * 0.95 * (1 / repetitions + 1 / 400_000))
    assert abs(float((found < critical).mean()) - 0.05) < 4.5 * error
    assert abs(float(found.mean())) < 4.5 * float(found.std()) / math.sqrt(repetitions)


def test_z1_and_z2_by_hand() -> None:
    profit = np.array([-3.0, 1.0, -1.0, -5.0])
    risk, shortfall = np.full(4, 2.0), np.array([4.0, 4.0, 4.0, 2.5])
    assert acerbi_szekely_z1(profit, risk, shortfall) == pytest.approx(1 - (0.75 + 2.0) / 2)
    assert acerbi_szekely_z2(profit, risk, shortfall, 0.25) == pytest.approx(1 - 2.75)
    assert acerbi_szekely_z1(np.ones(4), risk, shortfall) is None
    assert acerbi_szekely_z2(np.ones(4), risk, shortfall, 0.25) == 1.0


def test_e_values_have_mean_one_under_the_right_forecast() -> None:
    n = 400_000
    risk, shortfall = _normal()
    losses = Streams(5).draw("e").normal(n)
    found = e_values(losses, np.full(n, risk), np.full(n, shortfall), TAIL)
    assert abs(float(found.mean()) - 1) < 4.5 * float(found.std()) / math.sqrt(n)


def test_wealth_rarely_reaches_twenty_under_the_null_and_does_under_a_low_forecast() -> None:
    repetitions, length = 400, 500
    risk, shortfall = np.full(length, _normal()[0]), np.full(length, _normal()[1])
    reached = {1.0: 0, 1.6: 0}
    for scale in reached:
        for step in range(repetitions):
            losses = scale * Streams(9).draw("wealth", step).normal(length)
            evidence = e_values(losses, risk, shortfall, TAIL)
            wealth = e_backtest_wealth(evidence, growth_bets(evidence))
            reached[scale] += bool(wealth.max() >= 20)
    assert reached[1.0] / repetitions <= 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / repetitions)
    assert reached[1.6] / repetitions > 0.9


@settings(max_examples=50, deadline=None)
@given(evidence=st.lists(st.floats(0, 50), min_size=2, max_size=30), cut=st.integers(1, 29))
def test_bets_know_only_the_past_and_wealth_stays_positive(evidence, cut) -> None:
    values = np.array(evidence)
    changed = values.copy()
    changed[cut:] = 7.0
    bets = growth_bets(values)
    assert np.array_equal(bets[: cut + 1], growth_bets(changed)[: cut + 1])
    assert bets[0] == 0.0
    assert np.all((bets >= 0) & (bets <= 0.5))
    assert np.all(e_backtest_wealth(values, bets) > 0)


def test_wealth_by_hand() -> None:
    assert e_backtest_wealth(np.array([3.0, 0.0, 2.0]), 0.5).tolist() == [2.0, 1.0, 1.5]


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3, 0.6])
def test_tail_of_known_shape_is_recovered(shape) -> None:
    n, exceedances, scale = 20_000, 2_000, 5.0
    uniform = Streams(13).draw(f"gpd {shape}").uniform(n)
    losses = stats.genpareto.ppf(uniform, shape, scale=scale)
    fit = fit_tail(losses, exceedances=exceedances)
    assert abs(fit.shape - shape) < 4.5 * (1 + shape) / math.sqrt(exceedances)
    truth = float(stats.genpareto.ppf(0.99, shape, scale=scale))
    spread = math.sqrt(0.99 * 0.01 / n) / float(stats.genpareto.pdf(truth, shape, scale=scale))
    assert abs(fit.value_at_risk(0.99) - truth) < 4.5 * spread
    shortfall = (truth + scale) / (1 - shape)
    # Its error is mostly that of the shape, through 1 / (1 - xi).
    relative = 4.5 * (1 + shape) / math.sqrt(exceedances) / (1 - shape)
    assert fit.expected_shortfall(0.99) == pytest.approx(shortfall, rel=relative)
    assert fit_tail(1e-6 * losses, exceedances=exceedances).shape == pytest.approx(fit.shape, abs=1e-3)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.4])
def test_formulas_of_a_fit_against_integration(shape) -> None:
    fit = TailFit(threshold=2.0, shape=shape, scale=1.5, exceedances=50, observations=1_000)
    levels = 0.99 + 0.01 * (np.arange(200_000) + 0.5) / 200_000
    mean = float(np.mean([fit.value_at_risk(level) for level in levels[::20]]))
    assert fit.value_at_risk(0.95) == pytest.approx(2.0, abs=1e-9)
    assert fit.expected_shortfall(0.99) == pytest.approx(mean, rel=5e-3)
    assert fit.tail_index == (pytest.approx(2.5) if shape > 0 else math.inf)
    with pytest.raises(ValueError, match="below its threshold"):
        fit.value_at_risk(0.9)


def test_a_tail_without_a_mean_says_so() -> None:
    fit = TailFit(threshold=2.0, shape=1.1, scale=1.5, exceedances=50, observations=1_000)
    assert fit.expected_shortfall(0.99) == math.inf


def test_empirical_shortfall_counts_part_of_a_loss() -> None:
    losses = np.array([1.0, 4.0, 2.0, 3.0])
    assert empirical_expected_shortfall(losses, 0.5) == pytest.approx(3.5)
    assert empirical_expected_shortfall(losses, 0.7) == pytest.approx((4 + 0.2 * 3) / 1.2)
    assert empirical_expected_shortfall(losses, 0.99) == 4.0


def test_nonsense_is_refused() -> None:
    ones = np.ones(3)
    for call in (
        lambda: acerbi_szekely_z2(ones, ones, ones, 0.0),
        lambda: acerbi_szekely_z2(ones, ones, 0 * ones, TAIL),
        lambda: acerbi_szekely_z1(ones, ones, np.ones(2)),
        lambda: e_values(ones, ones, ones, TAIL),
        lambda: e_backtest_wealth(ones, 1.5),
        lambda: fit_tail(np.ones(100), exceedances=20),
        lambda: fit_tail(ones, exceedances=20),
        lambda: empirical_expected_shortfall(ones, 1.0),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
