"""What the three exploring commands print, as tables and sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table

from sim.experiments.exploration.frontier import Front
from sim.experiments.exploration.optimise import Contender, Optimisation
from sim.experiments.exploration.studies import FrontierStudy, OptimiseStudy, SensitivityStudy
from sim.experiments.exploration.wording import frequency_words, front_cautions, screening_words
from sim.metrics.statistics.intervals import Interval

ROWS = 20
"""Rows of a table; the report has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a terminal shows of a study."""

    tables: tuple[tuple[str, Table], ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def print_frontier(study: FrontierStudy) -> Printed:
    """Return the front's points, best efficiency first, then the others."""
    front = study.front
    table = _table("Point", *(objective.label for objective in front.objectives))
    for heading in (f"P({study.size}) at most", "On the front", "Changes", ""):
        table.add_column(heading, justify="right")
    rest = [at for at in range(len(front.points)) if at not in front.front]
    ordered = [*front.front, *sorted(rest, key=lambda at: (-front.points[at].front_probability, at))]
    for at in ordered[:ROWS]:
        point = front.points[at]
        table.add_row(
            point.candidate.name,
            *(_stacked(interval) for interval in point.objectives),
            f"{study.sizes[at].upper:.3g}",
            frequency_words(point.front_probability, front.resamples),
            str(point.candidate.changes),
            _marks(study, at),
        )
    _hidden(table, len(ordered) - ROWS)
    volume = front.hypervolume
    notes = [
        f"simple set: {'; '.join(point.candidate.name for point in front.points if point.simple) or 'none'}",
        f"hypervolume {_spread(volume)} above {', '.join(f'{value:.4g}' for value in front.reference)}",
    ]
    if study.comparison is not None:
        told = "can" if study.comparison.distinguishable else "cannot"
        changes = "; ".join(
            f"{objective.label} {_signed(interval)}"
            for objective, interval in zip(front.objectives, study.comparison.objectives, strict=True)
        )
        notes.append(f"current and proposed {told} be told apart; proposed less current: {changes}")
    return Printed(
        tables=((f"Front, {front.confidence:.0%} intervals, {front.paths:,} common paths", table),),
        notes=tuple(notes),
        warnings=tuple(front_cautions(front)),
    )


def print_sensitivity(study: SensitivityStudy) -> Printed:
    """Return one table for each stage and output."""
    found = study.found
    tables: list[tuple[str, Table]] = []
    notes: list[str] = []
    level = f"{found.settings.confidence:.0%} intervals"
    if found.screening is not None:
        screening = found.screening
        for output, indices in zip(found.settings.outputs, screening.indices, strict=True):
            table = _table("Parameter", "mu*", "mu", "sigma", "noise", "")
            for position, (axis, index) in enumerate(zip(screening.axes, indices, strict=True)):
                table.add_row(
                    axis.key,
                    _stacked(index.mu_star),
                    _stacked(index.mu),
                    _stacked(index.sigma),
                    f"{index.noise:.3g}",
                    screening_words(screening, position, index),
                )
            tables.append((f"Screening of {output.label}, per full range, {level}", table))
        extent = screening.extent
        notes.append(
            f"screening: {found.settings.trajectories} trajectories, {extent.points:,} different points x "
            f"{extent.paths:,} paths; kept {len(screening.kept)} of {len(screening.axes)}"
        )
    if found.variance is not None:
        variance = found.variance
        for output, shares in zip(found.settings.outputs, variance.indices, strict=True):
            table = _table("Parameter", "S1", "ST")
            for axis, share in zip(variance.axes, shares.parameters, strict=True):
                table.add_row(axis.key, _stacked(share.first), _stacked(share.total))
            for one, two, interval in shares.pairs:
                table.add_row(
                    f"{variance.axes[one].key} with {variance.axes[two].key}", f"S2 {_spread(interval)}"
                )
            spread = f"standard deviation {shares.standard_deviation:.3g}"
            heading = f"Sobol indices of {output.label}, {spread}, {level}"
            tables.append((heading, table))
        extent = variance.extent
        notes.append(
            f"indices: N = {found.settings.samples:,}, {extent.points:,} different points x "
            f"{extent.paths:,} paths"
        )
    return Printed(tables=tuple(tables), notes=tuple(notes), warnings=found.flags)


