"""Findings of a sweep: every point with intervals, beside the others and against the first."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim.experiments.estimates.points import paired_estimates
from sim.reporting.findings.assumptions import scenario_assumptions
from sim.reporting.findings.blocks import (
    Findings,
    Highlight,
    Part,
    bullets,
    details,
    facts,
    headed,
    note,
    table,
)
from sim.reporting.findings.identical import identical_points, identical_words
from sim.reporting.findings.sweep.figures import distribution_figures, landscape_figures
from sim.reporting.findings.sweep.tables import (
    all_estimates_table,
    difference_table,
    failures_table,
    family_tables,
    headline_table,
    points_table,
    stops_table,
    worst_paths_table,
)
from sim.reporting.findings.sweep.view import SweepView, load_view
from sim.reporting.formatting import number, percent, plural, significant
from sim.reporting.metric_words import metric_label, metric_meaning

MODEL_RISK = (
    "Statistics speak about the scenario's price process and agents, not about the world: what a different "
    "process would say is model risk, and no interval here contains it."
)
POINTS_OPEN = 5
"""Points besides the first up to which their comparison lies open on the page."""
POINTS_COMPARED = 40
"""Points up to which each is compared with the first and listed with all its estimates."""


def sweep_findings(folder: Path) -> Findings:
    """Return what a sweep found, from its results folder.

    Raises
    ------
    InputError
        The folder holds no sweep.
    """
    view = load_view(folder)
    plan, result = view.plan, view.result
    page = Findings(
        command="sweep",
        title=plan.title or f"Sweep of {plan.scenario.stem}",
        question=_lead(view),
        context=plan.scenario.stem,
    )
    if not result.is_complete:
        page.warn(
            f"{result.completed:,} of {result.total:,} paths: this sweep is not complete, and everything "
            "below holds for the paths that are there."
        )
    if result.violations:
        page.warn(
            f"{plural(len(result.violations), 'path')} broke an invariant: a finding about the protocol or "
            "the simulator, and the first thing to look at."
        )
    if result.unanswered:
        page.warn(
            f"In {plural(result.unanswered, 'path')} a margin formula had no good answer and the last good "
            "ratios stood in for it: a finding about the formula. Run such a path (formula_failures above "
            "zero), and seawall explain tells it."
        )
    varied = list(dict.fromkeys(key for point in plan.points for key in point.values))
    names = {point: view.names[point] for point in view.measured}
    for words in identical_words(identical_points(view.paths), names, varied, view.paths["path"].nunique()):
        page.warn(words)
    page.highlights(_highlights(view))
    if not view.measured:
        page.section("Nothing measured", "No path has finished, so there is nothing to show yet.")
    else:
        page.section(
            "Headline",
            _reading(view),
            headline_table(view),
            *landscape_figures(view),
            terminal=True,
            post=True,
        )
        if len(view.measured) > 1:
            page.section("Differences", *_differences(view))
        page.section("Distributions", *distribution_figures(view))
        page.section(
            "Five families",
            "Coverage, severity, cascade, procyclicality and efficiency belong together: margin that looks "
            "safe in one is often paid for in another.",
            *family_tables(view),
        )
        page.section("Worst paths", *_worst(view))
    if result.failures or not result.is_complete:
        page.section("Failures", *_failures(view))
    page.section("Points", points_table(view), stops_table(view), _all_estimates(view))
    page.section("Assumptions", *_assumptions(view))
    page.section("Provenance", *_provenance(view))
    return page


def _lead(view: SweepView) -> str:
    points, paths = len(view.plan.points), view.plan.paths
    if points == 1:
        return f"{plural(paths, 'path')} of one scenario, and what can be said from them."
    return f"{number(points)} variants of one scenario on the same {plural(paths, 'path')} each."


def _highlights(view: SweepView) -> list[Highlight]:
    plan, result = view.plan, view.result
    per_point = view.paths.groupby("point").size()
    spread = (
        "no path yet"
        if per_point.empty
        else f"{number(int(per_point.min()))} to {number(int(per_point.max()))} per point"
        if per_point.min() != per_point.max()
        else f"{number(int(per_point.min()))} per point"
    )
    return [
        Highlight(label="Points", value=number(len(plan.points)), note="variants of the scenario"),
        Highlight(
            label="Paths",
            value=number(result.completed),
            note=f"of {number(result.total)}, {spread}" if not result.is_complete else spread,
            mood="" if result.is_complete else "bad",
        ),
        Highlight(
            label="Populations",
            value=number(plan.populations),
            note="one book, given: results are conditional on it"
            if plan.populations == 1
            else "books of accounts, in turn",
        ),
        Highlight(
            label="Failures",
            value=number(len(result.failures)),
            note=f"{plural(len(result.violations), 'broken invariant')} among them"
            if result.violations
            else "every path ended well"
            if not result.failures
            else "paths without a result",
            mood="bad" if result.failures else "good",
        ),
    ]


def _reading(view: SweepView) -> str:
    """Say how the intervals are to be read."""
    words = (
        f"Intervals cover the truth in {percent(view.design.confidence, 0)} of sweeps like this one, each "
        "taken by itself: among many, some miss. Small print under an estimate is its interval."
    )
    if _below_zero(view):
        words += (
            " Where an interval of a mean reaches below zero though no path does, too few paths carry the "
            "mean: read it as an order of magnitude."
        )
    if view.plan.stopping is not None:
        words += (
            f" {metric_label(view.plan.stopping.metric)} decided how many paths each point has; its interval "
            "is a confidence sequence, which allows for that. Other intervals do not."
        )
    return words


def _below_zero(view: SweepView) -> bool:
    means = view.estimates[(view.estimates["statistic"] == "mean") & (view.estimates["lower"] < 0.0)]
    return any((view.paths[name].dropna() >= 0.0).all() for name in means["metric"].unique())


def _differences(view: SweepView) -> list[Part]:
    base, *others = view.measured
    names = view.names
    if len(others) >= POINTS_COMPARED:
        words = (
            f"{number(len(others) + 1)} points are too many to compare here one by one; "
            "paired_estimates of sim.experiments.estimates.points does it for any two."
        )
        return [words]
    found = {
        other: paired_estimates(view.paths, base, other, design=view.design, metrics=list(view.metrics))
        for other in others
        if _shared(view.paths, base, other) >= 2
    }
    lead = (
        f"Each point against the first, {names[base]}, path by path. Both saw the same random numbers, so a "
        "difference is often known much better than either value: the factor says by how many times pairing "
        "cut its variance. Differences of percentages are in percentage points, pp."
    )
    differences: Part = difference_table(view, found)
    if len(others) > POINTS_OPEN:
        differences = details(f"{len(others)} points against the first", difference_table(view, found))
    return [lead, differences]


def _shared(paths: pd.DataFrame, first: int, second: int) -> int:
    return len(
        set(paths.loc[paths["point"] == first, "path"]) & set(paths.loc[paths["point"] == second, "path"])
    )


def _worst(view: SweepView) -> list[Part]:
    tables = [one for metric in view.metrics if (one := worst_paths_table(view, metric)) is not None]
    if not tables:
        return ["No metric shown first has a worse end."]
    return [
        "Run in the results folder, each command repeats its path with all files and a report of its own.",
        *tables,
    ]


def _failures(view: SweepView) -> list[Part]:
    missing = view.result.total - view.result.completed - len(view.result.failures)
    parts: list[Part] = []
    if missing > 0:
        parts.append(f"{plural(missing, 'path')} had not been run when this page was written.")
    if view.result.failures:
        parts.append(failures_table(view))
    return parts


def _all_estimates(view: SweepView) -> Part:
    if len(view.measured) > POINTS_COMPARED // 4:
        words = "All estimates of so many points would fill the page; the notebook API gives them as a table."
        return note(words)
    return details(f"All {len(view.estimates):,} estimates, each with method", all_estimates_table(view))


def _assumptions(view: SweepView) -> list[Part]:
    plan = view.plan
    books = (
        "One population: the book of accounts is drawn once, from the seed, and is the same on every path. "
        "Everything here is conditional on it, as a book on chain is given."
        if plan.populations == 1
        else f"{plan.populations:,} populations in turn: {'pair' if plan.antithetic else 'path'} k has book "
        f"k modulo {plan.populations:,}. Intervals take books, not paths, as independent."
    )
    points = [
        books,
        "Path k has the same random numbers at every point; points differ in parameters alone.",
        MODEL_RISK,
    ]
    if plan.antithetic:
        unit = "; the pair is the independent unit" if plan.populations == 1 else ""
        points.append(f"Paths come in antithetic pairs, price mirrored{unit}.")
    if plan.draws:
        points.append("Drawn for every path anew, the same at every point: see below.")
    parts: list[Part] = [bullets(points)]
    if plan.draws:
        columns = [
            *headed("hash", "Drawn input"),
            *headed("n", "From", "To"),
            *headed("", "Scale", "Method"),
        ]
        rows = [
            (draw.key, significant(draw.low, 6), significant(draw.high, 6), draw.scale, draw.method)
            for draw in plan.draws
        ]
        parts.append(table(columns, rows, caption="Drawn inputs"))
    meanings = [(metric_label(name), name, metric_meaning(name)) for name in view.metrics]
    columns = [*headed("", "Metric"), *headed("hash", "Key"), *headed("wrap", "Meaning")]
    parts.append(table(columns, meanings, caption="Metrics shown first"))
    return [*parts, *scenario_assumptions(plan)]


def _provenance(view: SweepView) -> list[Part]:
    found = dict(view.result.provenance())
    parts: list[Part] = [
        "Same experiment, same digest: whatever the workers, and however often it was interrupted.",
        facts(
            [
                ("Digest (SHA-256 of points, paths, run digests, metrics)", found.get("digest")),
                ("Experiment (SHA-256)", found.get("experiment_sha256")),
                ("Seed", found.get("seed")),
                ("Input", found.get("inputs")),
                ("Version of", found.get("versions")),
            ]
        ),
        facts(sorted((found.get("contracts") or {}).items()), caption="Contracts executed, SHA-256"),
    ]
    return parts
