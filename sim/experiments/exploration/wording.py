"""Sentences that terminal and report share."""

from __future__ import annotations

from sim.experiments.exploration.frontier import Front
from sim.experiments.exploration.morris import MorrisIndex
from sim.experiments.exploration.resampling import MINIMUM_CLUSTERS, tail_paths
from sim.experiments.exploration.sensitivity import Screening


def front_cautions(front: Front) -> list[str]:
    """Return what makes the regions of a front less reliable than they look."""
    found = []
    if front.paths < front.planned:
        found.append(f"{front.paths} of {front.planned} paths finished at every point; only those count.")
    if front.independent < MINIMUM_CLUSTERS:
        found.append(f"Only {front.independent} independent groups of paths: regions are too small.")
    for objective in front.objectives:
        tail = tail_paths(objective.statistic, front.paths)
        if tail < MINIMUM_CLUSTERS <= front.paths:
            found.append(
                f"{objective.label} rests on the worst {tail:g} of {front.paths} paths of "
                "each point: its region is too small, and it moves with single paths."
            )
    return found


def frequency_words(probability: float, resamples: int) -> str:
    """Write a share of resamples; never 0 or 100 %, which no finite number of them shows."""
    if probability == 0.0:
        return f"in none of {resamples:,}"
    if probability == 1.0:
        return f"in all {resamples:,}"
    return f"{probability:.1%}"


def screening_words(screening: Screening, position: int, index: MorrisIndex) -> str:
    """Return what screening says of a parameter for one output."""
    kept = "kept" if position in screening.kept else "dropped"
    if index.mu_star.upper == 0.0:
        return f"{kept}, changes no path"
    return kept if index.above_noise else f"{kept}, within noise"
