"""The picture of two worlds: what was liquidated with and without price feedback, and the prices."""

from __future__ import annotations

import numpy as np

from sim.metrics.entries.causes import WITHOUT
from sim.reporting.figures.style import COLORS, Figure, Series, add_vertical_marks, lines, panel_layout, plain
from sim.reporting.findings.run.context import shock_marks
from sim.reporting.run_folder import RunFolder, column, epoch_seconds, has_columns


def worlds_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw prices and cumulative liquidated notional of the run and of the world without price feedback."""
    here, there = run.market_blocks(market), run.worlds
    wanted = ["timestamp", "external_price", "liquidated_notional"]
    if not has_columns(here, wanted) or not has_columns(there, ["world", "market", *wanted]):
        return None
    there = there[(there["world"] == WITHOUT) & (there["market"] == market)]
    closed, closed_there = (np.cumsum(column(rows, "liquidated_notional")) for rows in (here, there))
    if len(there) != len(here) or not (closed[-1] or closed_there[-1]):
        return None
    times = epoch_seconds(here["timestamp"])
    color, color_there = COLORS["external"], COLORS["fundamental"]
    words, words_there = "with forced selling", "without"
    traces = lines(
        times,
        [
            Series(
                name=f"price {words_there}",
                values=column(there, "external_price"),
                color=color_there,
                dash="dash",
            ),
            Series(name=f"price {words}", values=column(here, "external_price"), color=color),
        ],
    )
    traces += lines(
        times,
        [
            Series(
                name=f"liquidated {words_there}",
                values=closed_there,
                color=color_there,
                unit="USDC",
                number_format=",.3~s",
                dash="dash",
                step=True,
            ),
            Series(
                name=f"liquidated {words}",
                values=closed,
                color=COLORS["loss"],
                unit="USDC",
                number_format=",.3~s",
                step=True,
                fill="tonexty",
            ),
        ],
        axis="y2",
    )
    name = run.market_name(market)
    layout = panel_layout(
        [f"{plain(name)}, USDC", "liquidated so far,<br>USDC"], span=run.time_span, shares=[1, 1.2]
    )
    layout["yaxis2"]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key=f"worlds-{market}",
        title=f"{name} with and without what forced selling does to the price",
        caption=(
            "Two worlds on the same random numbers. Dashed: no flow that originates in a forced close moves "
            "the price outside, neither by hedges nor by the arbitrage that carries it. The shaded gap at "
            "the right end is what forced selling added; a gap that closes again was only brought forward."
        ),
        traces=traces,
        layout=layout,
        height=460,
        description=f"Price of {name} and liquidated notional so far, in the run and without price feedback.",
    )
