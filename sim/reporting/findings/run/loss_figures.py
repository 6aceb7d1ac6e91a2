"""Figures of the losses: the insurance fund, and who carried the bad debt it did not."""

import numpy as np

from sim.reporting.figures.style import COLORS, Figure, Series, add_vertical_marks, lines, panel_layout
from sim.reporting.findings.run.context import shock_marks
from sim.reporting.run_folder import RunFolder, column, epoch_seconds, has_columns

WATERFALL = (
    ("fund_draws", "paid by the insurance fund", "fund_draws"),
    ("haircuts", "taken from winners by auto-deleveraging", "haircuts"),
    ("socialized_loss", "socialised to liquidity providers", "socialized"),
    ("pending_deficit", "not yet resolved", "pending"),
    ("negative_equity", "owed by accounts still open, not booked", "unbooked"),
)


def fund_figure(run: RunFolder) -> Figure | None:
    """Draw the fund's balance over the cumulative losses and who has carried them."""
    rows = run.protocol_blocks
    if not has_columns(rows, ["timestamp", "insurance_fund"]):
        return None
    times = epoch_seconds(rows["timestamp"])
    traces = lines(
        times,
        [
            Series(
                name="insurance fund",
                values=column(rows, "insurance_fund"),
                color=COLORS["fund"],
                unit="USDC",
                number_format=",.0f",
                step=True,
                fill="tozeroy",
                width=1.8,
            )
        ],
    )
    layers = [
        Series(
            name=label,
            values=column(rows, key),
            color=COLORS[color],
            unit="USDC",
            number_format=",.0f",
            stack="losses",
            width=0.8,
            step=True,
        )
        for key, label, color in WATERFALL
        if np.nan_to_num(column(rows, key)).any()
    ]
    titles = ["insurance fund, USDC"]
    if layers:
        traces += lines(times, layers, axis="y2")
        titles.append("losses, USDC")
        tail = "Bottom: losses beyond accounts' own collateral so far, by who carried or still owes them."
    else:
        tail = "No account lost more than its collateral, so there is no loss to stack beneath it."
    layout = panel_layout(titles, span=run.time_span, shares=[1.2, 1][: len(titles)])
    for axis in ("yaxis", "yaxis2"):
        if axis in layout:
            layout[axis]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key="fund",
        title="Insurance fund and loss waterfall",
        caption=(
            "The fund rises with its share of liquidation fees and falls when it covers an account closed "
            f"below zero. {tail} The order is fixed: the account, then the fund, then winners on the other "
            "side, then the liquidity providers."
        ),
        traces=traces,
        layout=layout,
        height=460 if layers else 320,
        description="Balance of the insurance fund, and cumulative losses by who carried them, over time.",
    )
