"""Which numbers of many paths get an interval, which none, and that those printed cover."""

import math

import numpy as np
import pytest

from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import clopper_pearson, quantile_interval, rule_of_three
from sim.metrics.statistics.over_paths import MEAN, Measure, paired_interval, path_interval, refusal
from sim.metrics.statistics.paired import mean_interval

VAR, SHORTFALL = Measure("quantile", 0.95), Measure("shortfall", 0.99)


def losses(n, seed=1):
    return np.random.default_rng(seed).exponential(size=n)


def test_measures_are_the_estimators_of_the_pages() -> None:
    values = losses(700)
    assert MEAN.estimate(values) == values.mean()
    assert VAR.estimate(values) == np.quantile(values, 0.95, method="inverted_cdf")
    assert SHORTFALL.estimate(values) == empirical_expected_shortfall(values, 0.99)
    assert (MEAN.label, VAR.label, SHORTFALL.label) == ("mean", "VaR95", "ES99")
    assert (MEAN.tail_paths(700), VAR.tail_paths(700), SHORTFALL.tail_paths(700)) == (700.0, 35.0, 7.0)


@pytest.mark.parametrize(
    ("measure", "given", "because"),
    [
        (MEAN, {"paths": 19, "units": 19}, "rests on 19 paths, 20 are needed"),
        (MEAN, {"paths": 400, "units": 9, "clustered": True, "word": "books"}, "rests on 9 books, 10 are"),
        (MEAN, {"paths": 400, "units": 1, "clustered": True, "word": "books"}, "one of books"),
        (SHORTFALL, {"paths": 999, "units": 999}, "rests on 9.99 paths, 10 are needed"),
        (
            SHORTFALL,
            {"paths": 4_000, "units": 20, "clustered": True, "word": "books"},
            "books share the tail",
        ),
        (MEAN, {"paths": 20, "units": 20}, ""),
        (MEAN, {"paths": 5, "units": 5, "bounded": True}, ""),
        (SHORTFALL, {"paths": 1_000, "units": 1_000}, ""),
        (VAR, {"paths": 5, "units": 5}, ""),
    ],
)
def test_each_refusal_binds_and_just_beyond_it_there_is_none(measure, given, because) -> None:
    found = refusal(measure, **given)
    assert (because in found) if because else (found == "")


def test_what_is_refused_has_no_end_and_says_why() -> None:
    rare = np.zeros(1_000)
    rare[:9] = np.arange(1.0, 10.0)
    cases = [
        (losses(19), MEAN, None, "19 paths"),
        (losses(999), SHORTFALL, None, "9.99 paths"),
        (losses(400), MEAN, np.arange(400) % 9, "9 paths, 10"),
        (rare, MEAN, None, "9 of 1,000 paths differ from the others"),
        (np.full(50, 0.3), MEAN, None, "the same in all 50 paths"),
        (np.concatenate([np.zeros(990), np.ones(10)]), SHORTFALL, None, "10 of 1,000 paths lie in the tail"),
    ]
    for values, measure, labels, because in cases:
        found = path_interval(values, measure, labels=labels)
        assert math.isnan(found.lower)
        assert math.isnan(found.upper)
        assert because in found.note
        assert not found.excludes_zero
        assert found.estimate == measure.estimate(values)


def test_nothing_is_zero_plus_or_minus_zero() -> None:
    """An all-zero sample states what it leaves open: the rule of three, by what is independent."""
    for labels, units in ((None, 400), (np.arange(400) % 20, 20)):
        found = path_interval(np.zeros(400), MEAN, labels=labels)
        assert found.alike
        assert math.isnan(found.lower)
        assert f"at most {rule_of_three(units):.2g} of paths" in found.note
    same = losses(400)
    equal = paired_interval(same, same, MEAN)
    assert (equal.estimate, equal.excludes_zero) == (0.0, False)
    assert math.isnan(equal.upper)


def test_quantiles_are_exact_order_statistics() -> None:
    values = losses(1_000)
    found, exact = path_interval(values, VAR), quantile_interval(values, 0.95)
    assert (found.estimate, found.lower, found.upper) == (exact.estimate, exact.lower, exact.upper)


