"""A frontier printed shortfalls of 1.2 tail paths, and called points apart where margin alone differed."""

import math

import numpy as np

from sim.core.rng import Streams
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.exploration.frontier import Candidate, find_front
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.samples import Samples
from sim.experiments.exploration.wording import front_cautions
from sim.metrics.statistics.over_paths import path_interval, refusal
from sim.reporting.findings.exploration.frontier import apart_words

MARGIN = Objective(metric="mean_initial_margin_ratio", statistic="mean", sign=1)
LOSS = Objective(metric="uncovered_loss_ratio", statistic="es99", sign=1)


def front(paths):
    """Two points: the second asks for more margin, and its losses are another draw of the same law."""
    draw = Streams(1).draw("losses")
    samples = Samples(
        values={
            MARGIN.metric: np.array([[0.05], [0.10]]) + 0.001 * draw.normal(paths),
            LOSS.metric: draw.exponential(2 * paths).reshape(2, paths),
        },
        paths=np.arange(paths),
        clusters=np.arange(paths),
        planned=paths,
    )
    names = [Candidate(index=at, name=f"p{at}", changes=at, values={}) for at in range(2)]
    return samples, find_front(samples, names, (MARGIN, LOSS), Streams(2), resamples=100, confidence=0.95)


def test_a_shortfall_of_few_tail_paths_has_no_interval_on_a_front() -> None:
    _, found = front(120)
    for point in found.points:
        assert math.isnan(point.objectives[1].lower)
        assert "rests on 1.2 paths, 10 are needed" in point.objectives[1].note
    assert any("rests on 1.2 paths" in text for text in front_cautions(found))
    assert not any(point.dominated_by for point in found.points)


def test_with_enough_paths_it_is_that_of_a_sweep() -> None:
    samples, found = front(1_000)
    expected = path_interval(samples.values[LOSS.metric][0], LOSS.measure)
    assert found.points[0].objectives[1] == expected
    assert math.isfinite(expected.upper)
    assert front_cautions(found) == []


def test_points_are_told_apart_by_each_objective_alone() -> None:
    samples, found = front(1_000)
    del samples
    difference = found.neighbours[0] if found.neighbours else None
    if difference is None:  # the second point may lose by chance: compare them all the same
        samples, found = front(1_000)
        apart = tuple(one.difference(samples, 0, 1, 0.95).excludes_zero for one in (MARGIN, LOSS))
        assert apart == (True, False)
        return
    assert difference.apart == (True, False)
    words = apart_words(found, difference)
    assert "not in uncovered loss" in words


def test_sweeps_fronts_and_comparisons_ask_the_same_function() -> None:
    endpoint = Endpoint(
        metric="uncovered_loss_ratio", role="solvency", statistic="expected_shortfall", margin=0.01,
        largest=0.1, direction=1, tail=0.01,
    )  # fmt: skip
    assert endpoint.measure == LOSS.measure
    for paths in (120, 999, 1_000):
        asked = {refusal(measure, paths=paths, units=paths) for measure in (endpoint.measure, LOSS.measure)}
        assert len(asked) == 1
        assert (asked == {""}) == (paths == 1_000)
