"""Figures of a backtest's page."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import FloatArray
from sim.experiments.backtest.evaluation import Evaluation
from sim.experiments.backtest.instrument import as_ratio
from sim.reporting.figures.points import Estimates, base_layout
from sim.reporting.figures.style import COLORS, Figure, Series, array, lines, panel_layout, whiskers

_MOST_MARKS = 3_000  # breaches drawn
_LEAST_SHOWN = 12  # steps of the impulse


def margin_figure(found: Evaluation) -> Figure:
    """Draw the price over the ratios, with the losses that exceeded maintenance."""
    series = found.series
    times = series.times.astype(np.float64)
    windows = found.main_windows
    traces = lines(
        times,
        [
            Series(
                name="price",
                values=series.prices,
                color=COLORS["external"],
                unit="quote",
                number_format=",.6~g",
            ),
        ],
    )
    traces += lines(
        times,
        [
            Series(
                name="initial", values=100.0 * as_ratio(series.initial), color=COLORS["initial"], unit="%"
            ),
            Series(
                name="maintenance",
                values=100.0 * as_ratio(series.maintenance),
                color=COLORS["maintenance"],
                unit="%",
            ),
            Series(
                name="maintenance, after ramp",
                values=100.0 * as_ratio(series.in_force),
                color=COLORS["ramped"],
                unit="%",
            ),
        ],
        axis="y2",
    )
    if windows is not None:
        ends = times[windows.starts + windows.length]
        for side, symbol in (("long", "triangle-down"), ("short", "triangle-up")):
            loss = windows.long_loss if side == "long" else -windows.long_loss
            hit = np.flatnonzero(loss > windows.margin)[:_MOST_MARKS]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"breach, {side}",
                    "x": array(ends[hit] * 1_000.0, "f8"),
                    "y": array(100.0 * loss[hit]),
                    "xaxis": "x",
                    "yaxis": "y2",
                    "marker": {"color": COLORS[side], "symbol": symbol, "size": 8},
                    "hovertemplate": "loss %{y:.2f} %",
                }
            )
    layout = panel_layout(
        ["price, quote", "ratio, % of notional"], span=(float(times[0]), float(times[-1])), shares=[1, 1.6]
    )
    layout["yaxis"]["type"] = "log"
    return Figure(
        key="margin",
        title="What the contracts asked for, and the losses beyond it",
        caption="A mark is the loss of a window that exceeded the maintenance ratio at its start, at the "
        "window's end.",
        traces=traces,
        layout=layout,
        height=560,
    )


def wealth_figure(found: Evaluation) -> Figure | None:
    """Draw the wealth of the e-backtests; None without windows."""
    windows = found.main_windows
    if windows is None or not found.shortfall:
        return None
    times = found.series.times[windows.starts + windows.length].astype(np.float64)
    dashes = {"margin": "solid", "volatility": "dot"}
    drawn = [
        Series(
            name=f"{row.forecast}, {row.result.side}",
            values=row.result.log10_wealth,
            color=COLORS[row.result.side],
            dash=dashes[row.forecast],
            number_format=",.2f",
        )
        for row in found.shortfall
    ]
    traces = lines(times, [*drawn, _level("rejected at 5 %", times.size, np.log10(20.0))])
    layout = panel_layout(["log10 of wealth"], span=(float(times[0]), float(times[-1])))
    return Figure(
        key="wealth",
        title="Evidence against the forecasts",
        caption="Wealth of a bet against each forecast of expected shortfall. It reaches 20 with "
        "probability at most "
        "5 % if the forecast is right, however often one looks.",
        traces=traces,
        layout=layout,
    )


def _level(name: str, size: int, value: float) -> Series:
    return Series(name=name, values=np.full(size, value), color=COLORS["neutral"], dash="dash", width=1.2)


def impulse_figure(found: Evaluation) -> Figure:
    """Draw the answer of margin to a doubled volatility beside the closed form."""
    impulse = found.impulse
    # What happens in the first memories is all there is to see; the rest is a flat line.
    away = np.abs(impulse.maintenance - impulse.maintenance[-1]) > 0.01 * np.ptp(impulse.maintenance)
    shown = max(_LEAST_SHOWN, 3 * int(np.count_nonzero(away)))
    hours = impulse.seconds[:shown] / 3_600.0

    def trace(name: str, values: FloatArray, color: str, dash: str) -> dict[str, object]:
        return {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": array(hours),
            "y": array(values[:shown]),
            "line": {"color": COLORS[color], "width": 1.8, "dash": dash},
            "hovertemplate": "%{y:.3f} after %{x:.1f} h",
        }

    return Figure(
        key="impulse",
        title="Volatility doubles: what margin does",
        caption="Ratio over its value before. Returns have constant size, so that what moves is the "
        "estimator: the "
        "dashed line is the closed form of an exponential average with the oracle's fast memory.",
        traces=[
            trace("maintenance", impulse.maintenance, "maintenance", "solid"),
            trace("initial", impulse.initial, "initial", "solid"),
            trace("EWMA, closed form", impulse.closed_form, "neutral", "dash"),
        ],
        layout=base_layout("hours after the step", "margin over margin before"),
    )


def fold_figure(series: list[Estimates]) -> Figure:
    """Draw the breach rate of each stretch judged, with its interval."""
    layout = base_layout("start of the stretch judged", "share of windows breached", share=True)
    colors = [COLORS["maintenance"], COLORS["initial"], COLORS["risk"], COLORS["volatility_slow"]]
    traces: list[dict[str, object]] = []
    for index, one in enumerate(series):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+lines",
                "name": one.name,
                "x": list(one.x),
                "y": list(one.values),
                "error_y": whiskers(one.values, one.lower, one.upper),
                "line": {"color": colors[index % len(colors)], "width": 1, "dash": "dot"},
                "marker": {"color": colors[index % len(colors)], "size": 7},
                "hovertemplate": "%{y:.2%} from %{x}",
            }
        )
    layout["xaxis"]["type"] = "category"
    layout["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": 0.01,
            "y1": 0.01,
            "line": {"color": COLORS["neutral"], "dash": "dash", "width": 1},
        }
    ]
    return Figure(
        key="walk-forward",
        title="Breaches out of sample",
        caption="Share of windows breached in each stretch, 95 % Clopper-Pearson, with what the stretch "
        "before "
        "calibrated; the dashed line is the target of 1 %.",
        traces=traces,
        layout=layout,
    )
