"""Metrics of many points on the paths they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import RunError
from sim.experiments.exploration.resampling import independent_clusters

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_PATHS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Values of metrics, one row for each point and one column for each path that every point finished."""

    values: Mapping[str, FloatArray]
    """By metric, float64[point, path]."""
    paths: IntArray
    """Numbers of the paths, ascending."""
    clusters: IntArray
    """int64[path]: paths with different labels are independent."""
    planned: int
    """Paths asked for; fewer in `paths` mean that some failed at some point."""

    @property
    def labels(self) -> IntArray | None:
        """The group of each path, or None if every path is independent."""
        return None if self.independent == self.paths.size else self.clusters

    @property
    def independent(self) -> int:
        """Independent groups of paths, the n of intervals."""
        return int(np.unique(self.clusters).size)

    def rows(self, points: Sequence[int]) -> Samples:
        """Return the samples of some points, in the order given; a point may be named more than once."""
        chosen = list(points)
        return Samples(
            values={name: table[chosen] for name, table in self.values.items()},
            paths=self.paths,
            clusters=self.clusters,
            planned=self.planned,
        )


def samples_of(
    frame: pd.DataFrame,
    points: Sequence[int],
    metrics: Sequence[str],
    *,
    planned: int,
    populations: int,
    antithetic: bool,
    sobol_points: int = 1,
) -> Samples:
    """Return the values of metrics at points, on the paths all of the points finished.

    Parameters
    ----------
    frame
        One row for each finished path, with columns ``point``, ``path`` and every metric.
    points
        Indices of points, in the order wanted.
    metrics
        Names.
    planned, populations, antithetic, sobol_points
        Of the plan.

    Raises
    ------
    RunError
        If fewer than two paths are common to all points, or a metric has no value on one of them.
    """
    wanted = frame[frame["point"].isin(list(points))]
    counted = wanted.groupby("path")["point"].nunique()
    common = np.sort(counted.index[counted == len(set(points))].to_numpy(dtype=np.int64))
    if common.size < MINIMUM_PATHS:
        raise RunError(
            f"only {common.size} of {planned} paths finished at all of {len(set(points))} points: "
            "comparing needs at least 2; see the failures in sweep.json"
        )
    table = wanted[wanted["path"].isin(common)].set_index(["point", "path"]).sort_index()
    values: dict[str, FloatArray] = {}
    for metric in dict.fromkeys(metrics):
        square = table[metric].unstack("path").loc[list(points)]
        values[metric] = np.asarray(square.to_numpy(dtype=np.float64, na_value=np.nan))
        if np.isnan(values[metric]).any():
            missing = points[int(np.isnan(values[metric]).any(axis=1).argmax())]
            raise RunError(
                f"{metric} has no value on some path of point {missing} (a ratio to zero, or a metric that "
                "needs worlds that were not run): choose another metric"
            )
    return Samples(
        values=values,
        paths=common,
        clusters=independent_clusters(
            common, populations=populations, antithetic=antithetic, sobol_points=sobol_points
        ),
        planned=planned,
    )
