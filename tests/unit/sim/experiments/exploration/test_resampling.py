"""Statistics over drawn paths: what they are without drawing, and that pairs and books stay together."""

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.experiments.exploration.resampling import (
    evaluate,
    event_interval,
    independent_clusters,
    resample_counts,
    tail_paths,
)
from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import clopper_pearson


@pytest.mark.parametrize("n", [7, 100, 101, 250])
def test_tail_statistics_of_the_plain_sample_match_their_definitions(n):
    values = Streams(1).draw("values").normal(n)
    assert evaluate(values, "mean") == pytest.approx(values.mean())
    for name, level in (("var95", 0.95), ("var99", 0.99)):
        assert evaluate(values, name) == np.quantile(values, level, method="inverted_cdf")
    for name, level in (("es95", 0.95), ("es99", 0.99)):
        assert evaluate(values, name) == pytest.approx(empirical_expected_shortfall(values, level))


def test_the_lower_tail_is_the_upper_tail_of_the_negative():
    values = Streams(1).draw("values").normal(60)
    assert evaluate(values, "es95", tail=-1) == pytest.approx(-evaluate(-values, "es95"))
    assert evaluate(values, "es95", tail=-1) < np.median(values)


def test_counts_mean_that_paths_are_repeated():
    values = Streams(2).draw("values").normal(40)
    counts = resample_counts(np.arange(40), 50, Streams(3))
    for statistic in ("mean", "var95", "es95", "es99"):
        drawn = evaluate(values, statistic, counts=counts)
        expected = [float(evaluate(np.repeat(values, row.astype(int)), statistic)) for row in counts]
        assert drawn == pytest.approx(expected)


def test_a_constant_stays_constant_in_every_resample():
    counts = resample_counts(np.arange(37), 200, Streams(3))
    assert set(evaluate(np.full(37, 0.1), "mean", counts=counts).tolist()) == {0.1}


def test_more_resamples_change_none_of_the_first():
    clusters = np.arange(20)
    few, many = resample_counts(clusters, 5, Streams(3)), resample_counts(clusters, 9, Streams(3))
    assert np.array_equal(few, many[:5])
    assert not np.array_equal(few, resample_counts(clusters, 5, Streams(4)))


@pytest.mark.parametrize(
    ("linked", "groups"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"antithetic": True}, [0, 0, 1, 1, 2, 2, 3, 3]),
        ({"populations": 4}, [0, 1, 2, 3, 0, 1, 2, 3]),
        ({"populations": 2, "antithetic": True}, [0, 0, 1, 1, 0, 0, 1, 1]),
        ({"populations": 3, "antithetic": True}, [0, 0, 1, 1, 2, 2, 0, 0]),
        ({"sobol_points": 4}, [0, 0, 0, 0, 1, 1, 1, 1]),
        ({"sobol_points": 4, "antithetic": True}, [0, 0, 0, 0, 1, 1, 1, 1]),
    ],
)
def test_paths_that_share_a_mirror_a_book_or_a_sequence_carry_one_label(linked, groups):
    found = independent_clusters(np.arange(8), **{"populations": 1, "antithetic": False, **linked})
    assert np.unique(found, return_inverse=True)[1].tolist() == groups


def test_whole_clusters_are_drawn():
    clusters = np.array([0, 1, 0, 1, 2, 2])
    counts = resample_counts(clusters, 100, Streams(5))
    assert np.array_equal(counts[:, 0], counts[:, 2])
    assert np.array_equal(counts[:, 4], counts[:, 5])
    assert (counts.sum(axis=1) == 6).all()


def test_one_group_of_paths_bounds_nothing():
    with pytest.raises(ValueError, match="two independent"):
        resample_counts(np.zeros(8, dtype=np.int64), 10, Streams(1))


def test_a_tail_rests_on_few_paths():
    assert tail_paths("es99", 200) == pytest.approx(2.0)
    assert tail_paths("mean", 200) == 200.0


def test_events_of_independent_paths_get_the_exact_bound():
    events = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = event_interval(events, np.arange(8), confidence=0.95, side="upper")
    assert found == clopper_pearson(1, 8, confidence=0.95, side="upper")


def test_a_path_counted_twice_proves_nothing_more():
    once = event_interval(np.zeros(60), np.arange(60), confidence=0.95, side="upper")
    twice = event_interval(np.zeros(120), np.arange(120) // 2, confidence=0.95, side="upper")
    assert twice.upper == pytest.approx(once.upper, rel=1e-12)
    events = np.repeat(np.arange(60) % 10 == 0, 2).astype(float)
    linked = event_interval(events, np.arange(120) // 2, confidence=0.95, side="upper")
    assert linked.upper > event_interval(events, np.arange(120), confidence=0.95, side="upper").upper
    assert linked.lower == 0.0


def test_one_book_bounds_nothing():
    found = event_interval(np.zeros(50), np.zeros(50, dtype=int), confidence=0.95, side="upper")
    assert (found.lower, found.upper) == (0.0, 1.0)
