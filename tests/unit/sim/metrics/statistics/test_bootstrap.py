"""The bootstrap by path: reproducible, joint in both arms, covering as often as the theory lets it."""

import math

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.metrics.statistics.bootstrap import bootstrap_interval


def _mean(rows):
    return float(rows.mean())


def test_same_seed_same_interval_and_another_name_another() -> None:
    paths = Streams(1).draw("paths").normal(50)
    first = bootstrap_interval(paths, _mean, Streams(4), replicates=200)
    assert first == bootstrap_interval(paths, _mean, Streams(4), replicates=200)
    assert first != bootstrap_interval(paths, _mean, Streams(4), name="other", replicates=200)
    assert first.lower < first.estimate == _mean(paths) < first.upper


def test_arms_are_drawn_jointly() -> None:
    # A constant difference between arms has no spread only if both arms keep their path.
    current = Streams(2).draw("paths").integers(0, 1_000, 40).astype(np.float64)
    rows = np.stack([current + 8.0, current], axis=1)
    found = bootstrap_interval(rows, lambda arms: float((arms[:, 0] - arms[:, 1]).mean()), Streams(1))
    assert (found.lower, found.estimate, found.upper) == (8.0, 8.0, 8.0)


def test_ends_are_the_percentiles_of_the_replicates() -> None:
    paths = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    draws = [Streams(1).draw("bootstrap", step).integers(0, 5, 5) for step in range(300)]
    means = [float(paths[draw].mean()) for draw in draws]
    found = bootstrap_interval(paths, _mean, Streams(1), replicates=300, confidence=0.9)
    assert [found.lower, found.upper] == pytest.approx(np.quantile(means, [0.05, 0.95]))


def test_width_is_the_normal_one_for_a_mean() -> None:
    paths = Streams(3).draw("paths").normal(400)
    found = bootstrap_interval(paths, _mean, Streams(1), replicates=4_000)
    width = 2 * 1.959964 * float(paths.std()) / math.sqrt(paths.size)
    # The density of a normal at its 2.5 % point puts each end within 4.5 standard errors, 4.5 * 0.042 sigma.
    assert abs(found.upper - found.lower - width) < 2 * 4.5 * 0.0423 * width / 3.919928


def test_coverage_of_a_mean() -> None:
    repetitions, n = 400, 60
    rows = Streams(5).draw("rows").exponential(repetitions * n).reshape(repetitions, n)
    covered = 0
    for step, row in enumerate(rows):
        found = bootstrap_interval(row, _mean, Streams(6), name=f"b{step}", replicates=200, confidence=0.9)
        covered += found.lower <= 1.0 <= found.upper
    # Known shortfall of the percentile interval for skewed means at n = 60: a few points at most.
    error = math.sqrt(0.09 / repetitions)
    assert 0.9 - 0.03 - 4.5 * error < covered / repetitions < 0.9 + 4.5 * error


def test_nonsense_is_refused() -> None:
    for paths, replicates in ((np.ones(1), 10), (np.ones(5), 1), (np.float64(1.0), 10)):
        with pytest.raises(ValueError, match="at least two"):
            bootstrap_interval(paths, _mean, Streams(1), replicates=replicates)