def print_optimise(study: OptimiseStudy) -> Printed:
    """Return the contenders: promised, fresh, and what was lost between."""
    found = study.found
    level = f"{found.settings.confidence:.0%} intervals"
    curse = _table("Set", "Objective", "on the search's paths", "on fresh paths", "shrinkage")
    limits = _table("Set", *(one.label for one in found.settings.constraints), "Changes", "")
    for at, one in enumerate(found.contenders[:ROWS]):
        for which, objective in enumerate(found.settings.objectives):
            curse.add_row(
                one.name if which == 0 else "",
                objective.label,
                _stacked(one.searched[which]),
                _stacked(one.fresh[which]),
                _stacked(one.shrinkage[which], sign="+"),
            )
        bounds = [
            f"{bound.upper if constraint.at_most else bound.lower:.3g}"
            for constraint, bound in zip(found.settings.constraints, one.constraints, strict=True)
        ]
        changes = str(found.front.points[at].candidate.changes)
        limits.add_row(one.name, *bounds, changes, _standing(found, at, one))
    for table in (curse, limits):
        _hidden(table, len(found.contenders) - ROWS)
    return Printed(
        tables=(
            (f"Finalists, {level}, {found.fresh_paths:,} fresh paths", curse),
            ("Bounds on fresh paths", limits),
        ),
        notes=tuple(_optimise_notes(study)),
        warnings=tuple(front_cautions(found.front)),
    )


def _optimise_notes(study: OptimiseStudy) -> list[str]:
    found = study.found
    feasible = sum(trial.feasible for trial in found.trials)
    notes = [f"{len(found.trials):,} trials x {study.paths:,} paths, {feasible:,} keep every constraint"]
    for which, (objective, shrinkage) in enumerate(
        zip(found.settings.objectives, found.mean_shrinkage, strict=True)
    ):
        words = f"mean shrinkage of {objective.label}: {shrinkage:+.3g} (above 0: worse than the search said)"
        if found.current is not None:
            nobody = found.current.shrinkage[which].estimate
            words += f"; of the current parameters, which nobody chose: {nobody:+.3g}"
        notes.append(words)
    simple = [point.candidate.name for point in found.front.points if point.simple]
    notes.append(
        f"hypervolume of the finalists: {_spread(found.promised_hypervolume)} on the paths of the search, "
        f"{_spread(found.fresh_hypervolume)} on fresh paths"
    )
    notes.append(f"simple set on fresh paths: {'; '.join(simple) or 'none'}")
    for point in found.front.points:
        if point.simple:
            values = ", ".join(f"{key}={value!r}" for key, value in point.candidate.values.items())
            notes.append(f"  {point.candidate.name}: {values}")
    if not study.has_current:
        notes.append("the parameters as they stand lie outside the ranges and were not run")
    return notes


def _standing(found: Optimisation, at: int, one: Contender) -> str:
    if not one.feasible:
        return "breaks a constraint"
    words = ["on the front"] if found.front.points[at].on_front else []
    words += ["simple"] if found.front.points[at].simple else []
    return ", ".join(words)


def _marks(study: FrontierStudy, at: int) -> str:
    front: Front = study.front
    words = ["current"] if at == study.current else ["proposed"] if at == study.proposed else []
    words += ["front"] if front.points[at].on_front else []
    words += ["simple"] if front.points[at].simple else []
    words += ["dominated beyond chance"] if front.points[at].dominated_by else []
    return ", ".join(words)


def _table(first: str, *headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _hidden(table: Table, count: int) -> None:
    if count > 0:
        table.add_row(f"and {count:,} more in the report")


def _spread(interval: Interval) -> str:
    return f"{interval.estimate:.3g} ({_end(interval.lower)}..{_end(interval.upper)})"


def _signed(interval: Interval) -> str:
    return f"{interval.estimate:+.3g} ({_end(interval.lower)}..{_end(interval.upper)})"


def _stacked(interval: Interval, *, sign: str = "") -> str:
    """Return an estimate with its interval on a line of its own, or that there is none."""
    if interval.lower == interval.upper == interval.estimate:
        return f"{interval.estimate:{sign}.3g}\non every path"
    return f"{interval.estimate:{sign}.3g}\n{_end(interval.lower)}..{_end(interval.upper)}"


def _end(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "?"
