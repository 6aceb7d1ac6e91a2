"""Variance reduction: textbook formulas, coverage by simulation, and factors that may also be below one."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.experiments.rare.variance_reduction import antithetic_mean, control_variate_mean, replicated_mean
from sim.metrics.statistics.paired import mean_interval


def _covers(interval, truth) -> bool:
    return interval.lower <= truth <= interval.upper


def test_control_variate_is_the_regression_read_at_the_known_mean() -> None:
    draw = Streams(1).draw("regression")
    x, noise = draw.normal(30), draw.normal(30)
    y = 2.0 + 3.0 * x + noise
    found = control_variate_mean(y, x, 0.4, confidence=0.9)
    line = stats.linregress(x, y)
    assert found.coefficient == pytest.approx(line.slope, rel=1e-12)
    assert found.interval.mean == pytest.approx(line.intercept + 0.4 * line.slope, rel=1e-12)
    # The standard error of a fitted value, from the errors linregress gives for slope and intercept.
    at_mean = line.stderr**2 * float(((x - x.mean()) ** 2).sum()) / 30
    error = math.sqrt(at_mean + (0.4 - float(x.mean())) ** 2 * line.stderr**2)
    assert found.interval.half_width == pytest.approx(error * stats.t.ppf(0.95, 28), rel=1e-9)


def test_control_variate_covers_exactly_for_normal_pairs_even_when_few() -> None:
    repetitions, n = 6_000, 5
    rows = Streams(2).draw("control").normal(2 * repetitions * n).reshape(repetitions, 2, n)
    covered = np.mean(
        [_covers(control_variate_mean(x + 0.5 * e, x, 0.0, confidence=0.9).interval, 0.0) for x, e in rows]
    )
    assert abs(covered - 0.9) < 4.5 * math.sqrt(0.09 / repetitions)


def test_control_variate_factor_follows_the_correlation() -> None:
    draw = Streams(3).draw("factor")
    n = 4_000
    x, noise = draw.normal(n), draw.normal(n)
    strong = control_variate_mean(x + 0.2 * noise, x, 0.0).variance_factor
    useless = control_variate_mean(noise, x, 0.0).variance_factor
    # 1 / (1 - corr**2) = 26; the ratio of two sample variances has relative error about 2 corr / sqrt(n).
    assert strong == pytest.approx(26.0, rel=4.5 * 2 / math.sqrt(n))
    assert useless == pytest.approx(1.0, abs=4.5 * 2 / math.sqrt(n))
    exact = control_variate_mean(2 * x + 1, x, float(x.mean()))
    assert exact.variance_factor > 1e20


def test_antithetic_pairs_are_the_unit() -> None:
    z = Streams(4).draw("pairs").normal(500)
    found = antithetic_mean(np.exp(z), np.exp(-z))
    by_hand = mean_interval(np.cosh(z))
    assert found.interval.mean == pytest.approx(by_hand.mean, rel=1e-12)
    assert found.interval.half_width == pytest.approx(by_hand.half_width, rel=1e-12)
    assert found.interval.n == 500


def test_antithetic_helps_a_monotone_and_hurts_a_symmetric_response() -> None:
    n = 4_000
    z = Streams(5).draw("responses").normal(n)
    monotone = antithetic_mean(np.exp(0.5 * z), np.exp(-0.5 * z)).variance_factor
    symmetric = antithetic_mean(z**2, (-z) ** 2).variance_factor
    # exp(z/2): corr = (1 - e^{1/4}) / (e^{1/4} (e^{1/4} - 1)) = -e^{-1/4}; the factor is 1 / (1 + corr).
    # The relative standard error of a sample variance is sqrt((kurtosis - 1) / n).
    errors = [math.sqrt((stats.kurtosis(r) + 2) / n) for r in (np.exp(z / 2), np.cosh(z / 2))]
    assert monotone == pytest.approx(1 / (1 - math.exp(-0.25)), rel=4.5 * math.hypot(*errors))
    assert symmetric == pytest.approx(0.5, rel=1e-12)
    assert antithetic_mean(z, -z).variance_factor == math.inf


def test_replicates_are_the_unit() -> None:
    values = Streams(6).draw("replicates").normal(16 * 8).reshape(16, 8)
    found = replicated_mean(values, confidence=0.9)
    by_hand = mean_interval(values.mean(axis=1), confidence=0.9)
    assert found.interval == by_hand
    plain = values.var(ddof=1) / values.size
    assert found.variance_factor == pytest.approx(plain / (values.mean(axis=1).var(ddof=1) / 16), rel=1e-12)


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: control_variate_mean([1.0, 2.0], [1.0, 2.0], 0.0),
        lambda: control_variate_mean([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], 0.0),
        lambda: control_variate_mean([1.0, 2.0, 3.0], [1.0, 2.0], 0.0),
        lambda: antithetic_mean([1.0, 2.0], [1.0]),
        lambda: replicated_mean(np.ones((15, 4))),
        lambda: replicated_mean(np.ones(64)),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
