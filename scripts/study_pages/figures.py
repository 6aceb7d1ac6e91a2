"""The figures of the headline study, as SVG that is the same for the same numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.study_pages.numbers import BASE, METRICS, SCALES

COLOURS = {
    "static": "#52606d", "static x1.5": "#7b8794", "static x2": "#9aa5b1",
    "raw volatility": "#c2410c", "raw volatility, ramp": "#f59e0b",
    "adaptive, hour": "#7c3aed", "adaptive, hour, stress weight": "#2563eb",
    "adaptive, hour, ramp": "#0891b2", "adaptive, ten days": "#15803d",
}  # fmt: skip
"""Greys for what does not move, warm for the textbook rule, cool for the adaptive one."""

STYLE = {
    "svg.hashsalt": "seawall", "svg.fonttype": "path", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e7eb", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "figure.facecolor": "white",
}  # fmt: skip


def svg(figure: Figure) -> str:
    """Return a figure as SVG text without a date."""
    sink = io.StringIO()
    figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def cascade_against_fund(crash: Mapping[str, Any]) -> str:
    """Draw what is liquidated against fund drain and uncovered loss, one mark for each policy."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2, sharex=True)
        for name, found in crash["policies"].items():
            _mark(left, name, found, "liquidated_share", "fund_drain")
            _mark(right, name, found, "liquidated_share", "uncovered_loss_ratio")
        for axes, metric in ((left, "fund_drain"), (right, "uncovered_loss_ratio")):
            axes.set_xlabel(_label("liquidated_share"))
            axes.set_ylabel(_label(metric))
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
        return svg(figure)


def capital_against_tail(crash: Mapping[str, Any], calm: Mapping[str, Any]) -> str:
    """Draw what a policy asks on an ordinary day against the tail of what it leaves uncovered in a crash."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 4.2), layout="constrained")
        axes = figure.subplots()
        for name, found in crash["policies"].items():
            asked = calm["policies"][name]["mean_initial_margin_ratio"]
            tail = found["uncovered_loss_ratio_es99"]
            _error_bar(axes, name, asked, 100.0, tail, 1e4)
        axes.set_xlabel("mean initial margin on an ordinary day, %")
        axes.set_ylabel("expected shortfall 99 % of uncovered loss,\nbp of open interest")
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return svg(figure)


def where_it_hurts(crash: Mapping[str, Any], metric: str) -> str:
    """Draw the difference of every policy from static in each band of depth and speed."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.6), layout="constrained")
        axes = figure.subplots()
        cells = crash["cells"]
        names = [name for name in crash["policies"] if name != BASE]
        width = 0.8 / len(names)
        scale = SCALES[METRICS[metric][1]]
        for place, name in enumerate(names):
            found = [cell["differences"][name][metric] for cell in cells]
            centres = [index - 0.4 + width * (place + 0.5) for index in range(len(cells))]
            heights = [math.nan if item["estimate"] is None else scale * item["estimate"] for item in found]
            errors = [list(side) for side in zip(*(_reach(item, scale) for item in found), strict=True)]
            axes.bar(centres, heights, width, yerr=errors, color=COLOURS[name], label=name,
                     error_kw={"elinewidth": 0.8, "ecolor": "#1f2933"})  # fmt: skip
        axes.axhline(0.0, color="#1f2933", linewidth=0.8)
        axes.grid(visible=False, axis="x")
        axes.set_xticks(range(len(cells)), [cell_name(cell).replace(", ", "\n") for cell in cells])
        axes.set_ylabel(f"difference from static:\n{_label(metric)}")
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
        return svg(figure)


def cell_name(cell: Mapping[str, Any]) -> str:
    """Return ``3-8 %, 5-12 min``."""
    depth, minutes = cell["depth"], cell["minutes"]
    return f"{100 * depth[0]:.0f}-{100 * depth[1]:.0f} %, {minutes[0]:.0f}-{minutes[1]:.0f} min"


def market_name(cell: Mapping[str, Any]) -> str:
    """Return ``half-life 3-19 min, 5-18 % of depth left``."""
    seconds, left = cell["seconds"], cell["left"]
    minutes = f"{seconds[0] / 60:.0f}-{seconds[1] / 60:.0f} min"
    return f"half-life {minutes}, {100 * left[0]:.0f}-{100 * left[1]:.0f} % of depth left"


def _mark(axes: Axes, name: str, found: Mapping[str, Any], across: str, up: str) -> None:
    _error_bar(
        axes, name, found[across], SCALES[METRICS[across][1]], found[up], SCALES[METRICS[up][1]]
    )  # fmt: skip


def _error_bar(
    axes: Axes, name: str, x: Mapping[str, Any], x_scale: float, y: Mapping[str, Any], y_scale: float
) -> None:  # fmt: skip
    if x["estimate"] is None or y["estimate"] is None:
        return
    across, up = _reach(x, x_scale), _reach(y, y_scale)
    axes.errorbar(
        x_scale * x["estimate"], y_scale * y["estimate"],
        xerr=[[across[0]], [across[1]]], yerr=[[up[0]], [up[1]]],
        fmt="o", markersize=6, capsize=2, elinewidth=0.9, color=COLOURS[name], label=name,
    )  # fmt: skip


def _reach(found: Mapping[str, Any], scale: float) -> tuple[float, float]:
    """Return how far the whiskers go down and up; none where no end is stated."""
    middle, lower, upper = found["estimate"], found["lower"], found["upper"]
    return (
        0.0 if lower is None else scale * (middle - lower),
        0.0 if upper is None else scale * (upper - middle),
    )


def _label(metric: str) -> str:
    name, unit = METRICS[metric]
    return f"{name}, {unit}" if unit != "x" else name
