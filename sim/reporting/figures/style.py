"""The house style of the figures, and the small helpers every figure is built from.

Figures are plain plotly JSON (checked against plotly's own schema in the tests), so that the page is the same
bytes for the same run. Long arrays travel as base64 typed arrays, the form plotly.js reads natively.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sim.core.arrays import FloatArray
from sim.reporting.figures.sampling import MAX_POINTS, extreme_preserving_indices

Trace = dict[str, Any]
Layout = dict[str, Any]

# One colour per series, the same in every figure. After Okabe & Ito's palette (distinguishable with common
# colour vision deficiencies), dark enough for white paper and light enough for a dark screen.
COLORS = {
    "external": "#1f77b4",
    "fundamental": "#8a8f98",
    "index": "#e69f00",
    "risk": "#c0569a",
    "mark": "#009e73",
    "initial": "#1f77b4",
    "maintenance": "#d55e00",
    "ramped": "#e69f00",
    "volatility_fast": "#c0569a",
    "volatility_slow": "#56a5d9",
    "long": "#1f77b4",
    "short": "#e69f00",
    "leverage": "#009e73",
    "fund": "#009e73",
    "fund_draws": "#56a5d9",
    "haircuts": "#e69f00",
    "socialized": "#d55e00",
    "pending": "#8a8f98",
    "unbooked": "#b3224a",
    "gas": "#56a5d9",
    "demand": "#e69f00",
    "base_fee": "#c0569a",
    "neutral": "#8a8f98",
    "gain": "#009e73",
    "loss": "#d55e00",
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"


_LETTER, _NARROWEST = 7.0, 240.0
"""Pixels: of a letter of a mark's label, and of the width of a plot on a page of 400 pixels."""


class Figure(BaseModel):
    """One figure: what is drawn, and how to read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: Literal["figure"] = "figure"
    key: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    """Names its place on the page."""
    title: str
    caption: str
    traces: list[Trace]
    layout: Layout
    height: int = Field(default=380, ge=40, le=20_000)
    """Pixels."""
    description: str = ""
    """Alternative text for readers who cannot see the drawing."""
    in_type: str = ""
    """The same drawn in characters, for a post that can hold no picture; empty: it is left out there."""


def array(values: FloatArray, dtype: str = "f4") -> dict[str, str]:
    """Encode numbers as plotly's typed-array form, little-endian on every machine."""
    packed = np.ascontiguousarray(values, dtype=np.dtype(f"<{dtype}"))
    return {"dtype": dtype, "bdata": base64.b64encode(packed.tobytes()).decode("ascii")}


def time_array(seconds: FloatArray) -> dict[str, str]:
    """Encode epoch seconds as the milliseconds plotly's date axis wants."""
    return array(np.asarray(seconds) * 1_000.0, "f8")


