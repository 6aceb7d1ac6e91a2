"""`contracts/lib/estimator_math.vy` against its Python twin, and the twin against closed forms."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.rng import Streams
from sim.reference import estimator_math as twin
from sim.reference.fixed_point import WAD
from tests.support.twins import RATIO, assert_complete, assert_equal

PRICES = st.one_of(st.integers(10**12, 2**96 - 1), st.integers(1_900 * WAD, 2_100 * WAD))
ORDERED = st.tuples(PRICES, PRICES).map(lambda pair: (max(pair), min(pair)))
RANGE = st.one_of(st.integers(0, WAD), st.sampled_from([0, 1, WAD // 50, WAD]))
SECONDS = st.one_of(st.integers(1, 10**8), st.sampled_from([1, 12, 3_600, 2**32 - 1]))
VARIANCES = st.one_of(st.integers(0, 2**87), st.sampled_from([0, 1, twin.MIN_VARIANCE, twin.MAX_VARIANCE]))
LEVELS = st.integers(twin.MIN_VARIANCE, twin.MAX_VARIANCE)
WEIGHTS = st.one_of(st.integers(0, 10 * WAD), st.sampled_from([0, WAD, 10 * WAD]))
RATES = st.one_of(st.integers(1, 100_000 * WAD), st.sampled_from([1, WAD // 10, WAD, 100_000 * WAD]))
WINDOWS = st.one_of(st.integers(0, 2**192 - 1), st.sampled_from([0, 2**192 - 1, 2**168]))
COUNTS = st.one_of(st.integers(0, 30), st.integers(0, 2**25), st.just(2**24 - 1))
MULTIPLIERS = st.one_of(st.integers(WAD, 10 * WAD), st.just(WAD))
FIVE = {"min_size": 5, "max_size": 5}

CASES = {
    "log_range": st.tuples(ORDERED, RANGE).map(lambda row: (*row[0], row[1])),
    "range_variance": st.tuples(RANGE, SECONDS),
    "range_volatility": st.tuples(RANGE, SECONDS),
    "largest": st.tuples(st.lists(VARIANCES, **FIVE), st.lists(WEIGHTS, **FIVE)),
    "cushioned": st.tuples(VARIANCES, VARIANCES, RATIO, RATIO),
    "limited": st.tuples(LEVELS, LEVELS, st.one_of(st.just(0), SECONDS), RATES, RATES),
    "bounded": st.tuples(st.integers(0, 2**100)),
    "rolled": st.tuples(WINDOWS, st.one_of(st.integers(0, 9), st.just(2**200)), COUNTS),
    "counted": st.tuples(WINDOWS),
    "multiplier": st.tuples(MULTIPLIERS, COUNTS, st.one_of(st.just(0), SECONDS), COUNTS, COUNTS).flatmap(
        lambda row: st.tuples(*map(st.just, row), MULTIPLIERS, MULTIPLIERS, SECONDS)
    ),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    assert_equal(twin, function, *data.draw(CASES[function]))


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


# Closed forms of Brownian motion

VOLATILITY = 0.8
HOUR = 3_600
HOURS = 4_000
STANDARD_ERRORS = 4.5
OVERSHOOT = 0.5825971579390106  # -zeta(1/2)/sqrt(2*pi): Broadie, Glasserman and Kou 1997
MEAN_RANGE = math.sqrt(8 / math.pi)  # Feller 1951
MEAN_SQUARE = 4 * math.log(2)  # Parkinson 1980


@cache
def ranges(steps: int) -> np.ndarray:
    """Return log ranges of independent hours of Brownian motion, each seen at a number of steps."""
    draws = Streams(20_260_730).draw("test:ranges", 0)
    deviation = VOLATILITY * math.sqrt(HOUR / twin.YEAR_SECONDS / steps)
    rows = np.empty(HOURS)
    for hour in range(HOURS):
        path = np.concatenate(([0.0], np.cumsum(draws.normal(steps)) * deviation))
        rows[hour] = path.max() - path.min()
    return rows


def seen(rows: np.ndarray, convert) -> np.ndarray:
    """Return what the twin makes of log ranges, as floats."""
    return np.array([convert(int(row * WAD), HOUR) / WAD for row in rows.tolist()])


def short_of(steps: int) -> float:
    """Return by how many standard deviations of the hour a range is short that is seen so many times."""
    return 2 * OVERSHOOT / math.sqrt(steps)


@pytest.mark.parametrize("steps", [300, 1_200])
def test_the_variance_of_ranges_is_that_of_the_path_but_for_how_often_it_is_seen(steps):
    found = seen(ranges(steps), twin.range_variance) / VOLATILITY**2
    short = short_of(steps)
    expected = (MEAN_SQUARE - 2 * short * MEAN_RANGE + short**2) / MEAN_SQUARE
    error = found.std(ddof=1) / math.sqrt(len(found))
    # What the correction leaves out is of the order of one over the number of steps.
    assert abs(found.mean() - expected) < STANDARD_ERRORS * error + 1 / steps
    assert error < 0.02


@pytest.mark.parametrize("steps", [300, 1_200])
def test_the_average_true_range_gives_the_volatility_but_for_how_often_it_is_seen(steps):
    found = seen(ranges(steps), twin.range_volatility) / VOLATILITY
    expected = (MEAN_RANGE - short_of(steps)) / MEAN_RANGE
    error = found.std(ddof=1) / math.sqrt(len(found))
    assert abs(found.mean() - expected) < STANDARD_ERRORS * error + 1 / steps
    assert error < 0.01


def test_squared_ranges_are_nearer_to_the_variance_than_squared_returns():
    squares = seen(ranges(1_200), twin.range_variance) / VOLATILITY**2
    # Parkinson: the variance of r**2 is 2, that of the range's estimate 9*zeta(3)/(4*ln(2))**2 - 1 = 0.407.
    assert squares.var(ddof=1) == pytest.approx(0.407, rel=0.15)


# What each limit does


@given(high=PRICES, low=PRICES, cap=st.integers(1, WAD))
def test_a_range_is_never_above_its_cap(high, low, cap):
    high, low = max(high, low), min(high, low)
    assert 0 <= twin.log_range(high, low, cap) <= cap


def test_the_cap_binds_on_a_range_beyond_it_alone():
    assert twin.log_range(1_105 * WAD, 1_000 * WAD, WAD // 10) < WAD // 10
    assert twin.log_range(1_106 * WAD, 1_000 * WAD, WAD // 10) == WAD // 10


def test_the_buffer_is_whole_below_the_long_run_and_used_up_above():
    long_run, buffer = WAD // 4, WAD // 4  # a volatility of 50 %, and 25 % of margin on top
    margins = {
        share: math.sqrt(twin.cushioned(int(share**2 * long_run), long_run, 0, buffer) / long_run)
        for share in (0.5, 1.0, 1.1, 1.25, 1.3, 2.0)
    }
    assert margins[0.5] == pytest.approx(0.625)
    assert margins[1.0] == margins[1.1] == pytest.approx(1.25)
    assert margins[1.25] == pytest.approx(1.25)
    assert margins[1.3] == pytest.approx(1.3)
    assert margins[2.0] == pytest.approx(2.0)


@given(first=VARIANCES, second=VARIANCES, long_run=VARIANCES, floor=RATIO, buffer=RATIO)
def test_a_cushioned_variance_rises_with_the_variance_and_is_never_below_it(
    first, second, long_run, floor, buffer
):
    low, high = sorted((first, second))
    below = twin.cushioned(low, long_run, floor, buffer)
    assert low <= below <= twin.cushioned(high, long_run, floor, buffer)
    assert below >= long_run * floor // WAD


@given(previous=LEVELS, target=LEVELS, seconds=SECONDS, rise=RATES, fall=RATES)
def test_a_limited_variance_lies_between_before_and_target(previous, target, seconds, rise, fall):
    found = twin.limited(previous, target, seconds, rise, fall)
    assert min(previous, target) <= found <= max(previous, target)
    assert twin.limited(previous, target, 0, rise, fall) == previous


@pytest.mark.parametrize(("target", "sign"), [(4 * WAD, 1), (WAD // 100, -1)])
def test_how_often_a_limit_is_asked_does_not_matter(target, sign):
    rise, fall = WAD // 2, WAD // 2
    once = twin.limited(WAD, target, HOUR, rise, fall)
    often = WAD
    for _ in range(300):
        often = twin.limited(often, target, 12, rise, fall)
    assert once / WAD == pytest.approx(math.exp(sign * 0.5), rel=1e-12)
    assert often == pytest.approx(once, rel=1e-12)


def test_each_weight_alone_decides():
    estimates = [WAD, 2 * WAD, 3 * WAD, 4 * WAD, 5 * WAD]
    for at, estimate in enumerate(estimates):
        weights = [0] * 5
        weights[at] = 2 * WAD
        assert twin.largest(estimates, weights) == 2 * estimate
    assert twin.largest(estimates, [WAD] * 5) == 5 * WAD
    assert twin.largest(estimates, [0] * 5) == 0


def test_a_window_forgets_slot_by_slot():
    window = 0
    for number in range(1, 13):
        window = twin.rolled(window, 1, number)
        assert twin.counted(window) == sum(range(max(1, number - 7), number + 1))
    assert twin.counted(twin.rolled(window, 7, 0)) == 12
    assert twin.rolled(window, 8, 0) == 0


@given(count=COUNTS, seconds=SECONDS)
def test_a_multiplier_is_that_of_its_zone_at_once_and_decays_toward_one(count, seconds):
    yellow, red = 113 * WAD // 100, 4 * WAD // 3
    zone = red if count >= 10 else yellow if count >= 5 else WAD
    assert twin.multiplier(WAD, count, seconds, 5, 10, yellow, red, 604_800) == zone
    before = twin.multiplier(2 * WAD, count, 0, 5, 10, yellow, red, 604_800)
    after = twin.multiplier(2 * WAD, count, 604_800, 5, 10, yellow, red, 604_800)
    assert before == 2 * WAD
    assert after == pytest.approx(max(zone, WAD * (1 + math.exp(-1))), rel=1e-12)
