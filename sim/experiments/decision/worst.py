"""The paths on which the proposal did most harm, to be run again and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.registration import ARMS, Registration
from sim.experiments.decision.results import Cell
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.runner import path_command

WORST = 6
"""Paths listed. Assumption: more are not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPath:
    """One path in one cell, by the endpoint on which the proposal harmed it most."""

    cell: str
    path: int
    endpoint: str
    metric: str
    current: float
    proposed: float
    margins: float
    """Harm over the endpoint's margin: a single path may well exceed it, the margin is for the mean."""
    commands: tuple[str, str]
    """Runs the path under the current and under the proposed parameters."""


def worst_paths(
    cells: Sequence[Cell],
    endpoints: Sequence[Endpoint],
    registration: Registration,
    plan: Plan,
    folder: Path,
    *,
    limit: int = WORST,
) -> tuple[WorstPath, ...]:
    """Return the paths with the largest harm, measured in margins, worst first; fewer if fewer were harmed.

    Parameters
    ----------
    plan, folder
        The sweep the cells come from, and its results folder.
    """
    found: list[tuple[float, int, int, Endpoint]] = []
    for position, cell in enumerate(cells):
        best: dict[int, tuple[float, Endpoint]] = {}
        for endpoint in endpoints:
            if endpoint.role == "efficiency" or endpoint.statistic == "expected_shortfall":
                continue
            harm = endpoint.direction * (cell.proposed[endpoint.metric] - cell.current[endpoint.metric])
            for path in np.flatnonzero(np.nan_to_num(harm) > 0.0).tolist():
                margins = float(harm[path]) / endpoint.margin
                if margins > best.get(path, (0.0, endpoint))[0]:
                    best[path] = margins, endpoint
        found += [(margins, position, path, endpoint) for path, (margins, endpoint) in best.items()]
    found.sort(key=lambda item: (-item[0], item[1], item[2]))
    return tuple(
        WorstPath(
            cell=cells[position].name,
            path=path,
            endpoint=endpoint.name,
            metric=endpoint.metric,
            current=float(cells[position].current[endpoint.metric][path]),
            proposed=float(cells[position].proposed[endpoint.metric][path]),
            margins=margins,
            commands=_commands(registration, plan, folder, position, path),
        )
        for margins, position, path, endpoint in found[:limit]
    )


def _commands(registration: Registration, plan: Plan, folder: Path, cell: int, path: int) -> tuple[str, str]:
    current, proposed = (
        path_command(folder, plan, registration.inputs, registration.point(cell, arm), path)
        for arm in range(len(ARMS))
    )
    return current, proposed
