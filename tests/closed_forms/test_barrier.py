"""quant 8.2, 8.3, 7.3: barrier chances of our price process against convolution, and one of 5.8e-12.

The barrier is the liquidation price of a long at leverage 5 with 5 % maintenance margin (quant 8.1): how
often the oracle, looking n times in a week, sees it reached.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.core.units import YEAR_SECONDS
from sim.experiments.rare.importance import tilt_for_barrier, tilt_weights, weighted_mean
from sim.market.price_paths import BlockClock
from sim.market.price_processes.gbm import GeometricBrownianMotion
from sim.metrics.statistics.intervals import clopper_pearson
from tests.support.barrier import continuous_barrier, discrete_barrier, shifted_barrier

SIGMA = 0.8
WEEK = 7 * 86_400
BARRIER = (1 - 1 / 5) / (1 - 0.05)
STANDARD_ERRORS = 4.5
EXACT = {24: 0.105913, 168: 0.120840, 672: 0.126040}  # quant 8.3
SHIFTED = {24: 0.103990, 168: 0.120550, 672: 0.125967}

RARE = 0.75  # a fall by a quarter within a day, looked at every five minutes
DAY, LOOKS = 86_400, 288


@cache
def exact(steps: int) -> float:
    return discrete_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS, steps)


def log_prices(paths, steps, seconds, *, seed, drift=0.0):
    """Return log prices of our own process, float64[path, step]."""
    clock = BlockClock(start_time=0, seconds_per_block=seconds // steps, blocks=steps)
    # A tilt takes the drift beyond what a scenario may state, as `sim.experiments.rare.tilt` does.
    process = GeometricBrownianMotion(kind="gbm", volatility=SIGMA).model_copy(update={"drift": drift})
    streams = Streams(seed)
    found = np.empty((paths, steps + 1))
    for path in range(paths):
        found[path] = process.path(clock, initial_price=1.0, streams=streams, name=f"price:{path}").prices
    return np.log(found)


def test_golden_values() -> None:
    assert pytest.approx(0.842105, abs=5e-7) == BARRIER
    assert continuous_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS) == pytest.approx(0.131572, abs=5e-7)
    for steps, printed in SHIFTED.items():
        found = shifted_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS, steps)
        assert found == pytest.approx(printed, abs=5e-7)


@pytest.mark.parametrize(("steps", "tolerance"), [(24, 0.02), (168, 0.003), (672, 0.003)])
def test_convolution_gives_the_printed_values_and_the_shift_its_accuracy(steps, tolerance) -> None:
    # The printed values come from a coarser convolution: at 672 steps they are 1.5e-6 below the limit.
    assert exact(steps) == pytest.approx(EXACT[steps], abs=2e-6)
    shifted = shifted_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS, steps)
    assert shifted == pytest.approx(exact(steps), rel=tolerance)
    assert shifted != pytest.approx(continuous_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS), rel=tolerance)


def test_the_convolution_has_converged() -> None:
    finer = discrete_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS, 168, nodes=18)
    assert exact(168) == pytest.approx(finer, rel=1e-11)


@pytest.mark.parametrize(("steps", "paths"), [(24, 20_000), (168, 8_000), (672, 4_000)])
def test_our_price_process_reaches_the_barrier_as_often(steps, paths) -> None:
    hits = int((log_prices(paths, steps, WEEK, seed=83).min(axis=1) <= math.log(BARRIER)).sum())
    truth = exact(steps)
    assert abs(hits / paths - truth) < STANDARD_ERRORS * math.sqrt(truth * (1 - truth) / paths)
    # 4.5 standard errors two-sided are a confidence of 0.9999932.
    interval = clopper_pearson(hits, paths, confidence=0.9999932)
    assert interval.lower < truth < interval.upper
    if steps == 24:  # here the sample can tell the discrete chance from the continuous one
        assert interval.upper < continuous_barrier(BARRIER, SIGMA, WEEK / YEAR_SECONDS)


def test_importance_sampling_finds_six_in_a_trillion() -> None:
    paths, years = 20_000, DAY / YEAR_SECONDS
    tilt = tilt_for_barrier(RARE, 1.0, SIGMA, years)
    logs = log_prices(paths, LOOKS, DAY, seed=73, drift=SIGMA * tilt)[:, 1:]
    times = years * np.arange(1, LOOKS + 1) / LOOKS
    brownian = (logs + 0.5 * SIGMA**2 * times) / SIGMA  # as drawn, tilt included
    reached = logs <= math.log(RARE)
    hit = reached.any(axis=1)
    assert abs(hit.mean() - 0.5) < 0.1  # the tilt ends paths at the barrier

    shifted = shifted_barrier(RARE, SIGMA, years, LOOKS)
    convolved = discrete_barrier(RARE, SIGMA, years, LOOKS)
    assert shifted == pytest.approx(5.82e-12, rel=1e-3)  # quant 7.3, BGK
    at_end = hit * tilt_weights(brownian[:, -1], tilt, years)
    found = weighted_mean(hit, tilt_weights(brownian[:, -1], tilt, years))
    error = found.relative_error * found.interval.mean
    for truth in (shifted, convolved):
        assert abs(found.interval.mean - truth) < STANDARD_ERRORS * error
    # quant 7.3 found 2.7 %. A standard error has one itself: half of sqrt((kurtosis - 1) / n), relative.
    doubt = 0.5 * math.sqrt((stats.kurtosis(at_end) + 2) / paths)
    assert found.relative_error == pytest.approx(0.027, rel=STANDARD_ERRORS * doubt)
    assert found.effective_events > 500

    # Weighed at the moment the barrier is reached, the same paths say it twice as sharply.
    first = np.where(hit, reached.argmax(axis=1), LOOKS - 1)
    early = weighted_mean(hit, tilt_weights(brownian[np.arange(paths), first], tilt, times[first]))
    error = early.relative_error * early.interval.mean
    assert early.relative_error < 0.6 * found.relative_error
    assert abs(early.interval.mean - convolved) < STANDARD_ERRORS * error


def test_a_wrong_sign_in_the_weight_would_be_seen() -> None:
    """The mean weight is 1 under the tilted law; with the tilt's square of the wrong sign it is not."""
    paths, years = 4_000, DAY / YEAR_SECONDS
    tilt = tilt_for_barrier(0.97, 1.0, SIGMA, years)
    logs = log_prices(paths, 4, DAY, seed=74, drift=SIGMA * tilt)
    weights = tilt_weights((logs[:, -1] + 0.5 * SIGMA**2 * years) / SIGMA, tilt, years)
    error = weights.std(ddof=1) / math.sqrt(paths)
    assert abs(weights.mean() - 1.0) < STANDARD_ERRORS * error
    assert abs(math.exp(-(tilt**2) * years) * weights.mean() - 1.0) > STANDARD_ERRORS * error
