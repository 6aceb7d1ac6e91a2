"""Dominance and hypervolume against fronts whose answers are known."""

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.experiments.exploration.dominance import hypervolume, non_dominated, reference_point


def test_only_what_nobody_beats_is_on_the_front():
    values = np.array([[1.0, 5.0], [2.0, 3.0], [4.0, 1.0], [3.0, 3.0], [2.0, 3.0], [1.0, 6.0]])
    assert non_dominated(values).tolist() == [True, True, True, False, True, False]


def test_resamples_are_judged_one_by_one():
    values = np.array([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]])
    assert non_dominated(values).tolist() == [[True, True], [True, False]]


def test_dominance_agrees_with_the_definition_on_random_points():
    values = Streams(7).draw("points").uniform(90).reshape(30, 3)
    expected = [not any((b <= a).all() and (b < a).any() for b in values) for a in values]
    assert non_dominated(values).tolist() == expected


def test_hypervolume_of_a_staircase():
    values = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [3.0, 3.0]])
    assert hypervolume(values, np.array([4.0, 4.0])) == 6.0  # 3x1 + 2x1 + 1x1


def test_hypervolume_of_a_quarter_circle_tends_to_its_area():
    # Front x^2 + y^2 = 1 seen from (1, 1): the dominated area is 1 - (1 - pi / 4) ... the part outside the
    # disc.
    angle = np.linspace(0.0, np.pi / 2, 2_001)
    front = 1.0 - np.stack([np.cos(angle), np.sin(angle)], axis=1)
    exact = np.pi / 4  # {x, y <= 1 : (1 - x)^2 + (1 - y)^2 <= 1}
    # A staircase of n steps misses at most the sum of its triangles' boxes, total height times step width.
    assert exact - np.pi / 2 / 2_000 <= hypervolume(front, np.array([1.0, 1.0])) <= exact


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_hypervolume_agrees_with_optuna(objectives):
    from optuna._hypervolume import compute_hypervolume

    for step in range(5):
        values = Streams(8).draw("points", step).uniform(12 * objectives).reshape(12, objectives)
        reference = np.full(objectives, 0.9)
        inside = values[(values < reference).all(axis=1)]
        expected = compute_hypervolume(inside, reference) if len(inside) else 0.0
        assert hypervolume(values, reference) == pytest.approx(expected, rel=1e-12)


def test_points_behind_the_reference_add_nothing():
    assert hypervolume(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0])) == 0.0


def test_the_reference_lies_behind_every_point():
    values = np.array([[0.0, 5.0], [1.0, 5.0]])
    assert reference_point(values).tolist() == pytest.approx([1.1, 5.5])
    assert (reference_point(np.zeros((3, 2))) > 0.0).all()
