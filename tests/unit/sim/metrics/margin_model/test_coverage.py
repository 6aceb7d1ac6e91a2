"""Coverage against the regions of quant 3.1; independence against enumeration and Monte Carlo."""

from itertools import combinations

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.metrics.margin_model.coverage import evaluate_coverage, exact_independence
from sim.metrics.margin_model.windows import Windows
from sim.metrics.statistics.coverage import christoffersen_test, independence_statistic


def _windows(breaches: int, n: int) -> Windows:
    loss = np.full(n, -0.01)
    loss[np.linspace(0, n - 1, breaches).astype(int)] = 0.15
    return Windows(starts=np.arange(n), length=1, margin=np.full(n, 0.1), long_loss=loss)


def _long(breaches: int, n: int):
    return evaluate_coverage(_windows(breaches, n), "long", Streams(1), target=0.01, name="test")


@pytest.mark.parametrize(("breaches", "zone"), [(4, "green"), (5, "yellow"), (9, "yellow"), (10, "red")])
def test_the_zones_of_250_windows_are_basels(breaches, zone):
    assert _long(breaches, 250).zone == zone


@pytest.mark.parametrize(
    ("breaches", "exact", "safety"),
    [
        (0, "rejected", "not rejected"),
        (5, "not rejected", "not rejected"),
        (15, "not rejected", "not rejected"),
        (16, "not rejected", "rejected"),
        (18, "rejected", "rejected"),
    ],
)
def test_a_thousand_windows_are_judged_by_the_exact_binomial(breaches, exact, safety):
    # P(X >= 15) = 8.2 %; P(X >= 16) = 4.8 %, but 7.7 % with the low counts that are as unlikely.
    result = _long(breaches, 1_000)
    assert (result.exact, result.safety) == (exact, safety)


def test_breach_sizes_are_relative_to_the_margin_held():
    result = _long(3, 300)
    assert result.breaches == 3
    assert result.mean_breach is not None
    assert result.mean_breach.estimate == pytest.approx(0.5)
    assert result.largest_breach == pytest.approx(0.5)
    assert result.rate.lower < 0.01 < result.rate.upper


def test_no_breach_leaves_an_upper_bound_and_no_size():
    result = _long(0, 300)
    assert result.rate.upper == pytest.approx(1 - 0.025 ** (1 / 300))
    assert result.mean_breach is None
    assert result.largest_breach is None
    assert result.independence is None
    assert result.independent == "too few windows"


@pytest.mark.parametrize(("n", "b"), [(9, 3), (8, 1), (8, 7), (10, 5)])
def test_independence_is_the_share_of_all_arrangements(n, b):
    arrangements = np.zeros((0, n), dtype=bool)
    rows = []
    for chosen in combinations(range(n), b):
        row = np.zeros(n, dtype=bool)
        row[list(chosen)] = True
        rows.append(row)
    arrangements = np.array(rows)
    before, after = arrangements[:, :-1], arrangements[:, 1:]
    counts = np.stack(
        [(x & y).sum(axis=1) for x in (~before, before) for y in (~after, after)], axis=1
    ).astype(float)
    statistics = independence_statistic(counts)
    for index in range(0, len(rows), 7):
        expected = np.mean(statistics >= statistics[index] - 1e-9)
        found = exact_independence(arrangements[index])
        assert found.p_value == pytest.approx(expected, rel=1e-9)
        assert found.transitions == tuple(int(count) for count in counts[index])


def test_the_monte_carlo_test_converges_to_it():
    hits = np.zeros(120, dtype=bool)
    hits[[3, 4, 5, 60, 61, 100]] = True
    exact = exact_independence(hits)
    simulated = christoffersen_test(hits, Streams(4), simulations=20_000)
    error = np.sqrt(exact.p_value * (1 - exact.p_value) / 20_000)
    assert simulated.statistic == pytest.approx(exact.statistic)
    assert abs(simulated.p_value - exact.p_value) < 4.5 * error + 1 / 20_000


def test_breaches_that_avoid_one_another_are_told_from_clustered_ones():
    hits = np.zeros(60, dtype=bool)
    hits[::2] = True
    spaced = exact_independence(hits)
    assert (spaced.pattern, spaced.p_value < 1e-6) == ("spaced", True)


def test_clustered_breaches_are_rejected():
    loss = np.full(500, -0.01)
    loss[200:208] = 0.2
    windows = Windows(starts=np.arange(500), length=1, margin=np.full(500, 0.1), long_loss=loss)
    result = evaluate_coverage(windows, "long", Streams(1), target=0.01, name="test")
    assert result.independent == "rejected"
    assert result.independence is not None
    assert result.independence.pattern == "clustered"
    assert evaluate_coverage(windows, "short", Streams(1), target=0.01, name="test").breaches == 0
