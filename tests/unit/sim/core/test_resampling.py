"""Drawing resamples: which are drawn, and that more of them change none of the first."""

import numpy as np
import pytest

from sim.core.resampling import drawn_counts, drawn_units, stationary_indices
from sim.core.rng import Streams


def test_more_replicates_change_none_of_the_first():
    few = list(drawn_units(Streams(3), "b", units=7, replicates=4))
    many = list(drawn_units(Streams(3), "b", units=7, replicates=9))
    assert all(np.array_equal(a, b) for a, b in zip(few, many, strict=False))
    assert not np.array_equal(many[0], many[1])
    assert not np.array_equal(few[0], next(drawn_units(Streams(4), "b", units=7, replicates=4)))


def test_counts_are_of_the_same_resamples():
    units = list(drawn_units(Streams(3), "b", units=7, replicates=5))
    counts = list(drawn_counts(Streams(3), "b", units=7, replicates=5))
    for drawn, counted in zip(units, counts, strict=True):
        assert counted.sum() == 7
        assert counted.tolist() == [float((drawn == unit).sum()) for unit in range(7)]


@pytest.mark.parametrize(("units", "replicates"), [(1, 5), (5, 1)])
def test_too_few_units_or_replicates_are_refused(units, replicates):
    with pytest.raises(ValueError, match="at least two"):
        list(drawn_units(Streams(1), "b", units=units, replicates=replicates))


def test_a_block_of_a_stationary_bootstrap_runs_on_past_the_end():
    always = stationary_indices(Streams(1), "s", length=50, available=6, restart_chance=0.0)
    assert np.array_equal(np.diff(always) % 6, np.ones(49))
    never = stationary_indices(Streams(1), "s", length=4_000, available=6, restart_chance=1.0)
    assert np.abs(np.bincount(never, minlength=6) / 4_000 - 1 / 6).max() < 4.5 * np.sqrt(5 / 36 / 4_000)
