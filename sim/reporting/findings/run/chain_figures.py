"""Figures of the chain: what it cost to be included, who was, and how old the oracle's price became."""

import numpy as np

from sim.protocol.codes import OracleStatus
from sim.reporting.figures.style import COLORS, Figure, Series, add_vertical_marks, bars, lines, panel_layout
from sim.reporting.findings.run.context import shock_marks, time_bins
from sim.reporting.run_folder import FloatArray, RunFolder, column, epoch_seconds, has_columns

STATUS_LABELS = tuple(status.name.lower().replace("_", " ") for status in OracleStatus)


def chain_figure(run: RunFolder) -> Figure | None:
    """Draw base fee, gas, and the fate of transactions."""
    rows = run.protocol_blocks
    span = run.time_span
    if span is None or not has_columns(rows, ["timestamp", "base_fee_gwei"]):
        return None
    times = epoch_seconds(rows["timestamp"])
    traces = lines(
        times,
        [
            Series(
                name="base fee",
                values=column(rows, "base_fee_gwei"),
                color=COLORS["base_fee"],
                unit="gwei",
                number_format=",.2f",
                step=True,
            )
        ],
    )
    traces += lines(
        times,
        [
            Series(
                name="gas demanded",
                values=column(rows, "gas_demanded") / 1e6,
                color=COLORS["demand"],
                unit="Mgas",
                number_format=",.2f",
                width=1.1,
            ),
            Series(
                name="gas used",
                values=column(rows, "gas_used") / 1e6,
                color=COLORS["gas"],
                unit="Mgas",
                number_format=",.2f",
                width=1.1,
            ),
        ],
        axis="y2",
    )
    bins = time_bins(span)
    for name, key, color in (
        ("included", "included", "fund"),
        ("reverted (included, failed)", "reverted", "loss"),
        ("evicted or expired", "evicted", "neutral"),
    ):
        counts = bins.total(times, column(rows, key))
        if key == "included" and "reverted" in rows:
            counts = np.maximum(counts - bins.total(times, column(rows, "reverted")), 0.0)
        if counts.any():
            traces.append(
                bars(
                    bins.starts,
                    counts,
                    name=name,
                    color=COLORS[color],
                    width_seconds=bins.width_seconds,
                    axis="y3",
                    hover="%{y:,.0f}",
                )
            )
    layout = panel_layout(
        ["base fee, gwei", "gas per block,<br>Mgas", f"transactions<br>per {bins.label}"],
        span=span,
        shares=[1, 1, 1],
    )
    for axis in ("yaxis", "yaxis2", "yaxis3"):
        layout[axis]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key="chain",
        title="Base fee, gas and inclusion",
        caption=(
            "When gas demanded (the protocol's and everybody else's) exceeds what a block holds, the base "
            "fee climbs by up to 12.5 % a block, and those who do not raise their bid wait or are "
            "evicted. Transactions counted are the simulation's own; a reverted one was included and paid "
            "for, but did nothing."
        ),
        traces=traces,
        layout=layout,
        height=560,
        description="Base fee, gas used and demanded per block, and the fate of transactions over time.",
    )


def oracle_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw the age of the oracle's price and its distance from the market, with its status ladder."""
    rows = run.market_blocks(market)
    if not has_columns(rows, ["timestamp", "oracle_age_seconds"]):
        return None
    times = epoch_seconds(rows["timestamp"])
    gap = (column(rows, "index_price") / column(rows, "external_price") - 1.0) * 100.0
    moments, ages = worst_in_interval(times, column(rows, "oracle_age_seconds"))
    traces = lines(
        moments,
        [
            Series(
                name="oldest age",
                values=ages,
                color=COLORS["index"],
                unit="s",
                number_format=",.0f",
                step=True,
            )
        ],
    )
    traces += lines(
        times,
        [
            Series(
                name="index against external price",
                values=gap,
                color=COLORS["risk"],
                unit="%",
                number_format="+,.2f",
                width=1.1,
            )
        ],
        axis="y2",
    )
    titles = ["age, seconds", "index against<br>external, %"]
    moments, status = worst_in_interval(times, column(rows, "oracle_status"))
    if np.isfinite(status).any():
        titles.append("status")
        traces += lines(
            moments,
            [
                Series(
                    name="worst status",
                    values=status,
                    color=COLORS["neutral"],
                    step=True,
                    number_format=".0f",
                )
            ],
            axis="y3",
        )
    layout = panel_layout(titles, span=run.time_span, shares=[1, 1, 0.8][: len(titles)])
    if "yaxis3" in layout:
        layout["yaxis3"] |= {
            "tickmode": "array",
            "tickvals": list(range(len(STATUS_LABELS))),
            "ticktext": list(STATUS_LABELS),
            "range": [-0.3, max(2.3, float(np.nanmax(status)) + 0.3)],
        }
    layout["yaxis"]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key=f"oracle-{market}",
        title=f"Oracle age, error and status for {run.market_name(market)}",
        caption=(
            "Age and status are the worst of each stretch of time as wide as a pixel or two. An old index "
            "means keepers had nothing new, were outbid, or were down. While it stands above a falling "
            "market, accounts that should be liquidated are not yet, and each is closed later at a worse "
            "price. The status decides which actions the contracts still allow."
        ),
        traces=traces,
        layout=layout,
        height=440,
        description="Age of the oracle index, its gap to the external price, and its status over time.",
    )


def worst_in_interval(
    times: FloatArray, values: FloatArray, intervals: int = 500
) -> tuple[FloatArray, FloatArray]:
    """Return the largest value of each of a number of equal stretches, with their first times.

    A saw-tooth of thousands of teeth would be drawn as one solid block; its upper edge is what matters.
    """
    if len(times) <= intervals:
        return times, values
    edges = np.linspace(0, len(times), intervals + 1).astype(np.int64)[:-1]
    return times[edges], np.fmax.reduceat(values, edges)
