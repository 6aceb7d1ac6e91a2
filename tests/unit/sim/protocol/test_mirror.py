"""The mirror's curves: which grid point bounds a notional."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.core.units import WAD
from sim.protocol.mirror import RATIO_GRID_NOTIONALS, RatioCurve

GRID = np.array([0, *RATIO_GRID_NOTIONALS], dtype=np.float64) / WAD
RATIOS = np.linspace(0.05, 0.15, len(GRID))
CURVE = RatioCurve(GRID, 2.0 * RATIOS, RATIOS)
EDGES = sorted(
    {side for point in GRID for side in (point, np.nextafter(point, np.inf), np.nextafter(point, 0.0))}
)


@given(st.lists(st.floats(0.0, 1e13) | st.sampled_from(EDGES)))
def test_the_next_point_is_the_first_that_is_not_below(notionals):
    points = CURVE.next_points(np.array(notionals, dtype=np.float64)).tolist()
    for notional, point in zip(notionals, points, strict=True):
        assert GRID[point] >= notional or point == len(GRID) - 1
        assert point == 0 or GRID[point - 1] < notional


def test_each_kind_of_position_has_its_own_curve():
    notionals, size = np.array([0.0, 100.5, 1e12, 100.5]), np.array([1.0, -1.0, 1.0, -1.0])
    shared = np.array([False, False, True, True])
    points = [0, 2, 9, 2]
    kinds = [0, 1, 2, 3]
    for known in (1, 2, 4):
        curve = RatioCurve(GRID, np.tile(2.0 * RATIOS, known), np.tile(RATIOS, known))
        assert curve.kinds == known
        expected = [point + kind % known * len(GRID) for point, kind in zip(points, kinds, strict=True)]
        assert curve.places(notionals, size, shared).tolist() == expected


@given(st.lists(st.floats(0.0, 1e13) | st.sampled_from(EDGES), min_size=1))
def test_points_above_the_largest_notional_are_not_needed(notionals):
    array = np.array(notionals, dtype=np.float64)
    points = min(int(GRID.searchsorted(array.max())) + 1, len(GRID))
    short = RatioCurve(GRID[:points], 2.0 * RATIOS[:points], RATIOS[:points])
    assert short.next_points(array).tolist() == CURVE.next_points(array).tolist()
