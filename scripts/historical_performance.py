#!/usr/bin/env python3
"""Run 200 paths with margin that learns from its exceptions and without, and write what it changed.

Each path jumps several times, so that what an early exception teaches could be of use later. Both arms see
the same paths and the same people. The table of docs/estimators.md is made here, by hand: it takes a while.

    python scripts/historical_performance.py [--paths N] [--print]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from textwrap import wrap
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.page_marks import put_between  # noqa: E402  (the project must be on the path first)
from sim.engine.paths import PathOptions, WarmStarts, run_path  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.metrics.book import METRICS, path_metrics  # noqa: E402
from sim.metrics.statistics.paired import paired_difference  # noqa: E402

PAGE: Final = ROOT / "docs" / "estimators.md"
MARKS: Final = (
    "<!-- performance: made by scripts/historical_performance.py -->",
    "<!-- performance: end -->",
)
WIDTH: Final = 125
PATHS: Final = 200

CROWD: Final = (
    'entrants=[{ name = "crowd", count = 20, entries_per_day = 60.0, relevers_per_day = 60.0,'
    " exits_per_day = 20.0,"
    ' capital = { distribution = "lognormal", median = 3000.0, deviation = 0.8, maximum = 20000.0 } }]'
)
JUMPS: Final = (
    'markets.0.price={ kind = "merton", volatility = 1.0, jump_intensity = 10000.0, jump_mean = -0.02,'
    " jump_deviation = 0.06 }"
)
COMMON: Final = (
    "blocks=120",
    "settlement_blocks=0",
    "shocks=[]",
    "traders.0.count=30",
    "traders.0.trades_per_day=20.0",
    CROWD,
    JUMPS,
    "markets.0.estimator={ slow_weight = 1.0 }",
)
"""Two hours of flash_crash's market with two or three jumps, few accounts, and people who come in."""
BASEL: Final = "yellow_multiplier = 1.13, red_multiplier = 1.33"
ON: Final = (f"markets.0.performance={{ yellow_count = 1, red_count = 3, {BASEL} }}",)
"""Basel's multipliers, from counts that a book of fifty accounts reaches."""
SHOWN: Final = (
    ("margin_coverage", "{:.4%}"),
    ("breaches", "{:.2f}"),
    ("mean_initial_margin_ratio", "{:.3%}"),
    ("liquidated_notional", "{:,.0f}"),
    ("bad_debt", "{:,.0f}"),
)


def run(arm: Sequence[str], paths: int) -> list[dict[str, float]]:
    """Return the metrics of every path of an arm."""
    document = load_scenario(ROOT / "scenarios" / "flash_crash.toml", overrides=[*COMMON, *arm])
    warm = WarmStarts()
    found = []
    for path in range(paths):
        found.append(path_metrics(run_path(document, PathOptions(path=path), warm).summary))
        if path % 20 == 19:
            print(f"{len(arm)}: {path + 1} paths", file=sys.stderr, flush=True)
    return found


def table(off: Sequence[dict[str, float]], on: Sequence[dict[str, float]]) -> str:
    """Return both arms and their paired differences in Markdown."""
    made_of = (
        f"{len(off)} paths of two hours of the market of `scenarios/flash_crash.toml`, with two or three"
        " jumps each (`scripts/historical_performance.py` has the rest), the same in both arms; exceptions"
        " count in a window of a day, margin is multiplied by 1.13 from one on and by 1.33 from three on."
        " Means, and the paired difference with its 95 % interval."
    )
    lines = [*wrap(made_of, WIDTH), "", "| | off | on | difference |", "|---|---|---|---|"]
    for name, form in SHOWN:
        pairs = [(a[name], b[name]) for a, b in zip(off, on, strict=True)]
        pairs = [(a, b) for a, b in pairs if a is not None and b is not None]
        before, after = [a for a, _ in pairs], [b for _, b in pairs]
        found = paired_difference(after, before).difference
        words = [form.format(value) for value in (sum(before) / len(pairs), sum(after) / len(pairs))]
        gap = f"{form.format(found.mean)} ({form.format(found.lower)} to {form.format(found.upper)})"
        lines.append(f"| {METRICS[name].label} | {words[0]} | {words[1]} | {gap} |")
    return "\n".join(lines)


def main() -> int:
    """Run both arms and write."""
    parser = argparse.ArgumentParser(description="Write the table of historical performance.")
    parser.add_argument("--paths", type=int, default=PATHS)
    parser.add_argument("--print", action="store_true", help="print the table, leave the page as it is")
    asked = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        off, on = pool.map(run, ((), ON), (asked.paths, asked.paths))
    made = table(off, on)
    print(made)
    if not asked.print:
        put_between(PAGE, *MARKS, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
