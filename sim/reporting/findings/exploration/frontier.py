"""Findings of ``seawall frontier``: efficiency against tail loss, with what chance leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim.experiments.decision.wording import INITIAL_MARGIN, leverage_words
from sim.experiments.exploration.frontier import Difference, Front
from sim.experiments.exploration.studies import FrontierStudy
from sim.experiments.exploration.wording import frequency_words, front_cautions
from sim.reporting.figures.points import Estimates, scatter_figure
from sim.reporting.figures.style import Figure
from sim.reporting.findings.blocks import Cell, Column, Findings, Highlight, Part, Verdict, note, table
from sim.reporting.findings.cells import difference_cell
from sim.reporting.findings.exploration.common import (
    add_failures,
    add_identical,
    add_provenance,
    cell,
    difference_words,
    finite,
    inside,
    is_percentage,
    metric_label,
    number_words,
    objective_label,
    share,
)
from sim.reporting.formatting import number, percent, plural
from sim.reporting.metric_words import metric_value

_LABELLED = 12
"""Fronts up to this size have their points named in the figure; more would cover it."""
_LONGEST = 16
"""Names up to this length stand in the figure; longer ones are numbers there, with the table as their key."""


def frontier_findings(study: FrontierStudy, folder: Path) -> Findings:
    """Return what a frontier found."""
    front = study.front
    page = Findings(command="frontier", title=study.title, question=_question(front), context=study.scenario)
    for text in front_cautions(front):
        page.warn(text)
    keys = list(dict.fromkeys(key for point in front.points for key in point.candidate.values))
    same = add_identical(page, study.results, keys)
    page.verdict = _verdict(study, same=same)
    page.highlights(_highlights(study, same=same))
    page.section("The frontier", _figure(study), note(_reading(study)))
    page.section("Points", _points_table(study), terminal=True)
    if not same:
        page.section("Along the front", _neighbours_table(front), terminal=True)
        page.section("The simple set", _simple_text(front), _simple_table(front))
    add_failures(page, study.results, folder)
    add_provenance(page, study.results, _method(study), folder)
    return page


def _question(front: Front) -> str:
    one, two = (inside(objective_label(objective)) for objective in front.objectives[:2])
    return f"What does less {two} cost in {one}, and how much of that could be chance?"


def _verdict(study: FrontierStudy, *, same: bool) -> Verdict:
    front = study.front
    if same:
        return Verdict(
            level="open",
            stamp="no front",
            headline=(
                f"There is no front: all {plural(len(front.points), 'point')} are identical on every path."
            ),
        )
    frequent = front.frequent(study.front_share)
    names = "; ".join(front.points[at].candidate.name for at in frequent[:6])
    more = f" and {len(frequent) - 6} more" if len(frequent) > 6 else ""
    answers = [
        ("Often on the front", f"{names}{more}" if frequent else "none"),
        (
            "Simple set",
            "; ".join(point.candidate.name for point in front.points if point.simple) or "none",
        ),
    ]
    if study.comparison is not None:
        answers.append(("Current and proposed", comparison_words(study)))
    answers.append(("Hypervolume", f"{front.hypervolume:.3g} above the reference"))
    return Verdict(
        level="open",
        stamp="front",
        headline=(
            f"{plural(len(front.front), 'point is', 'points are')} not dominated by the estimates; "
            f"{len(frequent)} of {len(front.points)} are on the front in at least "
            f"{percent(study.front_share, 0)} of resamples."
        ),
        answers=tuple(answers),
    )


def comparison_words(study: FrontierStudy) -> str:
    """Return how the proposed point differs from the current one."""
    difference = study.comparison
    if difference is None:
        return ""
    parts = []
    for which, objective in enumerate(study.front.objectives):
        words = difference_words(objective.metric, difference.objectives[which])
        words = f"{inside(objective_label(objective))} {words}"
        if objective.metric == INITIAL_MARGIN and objective.statistic == "mean":
            words += _leverage(study, which)
        if not difference.apart[which]:
            words += ", which could not be told from chance"
        parts.append(words)
    return f"proposed less current on {study.front.paths} common paths: {'; '.join(parts)}"


def _leverage(study: FrontierStudy, which: int) -> str:
    """Return what the change means for a new position, ``, leverage 17x becomes 14x``."""
    if study.current is None or study.proposed is None:
        return ""
    before, after = (
        study.front.points[at].objectives[which].estimate for at in (study.current, study.proposed)
    )
    spoken = leverage_words(before, after)
    return f", leverage {spoken}" if spoken else ""


def apart_words(front: Front, difference: Difference) -> str:
    """Return in which objectives two points are told apart, and in which they are not."""
    apart, alike = (
        [
            inside(objective_label(objective))
            for objective, one in zip(front.objectives, difference.apart, strict=True)
            if one is wanted
        ]
        for wanted in (True, False)
    )
    if not apart:
        return "in nothing"
    return f"in {' and '.join(apart)}" + (f", not in {' nor '.join(alike)}" if alike else "")


def _highlights(study: FrontierStudy, *, same: bool) -> list[Highlight]:
    front = study.front
    kept = sum(not point.dominated_by for point in front.points)
    return [
        Highlight(
            label="Points",
            value=number(len(front.points)),
            note="identical on every path" if same else f"{len(front.front)} on the front",
        ),
        Highlight(
            label="May be on it",
            value="–" if same else number(kept),
            note="there is no front" if same else "not dominated beyond chance",
        ),
        Highlight(
            label="Paths",
            value=number(front.paths),
            note=f"each point, of {front.planned:,}",
            mood="" if front.paths == front.planned else "bad",
        ),
        Highlight(
            label="Hypervolume",
            value="–" if same else f"{front.hypervolume:.3g}",
            note="there is no front" if same else "of the estimates, without interval",
        ),
    ]


def _estimates(study: FrontierStudy, which: int) -> Estimates:
    intervals = [point.objectives[which] for point in study.front.points]
    return Estimates(
        name=objective_label(study.front.objectives[which]),
        x=list(range(len(intervals))),
        values=[one.estimate for one in intervals],
        lower=[one.lower for one in intervals],
        upper=[one.upper for one in intervals],
    )


def _figure(study: FrontierStudy) -> Figure:
    front = study.front
    named = _roles(study)
    marked = _named(study)
    numbered = _is_numbered(study)
    first, second = front.objectives[:2]
    figure = scatter_figure(
        "frontier",
        f"{objective_label(first)} against {objective_label(second)}",
        f"Colour: {metric_label(study.colour)}. Area of a marker: upper {percent(front.confidence, 0)} "
        f"bound of P({inside(metric_label(study.size))}). Whiskers: {percent(front.confidence, 0)} "
        "intervals, where there is one. Dotted: the estimated front."
        + (" Numbers: those of the table of points." if numbered else ""),
        x=_estimates(study, 0),
        y=_estimates(study, 1),
        labels=[_label(study, at) for at in range(len(front.points))],
        x_title=objective_label(first),
        y_title=objective_label(second),
        x_share=is_percentage(first),
        y_share=is_percentage(second),
        marked=marked,
        names=[str(at + 1) for at in range(len(front.points))] if numbered else (),
        sizes=[8.0 + 30.0 * float(np.sqrt(bound.upper)) for bound in study.sizes],
        colors=[finite(value) for value in study.colours],
        color_title=metric_label(study.colour),
        line=front.front,
    )
    markers = figure.traces[-1]["marker"]
    markers["symbol"] = [
        "diamond" if at in named else "circle" if point.on_front else "circle-open"
        for at, point in enumerate(front.points)
    ]
    # Across the top, not beside the plot: a narrow screen has no room there.
    markers["colorbar"] |= {
        "orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "len": 0.6,
        "title": {"text": metric_label(study.colour), "side": "top"},
    }  # fmt: skip
    figure.layout["margin"] |= {"t": 74}
    return figure


def _roles(study: FrontierStudy) -> set[int]:
    """Return the current and the proposed point, where there are such."""
    return {at for at in (study.current, study.proposed) if at is not None}


def _named(study: FrontierStudy) -> list[int]:
    """Return the points named in the figure: current and proposed, or else a front that is not too long."""
    front = study.front.front
    return sorted(_roles(study) or (front if len(front) <= _LABELLED else ()))


def _is_numbered(study: FrontierStudy) -> bool:
    """Return whether a number stands for each name in the figure."""
    return any(len(_label(study, at)) > _LONGEST for at in _named(study))


def _label(study: FrontierStudy, at: int) -> str:
    name = study.front.points[at].candidate.name
    role = "current: " if at == study.current else "proposed: " if at == study.proposed else ""
    return role + name


def _reading(study: FrontierStudy) -> str:
    better = ["smaller" if objective.sign > 0 else "larger" for objective in study.front.objectives]
    return (
        f"Better is {better[0]} across and {better[1]} up. Open markers are dominated by the estimates. "
        "Whiskers of two points may overlap although the points differ: all points saw the same paths, "
        "so differences are known better than levels. Judge neighbours by the table of differences."
    )


def _points_table(study: FrontierStudy) -> Part:
    front = study.front
    numbered = _is_numbered(study)
    columns = [
        *([Column(heading="No.", kind="n", page_only=True)] if numbered else []),
        Column(heading="Point", kind="wrap"),
        *(Column(heading=objective_label(objective), kind="n") for objective in front.objectives),
        Column(heading=metric_label(study.colour), unit="mean", kind="n"),
        Column(heading=f"P({inside(metric_label(study.size))})", unit="and its upper bound", kind="n"),
        Column(heading="On the front", unit="of resamples", kind="n"),
        Column(heading="Dominated beyond chance by", kind="wrap"),
        Column(heading="Changes", unit="to the scenario", kind="n"),
    ]
    rows = [
        (
            *([at + 1] if numbered else []),
            _label(study, at),
            *(
                cell(objective.metric, interval, paths=front.paths)
                for objective, interval in zip(front.objectives, point.objectives, strict=True)
            ),
            metric_value(study.colour, study.colours[at]),
            _event_cell(study, at),
            frequency_words(point.front_probability, front.resamples),
            _names(front, point.dominated_by),
            point.candidate.changes,
        )
        for at, point in enumerate(front.points)
    ]
    return table(
        columns,
        rows,
        caption=(
            f"{percent(front.confidence, 0)} intervals, where there is one, n = {front.paths} paths; places "
            f"on the front by {front.resamples:,} resamples of the paths. Marked: on the estimated front."
        ),
        marked=front.front,
    )


def _event_cell(study: FrontierStudy, at: int) -> Cell:
    """Return how often the event was seen, with its bound: no finite sample shows a probability of 0."""
    bound, paths = study.sizes[at], study.front.paths
    seen = f"none of {number(paths)}" if bound.estimate == 0.0 else share(bound.estimate)
    return Cell(text=seen, under=f"at most {share(bound.upper)}")


def _names(front: Front, positions: Sequence[int], limit: int = 3) -> str:
    names = [front.points[at].candidate.name for at in positions[:limit]]
    more = f" and {len(positions) - limit} more" if len(positions) > limit else ""
    return "; ".join(names) + more if names else "–"


def _neighbours_table(front: Front) -> Part:
    if not front.neighbours:
        return "The front is a single point: there are no neighbours to compare."
    columns = [
        Column(heading="From", kind="wrap"),
        Column(heading="To", kind="wrap"),
        *(Column(heading=f"Δ {objective_label(objective)}", kind="n") for objective in front.objectives),
        Column(heading="Told apart"),
    ]
    rows = [
        (
            front.points[step.first].candidate.name,
            front.points[step.second].candidate.name,
            *(
                difference_cell(objective.metric, interval.estimate, interval.lower, interval.upper)
                for objective, interval in zip(front.objectives, step.objectives, strict=True)
            ),
            apart_words(front, step),
        )
        for step in front.neighbours
    ]
    return table(
        columns,
        rows,
        caption=(
            "Differences on common paths. Told apart: in which objectives, each by itself, the "
            f"{percent(front.confidence, 0)} interval leaves out zero."
        ),
    )


def _simple_text(front: Front) -> str:
    return (
        "The fewest changes that the data do not speak against: each point below is not dominated "
        "beyond chance and cannot be told apart from the front points it stands for. With few paths "
        f"much cannot be told apart; that is not the same as equal (n = {front.paths})."
    )


def _simple_table(front: Front) -> Part:
    columns = [
        Column(heading="Point", kind="wrap"),
        Column(heading="Changes", kind="n"),
        Column(heading="Values", kind="wrap"),
        Column(heading="Stands for", kind="wrap"),
    ]
    rows = [
        (
            point.candidate.name,
            point.candidate.changes,
            ", ".join(f"{key} = {number_words(value)}" for key, value in point.candidate.values.items())
            or "–",
            _names(front, point.stands_for, limit=6),
        )
        for point in front.points
        if point.simple
    ]
    return table(columns, rows)


def _method(study: FrontierStudy) -> list[str]:
    front = study.front
    reference = ", ".join(f"{value:.4g}" for value in front.reference)
    dominated = (
        "Dominated beyond chance: better or exactly equal in every objective at once, one-sided, Bonferroni "
        "over rivals."
    )
    volume = (
        f"Hypervolume {front.hypervolume:.3g} above the reference ({reference}), without interval: choosing "
        "the best of noisy points flatters a front."
    )
    return [
        "Every point sees the same paths; a resample draws the same paths for all points and metrics.",
        "Intervals and differences are those of a sweep (docs/statistics.md).",
        dominated,
        volume,
        "Conditional on the accounts of the scenario unless populations is above 1.",
    ]
