import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.core.arrays import positions_in

NUMBERS = st.lists(st.integers(-5, 40), max_size=20)


@given(NUMBERS, NUMBERS)
def test_positions_are_those_of_a_search_one_by_one(known, asked):
    ascending = sorted(set(known))
    found = positions_in(np.array(ascending, dtype=np.int64), np.array(asked, dtype=np.int64))
    assert found.dtype == np.int64
    assert found.tolist() == [ascending.index(value) if value in ascending else -1 for value in asked]
