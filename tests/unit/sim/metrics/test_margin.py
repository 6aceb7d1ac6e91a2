"""Coverage and procyclicality on series whose figures can be counted by hand."""

import numpy as np
import pytest

from sim.core.units import to_wad
from sim.metrics.margin import MARGIN_PERIOD_OF_RISK_SECONDS, CoverageTest, Procyclicality

STEP = MARGIN_PERIOD_OF_RISK_SECONDS


def test_coverage_counts_each_position_once_a_window() -> None:
    test = CoverageTest()
    size = np.array([1.0, -2.0, 0.0])
    ratio = np.array([0.05, 0.05, 0.0])
    for window, price in enumerate((100.0, 94.0, 94.0, 99.64)):
        test.observe(window * STEP, price, size, ratio)
        test.observe(window * STEP + 12, price, size, ratio)
    # -6 % breaches the long, +6 % breaches the short, the flat window breaches nobody.
    assert (test.pairs, test.breaches) == (6, 2)
    assert test.coverage == pytest.approx(4.0 / 6.0, abs=1e-15)
    assert test.mean_breach_size == pytest.approx((0.06 - 0.05) / 0.05, rel=1e-9)


def test_coverage_without_a_position_is_unknown() -> None:
    test = CoverageTest()
    for window in range(3):
        test.observe(window * STEP, 100.0, np.zeros(2), np.zeros(2))
    assert test.coverage is None


def test_increase_is_measured_within_one_hour_only() -> None:
    series = Procyclicality()
    for minute, ratio in ((0, 0.04), (30, 0.05), (59, 0.06), (200, 0.12)):
        series.observe(minute * 60, to_wad(ratio), to_wad(ratio))
    assert series.max_increase == pytest.approx(0.5, rel=1e-12)
    assert series.peak_to_trough == pytest.approx(3.0, rel=1e-12)


def test_increase_starts_from_the_lowest_ratio_of_the_window() -> None:
    series = Procyclicality()
    for minute, ratio in ((0, 0.06), (10, 0.04), (20, 0.05), (50, 0.08)):
        series.observe(minute * 60, to_wad(ratio), to_wad(ratio))
    assert series.max_increase == pytest.approx(1.0, rel=1e-12)
