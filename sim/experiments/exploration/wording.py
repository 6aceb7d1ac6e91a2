"""Sentences that terminal and report share."""

from __future__ import annotations

from sim.experiments.exploration.frontier import Front
from sim.experiments.exploration.morris import MorrisIndex
from sim.experiments.exploration.objectives import GROUPS
from sim.experiments.exploration.sensitivity import Screening
from sim.metrics.statistics.over_paths import refusal


def front_cautions(front: Front) -> list[str]:
    """Return which objectives of a front have no interval, and why."""
    found = []
    if front.paths < front.planned:
        found.append(f"{front.paths} of {front.planned} paths finished at every point; only those count.")
    for objective in front.objectives:
        why = refusal(
            objective.measure,
            paths=front.paths,
            units=front.independent,
            word=GROUPS,
            clustered=front.independent < front.paths,
        )
        if why:
            of = f"{objective.measure.label} of " if objective.statistic != "mean" else ""
            found.append(f"{of}{objective.definition.label}: {why}.")
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
