"""The joint region: its coverage under a known law, and what becomes of it when nothing varies."""

import math

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.experiments.exploration.ellipse import Ellipse, joint_ellipse
from sim.experiments.exploration.resampling import evaluate, resample_counts

N, REPETITIONS, RESAMPLES = 30, 1_500, 400


def test_the_region_covers_the_truth_as_often_as_it_says():
    # Means of a correlated normal pair: with the exact covariance of the sample the region is Hotelling's
    # and covers exactly 95 %. The bootstrap's covariance has a relative error of sqrt(2 / RESAMPLES) = 7 %,
    # whose second-order effect on coverage is f'' / 2 * variance: below 0.2 % here. Allowed: that and 4.5
    # standard errors.
    counts = resample_counts(np.arange(N), RESAMPLES, Streams(2))
    draws = Streams(11).draw("pairs").normal(2 * N * REPETITIONS).reshape(REPETITIONS, 2, N)
    x = draws[:, 0]
    y = 0.8 * draws[:, 0] + 0.6 * draws[:, 1]
    covered = 0
    for first, second in zip(x, y, strict=True):
        pair = np.stack([first, second])
        estimate = evaluate(pair, "mean")
        resampled = evaluate(pair, "mean", counts=counts).T
        covered += joint_ellipse(estimate, resampled, N, confidence=0.95).contains(0.0, 0.0)
    error = math.sqrt(0.95 * 0.05 / REPETITIONS)
    assert abs(covered / REPETITIONS - 0.95) < 0.002 + 4.5 * error


def test_the_outline_lies_on_the_boundary():
    ellipse = Ellipse(
        center=(1.0, -2.0), covariance=((4.0, 1.0), (1.0, 1.0)), radius_squared=5.99, confidence=0.95, n=100
    )
    inverse = np.linalg.inv(ellipse.covariance)
    for corner in ellipse.outline(12) - ellipse.center:
        assert corner @ inverse @ corner == pytest.approx(5.99)
    assert ellipse.contains(1.0, -2.0)
    assert not ellipse.contains(1.0 + 2.0 * math.sqrt(5.99) * 1.001, -2.0 + 10.0)


def test_scales_do_not_matter():
    # Bad debt ratios of 1e-6 beside margins of 1e-1: the same region in other units holds the same points.
    draws = Streams(3).draw("draws").normal(800).reshape(400, 2)
    plain = joint_ellipse(np.zeros(2), draws, 50, confidence=0.95)
    scaled = joint_ellipse(np.zeros(2), draws * [1e-9, 1e6], 50, confidence=0.95)
    for x, y in ((0.5, 0.5), (2.0, 2.0), (0.0, 2.4), (3.0, 0.0)):
        assert plain.contains(x, y) == scaled.contains(x * 1e-9, y * 1e6)


def test_an_axis_that_never_varies_leaves_no_room_along_it():
    draws = np.stack([Streams(3).draw("x").normal(300), np.zeros(300)], axis=1)
    flat = joint_ellipse(np.zeros(2), draws, 50, confidence=0.95)
    assert flat.contains(1.0, 0.0)
    assert not flat.contains(1.0, 1e-3)
    point = joint_ellipse(np.array([0.2, 0.1]), np.tile([0.2, 0.1], (300, 1)), 50, confidence=0.95)
    assert point.contains(0.2, 0.1)
    assert not point.contains(0.2, 0.11)


def test_two_groups_of_paths_bound_nothing():
    draws = Streams(3).draw("draws").normal(40).reshape(20, 2)
    open_region = joint_ellipse(np.zeros(2), draws, 2, confidence=0.95)
    assert math.isinf(open_region.radius_squared)
    assert open_region.contains(1e9, -1e9)
    assert len(open_region.outline()) == 0


def test_the_radius_tends_to_chi_square():
    draws = Streams(3).draw("draws").normal(40).reshape(20, 2)
    assert joint_ellipse(np.zeros(2), draws, 10**6, confidence=0.95).radius_squared == pytest.approx(
        -2 * math.log(0.05), rel=1e-5
    )
