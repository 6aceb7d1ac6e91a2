"""Forest plots of a comparison: harm in units of each endpoint's margin, so that all fit on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.experiments.decision.results import Result
from sim.experiments.decision.verdict import Decision
from sim.reporting.figures.points import base_layout, color_of
from sim.reporting.figures.style import COLORS, Figure, Layout, Trace, plain, whiskers
from sim.reporting.findings.compare.words import endpoint_words
from sim.reporting.formatting import shorten

REACH = 12.0
"""Margins at which a whisker is cut: beyond it only the direction matters."""
_AXIS = "harm in units of the margin (left: better, 1: the margin)"
_CAPTION = (
    "Dots are the mean paired difference, proposed minus current, with its sign turned so that right is"
    " worse, divided by the endpoint's margin; whiskers are its two one-sided bounds. A whisker that ends"
    " left of the red line is not worse; one that begins right of it is worse; one that ends left of zero"
    " is better."
)


def pooled_figure(decision: Decision) -> Figure:
    """Draw every endpoint over all cells against its margin."""
    count = len(decision.pooled)
    places = [float(count - 1 - index) for index in range(count)]
    colors = [COLORS["gain"] if result.superior else COLORS["neutral"] for result in decision.pooled]
    trace = _trace("all cells", decision.pooled, places, colors)
    return Figure(
        key="pooled",
        title="Every endpoint against its margin, all cells together",
        caption=f"{_CAPTION} Green: superior.",
        traces=[trace],
        layout=_layout([endpoint_words(result) for result in decision.pooled], places, legend=False),
        height=110 + 34 * count,
        description=f"Forest plot of {count} endpoints with margins",
        in_type=forest_in_type(decision.pooled),
    )


_HALF, _PER_MARGIN = 3, 8
"""Margins on either side of zero, and characters for each, of the plot in characters."""


def forest_in_type(results: Sequence[Result]) -> str:
    """Draw endpoints against their margins in characters, at most 80 wide."""
    zero = _HALF * _PER_MARGIN
    axis = "".join(f"{margin:<{_PER_MARGIN}d}" for margin in range(-_HALF, _HALF + 1)).rstrip()
    lines = [f"{'in units of the margin':<30} {axis}"]
    for result in results:
        row = [" "] * (2 * zero + 1)
        if math.isfinite(result.difference):
            low, high = sorted((_harm(result, result.lower), _harm(result, result.upper)))
            places = [_place(value, zero) for value in (low, _harm(result, result.difference), high)]
            for at in range(places[0], places[2] + 1):
                row[at] = "-"
            for at, value, beyond in ((places[0], low, "<"), (places[2], high, ">")):
                row[at] = beyond if abs(value) > _HALF else "-"
        for at, mark in ((zero, "|"), (zero + _PER_MARGIN, ":")):
            row[at] = mark
        if math.isfinite(result.difference):
            row[places[1]] = "o"
        lines.append(f"{shorten(endpoint_words(result), 30):<30} {''.join(row).rstrip()}")
    key = "o mean difference, left is better; - its bounds; | no difference; : the margin"
    return "\n".join([*lines, key])


def _place(value: float, zero: int) -> int:
    return min(max(round(value * _PER_MARGIN) + zero, 0), 2 * zero)


def by_cell_figure(decision: Decision) -> Figure:
    """Draw every endpoint in every cell, cells by colour."""
    count, cells = len(decision.pooled), len(decision.cells)
    middle = [float(count - 1 - index) for index in range(count)]
    traces = []
    for index, cell in enumerate(decision.cells):
        rows = [result for result in decision.results if result.cell == cell.cell]
        shift = 0.76 * (0.5 - (index + 0.5) / cells)
        traces.append(_trace(cell.cell, rows, [place + shift for place in middle], [color_of(index)] * count))
    return Figure(
        key="by-cell",
        title="The same in each model of the market",
        caption="If the dots of an endpoint lie on both sides of zero, its sign depends on the model.",
        traces=traces,
        layout=_layout([endpoint_words(result) for result in decision.pooled], middle, legend=True),
        height=150 + count * max(34, 11 * cells),
        description=f"Forest plot of {count} endpoints in {cells} cells with margins",
    )


def _trace(name: str, results: Sequence[Result], places: Sequence[float], colors: Sequence[str]) -> Trace:
    shown = [(result, place, color) for result, place, color in zip(results, places, colors, strict=True)
             if math.isfinite(result.difference)]  # fmt: skip
    values = [_harm(result, result.difference) for result, _, _ in shown]
    ends = [sorted((_harm(result, result.lower), _harm(result, result.upper))) for result, _, _ in shown]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "x": values,
        "y": [place for _, place, _ in shown],
        "marker": {"size": 8, "color": [color for _, _, color in shown]},
        "error_x": whiskers(values, [low for low, _ in ends], [high for _, high in ends], thickness=1.3),
        "text": [plain(f"{endpoint_words(result)}: {result.cell}") for result, _, _ in shown],
        "hovertemplate": "%{text}<br>%{x:.3~g} margins<extra></extra>",
    }


def _harm(result: Result, difference: float) -> float:
    harm = result.endpoint.direction * difference / result.endpoint.margin
    return min(max(harm, -REACH), REACH)


def _layout(labels: Sequence[str], places: Sequence[float], *, legend: bool) -> Layout:
    layout = base_layout(_AXIS, "", legend=legend)
    layout["yaxis"] |= {
        "tickmode": "array",
        "tickvals": list(places),
        "ticktext": [plain(shorten(label, 40)) for label in labels],
        "range": [-0.6, len(labels) - 0.4],
        "showgrid": False,
    }
    layout["xaxis"]["showgrid"] = True
    layout["shapes"] = [
        {
            "type": "line", "x0": x, "x1": x, "y0": -0.6, "y1": len(labels) - 0.4,
            "line": {"color": color, "width": 1.4, "dash": dash},
        }
        for x, color, dash in ((0.0, COLORS["neutral"], "solid"), (1.0, COLORS["loss"], "dash"))
    ]  # fmt: skip
    return layout
