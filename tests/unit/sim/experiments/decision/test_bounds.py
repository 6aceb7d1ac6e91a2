import numpy as np
import pytest
from scipy import stats

from sim.experiments.decision.bounds import (
    MeanWeights,
    draws_for,
    holm,
    least_paths,
    mean_bounds,
    sign_p_value,
)

ALPHA = 0.025


def one(values, largest, *, draws=4_999):
    return mean_bounds(np.asarray(values, dtype=float)[:, None], np.array([largest]), MeanWeights(1, draws))


def test_without_any_loss_the_bound_is_the_rule_of_three():
    n = 200
    upper = one(np.zeros(n), 0.02, draws=39_999).upper(ALPHA)[0]
    exact = 0.02 * (1.0 - ALPHA ** (1.0 / n))
    # An order statistic of draws: the share of draws above it is off by sqrt(a (1 - a) / draws) at one se.
    error = 4.5 * np.sqrt(ALPHA * (1.0 - ALPHA) / 39_999)
    low, high = (0.02 * (1.0 - (ALPHA + side * error) ** (1.0 / n)) for side in (1, -1))
    assert low < upper < high
    assert upper == pytest.approx(exact, rel=0.03)


def test_for_many_alike_values_the_bound_is_students():
    values = np.random.default_rng(3).normal(0.3, 1.0, 1_500)
    bounds = one(values, 4.5)
    student = values.mean() + stats.t.ppf(1 - ALPHA, 1_499) * values.std(ddof=1) / np.sqrt(1_500)
    assert bounds.upper(ALPHA)[0] >= student
    assert bounds.upper(ALPHA)[0] == pytest.approx(student, abs=0.01)


def test_lower_bound_mirrors_the_upper():
    values = np.random.default_rng(5).exponential(size=90)
    bounds, mirrored = one(values, 9.0), one(-values, 9.0)
    assert bounds.lower(ALPHA)[0] == pytest.approx(-mirrored.upper(ALPHA)[0], rel=1e-12)


@pytest.mark.parametrize("alpha", [0.025, 0.01, 0.2])
def test_p_value_and_bound_say_the_same(alpha):
    columns = np.random.default_rng(7).lognormal(size=(120, 6)) - 1.0
    bounds = mean_bounds(columns, np.full(6, 40.0), MeanWeights(2))
    upper, lower = bounds.upper(alpha), bounds.lower(alpha)
    assert (bounds.p_below(upper + 1e-9) <= alpha).all()
    assert (bounds.p_below(upper - 1e-9) > alpha).all()
    assert (bounds.p_above(lower - 1e-9) <= alpha).all()
    assert (bounds.p_above(lower + 1e-9) > alpha).all()


def test_a_value_beyond_the_stated_largest_counts_as_the_largest():
    values = np.zeros(100)
    values[3] = 5.0
    assert one(values, 1.0).upper(ALPHA)[0] == one(values, 5.0).upper(ALPHA)[0]
    assert one(values, 9.0).upper(ALPHA)[0] > one(values, 5.0).upper(ALPHA)[0]


def test_equal_values_have_no_error_and_a_certain_sign():
    bounds = one(np.full(100, 0.1), 0.1)
    assert bounds.error[0] == 0.0
    assert bounds.upper(ALPHA)[0] == pytest.approx(0.1)
    assert bounds.p_below(np.array([0.0999]))[0] == 1.0
    assert bounds.p_below(np.array([0.11]))[0] == pytest.approx(1.0 / 5_000)


def test_columns_do_not_influence_one_another_and_weights_repeat():
    columns = np.random.default_rng(1).normal(size=(80, 3))
    together = mean_bounds(columns, np.ones(3), MeanWeights(9))
    alone = mean_bounds(columns[:, 1:2], np.ones(1), MeanWeights(9))
    assert together.column(1).upper(ALPHA)[0] == pytest.approx(alone.upper(ALPHA)[0], rel=1e-12)


def test_chunks_of_weights_join_without_seam():
    columns = np.random.default_rng(2).normal(size=(30_000, 1))  # 69 weightings a chunk
    weights = MeanWeights(4, 200)
    first, unseen = weights.average(columns)
    again, _ = MeanWeights(4, 200).average(columns)
    assert (first == again).all()
    assert len(np.unique(first)) == 200
    assert unseen.mean() == pytest.approx(1 / 30_001, rel=4.5 / np.sqrt(200))


@pytest.mark.parametrize(
    "columns", [np.zeros((1, 1)), np.zeros(5), np.array([[np.nan], [1.0]]), np.array([[np.inf], [1.0]])]
)
def test_refuses_what_has_no_mean(columns):
    with pytest.raises(ValueError, match=r"need two dimensions|must be finite"):
        mean_bounds(columns, np.ones(1), MeanWeights(1))


def test_holm_by_hand():
    # m = 4: 0.005 <= 0.0125, 0.011 <= 0.0167, 0.02 <= 0.025, 0.06 > 0.05
    assert holm(np.array([0.02, 0.06, 0.005, 0.011]), 0.05) == [True, False, True, True]
    # The second smallest fails, so the larger ones fail whatever they are.
    assert holm(np.array([0.001, 0.06, 0.03]), 0.05) == [True, False, False]
    assert holm(np.array([0.03, 0.03]), 0.05) == [False, False]
    assert holm(np.array([]), 0.05) == []


def test_sign_p_value_is_one_side_of_mcnemar():
    values = np.array([-1.0] * 9 + [1.0] * 2 + [0.0] * 40)
    assert sign_p_value(values) == pytest.approx(stats.binomtest(2, 11, 0.5, alternative="less").pvalue)
    assert sign_p_value(np.zeros(10)) == 1.0


def test_least_paths_is_the_rule_of_three():
    assert least_paths(0.025, 0.05) == 72
    assert 0.95**72 <= 0.025 < 0.95**71


def test_weightings_reach_holms_smallest_level():
    for tests in (1, 72, 400):
        assert 1.0 / (draws_for(ALPHA, tests) + 1) <= ALPHA / tests / 2
