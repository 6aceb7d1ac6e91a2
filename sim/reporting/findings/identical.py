"""Points that are the same on every path: what differs between them changed nothing, which must be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.metrics.book import METRICS
from sim.reporting.formatting import number

if TYPE_CHECKING:
    import pandas as pd


def identical_points(paths: pd.DataFrame) -> list[tuple[int, ...]]:
    """Return the groups of points, of two or more, that agree in every metric on every path they share.

    Parameters
    ----------
    paths
        One row for each path, with columns ``point``, ``path`` and the metrics; NaN equals NaN.
    """
    metrics = sorted(name for name in METRICS.names() if name in paths.columns)
    points = sorted(int(point) for point in paths["point"].unique())
    if len(points) < 2 or not metrics:
        return []
    tables = {point: paths[paths["point"] == point].set_index("path")[metrics] for point in points}
    shared = sorted(set.intersection(*(set(table.index) for table in tables.values())))
    if not shared:
        return []
    groups: dict[bytes, list[int]] = {}
    for point, table in tables.items():
        values = np.asarray(table.loc[shared], dtype=np.float64) + 0.0  # minus zero is zero
        values[np.isnan(values)] = np.nan  # one bit pattern for all that is undefined
        groups.setdefault(values.tobytes(), []).append(point)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def identical_words(
    groups: Sequence[Sequence[int]], names: Mapping[int, str], keys: Sequence[str], paths: int
) -> list[str]:
    """Return a sentence for each group of identical points.

    Parameters
    ----------
    names
        Name of every point.
    keys
        What the points differ in.
    """
    told = []
    for group in groups:
        if len(group) == len(names):
            what = f": {keys[0]} changes nothing here" if len(keys) == 1 else ""
            what = f": none of {', '.join(keys)} changes anything here" if len(keys) > 1 else what
            told.append(
                f"All {number(len(group))} points are identical on every path, in every metric, over "
                f"{number(paths)} paths{what}."
            )
        else:
            listed = ", ".join(names[point] for point in group)
            told.append(f"Identical on every path, in every metric: {listed}.")
    return told
