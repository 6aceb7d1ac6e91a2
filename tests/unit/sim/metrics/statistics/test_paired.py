"""Paired comparison: scipy's own figures, hand counts, coverage by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.statistics.paired import mcnemar_exact, mcnemar_of_paths, mean_interval, paired_difference


def test_paired_difference_is_scipys() -> None:
    draw = Streams(1).draw("paired")
    current, noise = draw.normal(40), draw.normal(40)
    proposed = current + 0.1 * noise + 0.05
    found = paired_difference(proposed, current, confidence=0.9)
    theirs = stats.ttest_rel(proposed, current).confidence_interval(0.9)
    ends = found.difference.lower, found.difference.upper
    assert ends == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    expected = (np.var(proposed) + np.var(current)) / np.var(proposed - current)
    assert found.variance_factor == pytest.approx(expected, rel=1e-9)
    assert expected > 100


def test_variance_factor_of_equal_variances_follows_the_correlation() -> None:
    current = np.array([1.0, 2.0, 3.0, 4.0])
    proposed = np.array([2.0, 1.0, 4.0, 3.0])
    correlation = float(np.corrcoef(proposed, current)[0, 1])
    found = paired_difference(proposed, current).variance_factor
    assert found == pytest.approx(1 / (1 - correlation), rel=1e-12)


def test_identical_arms_differ_by_exactly_nothing() -> None:
    values = [0.1, 0.2, 0.7]
    found = paired_difference(values, values)
    assert (found.difference.mean, found.difference.half_width) == (0.0, 0.0)
    assert found.variance_factor == math.inf
    assert paired_difference([1.0, 1.0], [1.0, 1.0]).variance_factor is None


def test_t_interval_covers_as_often_as_it_says() -> None:
    repetitions, n = 4_000, 5
    rows = Streams(2).draw("t").normal(repetitions * n).reshape(repetitions, n)
    found = [mean_interval(row, confidence=0.9) for row in rows]
    covered = sum(interval.lower <= 0 <= interval.upper for interval in found) / repetitions
    assert abs(covered - 0.9) < 4.5 * math.sqrt(0.09 / repetitions)


def test_mcnemar_by_hand() -> None:
    # 1 against 6 discordant pairs: 2 (1 + 7) / 2**7
    assert mcnemar_exact(1, 6).p_value == pytest.approx(0.125, rel=1e-12)
    assert mcnemar_exact(0, 10).p_value == pytest.approx(2 / 1_024, rel=1e-12)
    assert mcnemar_exact(3, 3).p_value == 1.0
    assert mcnemar_exact(0, 0).p_value == 1.0


@given(first=st.integers(0, 200), second=st.integers(0, 200))
def test_mcnemar_is_twice_the_binomial_tail_and_symmetric(first, second) -> None:
    found = mcnemar_exact(first, second).p_value
    expected = min(1.0, 2 * float(stats.binom.cdf(min(first, second), first + second, 0.5)))
    assert found == pytest.approx(expected, rel=1e-9)
    assert found == mcnemar_exact(second, first).p_value


def test_mcnemar_counts_discordant_paths_only() -> None:
    first = np.array([True, True, False, False, True])
    second = np.array([True, False, True, False, False])
    found = mcnemar_of_paths(first, second)
    assert (found.only_first, found.only_second) == (2, 1)


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: mean_interval([1.0]),
        lambda: mean_interval([1.0, 2.0], confidence=0.0),
        lambda: paired_difference([1.0, 2.0], [1.0, 2.0, 3.0]),
        lambda: mcnemar_exact(-1, 2),
        lambda: mcnemar_of_paths(np.array([True]), np.array([True, False])),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
