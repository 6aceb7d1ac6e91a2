"""Stopping early: at the same path whatever the order of arrival, and with no more error than it says."""

import random

import numpy as np
import pytest

from sim.experiments.sweep.ledger import Run
from sim.experiments.sweep.plan import Stopping
from sim.experiments.sweep.stopping import StoppingRule, half_width
from tests.support.small_sweep import small_plan

RULE = Stopping(metric="bad_debt_ratio", half_width=0.2, batch=50, minimum_paths=100)


def runs(values, metric="bad_debt_ratio"):
    return [
        Run(point=0, path=path, state="done" if value is not None else "failed", metrics={metric: value})
        for path, value in enumerate(values)
    ]


def watch(given, rule=RULE, paths=1_000, **changes):
    watched = StoppingRule(small_plan(paths=paths, points=1, stopping=rule, **changes))
    for run in given:
        watched.add([run])
    return watched


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(4).normal(1.0, 1.0, 1_000).tolist()


def test_it_stops_at_the_first_look_that_is_narrow_enough(values):
    (stop,) = watch(runs(values)).stops
    assert stop.half_width <= 0.2
    assert stop.paths % 50 == 0
    before = half_width(values[: stop.paths - 50], RULE, in_pairs=False)
    assert before is None
    assert stop.half_width == half_width(values[: stop.paths], RULE, in_pairs=False)
    # 1.55 times the fixed-sample width at the tightest look and wider elsewhere: between 100 and 400 paths.
    assert 200 <= stop.paths <= 450


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_arrival_does_not_matter(values, seed):
    shuffled = runs(values)
    random.Random(seed).shuffle(shuffled)
    watched = watch(shuffled)
    assert watched.stops == watch(runs(values)).stops
    assert watched.limit(0) == watched.stops[0].paths


def test_nothing_is_looked_at_before_a_batch_is_whole(values):
    given = runs(values)
    missing_one = [run for run in given if run.path != 30]
    watched = watch(missing_one)
    assert watched.stops == ()
    watched.add([given[30]])
    assert watched.stops == watch(given).stops


def test_a_path_without_the_metric_never_stops(values):
    broken = [*values[:10], None, *values[11:]]
    assert watch(runs(broken)).stops == ()


def test_paths_all_alike_prove_nothing(values):
    assert watch(runs([0.0] * 1_000)).stops == ()


def test_an_event_is_judged_by_its_exact_sequence():
    rule = Stopping(metric="insolvent", half_width=0.02, batch=50, minimum_paths=100)
    (stop,) = watch(runs([0.0] * 1_000, "insolvent"), rule).stops
    assert 100 < stop.paths < 1_000  # never seen in so many paths bounds a probability, unlike a mean


def test_relative_width_is_of_the_mean(values):
    rule = Stopping(metric="bad_debt_ratio", relative=0.2, batch=50, minimum_paths=100)
    (stop,) = watch(runs(values), rule).stops
    assert stop.half_width <= 0.2 * abs(np.mean(values[: stop.paths]))


def test_two_paths_of_a_pair_are_one_observation():
    noise = np.random.default_rng(5).normal(0.0, 1.0, 500)
    values = np.column_stack([1.0 + noise, 1.0 - noise + 0.01 * noise[::-1]]).ravel().tolist()
    (stop,) = watch(runs(values), antithetic=True).stops
    assert stop.paths == 100  # the pair means hardly vary
    assert watch(runs(values)).stops[0].paths > 100


def test_without_a_rule_nothing_stops(values):
    watched = watch(runs(values), rule=None)
    assert (watched.stops, watched.limit(0)) == ((), 1_000)
