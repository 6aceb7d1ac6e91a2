"""The cascades drawn: an icicle of who set off whom, and how many liquidations each generation held."""

import numpy as np

from sim.reporting.figures.style import (
    CAUSE_COLORS,
    CAUSE_LABELS,
    CAUSES,
    COLORS,
    Figure,
    Trace,
    panel_layout,
    plain,
)
from sim.reporting.findings.run.cascades import cascade_table, cascade_tree
from sim.reporting.run_folder import RunFolder, column

GENERATIONS_SHOWN = 100


def icicle_figure(run: RunFolder) -> Figure | None:
    """Draw the biggest cascades from the first domino (top) to the last generation (bottom)."""
    nodes = cascade_tree(run)
    if not nodes:
        return None
    known = {node.key for node in nodes}
    depth: dict[str, int] = {}
    for node in nodes:  # parents come before their children
        depth[node.key] = depth.get(node.parent, 0) + 1
    trace: Trace = {
        "type": "icicle",
        "ids": [node.key for node in nodes],
        "labels": [plain(node.label) for node in nodes],
        "parents": [node.parent if node.parent in known else "" for node in nodes],
        "values": [round(node.notional, 2) for node in nodes],
        "branchvalues": "remainder",
        "text": [plain(node.words) for node in nodes],
        "textinfo": "label",
        "hovertemplate": "<b>%{label}</b><br>%{text}<br>with all it set off: %{value:,.4~s} "
        "USDC<extra></extra>",
        "tiling": {"orientation": "v"},
        "pathbar": {"visible": True},
        "root": {"color": "rgba(0,0,0,0)"},
        "sort": True,
        "marker": {
            "colors": [CAUSE_COLORS.get(node.cause, "#c3c7cd") for node in nodes],
            "line": {"width": 0.7, "color": "#ffffff"},
        },
        "insidetextfont": {"color": ["#ffffff" if node.cause else "#16191d" for node in nodes], "size": 11},
    }
    deepest = max(depth.values())
    return Figure(
        key="icicle",
        title="The biggest cascades, from the first domino down",
        caption=(
            "Each box in the top row is a first domino; below a box stand the liquidations it set off. A "
            "box is as wide as the notional it and everything beneath it closed. Grey: would have "
            "happened at the outside price alone; orange: needed the price impact of the boxes above; "
            "purple: needed raised margin ratios; red: needed both; pale: many small ones as one box. "
            "Click a box to enlarge it."
        ),
        traces=[trace],
        layout={"margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "uniformtext": {"minsize": 9, "mode": "hide"}},
        height=min(680, 130 + 34 * (deepest + 1)),
        description=f"Icicle of the biggest cascades, {deepest} generations deep.",
    )


def generations_figure(run: RunFolder) -> Figure | None:
    """Draw the number of liquidations in each generation, by cause."""
    recorded = cascade_table(run)
    if recorded is None:
        return None
    generation = np.minimum(column(recorded, "depth").astype(np.int64), GENERATIONS_SHOWN)
    causes = recorded["cause"].astype(str).to_numpy()
    levels = int(generation.max()) + 1
    traces: list[Trace] = []
    for cause in CAUSES:
        counts = np.bincount(generation[causes == cause], minlength=levels)
        if counts.any():
            traces.append(
                {
                    "type": "bar",
                    "name": CAUSE_LABELS[cause],
                    "x": list(range(levels)),
                    "y": [int(count) for count in counts],
                    "marker": {"color": CAUSE_COLORS.get(cause, COLORS["neutral"]), "line": {"width": 0}},
                    "hovertemplate": "%{y:,.0f}",
                }
            )
    layout = panel_layout(["liquidations"])
    layout["xaxis"] |= {
        "title": {"text": "generation (0 = first domino)", "standoff": 6},
        "dtick": max(1, levels // 12),
    }
    layout["bargap"] = 0.25
    return Figure(
        key="generations",
        title="Liquidations by generation and cause",
        caption=(
            "Generation 0 needed nobody else's sale. If the bars shrink from one generation to the next "
            "the cascade dies out by itself; if they grow, it feeds itself."
            + (
                f" Generations from {GENERATIONS_SHOWN} on are counted together."
                if levels > GENERATIONS_SHOWN
                else ""
            )
        ),
        traces=traces,
        layout=layout,
        height=290,
        description="Bars of the number of liquidations in each generation, by cause.",
    )
