"""Tango's interval against a restricted likelihood maximised by search, and its coverage by enumeration."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from sim.metrics.statistics.paired_proportion import paired_proportion_difference, tango_score


def _restricted_score(only_first, only_second, pairs, difference):
    """The score statistic from its definition: the likelihood maximised over P(only first) numerically."""

    def loss(p):
        q = p + difference
        same = pairs - only_first - only_second
        return -(xlogy(only_first, p) + xlogy(only_second, q) + xlogy(same, max(1 - p - q, 0.0)))

    low, high = max(0.0, -difference), (1 - difference) / 2
    p = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x
    variance = (2 * p + difference - difference**2) / pairs
    return ((only_second - only_first) / pairs - difference) / math.sqrt(variance)


@pytest.mark.parametrize(("only_first", "only_second", "pairs"), [(2, 12, 50), (7, 3, 40), (5, 5, 200)])
def test_ends_are_where_the_score_test_turns(only_first, only_second, pairs) -> None:
    found = paired_proportion_difference(only_first, only_second, pairs, confidence=0.95)
    limit = stats.norm.ppf(0.975)
    for end, expected in ((found.lower, limit), (found.upper, -limit)):
        assert tango_score(only_first, only_second, pairs, end) == pytest.approx(expected, abs=1e-8)
        assert _restricted_score(only_first, only_second, pairs, end) == pytest.approx(expected, abs=1e-5)
    assert found.estimate == (only_second - only_first) / pairs
    mirrored = paired_proportion_difference(only_second, only_first, pairs, confidence=0.95)
    assert (mirrored.lower, mirrored.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-10)


def test_no_discordant_pair_still_has_a_width() -> None:
    found = paired_proportion_difference(0, 0, 100)
    z = stats.norm.ppf(0.975) ** 2
    assert (found.estimate, found.upper) == (0.0, pytest.approx(z / (100 + z), rel=1e-9))
    assert found.lower == pytest.approx(-found.upper, rel=1e-12)


def test_all_pairs_discordant() -> None:
    found = paired_proportion_difference(0, 30, 30)
    assert (found.estimate, found.upper) == (1.0, 1.0)
    assert 0.5 < found.lower < 1.0


def test_coverage_is_near_nominal() -> None:
    """By enumeration of all discordant counts: the score interval keeps within two points of 95 %."""
    n, p_first, p_second = 60, 0.05, 0.12
    truth, covered = p_second - p_first, 0.0
    for b in range(31):
        for c in range(31):
            mass = stats.multinomial.pmf([b, c, n - b - c], n, [p_first, p_second, 1 - p_first - p_second])
            if mass < 1e-12:
                continue
            found = paired_proportion_difference(b, c, n)
            covered += float(mass) * (found.lower <= truth <= found.upper)
    assert 0.93 < covered < 0.97


def test_nonsense_is_refused() -> None:
    for counts in ((-1, 0, 5), (3, 3, 5), (0, 0, 0)):
        with pytest.raises(ValueError, match=r"impossible"):
            paired_proportion_difference(*counts)
    with pytest.raises(ValueError, match=r"confidence"):
        paired_proportion_difference(0, 0, 5, confidence=np.inf)
