"""Figures of the sweep page: how metrics move over the points, and how paths are distributed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from sim.experiments.sweep.design import Value
from sim.metrics.book import METRICS
from sim.reporting.figures.distributions import exceedance_figure, violin_figure
from sim.reporting.figures.points import (
    Estimates,
    band_figure,
    heat_map,
    interval_figure,
    scatter_figure,
)
from sim.reporting.figures.style import Figure
from sim.reporting.findings.blocks import Part
from sim.reporting.findings.sweep.view import SweepView
from sim.reporting.metric_words import is_share, metric_label, metric_unit, metric_value, range_words
from sim.reporting.run_folder import FloatArray

POINTS_DRAWN = 8
"""Distributions drawn in one figure: as many as there are colours."""
POINTS_LISTED = 60
"""Points up to which a figure has one line for each."""
PARAMETERS_DRAWN = 4
"""Parameters of a scattered design that get a figure."""
ATOM = 0.2
"""Assumption: a distribution with more than this share on one value is not drawn as a violin, which would
smear it."""


def landscape_figures(view: SweepView) -> list[Part]:
    """Return, for each metric the experiment names, how it moves over the points.

    A heat map if two parameters vary on a full grid, a line with a band if one number varies, a list of
    points if they have names only, and else a scatter against each parameter.
    """
    if len(view.measured) < 2:
        return []
    varying = _varying(view)
    figures: list[Part] = []
    if len(varying) == 1 and all(_is_number(value) for value in _column(view, varying[0])):
        figures += [_line(view, metric, varying[0]) for metric in view.metrics]
    elif len(varying) == 2 and _is_grid(view, varying):
        figures += [_map(view, metric, varying) for metric in view.metrics]
    elif varying and len(view.measured) > POINTS_DRAWN:
        numeric = [key for key in varying if all(_is_number(value) for value in _column(view, key))]
        for metric in view.metrics:
            figures += [_cloud(view, metric, key) for key in numeric[:PARAMETERS_DRAWN]]
        if len(numeric) > PARAMETERS_DRAWN:
            figures.append(f"Shown against the first {PARAMETERS_DRAWN} of {len(numeric)} parameters.")
    elif len(view.measured) <= POINTS_LISTED:
        figures += [_list(view, metric) for metric in view.metrics]
    return figures


def distribution_figures(view: SweepView) -> list[Part]:
    """Return tails with quantile intervals and, where no value dominates, violins."""
    shown, words = _chosen_points(view)
    parts: list[Part] = [words] if words else []
    for metric in view.metrics:
        if METRICS[metric].is_event:
            continue
        samples: list[tuple[str, FloatArray]] = []
        marks: list[tuple[int, float, float, float, float]] = []
        for point in shown:
            values = view.paths.loc[view.paths["point"] == point, metric].dropna().to_numpy(dtype=np.float64)
            if not values.size:
                continue
            for statistic, above in (("VaR95", 0.05), ("VaR99", 0.01)):
                row = view.one(point, metric, statistic)
                if row is not None and math.isfinite(row["lower"]) and math.isfinite(row["upper"]):
                    marks.append((len(samples), above, row["estimate"], row["lower"], row["upper"]))
            samples.append((view.names[point], values))
        if samples:
            parts += _distribution(metric, samples, marks)
    return parts


def _distribution(
    metric: str,
    samples: list[tuple[str, FloatArray]],
    marks: list[tuple[int, float, float, float, float]],
) -> list[Part]:
    label, unit = metric_label(metric), metric_unit(metric)
    axis = f"{label}, {unit}" if unit else label
    if all(values.min() == values.max() for _, values in samples):
        ends = sorted({float(values[0]) for _, values in samples})
        if len(ends) == 1:
            return [f"{label} is {metric_value(metric, ends[0])} on every path."]
    caption = "Share of paths at or above a value; the axis is logarithmic, so tails stay visible."
    if marks:
        caption += " Thick bars: 95 % and 99 % quantiles with their intervals."
    parts: list[Part] = [
        exceedance_figure(
            f"tail-{metric}",
            f"{label}: how often how much",
            caption,
            samples,
            x_title=axis,
            share=is_share(metric),
            marks=marks,
        )
    ]
    if all(_largest_atom(values) <= ATOM for _, values in samples):
        parts.append(
            violin_figure(
                f"violin-{metric}",
                f"{label}: shape",
                "Density of paths with quartiles (box) and mean (dashed).",
                samples,
                axis=axis,
                share=is_share(metric),
            )
        )
    return parts


def _chosen_points(view: SweepView) -> tuple[list[int], str]:
    """Return the points whose distributions are drawn; of many, those spread over the first metric."""
    points = view.measured
    if len(points) <= POINTS_DRAWN:
        return points, ""
    metric = view.metrics[0] if view.metrics else ""
    means = {point: _estimate(view, point, metric)[0] for point in points}
    ordered = sorted(points, key=lambda point: (not math.isfinite(means[point]), means[point], point))
    places = np.linspace(0, len(ordered) - 1, POINTS_DRAWN).round().astype(int)
    words = (
        f"{POINTS_DRAWN} of {len(points)} points, spread evenly from the lowest to the highest "
        f"{metric_label(metric).lower()}."
    )
    return [ordered[place] for place in places], words


def _largest_atom(values: FloatArray) -> float:
    _, counts = np.unique(values, return_counts=True)
    return float(counts.max()) / values.size


def _estimate(view: SweepView, point: int, metric: str) -> tuple[float, float, float]:
    row = view.one(point, metric, "mean", "probability")
    if row is None:
        return math.nan, math.nan, math.nan
    return float(row["estimate"]), float(row["lower"]), float(row["upper"])


def _series(view: SweepView, metric: str, x: Sequence[float | str]) -> Estimates:
    found = [_estimate(view, point, metric) for point in view.measured]
    values, lower, upper = (list(column) for column in zip(*found, strict=True))
    return Estimates(name=metric_label(metric), x=x, values=values, lower=lower, upper=upper)


def _axis(metric: str) -> str:
    unit = metric_unit(metric)
    what = "chance" if METRICS[metric].is_event else "mean"
    return f"{what}, {unit}" if unit else what


def _list(view: SweepView, metric: str) -> Figure:
    names = [view.names[point] for point in view.measured]
    return interval_figure(
        f"points-{metric}",
        metric_label(metric),
        "Dot: estimate. Whisker: interval. No whisker: the table says why.",
        names,
        _series(view, metric, names),
        axis=_axis(metric),
        share=is_share(metric),
    )


def _line(view: SweepView, metric: str, key: str) -> Figure:
    x = [float(value) for value in _column(view, key) if _is_number(value)]
    positive = min(x) > 0 and max(x) / min(x) > 50
    return band_figure(
        f"line-{metric}",
        metric_label(metric),
        "Line: estimate. Band: interval at each value by itself.",
        [_series(view, metric, x)],
        x_title=key,
        y_title=_axis(metric),
        log_x=positive,
        share=is_share(metric),
    )


def _map(view: SweepView, metric: str, keys: Sequence[str]) -> Figure:
    across, down = (_levels(_column(view, key)) for key in keys)
    places = {
        (row[0], row[1]): point
        for point, row in zip(
            view.measured, zip(*(_column(view, key) for key in keys), strict=True), strict=True
        )
    }
    values: list[list[float | None]] = []
    words: list[list[str]] = []
    for second in down:
        found = [_estimate(view, places[first, second], metric) for first in across]
        values.append([None if math.isnan(one[0]) else one[0] for one in found])
        words.append(
            [
                f"{metric_value(metric, estimate)}"
                + ("" if math.isnan(low) else f" ({range_words(metric, low, high)})")
                for estimate, low, high in found
            ]
        )
    return heat_map(
        f"map-{metric}",
        metric_label(metric),
        "Each cell is a point; touch it for its interval.",
        x=across,
        y=down,
        values=values,
        words=words,
        x_title=keys[0],
        y_title=keys[1],
        share=is_share(metric),
    )


def _cloud(view: SweepView, metric: str, key: str) -> Figure:
    x = [float(value) for value in _column(view, key) if _is_number(value)]
    nothing = [math.nan] * len(x)
    return scatter_figure(
        f"cloud-{metric}-{key.replace('.', '-')}",
        f"{metric_label(metric)} against {key}",
        "Each dot is a point with its interval; other parameters vary too.",
        x=Estimates(name=key, x=x, values=x, lower=nothing, upper=nothing),
        y=_series(view, metric, x),
        labels=[view.names[point] for point in view.measured],
        x_title=key,
        y_title=_axis(metric),
        y_share=is_share(metric),
        plain_dots=True,
    )


def _column(view: SweepView, key: str) -> list[Value | None]:
    return [view.plan.points[point].values.get(key) for point in view.measured]


def _varying(view: SweepView) -> list[str]:
    keys = dict.fromkeys(key for point in view.measured for key in view.plan.points[point].values)
    return [key for key in keys if len(set(_column(view, key))) > 1]


def _levels(values: Sequence[Value | None]) -> list[Value | None]:
    distinct = list(dict.fromkeys(values))
    if not all(_is_number(value) for value in distinct):
        return distinct
    return sorted(distinct, key=lambda value: value if _is_number(value) else 0.0)


def _is_grid(view: SweepView, keys: Sequence[str]) -> bool:
    """Return whether every combination of two parameters' values is measured once."""
    columns = [_column(view, key) for key in keys]
    cells = list(zip(*columns, strict=True))
    return len(set(cells)) == len(cells) == math.prod(len(set(column)) for column in columns)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
