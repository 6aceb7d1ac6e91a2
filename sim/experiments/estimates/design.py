"""How the paths of a sweep hang together, and which of their metrics get which statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import IntArray
from sim.experiments.estimates.rows import REPLICATES
from sim.metrics.book import METRICS
from sim.metrics.statistics.over_paths import Measure

if TYPE_CHECKING:
    import pandas as pd

FAMILIES = ("coverage", "severity", "cascade", "procyclicality", "efficiency")
"""Always shown together, in this order."""
TAILED = ("severity", "cascade", "procyclicality")
"""Families whose tails are estimated, where more is worse."""
TAIL_MEASURES = (Measure("quantile", 0.95), Measure("quantile", 0.99), Measure("shortfall", 0.99))
"""What is taken of a tail; the shortfall of severities only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the paths of a table hang together, and how sure one wants to be."""

    antithetic: bool = False
    """Path 2j + 1 mirrors path 2j."""
    replicate_paths: int | None = None
    """Paths of one scrambled Sobol replicate; None without Sobol draws."""
    stopping_metric: str | None = None
    """Metric whose interval decided how many paths there are."""
    tightest_at: int = 200
    """Number of independent values at which the stopping rule's confidence sequence is narrowest."""
    stopping_confidence: float = 0.95
    """Of the stopping rule."""
    confidence: float = 0.95
    """Of everything else."""


@dataclass(frozen=True, slots=True)
class Units:
    """Which paths are independent of each other."""

    labels: IntArray | None
    """int64[path], None if all are."""
    word: str


def independent_units(paths: pd.DataFrame, design: Design) -> Units:
    """Return what counts as independent among paths: populations, replicates, antithetic pairs or paths."""
    number = np.asarray(paths["path"], dtype=np.int64)
    if "population" in paths and paths["population"].nunique() > 1:
        return Units(np.asarray(paths["population"], dtype=np.int64), "populations")
    if design.replicate_paths is not None and design.replicate_paths > 1:
        return Units(number // design.replicate_paths, REPLICATES)
    if design.antithetic:
        return Units(number // 2, "antithetic pairs")
    return Units(None, "paths")


def metric_columns(paths: pd.DataFrame, metrics: Sequence[str] | None = None) -> list[str]:
    """Return the metrics of a table in the order of `METRICS`; those named only, if any are."""
    wanted = [name for name in METRICS.names() if metrics is None or name in metrics]
    return [name for name in wanted if name in paths.columns]
