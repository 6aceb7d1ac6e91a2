"""Findings of ``seawall optimise``: what the search promised, and what fresh paths left of it."""

from __future__ import annotations

import math
from pathlib import Path

from sim.experiments.exploration.optimise import Optimisation
from sim.experiments.exploration.studies import OptimiseStudy
from sim.experiments.exploration.wording import frequency_words, front_cautions
from sim.metrics.statistics.intervals import Interval
from sim.reporting.figures.points import SCALE, base_layout
from sim.reporting.figures.style import COLORS, Figure, Trace, plain, whiskers
from sim.reporting.findings.blocks import Column, Findings, Highlight, Part, Verdict, headed, note, table
from sim.reporting.findings.cells import in_points
from sim.reporting.findings.exploration.common import (
    add_failures,
    add_identical,
    add_provenance,
    cell,
    difference_words,
    is_percentage,
    number_words,
    objective_label,
    short_keys,
)
from sim.reporting.formatting import number, percent
from sim.reporting.metric_words import metric_value


def optimise_findings(study: OptimiseStudy, folder: Path) -> Findings:
    """Return what an optimisation found."""
    found = study.found
    page = Findings(
        command="optimise",
        title=study.title,
        question="Which parameter sets keep the limits, and what are they worth on paths nobody chose by?",
        context=study.scenario,
    )
    for text in front_cautions(found.front):
        page.warn(text)
    if not study.has_current:
        page.warn("The parameters as they stand lie outside the ranges: nothing is compared with them.")
    add_identical(page, study.results, list(found.contenders[0].values))
    page.verdict = _verdict(study)
    page.highlights(_highlights(study))
    page.section(
        "The optimiser's curse",
        "The search keeps what did well on its own paths, and part of that was luck. On fresh paths the "
        "luck is gone: the difference is the shrinkage. What the current parameters lose, which nobody "
        "chose, is luck of the search's paths that all sets share; the rest is selection. Choose by the "
        "fresh values.",
        _curse_table(study),
        _shrinkage_text(found),
        terminal=True,
    )
    page.section("The front", _figure(study), _front_table(study))
    page.section("Limits on fresh paths", _constraints_table(found), terminal=True)
    page.section("Parameter sets", _values_table(study), terminal=True)
    add_failures(page, study.results, folder)
    add_provenance(page, study.results, _method(study), folder)
    return page


def _verdict(study: OptimiseStudy) -> Verdict:
    found = study.found
    simple = [point.candidate for point in found.front.points if point.simple]
    kept = sum(trial.feasible for trial in found.trials)
    kept_fresh = sum(one.feasible for one in found.contenders)
    names = short_keys(list(simple[0].values)) if simple else {}
    answers = [
        (
            one.name,
            ", ".join(f"{names.get(key, key)} = {number_words(value)}" for key, value in one.values.items()),
        )
        for one in simple
    ]
    if simple:
        headline = f"Simplest sets that fresh paths do not speak against: {len(simple)}."
    else:
        headline = "No parameter set keeps every limit on fresh paths."
    limits = (
        f"kept by {kept:,} of {len(found.trials):,} trials, and on fresh paths by {kept_fresh} of "
        f"{len(found.contenders)} sets"
    )
    answers.append(("Limits", limits))
    return Verdict(
        level="open" if simple else "failed", stamp="search", headline=headline, answers=tuple(answers)
    )


def _highlights(study: OptimiseStudy) -> list[Highlight]:
    found = study.found
    before, after = found.promised_hypervolume, found.fresh_hypervolume
    return [
        Highlight(label="Trials", value=number(len(found.trials)), note=f"{study.paths:,} paths each"),
        Highlight(label="Fresh paths", value=number(found.fresh_paths), note="each with a book of its own"),
        Highlight(
            label="Hypervolume, searched",
            value=f"{before:.3g}",
            note="of the finalists' estimates",
        ),
        Highlight(
            label="Hypervolume, fresh",
            value=f"{after:.3g}",
            note="of the same sets",
            mood="warn" if after < before else "",
        ),
    ]


