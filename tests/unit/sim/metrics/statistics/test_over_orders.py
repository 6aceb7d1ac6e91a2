from __future__ import annotations

import math

import numpy as np
import pytest

from sim.metrics.statistics.over_orders import mean_over_orders


def test_students_interval_of_five_values():
    found = mean_over_orders(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    half = 2.776445 * math.sqrt(2.5 / 5)  # t of four degrees of freedom, tables
    assert (found.estimate, found.confidence) == (3.0, 0.95)
    assert found.lower == pytest.approx(3.0 - half, rel=1e-6)
    assert found.upper == pytest.approx(3.0 + half, rel=1e-6)


def test_one_order_says_nothing_of_its_noise():
    found = mean_over_orders(np.array([7.0]))
    assert (found.estimate, found.lower, found.upper) == (7.0, -math.inf, math.inf)


def test_normal_noise_is_covered_as_stated():
    rng = np.random.Generator(np.random.Philox(key=[1, 2]))
    samples = rng.normal(10.0, 3.0, (4_000, 5))
    hits = sum(found.lower <= 10.0 <= found.upper for found in map(mean_over_orders, samples))
    # four standard errors of a share of 0.95 in 4,000
    assert hits / 4_000 == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 4_000))


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, math.nan])
def test_a_confidence_is_a_probability(confidence):
    with pytest.raises(ValueError, match="confidence"):
        mean_over_orders(np.array([1.0, 2.0]), confidence=confidence)
