"""What a change of rules does before anything has happened, and what capital each arm was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import FloatArray

if TYPE_CHECKING:
    import pandas as pd

LIQUIDATABLE = ("start_liquidatable_accounts", "start_liquidatable_notional")
AFTER_RAMP = ("start_short_accounts", "start_short_notional")
BELOW_INITIAL = ("start_below_initial_accounts", "start_below_initial_notional")
COLLATERAL, AT_SET_UP, IN_RUN = "start_collateral", "capital_added_at_set_up", "added_capital"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure in both arms, the mean over all paths and cells."""

    current: float
    proposed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """Both arms in block 0, and the capital that came in."""

    figures: Mapping[str, Figure]
    """By metric, of those that the paths have."""
    same_collateral: bool
    """Whether both arms of every path start with the same collateral, to the last unit."""
    books: int
    """Books of accounts that the means are over."""

    def figure(self, metric: str) -> Figure:
        """Return the figure of a metric, NaN if the paths have none."""
        return self.figures.get(metric, Figure(current=float("nan"), proposed=float("nan")))


def at_once(frame: pd.DataFrame, books: int) -> AtOnce:
    """Return the figures of a comparison's paths: even points are the current arm, odd ones the proposed."""
    wanted = (*LIQUIDATABLE, *AFTER_RAMP, *BELOW_INITIAL, COLLATERAL, AT_SET_UP, IN_RUN)
    is_proposed = frame["point"].to_numpy() % 2 == 1
    figures = {}
    for metric in wanted:
        if metric in frame:
            values = frame[metric].to_numpy(dtype=np.float64, na_value=np.nan)
            figures[metric] = Figure(current=_mean(values[~is_proposed]), proposed=_mean(values[is_proposed]))
    return AtOnce(figures=figures, same_collateral=_same_collateral(frame), books=books)


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _same_collateral(frame: pd.DataFrame) -> bool:
    if COLLATERAL not in frame:
        return False
    pairs = frame.assign(cell=frame["point"] // 2).groupby(["cell", "path"])[COLLATERAL]
    return bool((pairs.nunique(dropna=False) == 1).all())
