"""Estimators of volatility side by side on recorded hours, at equal coverage: a table and a figure.

The twins of the contracts take the four prices of each hourly bar as rounds, so that every estimator sees the
same. The margin of an hour is the root of the variance at its close, scaled by one number so that 2 % of the
hours that follow breach it on either side: what an estimator costs is then what is left to compare.

    python scripts/estimators.py [--print]      write the table of docs/estimators.md and the figure
    python scripts/estimators.py --check        exit 1 if the table is not what the script makes of the data
    python scripts/estimators.py --worlds       run flash_crash in its four worlds for each; write that table

Without the recorded prices, which are no part of the project, ``--check`` says so and passes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from textwrap import wrap

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.page_marks import put_between  # noqa: E402  (the path must be set first)
from scripts.walk_forward import WIDTH, Measured, measure  # noqa: E402
from sim.core.arrays import FloatArray, IntArray  # noqa: E402
from sim.core.files import atomic_write_text  # noqa: E402
from sim.core.units import to_wad  # noqa: E402
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import (  # noqa: E402
    Execution,
    execute,
    load_histories,
    run_beside,
    summarise,
    world_beside,
)
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.engine.worlds.feedback import Feedback  # noqa: E402
from sim.market.price_file import load_price_file  # noqa: E402
from sim.market.price_history import MICROSECONDS, POINTS_OF_A_BAR, PriceHistory  # noqa: E402
from sim.protocol.parameters.table import STRUCTS  # noqa: E402
from sim.reference import estimator_math, oracle_math  # noqa: E402
from sim.reference.fixed_point import WAD, mul_wad_up  # noqa: E402

PAGE = ROOT / "docs" / "estimators.md"
FIGURE = ROOT / "docs" / "images" / "estimators.svg"
PRICES = ROOT.parent / "shared" / "data" / "prices" / "btc_usd_1h_2018-05_2022-03.csv.gz"
SCENARIO = ROOT / "scenarios" / "flash_crash.toml"
HOURS = ("<!-- hours: made by scripts/estimators.py -->", "<!-- hours: end -->")
WORLDS = ("<!-- worlds: made by scripts/estimators.py --worlds -->", "<!-- worlds: end -->")

HOUR, YEAR = 3_600, 31_536_000
ESTIMATES = ("fast", "slow", "range", "true_range")
START = 36 * WAD // 100
SHOWN = (datetime(2020, 3, 10, tzinfo=UTC), datetime(2020, 3, 20, tzinfo=UTC))
DRAWN = {
    "fast EWMA": "#c2410c",
    "slow EWMA": "#9aa5b1",
    "range": "#2563eb",
    "largest, with buffer and limits": "#15803d",
}
"""Row -> colour."""
COMPARED = (*DRAWN, "true range")
"""Rows that a crash is run under."""


@dataclass(frozen=True)
class Row:
    """One choice: weights by estimate, and the parameters that differ from the table's."""

    name: str
    weights: Mapping[str, float]
    changes: Mapping[str, float] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, float]:
        """What a scenario's ``markets.0.estimator`` has."""
        return {**{f"{name}_weight": weight for name, weight in self.weights.items()}, **self.changes}


LARGEST = {"slow": 1.0, "range": 1.0}
LIMITS = {"rise_per_hour": 0.7, "fall_per_hour": 0.03}
ROWS = (
    Row("fast EWMA", {"fast": 1.0}),
    Row("slow EWMA", {"slow": 1.0}),
    Row("range", {"range": 1.0}),
    Row("true range", {"true_range": 1.0}),
    Row("largest of slow EWMA and range", LARGEST),
    Row("largest of all four", dict.fromkeys(ESTIMATES, 1.0)),
    Row("range, floor at the long run", {"range": 1.0}, {"floor_weight": 1.0}),
    Row("range, buffer 25 %", {"range": 1.0}, {"buffer": 0.25}),
    Row("range, limits", {"range": 1.0}, LIMITS),
    Row("largest, with buffer and limits", LARGEST, {"buffer": 0.25, **LIMITS}),
)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Estimates at the close of each bar (WAD variances), in the contracts' integers."""

    times: IntArray
    """Seconds since 1970."""
    prices: FloatArray
    variances: Mapping[str, Sequence[int]]
    long_run: Sequence[int]


@cache
def _decay(elapsed: int, tau: int) -> int:
    return oracle_math.decay(elapsed, tau)


