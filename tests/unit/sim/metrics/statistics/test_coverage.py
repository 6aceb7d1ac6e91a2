"""Coverage tests against the printed tables of Kupiec's and the Basel test, and their level by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.statistics.coverage import (
    christoffersen_test,
    independence_statistic,
    kupiec_statistic,
    kupiec_test,
    traffic_light,
)


@pytest.mark.parametrize(
    ("observations", "probability", "lower", "upper", "size", "power"),
    [
        (250, 0.01, 1, 6, "9.5", "24"),
        (255, 0.01, 1, 6, "9.2", "26"),
        (510, 0.01, 2, 10, "5.2", "44"),
        (1_000, 0.01, 5, 16, "5.5", "78"),
        (1_000, 0.05, 38, 64, "5.1", "100"),
    ],
)
def test_kupiec_regions_with_true_size_and_power(
    observations, probability, lower, upper, size, power
) -> None:
    statistic = kupiec_statistic(np.arange(observations + 1), observations, probability)
    accepted = np.flatnonzero(statistic <= stats.chi2.isf(0.05, 1))
    assert (accepted[0], accepted[-1]) == (lower, upper)

    def rejected(share):
        return 100 * (1 - stats.binom.pmf(accepted, observations, share).sum())

    assert f"{rejected(probability):.1f}" == size
    assert f"{rejected(2 * probability):.0f}" == power


def test_kupiec_by_hand() -> None:
    # x = 4 of 100 at 2 %: -2 [96 ln(.98/.96) + 4 ln(.02/.04)]
    expected = -2 * (96 * math.log(0.98 / 0.96) + 4 * math.log(0.5))
    found = kupiec_test(4, 100, 0.02)
    assert found.statistic == pytest.approx(expected, rel=1e-12)
    assert found.exact_p_value == stats.binomtest(4, 100, 0.02).pvalue
    assert found.too_many_p_value == pytest.approx(
        stats.binomtest(4, 100, 0.02, alternative="greater").pvalue, rel=1e-12
    )
    assert found.asymptotic_p_value == pytest.approx(math.erfc(math.sqrt(expected / 2)), rel=1e-12)
    assert float(kupiec_statistic(0, 250, 0.01)) == pytest.approx(-500 * math.log(0.99), rel=1e-12)
    assert float(kupiec_statistic(5, 500, 0.01)) == pytest.approx(0.0, abs=1e-12)


def test_basel_zones() -> None:
    cumulative = 100 * stats.binom.cdf([4, 5, 9, 10], 250, 0.01)
    assert [f"{value:.2f}" for value in cumulative[:2]] == ["89.22", "95.88"]
    assert [f"{value:.3f}" for value in cumulative[2:]] == ["99.975", "99.995"]
    light = traffic_light(250, 0.01)
    assert [light.zone(breaches) for breaches in (0, 4, 5, 9, 10)] == [
        "green",
        "green",
        "yellow",
        "yellow",
        "red",
    ]


@pytest.mark.parametrize(("observations", "yellow", "red"), [(250, 5, 10), (365, 7, 13), (1_000, 15, 24)])
def test_generalised_zones(observations, yellow, red) -> None:
    light = traffic_light(observations, 0.01)
    assert (light.yellow_from, light.red_from) == (yellow, red)


def test_independence_statistic_by_hand() -> None:
    n00, n01, n10, n11 = 80, 8, 7, 4
    share, first, second = 12 / 99, 8 / 88, 4 / 11
    null = 87 * math.log(1 - share) + 12 * math.log(share)
    free = 80 * math.log(1 - first) + 8 * math.log(first) + 7 * math.log(1 - second) + 4 * math.log(second)
    found = float(independence_statistic(np.array([n00, n01, n10, n11])))
    assert found == pytest.approx(-2 * (null - free), rel=1e-12)


def test_clustered_breaches_are_found_and_spread_ones_are_not() -> None:
    clustered, spread = np.zeros(500, dtype=bool), np.zeros(500, dtype=bool)
    clustered[200:210] = True
    spread[25::50] = True
    found = christoffersen_test(clustered, Streams(1), simulations=999)
    assert found.p_value == pytest.approx(1 / 1_000)
    assert found.transitions == (488, 1, 1, 9)
    assert christoffersen_test(spread, Streams(1), simulations=999).p_value > 0.5
    assert christoffersen_test(np.zeros(50, dtype=bool), Streams(1), simulations=99).p_value == 1.0


def test_transitions_run_forward_in_time() -> None:
    found = christoffersen_test(np.array([False, False, True]), Streams(1), simulations=9)
    assert found.transitions == (1, 1, 0, 0)


def test_monte_carlo_level_is_not_exceeded_where_the_asymptotic_one_is() -> None:
    # quant 3.1: at 5 % breaches and T = 1,000 the chi-square test rejects 8.1 % of independent series.
    streams, repetitions, length = Streams(3), 400, 1_000
    rejected, asymptotic = 0, 0
    for step in range(repetitions):
        hits = streams.draw("hits", step).uniform(length) < 0.05
        found = christoffersen_test(hits, streams, name=f"test {step}", simulations=99)
        rejected += found.p_value <= 0.05
        asymptotic += found.statistic > stats.chi2.isf(0.05, 1)
    assert rejected / repetitions < 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / repetitions)
    assert abs(asymptotic / repetitions - 0.081) < 4.5 * math.sqrt(0.081 * 0.919 / repetitions)


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: kupiec_statistic(3, 2, 0.01),
        lambda: kupiec_test(0, 0, 0.01),
        lambda: traffic_light(250, 0.0),
        lambda: christoffersen_test(np.array([True]), Streams(1)),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