def _curse_table(study: OptimiseStudy) -> Part:
    found = study.found
    columns = [Column(heading="Set", kind="wrap")]
    for objective in found.settings.objectives:
        label = objective_label(objective)
        columns += headed(
            "n",
            (label, "on the search's paths"),
            (label, "on fresh paths"),
            ("Shrinkage", "above 0 is worse"),
        )
    rows = []
    for one in found.contenders:
        cells: list[object] = [one.name]
        for which, objective in enumerate(found.settings.objectives):
            cells += [
                cell(objective.metric, one.searched[which], paths=study.paths),
                cell(objective.metric, one.fresh[which], paths=found.fresh_paths),
                difference_words(objective.metric, one.shrinkage[which]),
            ]
        rows.append(cells)
    return table(
        columns,
        rows,
        caption=(
            f"{percent(found.settings.confidence, 0)} intervals, where there is one; n = {study.paths:,} "
            f"searched, {found.fresh_paths:,} fresh."
        ),
    )


def _shrinkage_text(found: Optimisation) -> Part:
    parts = []
    for which, (objective, value) in enumerate(
        zip(found.settings.objectives, found.mean_shrinkage, strict=True)
    ):
        words = _points(objective.metric, value)
        if found.current is not None:
            words += f" (current: {_points(objective.metric, found.current.shrinkage[which].estimate)})"
        parts.append(f"{objective_label(objective)}: {words}")
    return note(
        f"Mean shrinkage over finalists. {'; '.join(parts)}. Hypervolume of the finalists: "
        f"{found.promised_hypervolume:.3g} promised, {found.fresh_hypervolume:.3g} fresh, without interval: "
        "choosing flatters both by nobody knows how much."
    )


def _points(metric: str, value: float) -> str:
    return in_points(metric_value(metric, value))


def _figure(study: OptimiseStudy) -> Figure:
    found = study.found
    first, second = found.settings.objectives[:2]
    ran = [trial for trial in found.trials if trial.answer.objectives is not None]
    traces: list[Trace] = []
    for feasible in (True, False):
        shown = [trial for trial in ran if trial.feasible is feasible]
        values = [trial.answer.objectives or () for trial in shown]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "trial, keeps the limits" if feasible else "trial, breaks a limit",
                "x": [value[0] for value in values],
                "y": [value[1] for value in values],
                "text": [f"trial {trial.number}" for trial in shown],
                "marker": {
                    "size": 7,
                    "symbol": "circle" if feasible else "x-thin-open",
                    "color": [trial.number for trial in shown] if feasible else COLORS["neutral"],
                    **({"colorscale": SCALE} if feasible else {}),
                },
                "hovertemplate": "%{text}<br>%{x:.4~g}, %{y:.4~g}<extra></extra>",
            }
        )
    for one in found.contenders:
        if one.trial is None:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [one.searched[0].estimate, one.fresh[0].estimate],
                "y": [one.searched[1].estimate, one.fresh[1].estimate],
                "line": {"color": COLORS["loss"], "width": 1.2, "dash": "dot"},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "on fresh paths",
            "x": [one.fresh[0].estimate for one in found.contenders],
            "y": [one.fresh[1].estimate for one in found.contenders],
            "text": [plain(one.name) for one in found.contenders],
            "marker": {"size": 12, "symbol": "diamond", "color": COLORS["loss"]},
            "error_x": _whiskers([one.fresh[0] for one in found.contenders]),
            "error_y": _whiskers([one.fresh[1] for one in found.contenders]),
            "hovertemplate": "%{text}<br>%{x:.4~g}, %{y:.4~g}<extra></extra>",
        }
    )
    layout = base_layout(objective_label(first), objective_label(second), share=is_percentage(second))
    layout["xaxis"]["showgrid"] = True
    layout["margin"]["t"] = 74
    if is_percentage(first):
        layout["xaxis"]["tickformat"] = "~%"
    return Figure(
        key="trials",
        title=f"{objective_label(first)} against {objective_label(second)}",
        caption=(
            "Circles: trials on the paths of the search, blue early, red late. Diamonds: finalists, "
            "their simplifications and the current parameters on fresh paths; dotted lines lead there "
            "from what the search promised."
        ),
        traces=traces,
        layout=layout,
        height=460,
        description=f"{len(ran)} trials and {len(found.contenders)} sets on fresh paths",
    )


