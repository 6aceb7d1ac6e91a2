"""Almgren-Chriss horizon of quant (3.1) and 8.18, and its scaling."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from sim.metrics.margin_model.liquidity import (
    bangia_value_at_risk,
    evaluate_liquidity,
    least_cost,
    liquidation_cost,
    optimal_horizon,
)


def test_the_golden_horizon():
    assert optimal_horizon(0.05, 1.0, 2.326, 1.0) == pytest.approx(0.176998, abs=1e-6)


def test_the_horizon_minimises_the_cost():
    impact, quantity, z, volatility = 2e-9, 3e6, 2.326, 1.4e-4
    found = minimize_scalar(
        lambda log_tau: liquidation_cost(impact, quantity, z, volatility, float(np.exp(log_tau))),
        bracket=(0.0, 5.0),
        tol=1e-12,
    )
    tau = optimal_horizon(impact, quantity, z, volatility)
    assert float(np.exp(found.x)) == pytest.approx(tau, rel=1e-5)
    assert found.fun == pytest.approx(least_cost(impact, quantity, z, volatility), rel=1e-10)


def test_cost_grows_as_size_to_four_thirds():
    sizes = np.array([1e4, 1e5, 1e6, 1e7])
    costs = np.array([least_cost(1e-9, size, 2.326, 1e-4) for size in sizes])
    assert np.diff(np.log(costs)) / np.diff(np.log(sizes)) == pytest.approx([4 / 3] * 3)


def test_half_the_stressed_spread_is_added():
    assert bangia_value_at_risk(0.05, 0.002, 0.001, 3.0) == pytest.approx(0.0525)


def test_rows_are_per_unit_of_notional():
    rows = evaluate_liquidity(
        [(1e4, 0.05), (8e4, 0.06)],
        impact=1e-9,
        volatility=1e-4,
        period_seconds=900,
        target=0.01,
        mean_spread=0.0,
        spread_deviation=0.0,
    )
    small, large = rows
    assert large.endogenous == pytest.approx(2 * small.endogenous)  # 8 ** (1/3)
    assert large.horizon_seconds == pytest.approx(4 * small.horizon_seconds)
    assert small.exogenous == pytest.approx(2.326348 * 1e-4 * 30, rel=1e-6)
    assert small.in_one_go >= small.endogenous
    assert (small.margin, large.margin) == (0.05, 0.06)


def test_nothing_but_positive_numbers():
    with pytest.raises(ValueError, match="positive"):
        optimal_horizon(0.0, 1.0, 2.0, 1.0)
