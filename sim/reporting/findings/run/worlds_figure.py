"""The picture of two worlds: what was liquidated with and without price feedback, and the prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.metrics.entries.causes import WITHOUT
from sim.reporting.figures.style import COLORS, Figure, Series, add_vertical_marks, lines, panel_layout, plain
from sim.reporting.findings.run.context import shock_marks
from sim.reporting.run_folder import FloatArray, RunFolder, column, epoch_seconds, has_columns


def worlds_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw prices and cumulative liquidated notional of the run and of the world without price feedback."""
    here, there = run.market_blocks(market), run.worlds
    wanted = ["timestamp", "external_price", "liquidated_notional"]
    if not has_columns(here, wanted) or not has_columns(there, ["world", "market", *wanted]):
        return None
    there = there[(there["world"] == WITHOUT) & (there["market"] == market)]
    closed, closed_there = (np.cumsum(column(rows, "liquidated_notional")) for rows in (here, there))
    if not len(there) or not (closed[-1] or closed_there[-1]):
        return None
    times, times_there = (epoch_seconds(rows["timestamp"]) for rows in (here, there))
    last = max(times[-1], times_there[-1])  # one of the two may have settled for longer
    dashed, drawn = COLORS["fundamental"], COLORS["external"]
    price = column(there, "external_price")
    traces = lines(times_there, [Series(name="price without", values=price, color=dashed, dash="dash")])
    price = column(here, "external_price")
    traces += lines(times, [Series(name="price with forced selling", values=price, color=drawn)])
    so_far = _so_far("liquidated without", closed_there)
    traces += lines(np.append(times_there, last), [replace(so_far, color=dashed, dash="dash")], axis="y2")
    so_far = _so_far("liquidated with forced selling", closed)
    traces += lines(np.append(times, last), [replace(so_far, fill="tonexty")], axis="y2")
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


def _so_far(name: str, closed: FloatArray) -> Series:
    """Return the line of what was liquidated so far, held to the end of the picture."""
    return Series(
        name=name,
        values=np.append(closed, closed[-1]),
        color=COLORS["loss"],
        unit="USDC",
        number_format=",.3~s",
        step=True,
    )