def _front_table(study: OptimiseStudy) -> Part:
    found = study.found
    front = found.front
    columns = [
        *headed("wrap", "Set"),
        *(Column(heading=objective_label(one), unit="fresh paths", kind="n") for one in front.objectives),
        *headed("n", ("On the front", "of resamples"), ("Changes", "to the scenario")),
        *headed("wrap", "Standing"),
    ]
    rows = []
    for at, point in enumerate(front.points):
        one = found.contenders[at]
        words = [] if one.feasible else ["breaks a limit"]
        words += ["on the front"] if point.on_front else []
        words += ["simple set"] if point.simple else []
        words += ["dominated beyond chance"] if point.dominated_by else []
        rows.append(
            (
                one.name,
                *(
                    cell(objective.metric, interval, paths=front.paths)
                    for objective, interval in zip(front.objectives, point.objectives, strict=True)
                ),
                frequency_words(point.front_probability, front.resamples),
                point.candidate.changes,
                ", ".join(words) or "–",
            )
        )
    return table(
        columns,
        rows,
        caption=f"Fresh paths only, n = {front.paths:,}. Marked: simple set.",
        marked=[at for at, point in enumerate(front.points) if point.simple],
    )


def _constraints_table(found: Optimisation) -> Part:
    if not found.settings.constraints:
        return "The experiment sets no limit."
    columns = [
        Column(heading="Set", kind="wrap"),
        *(
            Column(heading=one.label, unit=f"{percent(one.confidence, 0)} bound", kind="n")
            for one in found.settings.constraints
        ),
    ]
    rows = []
    for one in found.contenders:
        cells: list[object] = [one.name]
        for constraint, bound in zip(found.settings.constraints, one.constraints, strict=True):
            kept = constraint.violation(bound) <= 0.0
            value = bound.upper if constraint.at_most else bound.lower
            sign = "≤" if constraint.at_most else "≥"
            words = metric_value(constraint.metric, value) if math.isfinite(value) else "unbounded"
            cells.append(f"{sign} {words}, {'kept' if kept else 'broken'}")
        rows.append(cells)
    return table(columns, rows, caption="One-sided bounds: a limit counts as kept if the bound keeps it.")


def _values_table(study: OptimiseStudy) -> Part:
    found = study.found
    keys = list(found.contenders[0].values)
    names = short_keys(keys)
    columns = [
        Column(heading="Set", kind="wrap"),
        *(Column(heading=names[key], kind="n") for key in keys),
    ]
    return table(
        columns,
        [(one.name, *(number_words(one.values[key]) for key in keys)) for one in found.contenders],
        caption=f"Of {', '.join(keys)}.",
    )


def _method(study: OptimiseStudy) -> list[str]:
    settings = study.found.settings
    sampler = "NSGA-II with constrained domination" if settings.sampler == "nsga2" else "multi-objective TPE"
    batches = (
        f"{sampler} (optuna), {settings.trials:,} trials asked in batches of {settings.batch:,}: the "
        "same trials for any number of workers, and after a resume."
    )
    fresh = (
        "Fresh paths have another seed and each a book of accounts of its own: none of the random numbers "
        "and none of the drawn accounts that the search saw."
    )
    simple = (
        "Every finalist was also run with one parameter set back; the simple set prefers fewer changes "
        "where the fresh paths cannot tell the difference."
    )
    lines: list[str] = [
        batches,
        fresh,
        "Limits are judged by one-sided bounds, events by Clopper and Pearson's exact one.",
        "The search compares trials on common paths; shrinkage compares two disjoint sets of paths.",
    ]
    return [*lines, simple] if settings.simplify else lines


def _whiskers(intervals: list[Interval]) -> dict[str, object]:
    values, lower, upper = zip(*((one.estimate, one.lower, one.upper) for one in intervals), strict=True)
    return whiskers(values, lower, upper)
