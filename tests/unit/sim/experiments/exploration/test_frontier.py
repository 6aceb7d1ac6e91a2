"""The front with its uncertainty, on samples whose truth is known."""

import math

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.experiments.exploration.frontier import Candidate, compare_points, event_bound, find_front
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.samples import Samples

COST = Objective(metric="mean_initial_margin_ratio", statistic="mean", sign=1)
LOSS = Objective(metric="bad_debt_ratio", statistic="mean", sign=1)
COVERAGE = Objective(metric="margin_coverage", statistic="mean", sign=-1)


def samples(cost, loss, *, name="bad_debt_ratio", noise=0.0, paths=200, own=0.0, seed=1):
    """Points with given means; `noise` is common to all points, `own` is each point's."""
    draw = Streams(seed).draw("paths")
    common = noise * draw.normal(paths)
    single = own * draw.normal(len(loss) * paths).reshape(len(loss), paths)
    return Samples(
        values={
            "mean_initial_margin_ratio": np.repeat(np.array(cost)[:, None], paths, axis=1),
            name: np.array(loss)[:, None] + common + single,
        },
        paths=np.arange(paths),
        clusters=np.arange(paths),
        planned=paths,
    )


def candidates(changes):
    return [Candidate(index=at, name=f"p{at}", changes=count, values={}) for at, count in enumerate(changes)]


def front_of(found, changes, objectives=(COST, LOSS), **options):
    return find_front(
        found,
        candidates(changes),
        objectives,
        Streams(3),
        **{"resamples": 500, "confidence": 0.95, **options},
    )


def test_a_clear_front_is_certain():
    front = front_of(samples([0.1, 0.2, 0.3, 0.3], [0.3, 0.2, 0.1, 0.4], own=0.01), [1, 1, 1, 0])
    assert front.front == (0, 1, 2)
    assert [point.front_probability for point in front.points] == [1.0, 1.0, 1.0, 0.0]
    assert front.points[3].dominated_by == (0, 1, 2)  # 2 has the same cost on every path and a smaller loss
    assert all(point.dominated_by == () for point in front.points[:3])
    assert [neighbour.distinguishable for neighbour in front.neighbours] == [True, True]
    assert front.frequent(0.5) == (0, 1, 2)


def test_hypervolume_of_a_front_without_noise_is_exact():
    front = front_of(samples([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]), [1, 1, 1], reference=(4.0, 4.0))
    assert front.hypervolume == 6.0


def test_equal_points_share_the_front_half_the_time():
    # Two points of the same cost whose losses differ by independent noise alone: each wins in about half
    # the resamples of a sample in which neither has won by much, and neither may be called dominated.
    found = samples([0.1, 0.1], [0.2, 0.2], own=1.0, paths=400, seed=5)
    difference = found.values["bad_debt_ratio"][0] - found.values["bad_debt_ratio"][1]
    t = difference.mean() / (difference.std(ddof=1) / math.sqrt(400))
    front = front_of(found, [0, 0], resamples=2_000)
    expected = 0.5 * math.erfc(t / math.sqrt(2.0))  # P(first is smaller in a resample), normal
    allowed = 4.5 * 0.5 / math.sqrt(2_000) + 0.4 / math.sqrt(400)  # resamples, and skewness of the bootstrap
    assert front.points[0].front_probability == pytest.approx(expected, abs=allowed)
    assert front.points[0].front_probability + front.points[1].front_probability == pytest.approx(1.0)
    assert all(point.dominated_by == () for point in front.points)


def test_common_paths_tell_apart_what_intervals_do_not():
    # Noise ten times the difference, but the same on both: intervals overlap, the paired difference is exact.
    found = samples([0.1, 0.2], [0.25, 0.2], noise=0.5)
    front = front_of(found, [0, 0])
    one, two = (point.objectives[1] for point in front.points)
    assert one.lower < two.upper
    assert front.neighbours[0].distinguishable
    assert front.neighbours[0].objectives[1].upper == pytest.approx(-0.05)
    assert front.points[1].front_probability == 1.0


def test_the_simple_set_prefers_few_changes_where_data_cannot_tell():
    # 0 and 1 cannot be told apart, 1 looks better; 2 is clearly cheaper in loss at higher cost.
    found = samples([0.2, 0.2, 0.4], [0.2005, 0.2, 0.1], own=0.05, seed=8)
    front = front_of(found, [0, 3, 2])
    chosen = [at for at, point in enumerate(front.points) if point.simple]
    assert chosen == [0, 2]
    assert front.points[2].stands_for == (2,)


def test_a_dominated_point_is_never_simple():
    front = front_of(samples([0.1, 0.2], [0.1, 0.2], own=0.001), [5, 0])
    assert [point.simple for point in front.points] == [True, False]


def test_more_is_better_where_the_metric_says_so():
    found = samples([0.1, 0.2, 0.3], [0.90, 0.95, 0.93], name="margin_coverage", own=0.001)
    front = front_of(found, [0, 0, 0], objectives=(COST, COVERAGE))
    assert front.front == (0, 1)
    assert front.reference[1] < 0.90
    assert front.points[1].objectives[1].estimate == pytest.approx(0.95, abs=0.001)


def test_infeasible_points_are_shown_but_never_win():
    found = samples([0.1, 0.2], [0.1, 0.2], own=0.001)
    front = front_of(found, [0, 0], feasible=np.array([False, True]))
    assert front.front == (1,)
    assert front.points[0].front_probability == 0.0
    assert not front.points[0].simple


def test_identical_points_differ_by_exactly_nothing():
    found = samples([0.1, 0.1], [0.2, 0.2], noise=1.0)
    difference = compare_points(found, (COST, LOSS), 0, 1, confidence=0.95)
    assert not difference.distinguishable
    assert [d.estimate for d in difference.objectives] == [0.0, 0.0]
    assert all(math.isnan(d.lower) and "the same in all" in d.note for d in difference.objectives)


def test_dominance_beyond_chance_is_rarely_wrong():
    # Three points of equal truth in both objectives: any call of "dominated" is false. At 95 % at most 5 %
    # of the points may be called, in fact far fewer because both objectives must agree.
    calls = points = 0
    for seed in range(60):
        draw = Streams(seed).draw("pair")
        table = draw.normal(2 * 3 * 80).reshape(2, 3, 80)
        found = Samples(
            values={"mean_initial_margin_ratio": table[0], "bad_debt_ratio": table[1]},
            paths=np.arange(80),
            clusters=np.arange(80),
            planned=80,
        )
        front = front_of(found, [0, 0, 0], resamples=400)
        calls += sum(bool(point.dominated_by) for point in front.points)
        points += 3
    assert calls / points < 0.05


def test_an_event_that_never_came_still_has_a_bound():
    found = samples([0.1], [0.0], name="insolvent", paths=100)
    bound = event_bound(found, "insolvent", 0.95)[0]
    assert bound.estimate == 0.0
    assert bound.upper == pytest.approx(1 - 0.05 ** (1 / 100))
