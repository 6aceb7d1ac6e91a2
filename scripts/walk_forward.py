"""What the shipped margin covers on recorded hours, and how procyclical it is, beside its alternatives.

The contracts are fed with a price an hour (`sim.experiments.backtest.instrument`), and the maintenance ratio
at each hour is judged by the loss of the next. A model has one multiplier for longs and shorts, so that is
what is calibrated: the scale of the margin at which a share of 2 % of the hours breaches it on either side,
1 % for each if the law were symmetric. Walk-forward: the scale is read off hours that are past, and judged on
the half-year that follows. All rows are then compared at equal coverage, scaled to it on the whole record.

    python scripts/walk_forward.py [--prices FILE] [--print]

The table in ``docs/assumptions.md`` is made here. Memory and floor were chosen on the same record
(``--grid``): the judged half-years are unseen by the scale, not by them. Exit code 1 if the coverage of the
shipped margin is rejected.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import Literal

import numpy as np

from sim.core.arrays import BoolArray, FloatArray
from sim.engine.scenario.load import load_scenario
from sim.experiments.backtest.instrument import Feed, Instrument, as_ratio
from sim.experiments.backtest.prices import PriceSeries, price_series
from sim.metrics.margin_model.coverage import exact_independence
from sim.metrics.margin_model.procyclicality import Procyclicality, evaluate_procyclicality
from sim.metrics.margin_model.walk_forward import DEFAULT_FOLDS
from sim.metrics.margin_model.windows import LEVEL, Windows, split_windows
from sim.metrics.statistics.coverage import kupiec_test

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.page_marks import put_between

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "assumptions.md"
PRICES = ROOT.parent / "shared" / "data" / "prices" / "btc_usd_1h_2018-05_2022-03.csv.gz"
SCENARIO = ROOT / "scenarios" / "flash_crash.toml"
BEGIN, END = "<!-- walk-forward: made by scripts/walk_forward.py -->", "<!-- walk-forward: end -->"

TARGET = 0.01
"""Of each side: PFMI principle 6, 99 %."""
NOTIONAL = 10_000.0
HOUR, DAY = 3_600, 86_400
WIDTH = 125
WARM_UP = 30 * 24
"""Hours left out of every row: one memory of the longest."""

MODEL, ORACLE = "protocol.risk_model_parameters", "protocol.oracle"
PLAIN = (f"{MODEL}.fast_weight=0.0", f"{MODEL}.stress_weight=0.0")

Past = Literal["all before", "the stretch before"]


@dataclass(frozen=True)
class Row:
    """One margin: its name and what the scenario is changed by, nothing for the constant one."""

    name: str
    overrides: tuple[str, ...] | None


FREE = (*PLAIN, f"{MODEL}.initial_floor=0.002", f"{MODEL}.maintenance_floor=0.001")
"""No floor of the ratio that could bind."""
NO_FLOOR = f"{MODEL}.variance_floor=0.0"

ROWS = (
    Row("**as shipped**", ()),
    Row("EWMA 30 d, no floor", (*FREE, NO_FLOOR, f"{ORACLE}.tau_slow_seconds={30 * DAY}")),
    Row("static at equal coverage", None),
    Row("as shipped, stress weight 25 %", (f"{MODEL}.stress_weight=0.25",)),
    Row("as shipped, the hour's variance in full", (f"{MODEL}.fast_weight=1.0",)),
    Row("the default until now: hour or week, stress weight 25 %", (
        f"{MODEL}.fast_weight=1.0", f"{MODEL}.stress_weight=0.25", f"{ORACLE}.tau_slow_seconds={7 * DAY}")),
)  # fmt: skip

GRID = tuple(
    Row(f"{days} d, floor {100 * floor**0.5:.0f} %", (
        *FREE, f"{MODEL}.variance_floor={floor}", f"{ORACLE}.tau_slow_seconds={days * DAY}"))
    for days in (2, 5, 7, 10, 14, 20, 30) for floor in (0.0, 0.16, 0.25, 0.36)
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Forward:
    """Hours judged with a scale from the past."""

    hours: int
    long: int
    short: int
    p_long: float
    """Kupiec, exact, two-sided, thresholds as given: 1 %."""
    p_short: float
    p_either: float
    """Of both sides together: 2 %."""
    p_independent: float
    """Christoffersen, exact, of hours that breach on either side."""
    lowest: float
    """Least rate of a stretch, mean of the sides."""
    highest: float

    @property
    def holds(self) -> bool:
        """Whether no test of coverage rejects at 5 %."""
        return min(self.p_long, self.p_short, self.p_either) >= LEVEL


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One row of the table."""

    name: str
    hours: int
    long: int
    """Hours the margin as it stands was breached, unscaled."""
    short: int
    p_either: float
    scale: float
    """To equal coverage on the whole record."""
    cycle: Procyclicality
    """At equal coverage."""
    forward: Forward
    """All hours before."""
    stretch: Forward
    """The stretch before alone."""


def scale_of(ratios: FloatArray) -> float:
    """Return the least scale that at most twice `TARGET` of |loss| / margin exceeds: one z for both sides."""
    ordered = np.sort(np.abs(ratios))
    return float(ordered[int(np.ceil((1.0 - 2.0 * TARGET) * ordered.size - 1e-9)) - 1])


