"""Findings of ``seawall sensitivity``: which parameters matter, and how sure that is."""

from __future__ import annotations

from pathlib import Path

from sim.experiments.exploration.sensitivity import Screening, Variance
from sim.experiments.exploration.studies import SensitivityStudy
from sim.experiments.exploration.wording import screening_words
from sim.metrics.statistics.intervals import Interval
from sim.reporting.figures.labels import Marker, add_labels, height_for, padded_range
from sim.reporting.figures.points import base_layout, color_of
from sim.reporting.figures.style import COLORS, Figure, Trace, plain, whiskers
from sim.reporting.findings.blocks import Findings, Heading, Highlight, Part, Verdict, headed, note, table
from sim.reporting.findings.exploration.common import (
    add_failures,
    add_identical,
    add_provenance,
    interval_words,
    number_words,
    objective_label,
    plain_interval,
    short_keys,
)
from sim.reporting.formatting import number, percent, shorten


def sensitivity_findings(study: SensitivityStudy, folder: Path) -> Findings:
    """Return what a sensitivity study found."""
    found = study.found
    page = Findings(
        command="sensitivity",
        title=study.title,
        question="Which parameters move the outcome, and which may be left alone?",
        context=study.scenario,
    )
    for text in found.flags:
        page.warn(text)
    add_identical(page, study.results, [axis.key for axis in found.axes])
    page.verdict = _verdict(study)
    page.highlights(_highlights(study))
    if found.screening is not None:
        page.section("Screening", *_screening_parts(study, found.screening), terminal=True)
    if found.variance is not None:
        page.section("Shares of variance", *_variance_parts(study, found.variance), terminal=True)
    page.section("Ranges", *_ranges(study))
    add_failures(page, study.results, folder)
    add_provenance(page, study.results, _method(study), folder)
    return page


def _verdict(study: SensitivityStudy) -> Verdict:
    found = study.found
    names = short_keys([axis.key for axis in found.axes])
    answers: list[tuple[str, str]] = []
    if found.screening is not None:
        kept = [names[found.axes[at].key] for at in found.screening.kept]
        dropped = [names[axis.key] for axis in found.axes if names[axis.key] not in kept]
        answers.append(("Kept by screening", ", ".join(kept) or "none"))
        answers.append(("Dropped", ", ".join(dropped) or "none"))
    headline = "Screening alone was asked for."
    if found.variance is not None:
        leaders = []
        for output, shares in zip(found.settings.outputs, found.variance.indices, strict=True):
            if shares.standard_deviation == 0.0:
                continue
            at = max(range(len(shares.parameters)), key=lambda k: shares.parameters[k].total.estimate)
            total = shares.parameters[at].total
            leaders.append(
                (
                    f"Most for {objective_label(output)}",
                    f"{names[found.variance.axes[at].key]}, ST {interval_words(total)}",
                )
            )
        answers += leaders
        headline = (
            f"Shares of variance for {len(found.variance.axes)} of {len(found.axes)} parameters."
            if leaders
            else "No parameter changed any output on any path: there is no variance to share out."
        )
    elif found.screening is not None and not found.screening.kept and found.settings.method == "both":
        headline = "No parameter changed any output on any path."
    return Verdict(level="open", stamp="sensitivity", headline=headline, answers=tuple(answers))


def _highlights(study: SensitivityStudy) -> list[Highlight]:
    found = study.found
    items = [Highlight(label="Parameters", value=number(len(found.axes)))]
    if found.screening is not None:
        extent = found.screening.extent
        items.append(
            Highlight(
                label="Screening",
                value=number(extent.points),
                note=f"different points, {found.settings.trajectories} trajectories",
            )
        )
    if found.variance is not None:
        extent = found.variance.extent
        items.append(
            Highlight(
                label="Indices", value=number(extent.points), note=f"points, N = {found.settings.samples:,}"
            )
        )
    last = found.variance.extent if found.variance is not None else None
    last = last if last is not None or found.screening is None else found.screening.extent
    if last is not None:
        items.append(
            Highlight(
                label="Paths",
                value=number(last.paths),
                note=f"the same at every point, of {last.planned:,}",
                mood="" if last.paths == last.planned else "bad",
            )
        )
    return items


