"""A sweep's folder as its page sees it: the plan, the paths, and everything estimated from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.experiments.estimates.points import Design, design_of, estimate_paths
from sim.experiments.sweep.inputs import INPUTS, PLAN_FILE, read_plan
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.result import SweepResult, open_sweep
from sim.metrics.book import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepView:
    """A sweep as the parts of its page see it."""

    result: SweepResult
    plan: Plan
    design: Design
    paths: pd.DataFrame
    points: pd.DataFrame
    estimates: pd.DataFrame
    commands: tuple[tuple[str, ...], ...]
    """Overrides of each point, files named by their place below the results folder."""
    metrics: tuple[str, ...]
    """Shown first, those that the paths have."""

    @property
    def names(self) -> list[str]:
        """Name of each point, by index."""
        return [point.name for point in self.plan.points]

    @property
    def measured(self) -> list[int]:
        """Points that have at least one path."""
        return sorted(int(point) for point in self.paths["point"].unique())

    def one(self, point: int, metric: str, *statistics: str) -> Any:
        """Return the row of a point's metric with the first of these statistics that there is, or None."""
        rows = self.estimates[(self.estimates["point"] == point) & (self.estimates["metric"] == metric)]
        for statistic in statistics:
            found = rows[rows["statistic"] == statistic]
            if not found.empty:
                return found.iloc[0]
        return None


def load_view(folder: Path) -> SweepView:
    """Read a sweep's folder and estimate everything its page shows.

    Raises
    ------
    InputError
        The folder holds no sweep.
    """
    result = SweepResult.open(folder)
    plan = read_plan(folder)
    paths = result.paths()
    shown = [name for name in plan.metrics if name in METRICS and name in paths.columns]
    return SweepView(
        result=result,
        plan=plan,
        design=design_of(plan),
        paths=paths,
        points=result.points(),
        estimates=estimate_paths(paths, design=design_of(plan)),
        commands=_placed_overrides(folder),
        metrics=tuple(shown),
    )


def _placed_overrides(folder: Path) -> tuple[tuple[str, ...], ...]:
    """Return every point's overrides with files below the folder, so that commands work wherever it lies."""
    files, _ = open_sweep(folder)
    plan = files.json((INPUTS / PLAN_FILE).as_posix())  # `read_plan` has found it to be one
    return tuple(
        tuple(
            one if isinstance(one, str) else f"{one['key']}={json.dumps(one['file'])}"
            for one in point["overrides"]
        )
        for point in plan["points"]
    )
