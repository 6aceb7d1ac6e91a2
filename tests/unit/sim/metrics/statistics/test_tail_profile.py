"""The likelihood region of a generalised Pareto tail against a search over both its parameters."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.metrics.statistics.tail_profile import (
    HEAVIEST,
    LEAST,
    likeliest_shape,
    mean_reach,
    shape_reach,
    split_tail,
)


def region(excess, drop):
    """Shapes, scales and which of them the likelihood allows, on a fine grid of both."""
    shapes = np.linspace(-0.4901, HEAVIEST, 130)[:, None, None]
    scales = excess.mean() * np.geomspace(0.3, 2.5, 200)[None, :, None]
    inner = 1.0 + shapes * excess / scales
    with np.errstate(invalid="ignore", divide="ignore"):
        density = -np.log(scales) - (1.0 + 1.0 / shapes) * np.log(inner)
    likelihood = np.nan_to_num(density.sum(axis=2), nan=-np.inf)
    return shapes[..., 0], scales[..., 0], likelihood >= likelihood.max() - drop


@pytest.mark.parametrize("worst", [1.0, 0.1])
@pytest.mark.parametrize("shape", [0.0, 0.3])
def test_ends_are_those_of_the_region(shape, worst) -> None:
    excess = stats.genpareto.rvs(shape, size=60, random_state=5)
    drop = stats.t.ppf(0.975, 58) ** 2 / 2
    shapes, scales, allowed = region(excess, drop)
    means = scales * ((worst**-shapes - 1.0) / shapes + 1.0) / (1.0 - shapes)
    lower, upper = mean_reach(excess, worst=worst, confidence=0.95)
    assert lower == pytest.approx(means[allowed].min(), rel=0.02)
    assert upper == pytest.approx(means[allowed].max(), rel=0.04)  # the grid's own step
    assert mean_reach(excess, worst=worst, confidence=0.95, upper_only=True)[1] == upper


def test_dependence_widens_and_units_scale() -> None:
    excess = stats.genpareto.rvs(0.2, size=80, random_state=1)
    plain, linked = (mean_reach(excess, confidence=0.95, inflation=effect) for effect in (1.0, 4.0))
    assert linked[0] < plain[0] < excess.mean() < plain[1] < linked[1]
    scaled = mean_reach(1e6 * excess, confidence=0.95)
    assert scaled == pytest.approx((1e6 * plain[0], 1e6 * plain[1]), rel=1e-9)


def test_a_tail_heavier_than_assumed_has_no_upper_end() -> None:
    heavy = (1.0 - np.arange(1, 101) / 101.0) ** -1.2 - 1.0  # quantiles of a tail without mean
    lower, upper = mean_reach(heavy, confidence=0.95)
    assert upper == math.inf
    assert 0.0 < lower < math.inf
    light = -np.log1p(-np.arange(1, 101) / 101.0)
    assert mean_reach(light, confidence=0.95)[1] < 2.0


def test_shape_is_scipys_and_its_interval_covers() -> None:
    excess = stats.genpareto.rvs(0.25, size=400, random_state=3)
    fitted = stats.genpareto.fit(excess, floc=0.0)[0]
    assert likeliest_shape(excess) == pytest.approx(fitted, abs=0.005)
    lower, upper = shape_reach(excess, confidence=0.95)
    assert lower < fitted < upper
    assert (upper - lower) / 2 == pytest.approx(1.96 * 1.25 / 20, rel=0.15)  # Smith's (1 + xi) / sqrt(k)


def test_the_tail_is_a_tenth_or_what_lies_above_the_ties() -> None:
    values = np.arange(1_000.0)
    assert (split_tail(values).threshold, split_tail(values).excess.size) == (899.0, 100)
    assert split_tail(np.arange(100.0)).excess.size == 20  # a tenth would be too few
    assert split_tail(np.arange(9_000.0)).excess.size == 200
    zeros = np.concatenate([np.zeros(985), np.arange(1.0, 16.0)])
    assert (split_tail(zeros).threshold, split_tail(zeros).excess.size) == (0.0, 15)
    few = np.concatenate([np.full(5, -1.0), np.zeros(990), np.arange(1.0, LEAST - 4.0)])
    assert split_tail(few).threshold == -1.0
