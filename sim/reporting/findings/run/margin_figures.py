"""Figures of the requirement and of the risk carried: margin ratios, volatility, open interest, leverage."""

from sim.reporting.figures.style import COLORS, Figure, Series, add_vertical_marks, lines, panel_layout
from sim.reporting.findings.run.context import shock_marks
from sim.reporting.findings.run.estimate_words import IMPLIED, chosen_estimates
from sim.reporting.run_folder import RunFolder, column, epoch_seconds, has_columns


def margin_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw the margin ratios over the volatility that the price oracle estimates."""
    rows = run.market_blocks(market)
    if not has_columns(rows, ["timestamp", "initial_margin_ratio", "maintenance_margin_ratio"]):
        return None
    times = epoch_seconds(rows["timestamp"])

    def ratio(name: str, key: str, color: str, dash: str = "solid") -> Series:
        return Series(
            name=name,
            values=column(rows, key) * 100.0,
            color=COLORS[color],
            unit="%",
            number_format=",.2f",
            dash=dash,
            step=True,
        )

    traces = lines(
        times,
        [
            ratio("initial", "initial_margin_ratio", "initial"),
            ratio("initial, mean of positions", "mean_initial_margin_ratio", "initial", "dot"),
            ratio("maintenance, target", "maintenance_margin_ratio", "maintenance"),
            ratio("maintenance, after ramp", "ramped_maintenance_margin_ratio", "ramped"),
            ratio("maintenance, mean of positions", "mean_maintenance_margin_ratio", "maintenance", "dot"),
        ],
    )
    traces += lines(
        times,
        [
            ratio("volatility, fast", "volatility_fast", "volatility_fast"),
            ratio("volatility, slow", "volatility_slow", "volatility_slow"),
        ],
        axis="y2",
    )
    layout = panel_layout(
        ["margin ratio, % of notional", "volatility, % a year"], span=run.time_span, shares=[1.5, 1]
    )
    for axis in ("yaxis", "yaxis2"):
        layout[axis]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key=f"margin-{market}",
        title="Margin requirements and volatility",
        caption=(
            "Solid lines are for a position of negligible size, dotted ones the notional-weighted mean of "
            "open positions. A maintenance line that climbs during the fall asks more of accounts exactly "
            "when they have less: that is procyclicality, and the ramp is there to slow it. "
            f"{_volatility_words(run, market)}"
        ),
        traces=traces,
        layout=layout,
        height=500,
        description="Initial and maintenance margin ratios above, fast and slow volatility below, over time.",
    )


def _volatility_words(run: RunFolder, market: int) -> str:
    """Return where the volatility that is drawn comes from, and whether it is what margin follows."""
    chosen = chosen_estimates(run, market)
    if not chosen:
        return "Volatility is the contracts' own estimate from reported prices."
    words = (
        "Volatility is what the price oracle itself estimates from reported prices; margin follows what this "
        "market chooses instead, which is not drawn"
    )
    implied = ", and may be what a reporter says that options imply" if IMPLIED in chosen else ""
    return f"{words}{implied}."


def open_interest_figure(run: RunFolder, market: int) -> Figure | None:
    """Draw long and short open interest and the mean leverage of open accounts."""
    rows = run.market_blocks(market)
    if not has_columns(rows, ["timestamp", "long_open_interest", "short_open_interest"]):
        return None
    times = epoch_seconds(rows["timestamp"])
    name = run.market_name(market)

    def size(label: str, key: str, color: str) -> Series:
        return Series(
            name=label,
            values=column(rows, key),
            color=COLORS[color],
            unit="base units",
            number_format=",.4~s",
            step=True,
        )

    traces = lines(
        times, [size("long", "long_open_interest", "long"), size("short", "short_open_interest", "short")]
    )
    leverage = Series(
        name="mean leverage",
        values=column(rows, "mean_leverage"),
        color=COLORS["leverage"],
        unit="×",
        number_format=",.2f",
        step=True,
    )
    accounts = Series(
        name="accounts with a position",
        values=column(rows, "accounts_open"),
        color=COLORS["neutral"],
        number_format=",.0f",
        step=True,
    )
    traces += lines(times, [leverage], axis="y2") + lines(times, [accounts], axis="y3")
    layout = panel_layout(
        ["open interest,<br>base units", "leverage, ×", "accounts"], span=run.time_span, shares=[1.4, 1, 0.8]
    )
    for axis in ("yaxis", "yaxis2", "yaxis3"):
        layout[axis]["rangemode"] = "tozero"
    add_vertical_marks(layout, shock_marks(run))
    return Figure(
        key=f"open-interest-{market}",
        title=f"Open interest in {name} and mean leverage",
        caption=(
            "Open interest is in units of the underlying, so a fall means positions were closed, not that "
            "the price fell. Leverage is notional over equity: it rises when prices move against accounts "
            "and drops when the weakest are closed."
        ),
        traces=traces,
        layout=layout,
        height=480,
        description="Long and short open interest, mean leverage and number of open accounts over time.",
    )