def test_over_books_each_its_own_path_woodruff_is_clopper_pearson_turned_round() -> None:
    values = losses(1_000)
    found = path_interval(values, VAR, labels=np.arange(1_000))
    share = clopper_pearson(50, 1_000)
    assert found.lower <= np.quantile(values, 1.0 - share.upper, method="inverted_cdf")
    assert found.upper >= np.quantile(values, 1.0 - share.lower, method="inverted_cdf")
    plain = path_interval(values, VAR)
    assert found.upper - found.lower == pytest.approx(plain.upper - plain.lower, rel=0.35)


def test_a_mean_of_near_normal_values_is_students() -> None:
    values = np.random.default_rng(2).normal(3.0, 1.0, 2_000)
    found, student = path_interval(values, MEAN), mean_interval(values)
    assert (found.lower, found.upper) == pytest.approx((student.lower, student.upper), abs=1e-3)


def test_a_bound_that_many_paths_reach_is_no_tail() -> None:
    capped = np.minimum(losses(1_000), 2.0)
    found, student = path_interval(capped, MEAN), mean_interval(capped)
    assert found.upper == pytest.approx(student.upper)


def test_ends_of_skewed_losses_lie_where_the_unseen_is() -> None:
    values = losses(200) ** 2
    found, student = path_interval(values, MEAN), mean_interval(values)
    assert found.lower == pytest.approx(student.lower)
    assert found.upper > student.upper + 0.2 * student.half_width
    mirrored = path_interval(-values, MEAN)
    assert (mirrored.lower, mirrored.upper) == pytest.approx((-found.upper, -found.lower))


def test_a_tail_without_mean_has_no_end_on_its_side() -> None:
    heavy = (1.0 - np.arange(1, 1_001) / 1_001.0) ** -1.1 - 1.0
    for values, measure in ((heavy, MEAN), (heavy, SHORTFALL)):
        found = path_interval(values, measure)
        assert found.upper == math.inf
        assert math.isfinite(found.lower)
        assert "tail too heavy for an upper end" in found.note
    assert path_interval(-heavy, MEAN).lower == -math.inf


@pytest.mark.parametrize(("n", "measure", "truth"), [(100, MEAN, 1.0), (1_000, SHORTFALL, 1 + math.log(100))])
def test_exponential_losses_are_covered(n, measure, truth) -> None:
    repetitions, covered = 150, 0
    for seed in range(repetitions):
        found = path_interval(losses(n, seed), measure)
        covered += found.lower <= truth <= found.upper
    assert clopper_pearson(covered, repetitions, confidence=0.999, side="upper").upper > 0.95
    assert covered < repetitions  # nor is it the whole line


def test_a_mean_over_books_is_covered_where_paths_taken_for_independent_are_not() -> None:
    books = np.arange(400) % 20
    linked = alone = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=20)[books] * math.sqrt(0.2) + math.sqrt(0.8) * rng.normal(size=400)
        one, two = path_interval(values, MEAN, labels=books), path_interval(values, MEAN)
        linked += one.lower <= 0.0 <= one.upper
        alone += two.lower <= 0.0 <= two.upper
    assert clopper_pearson(linked, 100, confidence=0.999, side="upper").upper > 0.95
    assert alone < 85


def test_differences_of_tails_are_as_long_as_of_independent_arms() -> None:
    one, two = losses(1_000, 1), losses(1_000, 2)
    found = paired_interval(one, two, VAR)
    arms = [path_interval(arm, VAR) for arm in (one, two)]
    down = (arms[1].estimate - arms[1].lower, arms[0].upper - arms[0].estimate)
    against = paired_interval(one, -one + 9.0, VAR)
    assert found.estimate == arms[1].estimate - arms[0].estimate
    assert found.lower in (
        pytest.approx(found.estimate - math.hypot(*down)), pytest.approx(found.estimate - sum(down)),
    )  # fmt: skip
    other = path_interval(-one + 9.0, VAR)
    reach = other.upper - other.estimate + arms[0].estimate - arms[0].lower
    assert against.upper == pytest.approx(
        against.estimate + reach
    )  # arms that move against each other: the sum


def test_the_same_difference_in_every_path_is_known() -> None:
    found = paired_interval(losses(50), losses(50) + 0.25, MEAN)
    assert found.lower == found.upper == pytest.approx(0.25)
    assert found.excludes_zero
