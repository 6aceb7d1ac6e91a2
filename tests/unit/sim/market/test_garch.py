"""GARCH(1,1) with Student-t innovations against its closed-form moments."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from sim.core.rng import Streams
from sim.market.effects import NO_SHOCKS, PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.price_paths import BlockClock
from sim.market.price_processes.garch_t import GarchStudentT, student_t

DAILY = BlockClock(start_time=0, seconds_per_block=86_400, blocks=150)
PATHS = 2_500
BURN_IN = 110  # (alpha + beta) ** 110 and the slower root of the fourth moment are below 1e-3 here


def garch(alpha=0.1, beta=0.8, nu=30, volatility=0.7, drift=0.0):
    return GarchStudentT(
        kind="garch_t", volatility=volatility, drift=drift, alpha=alpha, beta=beta, degrees_of_freedom=nu
    )


def residuals(process, paths=PATHS, clock=DAILY):
    """Return e in units of the unconditional deviation, one independent path a row.

    The increments are -h/2 + e; at a volatility of 1e-4 the first part is a ten-thousandth of the second's
    deviation and less.
    """
    streams = Streams(6)
    rows = [
        process.path(clock, initial_price=100.0, streams=streams, name=f"p{i}").prices for i in range(paths)
    ]
    return np.diff(np.log(np.array(rows)), axis=1) / (process.volatility * math.sqrt(clock.years_per_block))


def within(sample: np.ndarray, mean: float) -> bool:
    return bool(abs(sample.mean() - mean) < 4.5 * sample.std() / math.sqrt(sample.size))


@pytest.mark.parametrize("nu", [3, 4, 9, 10, 71, 100])
def test_student_t_has_its_quantiles(nu):
    """Closed-form distribution function of whole nu (Abramowitz and Stegun 26.7.3 and 26.7.4)."""

    def cdf(t: float) -> float:
        theta = math.atan(t / math.sqrt(nu))
        cos, total, term = math.cos(theta), 0.0, 1.0
        if nu % 2:
            term = cos
            for j in range(1, (nu - 1) // 2 + 1):
                total += term
                term *= cos * cos * (2 * j) / (2 * j + 1)
            area = 2 / math.pi * (theta + math.sin(theta) * total)
        else:
            for j in range(1, nu // 2 + 1):
                total += term
                term *= cos * cos * (2 * j - 1) / (2 * j)
            area = math.sin(theta) * total
        return 0.5 + 0.5 * area

    sample = student_t(nu, 50_000, streams=Streams(2), name="t") * math.sqrt(nu / (nu - 2))
    for quantile in (-6.0, -3.0, -1.0, 0.0, 0.5, 2.0, 5.0):
        assert within(np.append(sample < quantile, [True, False]), cdf(quantile))


@pytest.mark.parametrize("nu", [9, 10, 60])
def test_student_t_has_unit_variance_and_its_kurtosis(nu):
    sample = student_t(nu, 200_000, streams=Streams(5), name="t")
    assert within(sample, 0.0)
    assert within(sample**2, 1.0)
    assert within(sample**4, 3 * (nu - 2) / (nu - 4))


def test_variance_is_unconditional_in_every_block():
    e = residuals(garch(alpha=0.1, beta=0.85, nu=8, volatility=1e-4))
    assert within(e.mean(axis=1), 0.0)
    assert within((e**2).mean(axis=1), 1.0)
    for block in (0, 1, 149):
        assert within(e[:, block] ** 2, 1.0)


@pytest.mark.parametrize(("alpha", "beta", "nu"), [(0.1, 0.8, 100), (0.1, 0.8, 20), (0.05, 0.85, 30)])
def test_kurtosis_and_memory_of_squares(alpha, beta, nu):
    k, c = 3 * (nu - 2) / (nu - 4), alpha + beta
    kurtosis = k * (1 - c * c) / (1 - c * c - (k - 1) * alpha * alpha)
    normal = 3 * (1 - c * c) / (1 - c * c - 2 * alpha * alpha)
    assert kurtosis == pytest.approx(normal, rel=0.03 if nu == 100 else 0.3)
    e = residuals(garch(alpha, beta, nu, volatility=1e-4))[:, BURN_IN:]
    squares = e * e
    assert within((squares**2).mean(axis=1), kurtosis)
    # E e_t^2 e_t+1^2 = omega + alpha E e^4 + beta E h^2, with E h^2 = kurtosis / k and omega = 1 - c.
    product = (squares[:, 1:] * squares[:, :-1]).mean(axis=1)
    assert within(product, (1 - c) + alpha * kurtosis + beta * kurtosis / k)
    assert product.mean() - 1.0 > 4.5 * product.std() / math.sqrt(product.size)  # squares remember
    assert within((e[:, 1:] * e[:, :-1]).mean(axis=1), 0.0)  # returns do not


def test_the_drift_is_that_of_the_log_price_with_the_normal_correction():
    dt = DAILY.years_per_block
    increments = residuals(garch(nu=10, drift=2.0)) * (0.7 * math.sqrt(dt))
    assert within(increments.mean(axis=1), (2.0 - 0.245) * dt)


def test_without_memory_every_block_has_the_same_variance():
    e = residuals(garch(alpha=0.0, beta=0.9, nu=5, volatility=1e-4), paths=3)
    streams = Streams(6)
    expected = np.array([student_t(5, 150, streams=streams, name=f"p{i}") for i in range(3)])
    assert e == pytest.approx(expected, abs=1e-4)


def test_a_shorter_run_is_the_beginning_of_a_longer_one():
    shocks = ShockSchedule((
        VolatilityMultiple(at_block=5, duration_blocks=600, size=3.0),
        PriceMove(at_block=50, size=-0.2),
    ))  # fmt: skip
    for nu in (3, 6):
        paths = [
            garch(0.1, 0.88, nu).path(
                BlockClock(start_time=0, seconds_per_block=12, blocks=blocks),
                initial_price=195.0, streams=Streams(4), name="price:ETH", shocks=shocks,
            ).prices
            for blocks in (1, 7, 640, 1_001)
        ]  # fmt: skip
        for short in paths[:-1]:
            assert np.array_equal(short, paths[-1][: short.size])


def test_a_volatility_shock_scales_its_window_and_nothing_after_it():
    clock = BlockClock(start_time=0, seconds_per_block=12, blocks=40)
    window = ShockSchedule((VolatilityMultiple(at_block=11, duration_blocks=10, size=4.0),))

    def returns(shocks):
        path = garch(0.1, 0.88, 4).path(
            clock, initial_price=10.0, streams=Streams(1), name="p", shocks=shocks
        )
        return np.diff(np.log(path.prices))

    calm, wild = returns(NO_SHOCKS), returns(window)
    assert np.array_equal(calm[:10], wild[:10])
    assert wild[10:20] == pytest.approx(4.0 * calm[10:20], abs=1e-5)
    assert wild[20:] == pytest.approx(calm[20:], abs=1e-12)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"alpha": -0.1}, "alpha"),
        ({"beta": -0.1}, "beta"),
        ({"nu": 2}, "degrees_of_freedom"),
        ({"nu": 101}, "degrees_of_freedom"),
    ],
)
def test_impossible_parameters_are_refused(change, match):
    with pytest.raises(ValidationError, match=match):
        garch(**change)


def test_a_variance_that_never_comes_back_is_refused():
    assert list(garch(alpha=0.2, beta=0.79).problems()) == []
    assert [place for place, _ in garch(alpha=0.2, beta=0.8).problems()] == [("beta",)]
