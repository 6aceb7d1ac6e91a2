import math

import numpy as np
import pytest
from scipy import stats

from sim.core.correlation_matrix import TOLERANCE, defects, lower_factor
from sim.core.rank_correlation import elliptical_correlation, kendall_tau


def factor(rows):
    """Return the factor of one matrix."""
    size = len(rows)
    found = np.zeros((size, size))
    for i, line in enumerate(lower_factor([[np.array([v]) for v in row] for row in rows])):
        for j, value in enumerate(line):
            found[i, j] = value[0]
    return found


def random_rows(seed, size=8, rank=8):
    a = np.random.default_rng(seed).normal(size=(size, rank))
    a /= np.sqrt((a * a).sum(axis=1))[:, None]
    rows = np.clip(a @ a.T, -1.0, 1.0)
    rows = (rows + rows.T) / 2
    np.fill_diagonal(rows, 1.0)
    return rows.tolist()


@pytest.mark.parametrize("rank", [1, 2, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_the_factor_gives_the_matrix_back_of_any_rank(seed, rank):
    rows = random_rows(seed, rank=rank)
    assert defects(rows) == []
    lower = factor(rows)
    assert np.allclose(lower @ lower.T, rows, atol=1e-7)
    assert np.allclose((lower**2).sum(axis=1), 1.0, atol=1e-14)


def test_a_row_added_last_changes_none_before_it():
    rows = random_rows(1)
    assert np.array_equal(factor(rows)[:5, :5], factor([row[:5] for row in rows[:5]]))


def test_many_matrices_have_the_bits_that_each_has_alone():
    one, other = random_rows(1), random_rows(2, rank=2)
    both = lower_factor(
        [[np.array(pair) for pair in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]
    )
    for k, rows in enumerate((one, other)):
        alone = factor(rows)
        assert all(both[i][j][k] == alone[i, j] for i in range(8) for j in range(i + 1))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_refused_is_what_has_a_negative_eigenvalue(seed):
    rng = np.random.default_rng(seed)
    rows = np.eye(4)
    for i, j in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)):
        rows[i, j] = rows[j, i] = round(rng.uniform(-0.9, 0.9), 2)
    least = np.linalg.eigvalsh(rows)[0]
    assert bool(defects(rows.tolist())) == (least < 0)


def test_the_tolerance_is_where_it_says():
    def rows(beyond):
        return [[1.0, -0.5, -0.5], [-0.5, 1.0, -0.5 - beyond], [-0.5, -0.5 - beyond, 1.0]]

    assert TOLERANCE == 1e-9
    assert defects(rows(2e-10)) == []  # a pivot of -4e-10
    assert defects(rows(2e-9))


def test_a_row_that_loses_its_own_part_keeps_its_length():
    """What is within the tolerance of a combination of others is one, with the variance of any other."""
    near = 1.0 - 1e-10
    lower = factor([[1.0, near], [near, 1.0]])
    assert lower[1, 1] == 0.0
    assert lower[1, 0] == 1.0


@pytest.mark.parametrize("n", [2, 3, 63, 64, 65, 129, 1_000])
@pytest.mark.parametrize("digits", [0, 1, 9])
def test_tau_is_that_of_all_pairs_with_ties_too(n, digits):
    rng = np.random.default_rng(n)
    x = np.round(rng.normal(size=n), digits)
    y = np.round(0.5 * x + rng.normal(size=n), digits)
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert kendall_tau(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-14)
        assert kendall_tau(x, x) == 1.0
        assert kendall_tau(x, -x) == -1.0


@pytest.mark.parametrize("y", [np.zeros(5), np.arange(4.0), np.zeros(0)])
def test_samples_without_a_rank_correlation_are_refused(y):
    with pytest.raises(ValueError, match=r"length|the same"):
        kendall_tau(np.arange(5.0) if y.size else y, y)


def test_the_sine_is_a_sine():
    for tau in np.linspace(-1, 1, 2_001):
        assert elliptical_correlation(tau) == pytest.approx(math.sin(math.pi * tau / 2), abs=5e-16)
    assert elliptical_correlation(1.0) == 1.0
