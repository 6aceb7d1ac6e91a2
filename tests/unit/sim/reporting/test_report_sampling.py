import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.reporting.figures.sampling import extreme_preserving_indices

LONG_SERIES = arrays(np.float64, st.integers(300, 900), elements=st.floats(-1e9, 1e9))


@given(LONG_SERIES)
def test_thinning_keeps_ends_and_extremes_within_the_limit(values):
    kept = extreme_preserving_indices([values], limit=120)
    assert len(kept) <= 122
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert (np.diff(kept) > 0).all()
    assert values[kept].min() == values.min()
    assert values[kept].max() == values.max()


@given(LONG_SERIES)
def test_thinning_keeps_the_extremes_of_every_series_drawn_together(values):
    other = np.cos(np.arange(len(values))) * 5
    kept = extreme_preserving_indices([values, other], limit=150)
    for series in (values, other):
        assert series[kept].min() == series.min()
        assert series[kept].max() == series.max()


def test_short_series_are_not_thinned():
    assert extreme_preserving_indices([np.arange(50.0)], limit=50).tolist() == list(range(50))


def test_gaps_are_neither_lowest_nor_highest():
    values = np.sin(np.arange(5_000.0))
    values[1_000:1_500] = np.nan
    values[3_333] = 7.0
    kept = extreme_preserving_indices([values], limit=200)
    assert 3_333 in kept