def _screening_parts(study: SensitivityStudy, screening: Screening) -> list[Part]:
    found = study.found
    names = short_keys([axis.key for axis in screening.axes])
    level = percent(found.settings.confidence, 0)
    introduction = (
        "Each parameter is moved alone along random trajectories. Effects are per full range. Far "
        "right: a strong effect. High up: an effect that depends on where it is measured, or on other "
        "parameters. An open mark: nothing that chance of the paths does not explain."
    )
    parts: list[Part] = [introduction]
    columns = [
        *headed("wrap", "Parameter"),
        *headed(
            "n", ("μ*", "size of the effect"), ("μ", "with sign"), ("σ", "spread"), ("Noise", "of the paths")
        ),
        *headed("", "Verdict"),
    ]
    for place, (output, indices) in enumerate(zip(found.settings.outputs, screening.indices, strict=True)):
        label = objective_label(output)
        traces: list[Trace] = []
        for at, (axis, index) in enumerate(zip(screening.axes, indices, strict=True)):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": plain(names[axis.key]),
                    "x": [index.mu_star.estimate],
                    "y": [index.sigma.estimate],
                    "cliponaxis": False,
                    "marker": {
                        "size": 11,
                        "color": color_of(at),
                        "symbol": "circle" if index.above_noise else "circle-open",
                    },
                    "error_x": _errors([index.mu_star], color_of(at)),
                    "error_y": _errors([index.sigma], color_of(at)),
                    "hovertemplate": "μ* %{x:.3~g}, σ %{y:.3~g}",
                }
            )
        layout = base_layout("μ*, mean size of the effect", "σ", legend=False)
        layout["xaxis"]["showgrid"] = True
        height = height_for(len(indices), 360)
        add_labels(
            layout,
            [Marker(index.mu_star.estimate, index.sigma.estimate) for index in indices],
            {at: shorten(names[axis.key]) for at, axis in enumerate(screening.axes)},
            *(
                padded_range(
                    [end for one in intervals for end in (one.estimate, one.lower, one.upper)], from_zero=True
                )
                for intervals in (
                    [index.mu_star for index in indices],
                    [index.sigma for index in indices],
                )
            ),
            height=height,
        )
        parts += [
            Figure(
                key=f"screening-{place}",
                title=label,
                caption=f"Whiskers: {level} intervals over trajectories and paths. Open: within the noise.",
                traces=traces,
                layout=layout,
                height=height,
                description=f"Morris indices of {label} for {len(indices)} parameters",
            ),
            table(
                columns,
                [
                    (
                        names[axis.key],
                        plain_interval(index.mu_star),
                        plain_interval(index.mu),
                        plain_interval(index.sigma),
                        f"{index.noise:.3g}",
                        screening_words(screening, at, index),
                    )
                    for at, (axis, index) in enumerate(zip(screening.axes, indices, strict=True))
                ],
            ),
        ]
    return parts


