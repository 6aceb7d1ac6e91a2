"""Cells and sections that the pages of frontier, sensitivity and optimise share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.experiments.exploration.objectives import Objective
from sim.experiments.sweep.result import Failure, SweepResult
from sim.metrics.statistics.intervals import Interval, rule_of_three
from sim.metrics.statistics.over_paths import PathInterval
from sim.reporting.findings.blocks import (
    Cell,
    Command,
    Findings,
    Part,
    bullets,
    details,
    facts,
    headed,
    table,
)
from sim.reporting.findings.cells import commands_cell, constant_cell, interval_cell
from sim.reporting.findings.identical import identical_points, identical_words
from sim.reporting.formatting import NARROW_SPACE
from sim.reporting.metric_words import (
    is_share,
    leverage_note,
    metric_label,
    metric_value,
    portable,
    range_words,
    share,
)

_STATISTICS = {
    "mean": "mean",
    "var95": "VaR 95 %",
    "var99": "VaR 99 %",
    "es95": f"ES 95{NARROW_SPACE}%",
    "es99": f"ES 99{NARROW_SPACE}%",
}
SHOWN_FAILURES = 20


def objective_label(objective: Objective) -> str:
    """Return ``Uncovered loss ratio, ES 99 %``."""
    name = metric_label(objective.metric)
    return name if objective.statistic == "mean" else f"{name}, {_STATISTICS[objective.statistic]}"


def cell(metric: str, interval: Interval, *, note: str = "", paths: int | None = None) -> Cell | str:
    """Return an estimate with its interval.

    A number that was the same in every resample has no width, which says nothing of other paths: with
    `paths`, the cell says so, and how likely an outcome that none showed still is (rule of three).
    """
    alike = isinstance(interval, PathInterval) and interval.alike
    if paths is not None and (alike or interval.lower == interval.upper):
        unseen = f"what none showed has up to {share(rule_of_three(paths))}"
        fixed = constant_cell(metric_value(metric, interval.estimate), paths, unseen)
        return Cell(text=fixed.text, under=fixed.under, note=leverage_note(metric, interval.estimate))
    return interval_cell(metric, interval.estimate, interval.lower, interval.upper, note=note)


def difference_words(metric: str, interval: Interval) -> str:
    """Write a difference with its interval, the sign of the estimate always shown; shares in points."""
    ends = range_words(metric, interval.lower, interval.upper)
    value = metric_value(metric, interval.estimate)
    plus = "+" if interval.estimate > 0.0 else ""
    # A difference of shares is in percentage points; "+4 %" would read as a relative change.
    return f"{plus}{value} ({ends})".replace("%", "pp")


def plain_interval(interval: Interval, digits: int = 3, *, name: str = "") -> Cell:
    """Return a pure number with its interval under it, negative estimates as they are."""
    estimate, lower, upper = (
        f"{value:.{digits}g}" for value in (interval.estimate, interval.lower, interval.upper)
    )
    ends = "no interval" if math.isnan(interval.lower) else f"{lower} to {upper}"
    return Cell(text=f"{name} {estimate}".strip(), under=ends)


def interval_words(interval: Interval, digits: int = 3) -> str:
    """Return ``0.3 (0.2 to 0.4)``."""
    found = plain_interval(interval, digits)
    return f"{found.text} ({found.under})"


def inside(label: str) -> str:
    """Return a label for the middle of a sentence: a small first letter, acronyms as they are."""
    return label[:1].lower() + label[1:]


def number_words(value: object) -> str:
    """Write a parameter's value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Return for each dotted key its last part, or the whole key where that is not unique."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: end if last.count(end) == 1 else key for key, end in zip(keys, last, strict=True)}


def is_percentage(objective: Objective) -> bool:
    """Return whether an objective's axis is written in per cent."""
    return is_share(objective.metric)


def finite(value: float) -> float:
    """Return a number plotly can draw, NaN for what is unbounded."""
    return value if math.isfinite(value) else math.nan


def add_identical(page: Findings, results: Mapping[str, SweepResult], keys: Sequence[str]) -> bool:
    """Say in red where all points of a stage are the same on every path; return whether some stage is so."""
    found = False
    for stage, result in results.items():
        paths = result.paths()
        names = {int(point): str(point) for point in paths["point"].unique()}
        whole = [group for group in identical_points(paths) if len(group) == len(names)]
        for words in identical_words(whole, names, keys, int(paths["path"].nunique())):
            page.warn(f"{stage}: {words}" if len(results) > 1 else words)
            found = True
    return found


def add_failures(page: Findings, results: Mapping[str, SweepResult], folder: Path) -> None:
    """Say in red which stages are incomplete, and list the failed paths."""
    failures: list[tuple[str, Failure]] = []
    for stage, result in results.items():
        if not result.is_complete:
            page.warn(
                f"{stage}: {result.label} completed. Everything below holds for the paths that every "
                "compared point finished, and for those alone."
            )
        failures += [(stage, failure) for failure in result.failures]
    if not failures:
        return
    rows = [
        (stage, failure.point, failure.path, failure.reason, commands_cell(portable(failure.command, folder)))
        for stage, failure in failures[:SHOWN_FAILURES]
    ]
    columns = [
        *headed("", "Stage"),
        *headed("n", "Point", "Path"),
        *headed("wrap", "Reason"),
        *headed("commands", "Run it again"),
    ]
    hidden = len(failures) - len(rows)
    caption = f"{hidden:,} more in sweep.json." if hidden > 0 else ""
    page.section("Failed paths", table(columns, rows, caption=caption))


def add_provenance(
    page: Findings, results: Mapping[str, SweepResult], method: Sequence[str], folder: Path
) -> None:
    """Append how everything was computed, and from what."""
    parts: list[Part] = [
        bullets(method),
        "Run in the results folder, a command below repeats the first path of its stage with all files.",
    ]
    for stage, result in results.items():
        known = result.provenance()
        wanted = (
            "scenario",
            "seed",
            "paths",
            "points",
            "populations",
            "antithetic",
            "worlds",
            "digest",
            "inputs",
            "contracts",
            "versions",
        )
        parts.append(details(f"Provenance: {stage}", facts((key, known.get(key)) for key in wanted)))
        parts.append(Command(text=portable(str(known["example_command"]), folder)))
    page.section("Method and provenance", *parts)


__all__ = [
    "add_failures",
    "add_provenance",
    "cell",
    "difference_words",
    "finite",
    "inside",
    "interval_words",
    "is_percentage",
    "metric_label",
    "number_words",
    "objective_label",
    "plain_interval",
    "share",
    "short_keys",
]
