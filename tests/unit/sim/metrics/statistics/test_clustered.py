"""Means and proportions over populations: special cases, coverage with dependence, components recovered."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.statistics.clustered import clustered_mean, clustered_proportion
from sim.metrics.statistics.intervals import clopper_pearson
from sim.metrics.statistics.paired import mean_interval


def _sample(name, groups, size, between, repetitions):
    draw = Streams(1).draw(name)
    books = draw.normal(repetitions * groups).reshape(repetitions, groups, 1)
    paths = draw.normal(repetitions * groups * size).reshape(repetitions, groups, size)
    return (math.sqrt(between) * books + paths).reshape(repetitions, -1), np.repeat(np.arange(groups), size)


def test_equal_populations_give_the_t_interval_of_their_means() -> None:
    (values, *_), labels = _sample("equal", 6, 9, 0.5, 1)
    found = clustered_mean(values, labels, confidence=0.9)
    by_hand = mean_interval(values.reshape(6, 9).mean(axis=1), confidence=0.9)
    assert found.interval.mean == pytest.approx(by_hand.mean, rel=1e-12)
    assert found.interval.half_width == pytest.approx(by_hand.half_width, rel=1e-12)
    assert (found.interval.n, found.populations) == (54, 6)


def test_a_population_per_path_is_the_plain_t_interval() -> None:
    values = Streams(2).draw("single").normal(20)
    found = clustered_mean(values, np.arange(20))
    assert found.interval.half_width == pytest.approx(mean_interval(values).half_width, rel=1e-12)
    assert found.design_effect == pytest.approx(1.0, rel=1e-12)


def test_covers_where_the_interval_over_paths_does_not() -> None:
    repetitions = 3_000
    rows, labels = _sample("coverage", 8, 10, 0.5, repetitions)
    robust = naive = 0
    for values in rows:
        ours, plain = clustered_mean(values, labels, confidence=0.9), mean_interval(values, confidence=0.9)
        robust += abs(ours.interval.mean) <= ours.interval.half_width
        naive += abs(plain.mean) <= plain.half_width
    assert abs(robust / repetitions - 0.9) < 4.5 * math.sqrt(0.09 / repetitions)
    assert naive / repetitions < 0.7


def test_components_and_design_effect_are_recovered() -> None:
    groups, size, between = 400, 5, 0.5
    (values, *_), labels = _sample("components", groups, size, between, 1)
    found = clustered_mean(values, labels)
    # Mean squares are chi-square: their relative standard errors are sqrt(2 / degrees of freedom).
    assert found.within == pytest.approx(1.0, rel=4.5 * math.sqrt(2 / (groups * (size - 1))))
    spread = 4.5 * math.sqrt(2 / groups) * (1 + size * between) / size
    spread += 4.5 * math.sqrt(2 / (groups * (size - 1))) / size
    assert found.between == pytest.approx(between, abs=spread)
    assert found.share_between == pytest.approx(found.between / (found.between + found.within))
    expected = 1 + (size - 1) * between / (1 + between)
    assert found.design_effect == pytest.approx(expected, rel=4.5 * math.sqrt(2 / groups))


def test_unequal_populations_give_the_components_of_the_textbook() -> None:
    # Sizes 1, 2, 3 with means 2, 4, 6 around 14/3: squares between 40/3 over 2, within (2 + 2) over 3.
    found = clustered_mean([2.0, 3.0, 5.0, 5.0, 6.0, 7.0], [0, 1, 1, 2, 2, 2])
    assert found.within == pytest.approx(4 / 3)
    assert found.between == pytest.approx((20 / 3 - 4 / 3) / ((6 - 14 / 6) / 2))


def test_proportion_without_dependence_is_near_clopper_pearson() -> None:
    outcome = Streams(3).draw("independent").uniform(2_000) < 0.1
    found = clustered_proportion(outcome, np.arange(2_000))
    exact = clopper_pearson(int(outcome.sum()), 2_000)
    assert (found.lower, found.upper) == pytest.approx((exact.lower, exact.upper), rel=1e-9)


def test_proportion_covers_with_dependence_where_clopper_pearson_does_not() -> None:
    groups, size, repetitions = 20, 10, 1_500
    draw = Streams(4).draw("beta")
    shares = stats.beta.ppf(draw.uniform(groups * repetitions), 0.8, 3.2).reshape(repetitions, groups, 1)
    outcomes = draw.uniform(groups * size * repetitions).reshape(repetitions, groups, size) < shares
    labels = np.repeat(np.arange(groups), size)
    ours = theirs = 0
    for outcome in outcomes.reshape(repetitions, -1):
        found = clustered_proportion(outcome, labels, confidence=0.9)
        plain = clopper_pearson(int(outcome.sum()), outcome.size, confidence=0.9)
        ours += found.lower <= 0.2 <= found.upper
        theirs += plain.lower <= 0.2 <= plain.upper
    # Korn and Graubard find at least nominal coverage in designs like this.
    assert ours / repetitions > 0.9 - 4.5 * math.sqrt(0.09 / repetitions)
    assert theirs / repetitions < 0.8


def test_no_event_counts_populations_not_paths() -> None:
    found = clustered_proportion(np.zeros(100, dtype=bool), np.arange(100) % 4, confidence=0.9)
    assert (found.estimate, found.lower) == (0.0, 0.0)
    # Four books that never fail exclude what four coins never showing heads exclude.
    assert found.upper == pytest.approx(1 - 0.1 ** (1 / 4), rel=1e-12)
    every = clustered_proportion(np.ones(100, dtype=bool), np.arange(100) % 4, confidence=0.9)
    assert (every.lower, every.upper) == (pytest.approx(0.1 ** (1 / 4), rel=1e-12), 1.0)


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: clustered_mean([1.0, 2.0], [0, 0]),
        lambda: clustered_mean([1.0, 2.0], [0]),
        lambda: clustered_proportion([True, False], [1, 1]),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
