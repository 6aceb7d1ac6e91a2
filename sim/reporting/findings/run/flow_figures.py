"""Liquidations through time, beside those observed in the price file when it had them."""

import numpy as np

from sim.reporting.figures.style import COLORS, Figure, bars, panel_layout
from sim.reporting.findings.run.context import is_long, liquidation_seconds, time_bins
from sim.reporting.run_folder import FloatArray, RunFolder, column, epoch_seconds, has_columns


def liquidations_figure(run: RunFolder) -> Figure | None:
    """Draw liquidated notional per bin of time, long and short, above the observed ones if there are any."""
    span = run.time_span
    if span is None or not has_columns(run.liquidations, ["timestamp", "notional", "size"]):
        return None
    bins = time_bins(span)
    seconds = liquidation_seconds(run)
    notional = column(run.liquidations, "notional")
    longs = is_long(run.liquidations)
    simulated = [bins.total(seconds, np.where(side, notional, 0.0)) for side in (longs, ~longs)]
    traces = []
    for name, values, color in (
        ("longs closed", simulated[0], "long"),
        ("shorts closed", simulated[1], "short"),
    ):
        traces.append(
            bars(
                bins.starts,
                values,
                name=name,
                color=COLORS[color],
                width_seconds=bins.width_seconds,
                hover="%{y:,.3~s} USDC",
            )
        )
    titles = [f"simulated, USDC per {bins.label}"]
    caption = "Each bar is the notional closed by liquidations in that stretch of time."
    observed = run.observed
    if has_columns(observed, ["timestamp", "observed_long", "observed_short"]):
        times = epoch_seconds(observed["timestamp"])
        inside = (times >= bins.starts[0]) & (times < bins.starts[-1] + bins.width_seconds)
        seen = [
            bins.total(times[inside], column(observed, key)[inside])
            for key in ("observed_long", "observed_short")
        ]
        for name, values, color in (
            ("longs, observed", seen[0], "long"),
            ("shorts, observed", seen[1], "short"),
        ):
            trace = bars(
                bins.starts,
                values,
                name=name,
                color=COLORS[color],
                width_seconds=bins.width_seconds,
                axis="y2",
                hover="%{y:,.4~s} (file's unit)",
            )
            trace["marker"]["opacity"] = 0.6
            traces.append(trace)
        titles = [f"simulated,<br>USDC per {bins.label}", f"observed, file's<br>unit per {bins.label}"]
        caption += (
            " Bottom: liquidations recorded in the price file, in that file's own unit. Compare the shape "
            "(which hours, which side), not the level: the venue, its accounts and its margin rules are "
            "different ones." + _agreement(simulated[0] + simulated[1], seen[0] + seen[1], bins.label)
        )
    return Figure(
        key="liquidations",
        title=f"Liquidations per {bins.label}" + (", simulated beside observed" if len(titles) == 2 else ""),
        caption=caption,
        traces=traces,
        layout=panel_layout(
            titles, span=(float(bins.starts[0]), float(bins.starts[-1]) + bins.width_seconds), gap=0.1
        ),
        height=460 if len(titles) == 2 else 300,
        description="Bars of liquidated notional over time, for long and short positions.",
    )


def rank_correlation(left: FloatArray, right: FloatArray) -> float | None:
    """Return Spearman's rank correlation (mean ranks for ties), or None where one side never varies."""
    if len(left) < 3 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=np.float64)


def _agreement(simulated: FloatArray, observed: FloatArray, label: str) -> str:
    correlation = rank_correlation(simulated, observed)
    if correlation is None:
        return ""
    both = (
        f"{len(simulated)} bars of one {label}" if label in ("hour", "minute") else f"{len(simulated)} bars"
    )
    return (
        f" Spearman rank correlation of the two over {both}: {correlation:.2f} (neighbouring bars are not "
        "independent, so no significance is claimed)."
    )
