"""Likelihood ratios of tilted paths and what weighted means claim about themselves."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.experiments.rare.importance import tilt_for_barrier, tilt_weights, weighted_mean


def test_weights_are_the_ratio_of_normal_densities() -> None:
    ends, years, tilt = np.linspace(-3, 5, 9), 0.7, 1.3
    plain = stats.norm.pdf(ends, 0.0, math.sqrt(years))
    tilted = stats.norm.pdf(ends, tilt * years, math.sqrt(years))
    assert tilt_weights(ends, tilt, years) == pytest.approx(plain / tilted, rel=1e-12)


def test_tilt_moves_the_mean_of_the_log_price_to_the_barrier() -> None:
    sigma, years = 0.8, 0.02
    tilt = tilt_for_barrier(80.0, 100.0, sigma, years)
    assert sigma * tilt * years == pytest.approx(math.log(0.8), rel=1e-12)


def test_tail_of_a_normal_far_beyond_the_sample() -> None:
    n, level = 20_000, 6.0
    z = level + Streams(1).draw("tail").normal(n)
    found = weighted_mean(z > level, tilt_weights(z, level, 1.0))
    error = found.relative_error * found.interval.mean
    assert abs(found.interval.mean - stats.norm.sf(level)) < 4.5 * error
    assert found.relative_error < 0.03
    assert 1_000 < found.effective_events < n


def test_sizes_of_equal_and_of_lopsided_weights() -> None:
    even = weighted_mean([1.0, 0.0, 1.0, 0.0], [1.0] * 4)
    assert (even.effective_sample_size, even.effective_events) == (4.0, 2.0)
    assert even.interval.mean == 0.5
    lopsided = weighted_mean([1.0] * 4, [1e-200, 1e-260, 0.0, 1e-260])
    assert lopsided.effective_sample_size == pytest.approx(1.0)
    nothing = weighted_mean([0.0] * 4, [1.0] * 4)
    assert (nothing.relative_error, nothing.effective_events) == (None, 0.0)


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: weighted_mean([1.0, 1.0], [1.0]),
        lambda: weighted_mean([1.0, 1.0], [1.0, -1.0]),
        lambda: weighted_mean([1.0, 1.0], [1.0, math.inf]),
        lambda: tilt_for_barrier(0.0, 100.0, 0.8, 1.0),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
