"""Exact intervals: printed values, scipy's own, and coverage counted without simulation where possible."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.statistics.intervals import (
    clopper_pearson,
    quantile_interval,
    quantile_ranks,
    rule_of_three,
)


@pytest.mark.parametrize(("events", "trials"), [(0, 1), (1, 1), (0, 250), (3, 250), (125, 250), (250, 250)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
@pytest.mark.parametrize(
    ("side", "other"), [("two-sided", "two-sided"), ("lower", "greater"), ("upper", "less")]
)
def test_clopper_pearson_is_scipys(events, trials, confidence, side, other) -> None:
    ours = clopper_pearson(events, trials, confidence=confidence, side=side)
    theirs = stats.binomtest(events, trials, alternative=other).proportion_ci(confidence, method="exact")
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-15)
    assert ours.estimate == events / trials


@pytest.mark.parametrize("probability", [0.01, 0.2, 0.5])
@pytest.mark.parametrize("side", ["two-sided", "lower", "upper"])
def test_clopper_pearson_never_covers_less_than_it_says(probability, side) -> None:
    trials, covered = 60, 0.0
    for events in range(trials + 1):
        found = clopper_pearson(events, trials, confidence=0.9, side=side)
        if found.lower <= probability <= found.upper:
            covered += stats.binom.pmf(events, trials, probability)
    assert 0.9 <= covered < 1.0 + 1e-12


def test_no_event_in_ten_thousand_runs() -> None:
    assert f"{rule_of_three(10_000):.1e}" == "3.0e-04"
    assert rule_of_three(10_000) == pytest.approx(1 - 0.05 ** (1 / 10_000), rel=1e-10)
    assert rule_of_three(30) == pytest.approx(clopper_pearson(0, 30, side="upper").upper, rel=1e-12)
    assert rule_of_three(10**12) == pytest.approx(-math.log(0.05) * 1e-12, rel=1e-11)


def test_ranks_of_q99() -> None:
    small = quantile_ranks(1_000, 0.99, guaranteed=False)
    large = quantile_ranks(10_000, 0.99, guaranteed=False)
    assert (small.lower, small.upper) == (983, 996)
    assert (large.lower, large.upper) == (9_880, 9_919)
    # The plain ranks may fall short; one rank more never does.
    assert large.coverage == pytest.approx(0.94943, abs=5e-6)
    sure = quantile_ranks(10_000, 0.99)
    assert (sure.lower, sure.upper) == (9_880, 9_920)
    assert sure.coverage == pytest.approx(0.95575, abs=5e-6)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 400), probability=st.floats(0.01, 0.99), confidence=st.floats(0.5, 0.999))
def test_ranks_cover_and_are_the_narrowest_of_equal_tails(n, probability, confidence) -> None:
    ranks = quantile_ranks(n, probability, confidence=confidence)
    tail = (1 - confidence) / 2 + 1e-12
    below = stats.binom.cdf(ranks.lower - 1, n, probability)
    above = stats.binom.sf(ranks.upper - 1, n, probability)
    assert below <= tail
    assert above <= tail
    assert stats.binom.cdf(ranks.lower, n, probability) >= tail - 2e-12
    assert stats.binom.sf(ranks.upper - 2, n, probability) >= tail - 2e-12
    assert ranks.coverage == pytest.approx(1 - below - above, abs=1e-9)


def test_quantile_interval_covers_as_often_as_its_ranks_say() -> None:
    n, repetitions, truth = 120, 2_000, -math.log(0.1)
    samples = Streams(7).draw("samples").exponential(n * repetitions).reshape(repetitions, n)
    found = [quantile_interval(sample, 0.9) for sample in samples]
    covered = sum(interval.lower <= truth < interval.upper for interval in found)
    coverage = quantile_ranks(n, 0.9).coverage
    assert coverage >= 0.95
    error = math.sqrt(coverage * (1 - coverage) / repetitions)
    assert abs(covered / repetitions - coverage) < 4.5 * error


def test_bounds_are_the_observations_of_the_ranks() -> None:
    ranks = quantile_ranks(1_000, 0.99)
    found = quantile_interval(np.arange(1_000, 0, -1.0), 0.99)
    assert (found.lower, found.estimate, found.upper) == (ranks.lower, 990.0, ranks.upper) == (983, 990, 997)


def test_a_sample_too_small_for_a_bound_says_so() -> None:
    found = quantile_interval(np.array([3.0, 1.0, 2.0]), 0.99)
    assert (found.estimate, found.upper) == (3.0, math.inf)
    assert quantile_interval(np.array([3.0, 1.0, 2.0]), 0.01).lower == -math.inf


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: clopper_pearson(3, 2),
        lambda: clopper_pearson(0, 0),
        lambda: clopper_pearson(0, 1, confidence=1.0),
        lambda: rule_of_three(0),
        lambda: quantile_ranks(0, 0.5),
        lambda: quantile_ranks(5, 1.0),
        lambda: quantile_interval(np.array([1.0, math.nan]), 0.5),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
