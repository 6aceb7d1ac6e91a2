"""`contracts/lib/covariance_math.vy` against its Python twin, and the twin against drawn returns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.rng import Streams
from sim.reference import covariance_math as twin
from sim.reference import oracle_math
from sim.reference.fixed_point import WAD
from tests.support.twins import assert_complete, assert_equal

PRICES = st.one_of(st.integers(10**12, 2**96 - 1), st.integers(1_900 * WAD, 2_100 * WAD))
CAPS = st.one_of(st.integers(1, WAD // 2), st.sampled_from([1, WAD // 10, WAD // 2]))
RETURNS = st.one_of(st.integers(-WAD // 2, WAD // 2), st.sampled_from([0, 1, -1, WAD // 2, -WAD // 2]))
SECONDS = st.one_of(st.integers(1, 2**32 - 1), st.sampled_from([1, 60, 300, 3_600]))
DECAYS = st.one_of(st.integers(0, WAD), st.sampled_from([0, 1, WAD - 1, WAD]))
VARIANCES = st.one_of(
    st.integers(twin.LEAST_VARIANCE, 2**83),
    st.sampled_from([0, twin.LEAST_VARIANCE - 1, twin.LEAST_VARIANCE, WAD]),
)
COVARIANCES = st.one_of(st.integers(-(2**83), 2**83), st.sampled_from([0, 1, -1, WAD, -WAD]))
CORRELATIONS = st.one_of(st.integers(-WAD, WAD), st.sampled_from([-WAD, 0, WAD]))
RATES = st.one_of(st.integers(1, 100 * WAD), st.sampled_from([1, WAD // 10, 100 * WAD]))

CASES = {
    "log_return": st.tuples(PRICES, PRICES, CAPS),
    "observed_covariance": st.tuples(RETURNS, RETURNS, SECONDS),
    "blend_floor": st.tuples(COVARIANCES, COVARIANCES, DECAYS),
    "correlation": st.tuples(VARIANCES, VARIANCES, COVARIANCES),
    "limited_fall": st.tuples(CORRELATIONS, CORRELATIONS, SECONDS, RATES),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    assert_equal(twin, function, *data.draw(CASES[function]))


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(price=PRICES, previous=PRICES, cap=CAPS)
def test_a_return_squared_is_the_variance_that_the_oracle_observes(price, previous, cap):
    found = twin.log_return(price, previous, cap)
    assert oracle_math.observed_variance(price, previous, 300, cap) - twin.observed_covariance(
        found, found, 300
    ) in (0, 1)  # one rounds up, the other down


@given(first=VARIANCES, second=VARIANCES, covariance=COVARIANCES)
def test_a_correlation_is_never_above_the_true_one(first, second, covariance):
    found = twin.correlation(first, second, covariance)
    if min(first, second) < twin.LEAST_VARIANCE:
        assert found == WAD  # nothing says that they part
        return
    assert -WAD <= found <= WAD
    if abs(found) < WAD:
        true_square, square = (covariance * WAD) ** 2, found * found * first * second
        assert square <= true_square if covariance >= 0 else square >= true_square


def test_the_edges_of_a_correlation():
    four, nine, one = 4 * WAD, 9 * WAD, WAD
    assert twin.correlation(four, nine, 6 * WAD) == WAD
    assert twin.correlation(four, nine, -6 * WAD) == -WAD
    assert twin.correlation(four, nine, 7 * WAD) == WAD  # rounding of the averages can take it beyond one
    assert twin.correlation(four, nine, -7 * WAD) == -WAD
    assert twin.correlation(four, nine, 3 * WAD) == WAD // 2
    # The root of two rounds up for what is above zero, and down below.
    assert twin.correlation(2 * WAD, one, WAD) == WAD * WAD // 1414213562373095049
    assert twin.correlation(2 * WAD, one, -WAD) == -(WAD * WAD // 1414213562373095048) - 1
    # A market whose volatility is below 1 % a year says nothing.
    assert twin.correlation(twin.LEAST_VARIANCE, one, -WAD) == -WAD
    assert twin.correlation(twin.LEAST_VARIANCE - 1, one, -WAD) == WAD
    assert twin.correlation(one, twin.LEAST_VARIANCE - 1, -WAD) == WAD


def test_a_fall_is_limited_and_a_rise_is_not():
    assert twin.limited_fall(WAD, 0, 3_600, WAD // 10) == 9 * WAD // 10
    assert twin.limited_fall(WAD, 0, 36_000, WAD // 10) == 0
    assert twin.limited_fall(WAD, 95 * WAD // 100, 3_600, WAD // 10) == 95 * WAD // 100
    assert twin.limited_fall(-WAD, WAD, 60, 1) == WAD


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.6, 0.95])
def test_the_average_finds_the_correlation_of_drawn_returns(rho):
    """Within 4.5 standard errors: (1 - rho**2)/sqrt(n), n = 2*tau/period of an exponential memory."""
    period, tau, steps = 300, 300 * 500, 6_000
    draws = Streams(20_261_130).draw("test:covariance", 0)
    shared, own = draws.normal(steps), draws.normal(steps)
    deviation = 0.8 * math.sqrt(period / twin.YEAR_SECONDS)
    first = shared * deviation
    second = (rho * shared + math.sqrt(1 - rho * rho) * own) * deviation
    decay = oracle_math.decay(period, tau)
    variances, covariance = [0, 0], 0
    for moves in zip(np.exp(first), np.exp(second), strict=True):
        prices = [round(move * 2_000 * WAD) for move in moves]
        returns = [twin.log_return(price, 2_000 * WAD, WAD // 2) for price in prices]
        for i, price in enumerate(prices):
            seen = oracle_math.observed_variance(price, 2_000 * WAD, period, WAD // 2)
            variances[i] = oracle_math.blend_up(variances[i], seen, decay)
        covariance = twin.blend_floor(covariance, twin.observed_covariance(*returns, period), decay)
    found = twin.correlation(*variances, covariance) / WAD
    effective = 2 * tau / period  # (sum of weights)**2 / sum of squared weights
    assert abs(found - rho) < 4.5 * (1 - rho * rho) / math.sqrt(effective)
