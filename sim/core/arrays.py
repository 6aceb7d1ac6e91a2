"""Names for the array types used everywhere."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
WordArray: TypeAlias = npt.NDArray[np.uint64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def positions_in(ascending: IntArray, values: IntArray) -> IntArray:
    """Return where each of ``values`` stands among distinct ascending integers, -1 where it does not."""
    if not len(ascending):
        return np.full(len(values), -1, dtype=np.int64)
    places = np.minimum(ascending.searchsorted(values), len(ascending) - 1)
    return np.where(ascending[places] == values, places, -1)
