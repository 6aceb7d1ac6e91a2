"""The fast bootstrap of many tails is the slow bootstrap of each, draw for draw."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.rng import Streams
from sim.metrics.statistics.bootstrap import bootstrap_interval
from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import quantile_interval
from sim.metrics.statistics.tail_bootstrap import TailMeasures, bootstrap_tails, tail_measures

MEASURES = TailMeasures((0.9, 0.95), (0.9,))


@settings(max_examples=60, deadline=None)
@given(
    sample=st.lists(st.sampled_from([0.0, 1.0, 2.5, 7.0, 7.5, 30.0]), min_size=1, max_size=60),
    probability=st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]),
)
def test_measures_are_the_single_estimators(sample, probability) -> None:
    column = np.array(sample)
    found = tail_measures(column[:, np.newaxis], TailMeasures((probability,), (probability,)))[:, 0]
    assert found[0] == quantile_interval(column, probability).estimate
    assert found[1] == pytest.approx(empirical_expected_shortfall(column, probability), rel=1e-12)


def _statistics():
    return (
        lambda s: quantile_interval(s, 0.9).estimate,
        lambda s: quantile_interval(s, 0.95).estimate,
        lambda s: empirical_expected_shortfall(s, 0.9),
    )


def test_intervals_are_those_of_the_bootstrap_by_path() -> None:
    draw = Streams(1).draw("losses")
    values = np.maximum(np.stack([draw.normal(80), draw.exponential(80)], axis=1), 0.0)
    lower, upper = bootstrap_tails(values, Streams(9), measures=MEASURES, name="same", replicates=200)
    for row, statistic in enumerate(_statistics()):
        for column in range(2):
            slow = bootstrap_interval(values[:, column], statistic, Streams(9), name="same", replicates=200)
            assert (lower[row, column], upper[row, column]) == pytest.approx((slow.lower, slow.upper))


def test_contrast_draws_both_arms_jointly() -> None:
    draw = Streams(2).draw("arms")
    first = draw.exponential(90)
    second = first * 1.1 + 0.05 * draw.normal(90)
    both = np.stack([first, second], axis=1)
    lower, upper = bootstrap_tails(
        both, Streams(9), measures=MEASURES, contrast=True, name="same", replicates=200
    )
    assert lower.shape == (3, 1)
    for row, statistic in enumerate(_statistics()):
        slow = bootstrap_interval(
            both, lambda s, f=statistic: f(s[:, 1]) - f(s[:, 0]), Streams(9), name="same", replicates=200
        )
        assert (lower[row, 0], upper[row, 0]) == pytest.approx((slow.lower, slow.upper))


def test_units_are_drawn_whole() -> None:
    draw = Streams(3).draw("units")
    books = draw.exponential(12)
    values = np.repeat(books, 5)  # no path adds anything to its population
    lower, upper = bootstrap_tails(
        values[:, np.newaxis],
        Streams(9),
        measures=MEASURES,
        units=np.repeat(np.arange(12), 5) * 7,
        name="same",
        replicates=300,
    )
    slow = bootstrap_interval(
        books, lambda s: empirical_expected_shortfall(s, 0.9), Streams(9), name="same", replicates=300
    )
    assert (lower[2, 0], upper[2, 0]) == pytest.approx((slow.lower, slow.upper))


def test_nonsense_is_refused() -> None:
    ones = np.ones((5, 2))
    for call in (
        lambda: bootstrap_tails(ones[:, :1], Streams(1), contrast=True),
        lambda: bootstrap_tails(np.full((5, 1), math.nan), Streams(1)),
        lambda: bootstrap_tails(ones, Streams(1), units=[0] * 5),
        lambda: bootstrap_tails(ones, Streams(1), units=[0, 1]),
        lambda: bootstrap_tails(np.ones(5), Streams(1)),
        lambda: bootstrap_tails(ones, Streams(1), replicates=1),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
