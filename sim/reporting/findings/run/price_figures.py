"""Figures of the price: what the market did, what the contracts believed, and what flow did to it."""

import numpy as np

from sim.reporting.figures.style import (
    COLORS,
    Figure,
    Series,
    Trace,
    add_vertical_marks,
    array,
    lines,
    panel_layout,
    plain,
    time_array,
)
from sim.reporting.findings.run.context import account_lookup, liquidation_seconds, shock_marks, short_account
from sim.reporting.run_folder import RunFolder, column, epoch_seconds, has_columns

MAX_MARKERS = 1_200
"""Most liquidations drawn one by one; the largest are kept."""


def price_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw external, fundamental, index and risk price with every liquidation on it."""
    rows = run.market_blocks(market)
    if not has_columns(rows, ["timestamp", "external_price"]):
        return None
    times = epoch_seconds(rows["timestamp"])
    series = [
        Series(
            name="fundamental (without own flow)",
            values=column(rows, "fundamental_price"),
            color=COLORS["fundamental"],
            dash="dash",
        ),
        Series(
            name="risk price (contracts)", values=column(rows, "risk_price"), color=COLORS["risk"], step=True
        ),
        Series(name="oracle index", values=column(rows, "index_price"), color=COLORS["index"], step=True),
        Series(
            name="external market", values=column(rows, "external_price"), color=COLORS["external"], width=1.9
        ),
    ]
    markers, left_out = _liquidation_markers(run, market)
    name = run.market_name(market)
    layout = panel_layout([f"{plain(name)}, USDC"], span=run.time_span)
    add_vertical_marks(layout, shock_marks(run))
    caption = (
        "Where the blue line falls below the dashed one, the protocol's own flow (forced sales, hedges, "
        "arbitrage) moved the market. Each mark is one liquidation at the risk price it was judged at; its "
        "area follows the notional closed. A risk price above the external one means that the contracts "
        "were still behind."
    )
    if left_out:
        caption += (
            f" Only the {MAX_MARKERS:,} largest liquidations are marked; {left_out:,} smaller ones are not."
        )
    if layout["shapes"]:
        caption += " Dotted lines and grey bands: scripted events, numbered as in the list of events."
    return Figure(
        key=f"price-{market}",
        title=f"Price of {name} and liquidations",
        caption=caption,
        traces=lines(times, series) + markers,
        layout=layout,
        height=470,
        description=f"External, fundamental, index and risk price of {name}, with liquidations marked.",
    )


def impact_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw the price impact of all flow, the forced part of it, and the depth it met."""
    rows = run.market_blocks(market)
    if not has_columns(rows, ["timestamp", "forced_flow", "impact_log"]):
        return None
    times = epoch_seconds(rows["timestamp"])
    impact = np.expm1(column(rows, "impact_log")) * 100.0
    traces = lines(
        times,
        [
            Series(
                name="price impact of all flow",
                values=impact,
                color=COLORS["risk"],
                unit="%",
                number_format=",.2f",
                fill="tozeroy",
            )
        ],
    )
    traces += lines(
        times,
        [
            Series(
                name="forced flow per block",
                values=column(rows, "forced_flow"),
                color=COLORS["loss"],
                unit="USDC",
                number_format=",.3~s",
                width=1.2,
            )
        ],
        axis="y2",
    )
    traces += lines(
        times,
        [
            Series(
                name="market depth",
                values=column(rows, "depth"),
                color=COLORS["mark"],
                unit="USDC per 1 %",
                number_format=",.3~s",
            )
        ],
        axis="y3",
    )
    layout = panel_layout(
        ["impact, %", "flow, USDC", "depth, USDC<br>per 1 %"], span=run.time_span, shares=[1.3, 1, 1]
    )
    layout["yaxis3"]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key=f"impact-{market}",
        title="What the protocol's flow did to the price",
        caption=(
            "Top: how far the external price stands from where it would be without the protocol's own flow: "
            "forced sales, hedges, arbitrage. Middle: forced buying (above zero) and selling (below) "
            "reaching the outside market in each block. "
            "Bottom: quote needed to move that market by one per cent; the loop is dangerous when it dips "
            "as selling peaks."
        ),
        traces=traces,
        layout=layout,
        height=480,
        description="Price impact, forced flow and market depth over time.",
    )


def _liquidation_markers(run: RunFolder, market: int) -> tuple[list[Trace], int]:
    """Return the liquidations as marks, and how many were left out."""
    if not has_columns(run.liquidations, ["timestamp", "risk_price", "notional"]):
        return [], 0
    table = run.liquidations
    seconds = liquidation_seconds(run)
    notional = column(table, "notional")
    chosen = column(table, "market") == market if "market" in table else np.ones(len(table), dtype=bool)
    order = np.argsort(-np.where(chosen, notional, -1.0), kind="stable")[
        : min(MAX_MARKERS, int(chosen.sum()))
    ]
    shown = np.zeros(len(table), dtype=bool)
    shown[order] = True
    shown &= chosen
    largest = float(np.nanmax(notional[shown])) if shown.any() else 1.0
    people = account_lookup(run)
    accounts = table["account"].to_numpy()
    mine = np.flatnonzero(shown)
    if not mine.size:
        return [], 0
    words = [
        f"{plain(short_account(accounts[i]))} "
        f"({plain(people.get(str(accounts[i]), {}).get('group', 'account'))}), {notional[i]:,.0f} USDC"
        for i in mine
    ]
    marks: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": "liquidation",
        "x": time_array(seconds[mine]),
        "y": array(column(table, "risk_price")[mine]),
        "text": words,
        "xaxis": "x",
        "yaxis": "y",
        "hovertemplate": "%{text}",
        "marker": {
            "color": COLORS["loss"],
            "opacity": 0.6,
            "line": {"width": 0},
            "size": array(np.round(np.sqrt(np.maximum(notional[mine], 0.0) / largest) * 18.0 + 3.5, 2)),
        },
    }
    return [marks], int(chosen.sum() - shown.sum())
