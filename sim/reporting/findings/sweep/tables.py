"""Tables of the sweep page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sim.core.plugins import PLUGINS
from sim.experiments.estimates.points import FAMILIES
from sim.metrics.book import METRICS
from sim.metrics.statistics.intervals import rule_of_three
from sim.reporting.findings.blocks import ABSENT, Cell, Column, Table, headed, table
from sim.reporting.findings.cells import (
    commands_cell,
    constant_cell,
    difference_cell,
    event_cell,
    in_points,
    interval_cell,
    value_cell,
)
from sim.reporting.findings.sweep.view import SweepView
from sim.reporting.formatting import number, significant
from sim.reporting.metric_words import (
    metric_label,
    metric_unit,
    metric_value,
    path_command,
    range_words,
    share,
)

TAIL_COLUMNS = tuple(("uncovered_loss_ratio", name) for name in ("VaR95", "VaR99", "ES99", "tail index"))
"""The tails of severity, a table of their own."""
CONFIDENCE = 0.95
"""Of bounds after no event."""
WORST = 5
"""Paths listed per metric."""


def headline_table(view: SweepView) -> Table:
    """Return every point with the metrics the experiment names."""
    columns = [Column(heading="Point", kind="name")]
    shown: list[tuple[str, str]] = []
    for metric in view.metrics:
        if METRICS[metric].is_event:
            shown.append((metric, "probability"))
            continue
        shown.append((metric, "mean"))
        if METRICS[metric].direction > 0 and METRICS[metric].family in ("severity", "cascade"):
            shown.append((metric, "VaR95"))
    columns += [_heading(metric, statistic) for metric, statistic in shown]
    columns.append(Column(heading="Paths", kind="n"))
    counts = view.paths.groupby("point").size()
    rows = [
        [view.names[point], *(cell(view, point, *one) for one in shown), number(int(counts[point]))]
        for point in view.measured
    ]
    return table(columns, rows, caption="Metrics the experiment names")


def family_tables(view: SweepView) -> list[Table]:
    """Return one table for each of the five families."""
    found = []
    for family in FAMILIES:
        wanted = [(metric.name, one) for metric in METRICS if metric.family == family for one in metric.shown]
        found.append(_family_table(view, family.capitalize(), wanted))
        if family == "severity":
            found.append(_family_table(view, "Severity, tails", TAIL_COLUMNS))
    return found


def _family_table(view: SweepView, caption: str, wanted: Sequence[tuple[str, str]]) -> Table:
    shown = [one for one in wanted if one[0] in view.paths.columns]
    columns = [Column(heading="Point", kind="name"), *(_heading(*one) for one in shown)]
    rows = [[view.names[point], *(cell(view, point, *one) for one in shown)] for point in view.measured]
    return table(columns, rows, caption=caption)


def cell(view: SweepView, point: int, metric: str, statistic: str) -> Cell | str:
    """Return one estimate with its interval, written for its kind."""
    row = view.one(point, metric, statistic)
    return estimate_cell(metric, row) if row is not None else ABSENT


def estimate_cell(metric: str, row: Any) -> Cell | str:
    """Return the cell of a row of the table of estimates."""
    if not row["n"]:
        return Cell(text=ABSENT, under=str(row["note"]))
    if row["statistic"] == "probability" and not math.isnan(row["lower"]):
        events = round(row["estimate"] * row["n"])
        # A confidence sequence after no event is no one-sided bound, but the words fit it as well.
        n, units = int(row["n"]), int(row["units"])
        counting = f"{number(units)} independent units" if units != n else ""
        return event_cell(
            events, n, row["lower"], row["upper"], confidence=row["confidence"], counting=counting
        )
    if row["statistic"] == "tail index":
        if math.isnan(row["estimate"]):
            return Cell(text=ABSENT, under=str(row["note"]))
        ends = f"{significant(row['lower'], 2)} to {significant(row['upper'], 2)}"
        return Cell(text=significant(row["estimate"], 2), under=ends)
    if math.isnan(row["lower"]) and row["estimate"] == 0.0 and str(row["note"]).startswith("the same"):
        bound = rule_of_three(int(row["units"]), confidence=CONFIDENCE)
        return constant_cell("0", int(row["n"]), f"otherwise in at most {share(bound)}")
    if math.isnan(row["lower"]):
        return value_cell(metric, row["estimate"], under=_short(str(row["note"])))
    return interval_cell(metric, row["estimate"], row["lower"], row["upper"])


def difference_table(view: SweepView, found: Mapping[int, pd.DataFrame]) -> Table:
    """Return each point minus the first, for the metrics the experiment names."""
    columns = [
        *headed("name", "Point", "Metric"),
        *headed(
            "n",
            "First",
            "This point",
            "Difference",
            ("Factor", "of variance"),
            ("Only first / only this", "events; McNemar p"),
        ),
    ]
    rows = []
    for point, differences in found.items():
        wanted = differences[
            differences["statistic"].isin(["mean difference", "probability difference", "VaR95 difference"])
        ]
        order = wanted["metric"].map({name: place for place, name in enumerate(view.metrics)})
        for _, row in wanted.loc[order.sort_values(kind="stable").index].iterrows():
            metric = str(row["metric"])
            if row["statistic"] == "VaR95 difference" and math.isnan(row["lower"]):
                continue
            label = metric_label(metric)
            rows.append(
                [
                    view.names[point],
                    f"{label}, VaR95" if row["statistic"].startswith("VaR") else label,
                    value_cell(metric, row["base"]),
                    value_cell(metric, row["other"]),
                    _difference_cell(metric, row),
                    _factor(row["variance_factor"]),
                    _discordant(row),
                ]
            )
    return table(columns, rows)


def worst_paths_table(view: SweepView, metric: str) -> Table | None:
    """Return the paths with the worst values of a metric over all points, with commands; None if none is."""
    known = METRICS[metric]
    if known.direction == 0 or known.is_event:
        return None
    values = view.paths[["point", "path", metric]].dropna()
    if values.empty or values[metric].nunique() < 2:
        return None
    ordered = values.sort_values(
        [metric, "point", "path"], ascending=[known.direction < 0, True, True], kind="stable"
    ).head(WORST)
    rows = [
        [
            view.names[point],
            number(path),
            metric_value(metric, value),
            commands_cell(command_of(view, point, path)),
        ]
        for point, path, value in zip(
            ordered["point"].astype(int), ordered["path"].astype(int), ordered[metric], strict=True
        )
    ]
    columns = [
        *headed("name", "Point"),
        *headed("n", "Path", (metric_label(metric), metric_unit(metric))),
        *headed("commands", "Run it again"),
    ]
    return table(columns, rows, caption=f"{metric_label(metric)}: worst paths")


def command_of(view: SweepView, point: int, path: int) -> str:
    """Return the command that repeats one path, for a reader in the results folder."""
    plan = view.plan
    drawn = [one for one in plan.path_overrides(path) if not one.startswith("seed=")]
    return path_command(
        f"inputs/{plan.scenario.name}",
        path=path,
        seed=plan.seed,
        overrides=[*view.commands[point], *drawn],
        populations=plan.populations,
        antithetic=plan.antithetic,
        worlds=plan.worlds,
        plugins=[f"inputs/{PLUGINS}/{Path(file).name}" for file, _ in plan.plugins],
    )


def failures_table(view: SweepView) -> Table:
    """Return every path without a result, why, and how to see it fail."""
    columns = [
        *headed("name", "Point"),
        *headed("n", "Path"),
        *headed("wrap", "Why"),
        *headed("n", "Tries"),
        *headed("commands", "See it fail"),
    ]
    rows = [
        [
            view.names[one.point],
            number(one.path),
            f"{one.invariant}: {one.reason}" if one.invariant else one.reason,
            number(one.attempts),
            commands_cell(command_of(view, one.point, one.path)),
        ]
        for one in view.result.failures
    ]
    return table(columns, rows, caption="Paths without a result")


def points_table(view: SweepView) -> Table:
    """Return what every point is and how many of its paths there are."""
    columns = [
        *headed("n", "Point"),
        *headed("name", "Name"),
        *headed("wrap", "Sets"),
        *headed("n", "Paths", "Failed"),
    ]
    rows = []
    for row in records(view.points):
        sets = view.commands[int(row["point"])]
        code = Cell(text="", lines=sets) if sets else ABSENT
        asked, done = int(row["paths"]), int(row["completed"])
        count = number(done) if asked == done else f"{number(done)} of {number(asked)}"
        rows.append([number(int(row["point"])), str(row["name"]), code, count, number(int(row["failed"]))])
    return table(columns, rows)


def stops_table(view: SweepView) -> Table | None:
    """Return where the stopping rule ended a point, or None without a rule."""
    rule = view.plan.stopping
    if rule is None:
        return None
    columns = [*headed("name", "Point"), *headed("n", ("Stopped after", "paths"), "Half-width")]
    rows = [
        [view.names[one.point], number(one.paths), metric_value(rule.metric, one.half_width)]
        for one in view.result.stops
    ]
    if not rows:
        rows = [[f"none: {metric_label(rule.metric)} was nowhere narrow enough", ABSENT, ABSENT]]
    return table(columns, rows, caption=f"Stopped early on {metric_label(rule.metric)}")


def all_estimates_table(view: SweepView) -> Table:
    """Return the whole table of estimates."""
    columns = [
        *headed("name", "Point"),
        *headed("hash", "Metric"),
        *headed("nowrap", "Statistic"),
        *headed("n", "Estimate"),
        *headed("nowrap", "Interval"),
        *headed("n", "n"),
        *headed("wrap", "Method"),
    ]
    rows = [
        [
            view.names[int(row["point"])],
            row["metric"],
            row["statistic"],
            _plain_estimate(row),
            _plain_range(row),
            number(int(row["n"])),
            Cell(text=row["method"], note=row["note"] or ""),
        ]
        for row in records(view.estimates)
    ]
    return table(columns, rows)


def _heading(metric: str, statistic: str) -> Column:
    words = {"mean": "mean", "probability": "chance"}.get(statistic, statistic)
    unit = metric_unit(metric)
    return Column(heading=metric_label(metric), unit=f"{words}, {unit}" if unit else words, kind="n")


def _short(note: str) -> str:
    """Return the first clause of a note: the rest is in the table of all estimates."""
    return note.split(": ", maxsplit=1)[0] if note.startswith("the same") else note


def _difference_cell(metric: str, row: Any) -> Cell | str:
    if math.isnan(row["lower"]):
        sign = "+" if row["estimate"] > 0.0 else ""
        value = in_points(metric_value(metric, row["estimate"]))
        return Cell(text=f"{sign}{value}", under=str(row["note"]))
    if row["estimate"] == 0.0 and row["lower"] == row["upper"] == 0.0:
        return Cell(text="0", under=str(row["note"]))
    return difference_cell(metric, row["estimate"], row["lower"], row["upper"])


def _factor(value: float) -> str:
    if math.isnan(value):
        return ABSENT
    return "exact" if math.isinf(value) else f"×{significant(value, 3)}"


def _discordant(row: Any) -> Cell | str | None:
    if row["only_base"] is None or pd.isna(row["only_base"]):
        return None
    counts = f"{number(int(row['only_base']))} / {number(int(row['only_other']))}"
    if math.isnan(row["p_value"]):
        return counts
    p = row["p_value"]
    words = "p under 0.0001" if p < 1e-4 else f"p {significant(p, 2)}"
    return Cell(text=counts, under=words)


def _plain_estimate(row: Mapping[str, Any]) -> str:
    if row["statistic"] == "probability":
        if row["estimate"] in (0.0, 1.0):
            edge, word = (row["upper"], "under") if row["estimate"] == 0.0 else (row["lower"], "over")
            return f"{word} {share(edge)}" if not math.isnan(edge) else ABSENT
        return share(row["estimate"])
    if row["statistic"] == "tail index":
        return ABSENT if math.isnan(row["estimate"]) else significant(row["estimate"], 2)
    return metric_value(str(row["metric"]), row["estimate"])


def _plain_range(row: Mapping[str, Any]) -> str:
    if math.isnan(row["lower"]):
        return ABSENT
    if row["statistic"] == "tail index":
        return f"{significant(row['lower'], 2)} to {significant(row['upper'], 2)}"
    return range_words(str(row["metric"]), row["lower"], row["upper"])


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column name."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