def _variance_parts(study: SensitivityStudy, variance: Variance) -> list[Part]:
    found = study.found
    names = short_keys([axis.key for axis in variance.axes])
    level = percent(found.settings.confidence, 0)
    introduction = (
        "S1: the share of the variance over the ranges that a parameter explains alone. ST: with every "
        "interaction it takes part in. Estimates are shown as they come: a negative one is zero with "
        "noise, its interval says how much."
    )
    parts: list[Part] = [introduction]
    columns = [
        *headed("wrap", "Parameter"),
        *headed("n", ("S1", "alone"), ("ST", "with interactions")),
        *headed("wrap", "S1 and zero"),
    ]
    for place, (output, shares) in enumerate(zip(found.settings.outputs, variance.indices, strict=True)):
        label = objective_label(output)
        if shares.standard_deviation == 0.0:
            parts += [Heading(text=label), "Does not vary over the ranges: there is nothing to share out."]
            continue
        labels = [plain(names[axis.key]) for axis in variance.axes]
        traces: list[Trace] = [
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "y": labels,
                "x": [interval.estimate for interval in intervals],
                "marker": {"color": color},
                "error_x": _errors(intervals),
                "hovertemplate": f"%{{y}}: {name} %{{x:.3~f}}",
            }
            for name, color, intervals in (
                ("ST", COLORS["neutral"], [share.total for share in shares.parameters]),
                ("S1", COLORS["external"], [share.first for share in shares.parameters]),
            )
        ]
        layout = base_layout("share of variance", "", legend=True)
        layout["xaxis"]["showgrid"] = True
        layout["yaxis"] |= {"showgrid": False, "autorange": "reversed"}
        layout |= {"barmode": "group"}
        parts.append(
            Figure(
                key=f"indices-{place}",
                title=label,
                caption=(
                    f"Whiskers: {level} bootstrap over base samples and paths. Standard deviation over "
                    f"the ranges: {shares.standard_deviation:.3g}."
                ),
                traces=traces,
                layout=layout,
                height=150 + 58 * len(labels),
                description=f"Sobol indices of {label} for {len(labels)} parameters",
            )
        )
        rows: list[tuple[object, ...]] = [
            (
                names[axis.key],
                plain_interval(share.first),
                plain_interval(share.total),
                "interval includes 0" if share.first.lower <= 0.0 <= share.first.upper else "–",
            )
            for axis, share in zip(variance.axes, shares.parameters, strict=True)
        ]
        rows += [
            (
                f"{names[variance.axes[one].key]} with {names[variance.axes[two].key]}",
                plain_interval(interval, name="S2"),
                None,
                "interval includes 0" if interval.lower <= 0.0 <= interval.upper else "–",
            )
            for one, two, interval in shares.pairs
        ]
        parts.append(table(columns, rows))
    return parts


def _ranges(study: SensitivityStudy) -> list[Part]:
    columns = [*headed("wrap", "Parameter"), *headed("n", "From", "To"), *headed("", "Scale")]
    rows = [
        (axis.key, number_words(axis.at(0.0)), number_words(axis.at(1.0)), axis.scale)
        for axis in study.found.axes
    ]
    words = "Everything above is relative to these ranges: a wider range makes a parameter matter more."
    return [note(words), table(columns, rows)]


def _method(study: SensitivityStudy) -> list[str]:
    settings = study.found.settings
    lines: list[str] = [
        "Every design point sees the same paths, so the noise of the paths is no interaction.",
        "Intervals draw the design and the paths again, both at once.",
        "Conditional on the accounts of the scenario unless populations is above 1.",
    ]
    if settings.method != "sobol":
        lines.append(
            f"Screening: SALib, {settings.trajectories} trajectories on {settings.levels} levels; "
            "intervals are 1.96 (at 95 %) bootstrap standard deviations, as SALib's. Dropped: "
            f"parameters whose μ* is below {percent(settings.keep_share, 0)} of the largest, even at the "
            "upper end of its interval, for every output. They stay at the scenario's value."
        )
    if settings.method != "morris":
        lines.append(
            f"Indices: SALib, Saltelli's design on scrambled Sobol points, N = {settings.samples:,}; "
            "percentile intervals that treat base samples as independent, which makes them rather too "
            "long."
        )
    return lines


def _errors(intervals: list[Interval], color: str = "#5b616b") -> dict[str, object]:
    values, lower, upper = zip(*((one.estimate, one.lower, one.upper) for one in intervals), strict=True)
    return whiskers(values, lower, upper, color=color, thickness=1.2)
