"""Figures of whole distributions: tails on a logarithmic axis, violins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.core.arrays import FloatArray
from sim.reporting.figures.points import base_layout, color_of, dash_of
from sim.reporting.figures.style import Figure, Trace, array, plain
from sim.reporting.formatting import shorten


def exceedance_figure(
    key: str,
    title: str,
    caption: str,
    samples: Sequence[tuple[str, FloatArray]],
    *,
    x_title: str,
    share: bool = False,
    marks: Sequence[tuple[int, float, float, float, float]] = (),
) -> Figure:
    """Draw the share of paths above each value on a logarithmic axis: tails stay visible.

    Parameters
    ----------
    samples
        (name, float64[n]) for each point.
    marks
        (index of the sample, probability above, estimate, lower, upper) of quantiles with their intervals.
    """
    traces: list[Trace] = []
    hover = ".3~p" if share else ",.4~g"
    for index, (name, values) in enumerate(samples):
        x, above = exceedance(values)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plain(name),
                "x": array(x, "f8"),
                "y": array(above, "f8"),
                "line": {"color": color_of(index), "width": 1.7, "shape": "vh", "dash": dash_of(index)},
                "hovertemplate": f"%{{x:{hover}}}: %{{y:.3~p}} of paths are at least so large",
            }
        )
    for index, probability, estimate, low, high in marks:
        ends = [value for value in (low, estimate, high) if math.isfinite(value)]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": ends,
                "y": [probability] * len(ends),
                "line": {"color": color_of(index), "width": 3},
                "marker": {"size": [9 if value == estimate else 4 for value in ends], "symbol": "diamond"},
                "hovertemplate": f"quantile %{{x:{hover}}}<extra></extra>",
                "showlegend": False,
            }
        )
    layout = base_layout(x_title, "share of paths at or above", share=True, legend=len(samples) > 1)
    layout["yaxis"] |= {"type": "log", "dtick": 1}
    layout["xaxis"]["showgrid"] = True
    if share:
        layout["xaxis"]["tickformat"] = "~%"
    return Figure(
        key=key, title=title, caption=caption, traces=traces, layout=layout, height=400, description=title
    )


def violin_figure(
    key: str,
    title: str,
    caption: str,
    samples: Sequence[tuple[str, FloatArray]],
    *,
    axis: str,
    share: bool = False,
    limit: int = 2_000,
) -> Figure:
    """Draw the distribution of each point as a violin with its quartiles; every value up to `limit`."""
    traces: list[Trace] = [
        {
            "type": "violin",
            "name": plain(shorten(name)),
            "x": array(_thin(values, limit), "f8"),
            "orientation": "h",
            "width": 0.9,
            "points": False,
            "spanmode": "hard",  # a kernel must not reach below zero where no value can
            "line": {"color": color_of(index), "width": 1.4},
            "meanline": {"visible": True},
            "box": {"visible": True, "width": 0.22},
            "hoverinfo": "x+name",
        }
        for index, (name, values) in enumerate(samples)
    ]
    layout = base_layout(axis, "", legend=False)
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False}
    layout["xaxis"]["showgrid"] = True
    if share:
        layout["xaxis"]["tickformat"] = "~%"
    return Figure(
        key=key,
        title=title,
        caption=caption,
        traces=traces,
        layout=layout,
        height=max(230, 100 + 56 * len(samples)),
        description=title,
    )


def exceedance(values: FloatArray, limit: int = 600) -> tuple[FloatArray, FloatArray]:
    """Return the distinct values, ascending, and the share of the sample at or above each.

    Long samples are thinned evenly over the logarithm of that share, so that the largest values all stay.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    distinct, first = np.unique(ordered, return_index=True)
    above: FloatArray = 1.0 - first.astype(np.float64) / ordered.size
    if distinct.size > limit:
        places = np.geomspace(1.0, distinct.size, limit).astype(np.int64)
        kept = np.unique(np.concatenate(([0], distinct.size - places)))
        distinct, above = distinct[kept], above[kept]
    return distinct, above


def _thin(values: FloatArray, limit: int) -> FloatArray:
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered.size <= limit:
        return ordered
    return ordered[np.linspace(0, ordered.size - 1, limit).astype(np.int64)]