def estimate(history: PriceHistory) -> Hours:
    """Return every estimate at the close of every bar, as the two oracles have it with default memories."""
    oracle, own = STRUCTS["oracle"].defaults, STRUCTS["estimator"].defaults
    cap = to_wad(oracle["max_return"])
    max_range = to_wad(own["max_range"])
    prices = [to_wad(price) for price in history.prices.tolist()]
    times = (history.times // MICROSECONDS).tolist()
    fast = slow = variance = long_run = START
    volatility = oracle_math.isqrt(START * WAD)
    observed, observed_at = prices[0], times[0]
    high = low = last = prices[0]
    opened = at = times[0]
    found: dict[str, list[int]] = {name: [] for name in ESTIMATES}
    levels: list[int] = []
    for index, (price, time) in enumerate(zip(prices, times, strict=True)):
        elapsed = time - observed_at
        if elapsed > 0:
            squared = oracle_math.observed_variance(price, observed, elapsed, cap)
            fast = oracle_math.blend_up(fast, squared, _decay(elapsed, int(oracle["tau_fast_seconds"])))
            slow = oracle_math.blend_up(slow, squared, _decay(elapsed, int(oracle["tau_slow_seconds"])))
            observed, observed_at = price, time
        if time > at:
            if time - opened > own["bucket_seconds"] and at > opened:
                variance, volatility, long_run = _closed(
                    high, low, at - opened, max_range, (variance, volatility, long_run)
                )
                opened, high, low = at, last, last
            high, low, last, at = max(high, price), min(low, price), price, time
        if index % POINTS_OF_A_BAR == POINTS_OF_A_BAR - 1:
            now = (variance, volatility, long_run)
            if at > opened:
                now = _closed(high, low, at - opened, max_range, now)
            for name, value in zip(ESTIMATES, (fast, slow, now[0], mul_wad_up(now[1], now[1])), strict=True):
                found[name].append(value)
            levels.append(long_run)
    closes = slice(POINTS_OF_A_BAR - 1, None, POINTS_OF_A_BAR)
    return Hours(
        times=np.array(times[closes], dtype=np.int64),
        prices=history.prices[closes],
        variances=found,
        long_run=levels,
    )


def _closed(
    high: int, low: int, elapsed: int, max_range: int, memory: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Return variance, volatility and long run with a bucket taken in (``estimator_state.vy``)."""
    own = STRUCTS["estimator"].defaults
    log_range = estimator_math.log_range(high, low, max_range)
    variance = estimator_math.range_variance(log_range, elapsed)
    keep, long = _decay(elapsed, int(own["tau_range_seconds"])), _decay(elapsed, int(own["tau_long_seconds"]))
    return (
        oracle_math.blend_up(memory[0], variance, keep),
        oracle_math.blend_up(memory[1], estimator_math.range_volatility(log_range, elapsed), keep),
        oracle_math.blend_up(memory[2], variance, long),
    )


def margins(row: Row, hours: Hours) -> FloatArray:
    """Return the root of what is chosen at each hour, over an hour, float64[n]."""
    words = {**STRUCTS["estimator"].defaults, **row.words}
    weights = [to_wad(row.weights.get(name, 0.0)) for name in ESTIMATES]
    floor, buffer = to_wad(words["floor_weight"]), to_wad(words["buffer"])
    rise, fall = to_wad(words["rise_per_hour"]), to_wad(words["fall_per_hour"])
    times = hours.times.tolist()
    level, before = START, times[0]
    chosen: list[float] = []
    for index, time in enumerate(times):
        largest = estimator_math.largest([hours.variances[name][index] for name in ESTIMATES], weights)
        cushioned = estimator_math.cushioned(largest, hours.long_run[index], floor, buffer)
        target = estimator_math.bounded(cushioned)
        level = estimator_math.limited(level, target, time - before, rise, fall)
        before = time
        chosen.append(level / WAD)
    return np.sqrt(np.array(chosen) * HOUR / YEAR)


def table(rows: Sequence[Measured], source: str) -> str:
    """Return the rows in Markdown, with what they were made of."""
    made_of = (
        f"`{source}`, {rows[0].hours:,} hours after a warm-up of 30 days, with the default memories (an hour"
        " and ten days; buckets of an hour, a day; a year). At equal coverage: each margin is scaled by one"
        " number so that 2 % of all hours breach it on either side. Walk-forward: hours that breach a long's"
        " / a short's margin when the scale is read off all hours before, 1 % each if it held. Implied"
        " volatility is not on this record. The limits are those of"
        f" {LIMITS['rise_per_hour']:g} up and {LIMITS['fall_per_hour']:g} down an hour, in logs of variance."
    )
    heads = ("choice", "mean margin", "peak to trough", "largest rise in 1 h", "in 24 h", "walk-forward")
    lines = [*wrap(made_of, WIDTH), "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        rise = {increase.steps: increase.largest for increase in row.cycle.increases}
        forward = row.forward
        lines.append(
            f"| {row.name} | {row.cycle.mean:.2%} | {row.cycle.peak_to_trough:.1f} | +{rise[1]:.0%} | "
            f"+{rise[24]:.0%} | {forward.long / forward.hours:.2%} / {forward.short / forward.hours:.2%} |"
        )
    return "\n".join(lines)


def draw(hours: Hours, series: Mapping[str, FloatArray]) -> str:
    """Return a drawing of four margins over ten days of March 2020, as SVG."""
    import matplotlib as mpl  # noqa: PLC0415  (an extra; the table does not need it)
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FixedLocator, NullLocator  # noqa: PLC0415

    from scripts.study_pages.figures import STYLE, svg  # noqa: PLC0415

    first, last = (int(moment.timestamp()) for moment in SHOWN)
    inside = (hours.times >= first) & (hours.times < last)
    days = (hours.times[inside] - first) / 86_400 + SHOWN[0].day
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
        above.plot(days, hours.prices[inside], color="#52606d", linewidth=1.0)
        above.set_ylabel("BTC, USD")
        for name, colour in DRAWN.items():
            below.plot(days, 100 * series[name][inside], label=name, linewidth=1.2, color=colour)
        below.set_ylabel("margin at equal coverage, %")
        below.set_xlabel("day of March 2020, UTC")
        below.set_yscale("log")
        below.yaxis.set_major_locator(FixedLocator([0.2, 0.5, 1, 2, 5, 10, 20, 50]))
        below.yaxis.set_minor_locator(NullLocator())
        below.yaxis.set_major_formatter("{x:g}")
        below.legend(frameon=False, fontsize=8)
        return svg(figure)


def worlds_row(row: Row, scale: float) -> str:
    """Run flash_crash in all four worlds with a margin of equal coverage; return its line."""
    words = ", ".join(f"{name} = {value:g}" for name, value in sorted(row.words.items()))
    overrides = (
        'protocol.risk_model="volatility"',
        f"protocol.risk_model_parameters={{ z = {scale:.4f} }}",
        "protocol.margin.maintenance_ramp=false",
        f"markets.0.estimator={{ {words} }}",
    )
    scenario = load_scenario(SCENARIO, overrides=list(overrides))
    options = RunOptions(out=Path(), worlds="all")
    histories = load_histories(scenario, options)
    run = execute(scenario, options, histories)

    def other(feedback: Feedback) -> Execution:
        return world_beside(scenario, options, histories, feedback)

    beside = run_beside("all", run, other)
    run.world.chain.close()
    found = summarise(run, beside)
    cells = [f"{one.recorder.totals.liquidated_notional / 1_000:,.0f}" for one in (run, *beside.values())]
    effects = ("price_effect", "margin_effect", "feedback_interaction")
    cells += [f"{found[key] / 1_000:,.0f}" for key in effects]
    cells += [f"{found['bad_debt'] / 1_000:,.1f}", f"{found['mean_initial_margin_ratio']:.1%}"]
    return f"| {row.name} | {scale:.2f} | {' | '.join(cells)} |"


def worlds_table(scales: Mapping[str, float]) -> str:
    """Return flash_crash under each choice in Markdown."""
    made_of = (
        "`scenarios/flash_crash.toml` under `VolatilityRiskModel` with the z of equal coverage on the hours"
        " above, and under what is implied with the z of the slow EWMA; without the ramp, which would hide"
        " most of what a margin does to positions that are open. Liquidated notional in each world, its"
        " effects and bad debt in thousands of quote; the mean initial ratio is that of the run. One seed: a"
        " look, not a test."
    )
    heads = (
        "choice", "z", "the run", "no price feedback", "no margin feedback", "neither", "price effect",
        "margin effect", "interaction", "bad debt", "mean initial margin",
    )  # fmt: skip
    lines = [*wrap(made_of, WIDTH), "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    implied = Row("implied", {"implied": 1.0})
    for row in (*(row for row in ROWS if row.name in COMPARED), implied):
        lines.append(worlds_row(row, scales.get(row.name, scales["slow EWMA"])))
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    parser.add_argument("--print", action="store_true", help="print the table")
    parser.add_argument("--worlds", action="store_true", help="run flash_crash instead")
    chosen = parser.parse_args()
    if not PRICES.is_file():
        print(f"skipped: {PRICES.name} is not here; it is no part of the project")
        return 0 if chosen.check else 2
    history = load_price_file(PRICES)
    hours = estimate(history)
    found = {row.name: margins(row, hours) for row in ROWS}
    measured = [measure(name, hours.prices, margin) for name, margin in found.items()]
    if chosen.worlds:
        put_between(PAGE, *WORLDS, worlds_table({one.name: one.scale for one in measured}))
        return 0
    made = table(measured, PRICES.name)
    if chosen.print:
        print(made)
        return 0
    if chosen.check:
        page = PAGE.read_text(encoding="utf-8")
        kept = page.partition(HOURS[0])[2].partition(HOURS[1])[0].strip()
        if kept == made:
            return 0
        print("docs/estimators.md is out of date: run scripts/estimators.py", file=sys.stderr)
        return 1
    put_between(PAGE, *HOURS, made)
    drawn = draw(hours, {one.name: one.scale * found[one.name] for one in measured})
    atomic_write_text(FIGURE, drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