def plain(text: object) -> str:
    """Escape a user's words for plotly, which reads a subset of HTML in labels."""
    return escape(str(text), quote=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a panel."""

    name: str
    values: FloatArray
    color: str
    unit: str = ""
    number_format: str = ",.4~f"
    dash: str = "solid"
    width: float = 1.6
    step: bool = False
    fill: str | None = None
    stack: str | None = None


def lines(
    times: FloatArray, series: Sequence[Series], *, axis: str = "y", limit: int = MAX_POINTS
) -> list[Trace]:
    """Draw several series on one panel, thinned together; a series without any value is left out."""
    drawn = [one for one in series if np.isfinite(one.values).any()]
    rows = extreme_preserving_indices([one.values for one in drawn], limit)
    x = time_array(times[rows])
    traces = []
    for one in drawn:
        line: dict[str, Any] = {"color": one.color, "width": one.width, "dash": one.dash}
        if one.step:
            line["shape"] = "hv"  # a state holds until the next block
        trace: Trace = {
            "type": "scatter",
            "mode": "lines",
            "name": one.name,
            "x": x,
            "y": array(one.values[rows]),
            "xaxis": "x",
            "yaxis": axis,
            "line": line,
            "hovertemplate": f"%{{y:{one.number_format}}}{' ' + one.unit if one.unit else ''}",
        }
        if one.stack is not None:
            trace["stackgroup"] = one.stack
        elif one.fill is not None:
            trace["fill"] = one.fill
            trace["fillcolor"] = one.color + "26"
        traces.append(trace)
    return traces


def bars(
    times: FloatArray,
    values: FloatArray,
    *,
    name: str,
    color: str,
    width_seconds: float,
    axis: str = "y",
    hover: str = "%{y:,.3~s}",
) -> Trace:
    """Draw one value per bin of time; ``times`` are the starts of the bins."""
    return {
        "type": "bar",
        "name": name,
        "x": time_array(times + width_seconds / 2),
        "y": array(values),
        "width": width_seconds * 1_000.0 * 0.86,
        "xaxis": "x",
        "yaxis": axis,
        "marker": {"color": color, "line": {"width": 0}},
        "hovertemplate": hover,
    }


def panel_layout(
    titles: Sequence[str],
    *,
    span: tuple[float, float] | None = None,
    shares: Sequence[float] | None = None,
    gap: float = 0.07,
) -> Layout:
    """Lay out panels one above the other over one shared horizontal axis.

    Parameters
    ----------
    titles
        Title of each vertical axis, unit included, from the top panel (axis ``y``, then ``y2``...).
    span
        First and last time shown, epoch seconds; None where the horizontal axis is not time.
    shares
        Relative heights; equal when absent.
    """
    weights = list(shares) if shares is not None else [1.0] * len(titles)
    usable = 1.0 - gap * (len(titles) - 1)
    layout: Layout = {
        "hovermode": "x unified",
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "xanchor": "left",
        },
        "margin": {"l": 66, "r": 22, "t": 34, "b": 44},
        "barmode": "stack",
    }
    top = 1.0
    for position, (title, weight) in enumerate(zip(titles, weights, strict=True), start=1):
        bottom = max(0.0, top - usable * weight / sum(weights))
        layout["yaxis" if position == 1 else f"yaxis{position}"] = {
            "title": {"text": title, "standoff": 8},
            "domain": [round(bottom, 6), round(top, 6)],
            "zeroline": False,
            "automargin": True,
            "nticks": max(3, round(8 * weight / sum(weights))),
        }
        top = bottom - gap
    layout["xaxis"] = {
        "anchor": "y" if len(titles) == 1 else f"y{len(titles)}",
        "showgrid": False,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
    }
    if span is not None:
        layout["xaxis"] |= {
            "type": "date",
            "range": [span[0] * 1_000.0, span[1] * 1_000.0],
            "title": {"text": "time, UTC", "standoff": 6},
            "hoverformat": "%Y-%m-%d %H:%M:%S UTC",
        }
    return layout


def add_vertical_marks(layout: Layout, marks: Sequence[tuple[float, float, str]]) -> None:
    """Mark moments or stretches (start, end in epoch seconds) across all panels, each with a short label."""
    shapes = layout.setdefault("shapes", [])
    for start, end, _ in marks:
        box = {"xref": "x", "yref": "paper", "x0": start * 1_000.0, "y0": 0, "y1": 1, "layer": "below"}
        line = {"color": COLORS["neutral"], "width": 1, "dash": "dot"}
        shapes.append(box | {"type": "line", "x1": start * 1_000.0, "line": line})
        if end > start:
            shade = {"fillcolor": COLORS["neutral"], "opacity": 0.09, "line": {"width": 0}}
            shapes.append(box | {"type": "rect", "x1": end * 1_000.0} | shade)
    first, last = layout["xaxis"]["range"]
    layout.setdefault("annotations", []).extend(
        {
            "xref": "x",
            "yref": "paper",
            "x": moment * 1_000.0,
            "y": 1,
            "yanchor": "top",
            # One near the end of the axis would leave the figure to the right.
            "xanchor": "left" if (moment * 1_000.0 - first) / (last - first) < 0.8 else "right",
            "text": plain(f" {label} "),
            "showarrow": False,
            "font": {"size": 10.5, "color": COLORS["neutral"]},
        }
        for moment, label in shared_labels(
            [(moment, label) for moment, _, label in marks], (last - first) / 1_000.0
        )
    )


def shared_labels(marks: Sequence[tuple[float, str]], span: float) -> list[tuple[float, str]]:
    """Return labels of moments; those that would cover each other on a narrow page are one, at the first.

    Parameters
    ----------
    marks
        Moment and label of each, in any order.
    span
        What the axis shows, in the unit of the moments.
    """
    shared: list[tuple[float, str]] = []
    for moment, label in sorted(marks):
        if shared and moment - shared[-1][0] < span * (len(shared[-1][1]) + 2) * _LETTER / _NARROWEST:
            shared[-1] = (shared[-1][0], f"{shared[-1][1]}, {label}")
        else:
            shared.append((moment, label))
    return shared


def whiskers(
    values: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    *,
    color: str = COLORS["neutral"],
    thickness: float = 1.0,
    width: int = 3,
) -> dict[str, Any]:
    """Return error bars from the ends of intervals; an end that is not finite is left out."""

    def reach(distances: Iterable[float]) -> list[float]:
        return [max(one, 0.0) if np.isfinite(one) else 0.0 for one in distances]

    return {
        "type": "data",
        "symmetric": False,
        "array": reach(high - value for value, high in zip(values, upper, strict=True)),
        "arrayminus": reach(value - low for value, low in zip(values, lower, strict=True)),
        "color": color,
        "thickness": thickness,
        "width": width,
    }
