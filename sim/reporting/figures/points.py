"""Figures of experiment pages about points: intervals, bands along a parameter, heat maps, frontiers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.arrays import FloatArray
from sim.reporting.figures.labels import Marker, add_labels, height_for, padded_range
from sim.reporting.figures.style import COLORS, Figure, Layout, Trace, array, plain, whiskers
from sim.reporting.formatting import shorten

POINT_COLORS = (
    "#1f77b4",
    "#d55e00",
    "#009e73",
    "#c0569a",
    "#e69f00",
    "#56a5d9",
    "#7b5fc0",
    "#8a8f98",
)
"""Colours of points, repeated beyond eight; the run report's own."""
DASHES = ("solid", "dash", "dot", "dashdot")
"""Set points apart for readers who do not see the colours; change after every round of colours."""
SCALE = [[0.0, "#2c5f8a"], [0.25, "#56a5d9"], [0.5, "#e9dfc3"], [0.75, "#e6913c"], [1.0, "#b3224a"]]
"""Of heat maps, low to high: readable on paper and on a dark screen, and in grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """One series: an estimate and its interval at each position."""

    name: str
    x: Sequence[float | str]
    values: Sequence[float]
    lower: Sequence[float]
    """NaN or infinite where the sample gives no bound: the whisker is left out."""
    upper: Sequence[float]


def color_of(index: int) -> str:
    """Return the colour of point or series `index`."""
    return POINT_COLORS[index % len(POINT_COLORS)]


def dash_of(index: int) -> str:
    """Return the dash of point or series `index`."""
    return DASHES[index // len(POINT_COLORS) % len(DASHES)]


def base_layout(x_title: str, y_title: str, *, share: bool = False, legend: bool = True) -> Layout:
    """Return the common layout of a single panel; `share` writes the vertical axis in per cent."""
    layout: Layout = {
        "margin": {"l": 66, "r": 22, "t": 34 if legend else 14, "b": 50},
        "hovermode": "closest",
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"},
        "xaxis": {
            "title": {"text": plain(x_title), "standoff": 8},
            "showgrid": False,
            "zeroline": False,
            "ticks": "outside",
            "ticklen": 4,
            "automargin": True,
        },
        "yaxis": {
            "title": {"text": plain(y_title), "standoff": 8},
            "zeroline": False,
            "automargin": True,
        },
    }
    if share:
        layout["yaxis"]["tickformat"] = "~%"
    return layout


def interval_figure(
    key: str,
    title: str,
    caption: str,
    labels: Sequence[str],
    series: Estimates,
    *,
    axis: str,
    share: bool = False,
) -> Figure:
    """Draw one estimate per point, one under the other with its interval: for points without an order."""
    count = len(labels)
    places = [float(count - 1 - index) for index in range(count)]
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": list(_finite(series.values)),
        "y": places,
        "marker": {"size": 9, "color": [color_of(index) for index in range(count)]},
        "error_x": whiskers(series.values, series.lower, series.upper, thickness=1.6, width=4),
        "text": [plain(label) for label in labels],
        "hovertemplate": f"%{{text}}<br>%{{x:{'.3~p' if share else ',.4~g'}}}<extra></extra>",
    }
    layout = base_layout(axis, "", legend=False)
    layout["yaxis"] |= {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [plain(shorten(label)) for label in labels],
        "range": [-0.6, count - 0.4],
        "showgrid": False,
    }
    layout["xaxis"]["showgrid"] = True
    if share:
        layout["xaxis"]["tickformat"] = "~%"
    return Figure(
        key=key,
        title=title,
        caption=caption,
        traces=[trace],
        layout=layout,
        height=max(180, 92 + 30 * count),
        description=f"{title}: {count} points with intervals",
    )


def band_figure(
    key: str,
    title: str,
    caption: str,
    series: Sequence[Estimates],
    *,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    share: bool = False,
    height: int = 380,
) -> Figure:
    """Draw estimates along one numeric parameter, each with a band for its interval."""
    traces: list[Trace] = []
    hover = ".3~p" if share else ",.4~g"
    for index, one in enumerate(series):
        order = np.argsort(np.asarray(one.x, dtype=np.float64), kind="stable")
        x = np.asarray(one.x, dtype=np.float64)[order]
        low, high = (np.asarray(ends, dtype=np.float64)[order] for ends in (one.lower, one.upper))
        bounded = np.isfinite(low) & np.isfinite(high)
        if bounded.any():
            edge = {"width": 0, "color": color_of(index)}
            common: dict[str, Any] = {"type": "scatter", "mode": "lines", "line": edge, "hoverinfo": "skip"}
            traces += [
                common | {"x": array(x[bounded], "f8"), "y": array(low[bounded], "f8"), "showlegend": False},
                common
                | {
                    "x": array(x[bounded], "f8"),
                    "y": array(high[bounded], "f8"),
                    "fill": "tonexty",
                    "fillcolor": color_of(index) + "2e",
                    "showlegend": False,
                },
            ]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": plain(one.name),
                "x": array(x, "f8"),
                "y": array(np.asarray(one.values, dtype=np.float64)[order], "f8"),
                "line": {"color": color_of(index), "width": 1.8, "dash": dash_of(index)},
                "marker": {"size": 7},
                "hovertemplate": f"%{{x:.4~g}}: %{{y:{hover}}}",
            }
        )
    layout = base_layout(x_title, y_title, share=share, legend=len(series) > 1)
    if log_x:
        layout["xaxis"]["type"] = "log"
    return Figure(
        key=key, title=title, caption=caption, traces=traces, layout=layout, height=height, description=title
    )


def heat_map(
    key: str,
    title: str,
    caption: str,
    *,
    x: Sequence[object],
    y: Sequence[object],
    values: Sequence[Sequence[float | None]],
    words: Sequence[Sequence[str]],
    x_title: str,
    y_title: str,
    share: bool = False,
) -> Figure:
    """Draw a grid of two parameters.

    Parameters
    ----------
    x, y
        Values along the axes, in order; shown as categories so that uneven grids keep equal cells.
    values
        One row for each y, None where there is no estimate.
    words
        What stands in each cell: estimate and interval, for the pointer and, in small grids, in the cell.
    """
    across, down = [_tick(value) for value in x], [_tick(value) for value in y]
    small = len(x) * len(y) <= 49 and len(x) <= 7
    trace: Trace = {
        "type": "heatmap",
        "x": across,
        "y": down,
        "z": [[_or_none(value) for value in row] for row in values],
        "customdata": [[plain(word) for word in row] for row in words],
        "colorscale": SCALE,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "colorbar": {"thickness": 12, "outlinewidth": 0, "len": 0.9},
        "hovertemplate": (
            f"{plain(x_title)} %{{x}}<br>{plain(y_title)} %{{y}}<br>%{{customdata}}<extra></extra>"
        ),
    }
    if share:
        trace["colorbar"]["tickformat"] = "~%"
    if small:
        trace |= {
            "texttemplate": "%{z:.3~p}" if share else "%{z:,.3~s}",
            "textfont": {"size": 11},
        }
    layout = base_layout(x_title, y_title, legend=False)
    for name in ("xaxis", "yaxis"):
        layout[name] |= {"type": "category", "showgrid": False}
    return Figure(
        key=key,
        title=title,
        caption=caption,
        traces=[trace],
        layout=layout,
        height=min(640, max(280, 140 + 42 * len(y))),
        description=f"{title}: {len(x)} by {len(y)} grid",
    )


def scatter_figure(
    key: str,
    title: str,
    caption: str,
    *,
    x: Estimates,
    y: Estimates,
    labels: Sequence[str],
    x_title: str,
    y_title: str,
    x_share: bool = False,
    y_share: bool = False,
    ellipses: Sequence[tuple[FloatArray, FloatArray]] = (),
    marked: Sequence[int] = (),
    names: Sequence[str] = (),
    sizes: Sequence[float] = (),
    colors: Sequence[float] | None = None,
    color_title: str = "",
    line: Sequence[int] = (),
    plain_dots: bool = False,
) -> Figure:
    """Draw points in the plane of two metrics, with whiskers or joint confidence ellipses.

    Parameters
    ----------
    ellipses
        (x, y) outlines by point, as `confidence_ellipse` makes them; whiskers are drawn when there are none.
    marked
        Points shown large with their name beside them: current and proposed, finalists.
    names
        What stands beside marked points, one for each point; their labels, shortened, by default.
    sizes
        Diameters of the markers, pixels; marked ones are larger by default.
    colors
        One number per point for a colour scale; without it each point has its own colour.
    line
        Points joined by a thin line in this order: a frontier.
    plain_dots
        One colour for all: many points whose names nobody looks up by colour.
    """
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": array(outline[0], "f8"),
            "y": array(outline[1], "f8"),
            "line": {"width": 1, "color": color_of(index) if colors is None else COLORS["neutral"]},
            "opacity": 0.7,
            "hoverinfo": "skip",
            "showlegend": False,
        }
        for index, outline in enumerate(ellipses)
    ]
    if line:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [_or_none(x.values[index]) for index in line],
                "y": [_or_none(y.values[index]) for index in line],
                "line": {"width": 1.4, "color": COLORS["neutral"], "dash": "dot"},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    chosen = set(marked)
    diameters = list(sizes) or [13.0 if index in chosen else 8.0 for index in range(len(labels))]
    points: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": _finite(x.values),
        "y": _finite(y.values),
        "customdata": [plain(label) for label in labels],
        "marker": {
            "size": diameters,
            "symbol": ["diamond" if index in chosen else "circle" for index in range(len(labels))],
            "color": [color_of(0 if plain_dots else index) for index in range(len(labels))],
        },
        "hovertemplate": (
            f"%{{customdata}}<br>%{{x:{'.3~p' if x_share else ',.4~g'}}}, "
            f"%{{y:{'.3~p' if y_share else ',.4~g'}}}<extra></extra>"
        ),
        "cliponaxis": False,
        "showlegend": False,
    }
    if colors is not None:
        points["marker"] |= {
            "color": [value if math.isfinite(value) else COLORS["neutral"] for value in colors],
            "colorscale": SCALE,
            "colorbar": {
                "thickness": 12,
                "outlinewidth": 0,
                "title": {"text": plain(color_title), "side": "right"},
            },
        }
    if not ellipses:
        for name, one in (("error_x", x), ("error_y", y)):
            points[name] = whiskers(one.values, one.lower, one.upper)
    traces.append(points)
    layout = base_layout(x_title, y_title, share=y_share, legend=False)
    layout["xaxis"]["showgrid"] = True
    if x_share:
        layout["xaxis"]["tickformat"] = "~%"
    height = height_for(len(chosen))
    if chosen:
        beside = names or [shorten(label) for label in labels]
        ends = [[*one.lower, *one.upper] for one in (x, y)]
        if ellipses:
            ends = [[float(end) for outline in ellipses for end in outline[at]] for at in (0, 1)]
        add_labels(
            layout,
            [Marker(*one[:2], one[2] / 2) for one in zip(x.values, y.values, diameters, strict=True)],
            {at: beside[at] for at in sorted(chosen)},
            padded_range([*x.values, *ends[0]]),
            padded_range([*y.values, *ends[1]]),
            height=height,
        )
    return Figure(
        key=key,
        title=title,
        caption=caption,
        traces=traces,
        layout=layout,
        height=height,
        description=f"{title}: {len(labels)} points",
    )


def confidence_ellipse(
    x: FloatArray, y: FloatArray, *, confidence: float = 0.95, corners: int = 60
) -> tuple[FloatArray, FloatArray]:
    """Return the outline of the joint confidence region of two means over the same paths.

    Hotelling's T-squared: (m - mu)' S**-1 (m - mu) <= 2 (n - 1) / (n (n - 2)) F_{2, n-2}. Arrays float64[n],
    n >= 3; the outline is closed.
    """
    from scipy import stats  # noqa: PLC0415 - half a second that most pages do not need

    n = len(x)
    if n < 3 or len(y) != n:
        raise ValueError(f"need two series of at least three paths, were {len(x)} and {len(y)}")
    scale = 2.0 * (n - 1) / (n * (n - 2)) * float(stats.f.ppf(confidence, 2, n - 2))
    values, vectors = np.linalg.eigh(np.cov(x, y))
    angles = np.linspace(0.0, 2.0 * math.pi, corners + 1)
    axes = np.sqrt(np.maximum(values, 0.0) * scale)
    outline = vectors @ (axes[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)]))
    return float(np.mean(x)) + outline[0], float(np.mean(y)) + outline[1]


def _finite(values: Sequence[float]) -> list[float | None]:
    return [_or_none(value) for value in values]


def _or_none(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _tick(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else plain(value)
