"""Thin long series for a figure without losing a single extreme."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sim.core.arrays import FloatArray

MAX_POINTS = 2_000
"""Points per panel kept in a figure: about twice the width of the page in pixels."""


def extreme_preserving_indices(series: list[FloatArray], limit: int = MAX_POINTS) -> npt.NDArray[np.int64]:
    """Choose the rows to draw when several series share one time axis.

    The rows are cut into equal buckets; of each bucket the rows holding the minimum and the maximum of every
    series are kept, and the first and the last row always. Nothing is averaged.

    Parameters
    ----------
    series
        Arrays of one common length; NaN marks a gap.
    limit
        Most rows returned; at least four per series.

    Returns
    -------
    Ascending row numbers; all of them when there are no more than ``limit``.
    """
    rows = len(series[0]) if series else 0
    if rows <= limit:
        return np.arange(rows, dtype=np.int64)
    buckets = max(1, (limit - 2) // (2 * len(series)))
    edges = np.linspace(0, rows, buckets + 1).astype(np.int64)
    kept = {0, rows - 1}
    for values in series:
        # A row without a value must be neither a minimum nor a maximum.
        low = np.where(np.isnan(values), np.inf, values)
        high = np.where(np.isnan(values), -np.inf, values)
        for start, stop in pairwise(edges):
            kept.add(int(start + np.argmin(low[start:stop])))
            kept.add(int(start + np.argmax(high[start:stop])))
    return np.array(sorted(kept), dtype=np.int64)