def walk(ratios: FloatArray, past: Past, folds: int = DEFAULT_FOLDS) -> Forward:
    """Judge each stretch but the first with the scale of the past.

    Parameters
    ----------
    ratios
        Loss of a long over margin, hour by hour, float64[n]; a short loses what a long gains.
    past
        What a scale is read off.
    folds
        Stretches of equal length.
    """
    edges = [ratios.size * fold // folds for fold in range(folds + 1)]
    hits: list[tuple[BoolArray, BoolArray]] = []
    for index, (first, last) in enumerate(pairwise(edges[1:])):
        scale = scale_of(ratios[0 if past == "all before" else edges[index] : first])
        judged = ratios[first:last]
        hits.append((judged > scale, -judged > scale))
    long, short = (np.concatenate(side) for side in zip(*hits, strict=True))
    rates = [float(one.mean() + other.mean()) / 2.0 for one, other in hits]
    either = long | short
    return Forward(
        hours=int(long.size),
        long=int(long.sum()),
        short=int(short.sum()),
        p_long=kupiec_test(int(long.sum()), long.size, TARGET).exact_p_value,
        p_short=kupiec_test(int(short.sum()), short.size, TARGET).exact_p_value,
        p_either=kupiec_test(int(either.sum()), either.size, 2.0 * TARGET).exact_p_value,
        p_independent=exact_independence(either).p_value,
        lowest=min(rates),
        highest=max(rates),
    )


def margins(row: Row, prices: PriceSeries) -> FloatArray:
    """Return the maintenance ratio the contracts ask for at each hour, float64[n]."""
    if row.overrides is None:
        return np.full(prices.prices.size, 0.02)
    scenario = load_scenario(SCENARIO, overrides=list(row.overrides))
    instrument = Instrument(scenario, 0, notional=NOTIONAL)
    return as_ratio(instrument.series(prices.times, prices.prices, Feed.every_step(scenario)).maintenance)


def measure(name: str, prices: FloatArray, margin: FloatArray) -> Measured:
    """Judge one margin series on hours, float64[n] both."""
    windows: Windows = split_windows(prices, margin, 1, first=WARM_UP)
    ratios = windows.loss("long") / windows.margin
    scale = scale_of(ratios)
    either = int(np.count_nonzero(np.abs(ratios) > 1.0))
    return Measured(
        name=name,
        hours=len(windows),
        long=int(np.count_nonzero(ratios > 1.0)),
        short=int(np.count_nonzero(-ratios > 1.0)),
        p_either=kupiec_test(either, len(windows), 2.0 * TARGET).exact_p_value,
        scale=scale,
        cycle=evaluate_procyclicality(scale * margin[WARM_UP:], HOUR),
        forward=walk(ratios, "all before"),
        stretch=walk(ratios, "the stretch before"),
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _judged(found: Forward) -> str:
    rates = f"{100 * found.lowest:.2f} to {100 * found.highest:.2f} %"
    tests = f"{_p(found.p_long)} / {_p(found.p_short)} / {_p(found.p_either)}"
    return f"{found.long} / {found.short} | {tests} | {rates}"


def table(rows: Sequence[Measured], prices: PriceSeries) -> str:
    """Return the rows in Markdown, with what they were made of."""
    heads = (
        "maintenance margin", "scale from all hours before", "p", "half-years",
        "scale from the half-year before", "p", "half-years", "independent, p",
        "mean", "peak to trough", "largest rise in 1 h", "in 24 h",
    )  # fmt: skip
    made_of = (
        f"`{prices.source}` from the contracts, hour by hour; {rows[0].hours:,} hours after a warm-up of"
        f" 30 days, {rows[0].forward.hours:,} of them judged with a scale that they had no part in."
        " Exceptions long / short; p of Kupiec (exact) for long / short / both sides together; rate of the"
        " calmest and the worst half-year, mean of the sides; p of Christoffersen (exact) for hours that"
        " breach on either side. The last four columns are at equal coverage: scaled so that 2 % of all"
        " hours breach on either side."
    )
    lines = [*wrap(made_of, WIDTH), "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        rise = {increase.steps: increase.largest for increase in row.cycle.increases}
        cells = (
            row.name, _judged(row.forward), _judged(row.stretch), _p(row.forward.p_independent),
            f"{100 * row.cycle.mean:.2f} %", f"{row.cycle.peak_to_trough:.1f}",
            f"+{100 * rise[1]:.0f} %", f"+{100 * rise[24]:.0f} %",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    shipped = rows[0]
    unscaled = (
        f"Unscaled, with the z that ships, {shipped.long} hours breach a long's margin and {shipped.short}"
        f" a short's, of {shipped.hours:,} (Kupiec, both sides, p = {_p(shipped.p_either)}); equal coverage"
        f" would be {shipped.scale:.3f} times that margin."
    )
    return "\n".join([*lines, "", *wrap(unscaled, WIDTH)])


def main() -> None:
    """Measure, write the table, and fail if the shipped margin's coverage is rejected."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prices", type=Path, default=PRICES, help="hourly prices")
    parser.add_argument("--print", action="store_true", help="print the table, leave the page as it is")
    parser.add_argument("--grid", action="store_true", help="print memories and floors instead")
    chosen = parser.parse_args()
    prices = price_series(load_scenario(SCENARIO), 0, prices=chosen.prices, step_seconds=HOUR)
    rows = [measure(row.name, prices.prices, margins(row, prices)) for row in (GRID if chosen.grid else ROWS)]
    made = table(rows, prices)
    if chosen.print or chosen.grid:
        print(made)
        return
    put_between(PAGE, BEGIN, END, made)
    if not (rows[0].forward.holds and rows[0].stretch.holds):
        print("the coverage of the shipped margin is rejected", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
