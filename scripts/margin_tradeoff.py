#!/usr/bin/env python3
"""The trade-off of volatility-scaled maintenance margin, measured on the contracts.

Runs ``flash_crash`` under four margin regimes at four shock sizes on the same random numbers and writes
``docs/margin_tradeoff.md``. Every regime starts from the same maintenance ratio, accounts and prices;
what differs is how the ratio of existing positions reacts while the price falls.

    scripts/margin_tradeoff.py [--seeds 30] [--workers 2] [--out docs/margin_tradeoff.md]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sim.core.files import atomic_write_text
from sim.core.units import WAD, YEAR_SECONDS
from sim.engine.options import RunOptions
from sim.engine.run import build_world, execute, summarise
from sim.engine.scenario_load import load_scenario
from sim.metrics.statistics.intervals import rule_of_three
from sim.metrics.statistics.paired import MeanInterval, mean_interval, paired_difference

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "flash_crash.toml"
SHOCKS = (0.05, 0.08, 0.12, 0.20)
HORIZON = 3_600
INITIAL_HORIZON = 5_625
"""1.25 squared hours: initial margin is 1.25 times maintenance in every regime, so that leverage up to
14x is admitted and small shocks reach somebody."""
VOLATILITY = 0.8
FIRST_SEED = 1_000
CONFIDENCE = 0.95

COMMON = (
    "blocks=150",
    "shocks.0.at_minute=30",
    "shocks.1.at_minute=35",
    "shocks.1.size=1.0",
    "shocks.1.fee_size=1.0",
    "chain.base_fee_gwei=0.05",
    "chain.background_fee_gwei=0.05",
    'traders.0.leverage={distribution="uniform",minimum=3.0,maximum=14.0}',
    "traders.0.long_share=0.8",
    "deleverager.latency_blocks=0",
    "liquidators.max_per_block=300",
    "markets.0.impact.depth_per_percent=480000.0",
    "markets.0.impact.depth_withdrawal=0.0",
    "markets.0.pool.skew_scale=10000000.0",
)
REGIMES = ("static", "raw volatility", "adaptive", "adaptive, no ramp")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run says."""

    liquidated: float
    """Liquidated notional, % of the open interest at the start."""
    bad_debt: float
    """Basis points of the open interest at the start."""
    overshoot: float
    """Largest fall of the outside price below the fundamental price, %."""
    margin_induced: float
    """Share of liquidations that the ratio of the start would have avoided, %."""
    fund_drain: float
    """Fall of the insurance fund below its start, basis points of open interest."""
    raised: int


def overrides(regime: str, shock: float, ratio: float) -> list[str]:
    """Return the scenario changes of one regime; ``ratio`` is the calm maintenance ratio of all."""
    changes = [*COMMON, f"shocks.0.size={-shock}"]
    if regime == "static":
        return [
            *changes,
            'protocol.risk_model="static"',
            f"protocol.risk_model_parameters.maintenance_ratio={ratio}",
            f"protocol.risk_model_parameters.initial_ratio={1.25 * ratio}",
        ]
    if regime == "raw volatility":
        z = ratio / (VOLATILITY * math.sqrt(HORIZON / YEAR_SECONDS))
        return [
            *changes,
            'protocol.risk_model="volatility"',
            f"protocol.risk_model_parameters.z={z}",
            f"protocol.risk_model_parameters.initial_horizon_seconds={INITIAL_HORIZON}",
            "protocol.margin.maintenance_ramp=false",
        ]
    ramp = "true" if regime == "adaptive" else "false"
    return [
        *changes,
        f"protocol.risk_model_parameters.initial_horizon_seconds={INITIAL_HORIZON}",
        f"protocol.margin.maintenance_ramp={ramp}",
    ]


def calm_ratio() -> float:
    """Return the maintenance ratio of the adaptive model before anything happens."""
    scenario = load_scenario(SCENARIO, overrides=overrides("adaptive", SHOCKS[0], 0.0))
    world = build_world(scenario, RunOptions(out=ROOT), {}, forced_flow=True)
    return world.client.markets()[0].maintenance_ratio / WAD


def run_cell(job: tuple[str, float, int, float]) -> Cell:
    """Run one (regime, shock, seed)."""
    regime, shock, seed, ratio = job
    scenario = load_scenario(SCENARIO, overrides=[*overrides(regime, shock, ratio), f"seed={seed}"])
    run = execute(scenario, RunOptions(out=ROOT), {}, forced_flow=True)
    summary = summarise(scenario, run, None)
    number = {key: float(value) for key, value in summary.items() if isinstance(value, int | float)}
    interest = number["open_interest_start"]
    liquidations = number["liquidations"]
    run.world.chain.close()
    return Cell(
        liquidated=100 * number["liquidated_notional"] / interest,
        bad_debt=1e4 * number["bad_debt"] / interest,
        overshoot=100 * number["price_overshoot"],
        margin_induced=100 * number["margin_induced_liquidations"] / liquidations if liquidations else 0.0,
        fund_drain=1e4 * (number["insurance_fund_start"] - number["insurance_fund_min"]) / interest,
        raised=run.world.raised_openings,
    )


def shown(interval: MeanInterval) -> str:
    """Return ``mean +- half-width`` with two decimals."""
    return f"{interval.mean:.2f} ± {interval.half_width:.2f}"


METRICS = (
    ("liquidated", "open interest liquidated, %"),
    ("bad_debt", "bad debt, bp of open interest"),
    ("overshoot", "overshoot below the fundamental price, %"),
    ("fund_drain", "fund drain, bp of open interest"),
    ("margin_induced", "margin-induced liquidations, %"),
)


def table(results: Mapping[tuple[str, float], Sequence[Cell]], metric: str, *, paired: bool) -> list[str]:
    """Return one Markdown table; paired tables show differences from the static regime."""
    regimes = REGIMES[1:] if paired else REGIMES
    lines = ["| shock | " + " | ".join(regimes) + " |", "|---" * (len(regimes) + 1) + "|"]
    for shock in SHOCKS:
        cells = []
        base = [getattr(cell, metric) for cell in results["static", shock]]
        for regime in regimes:
            values = [getattr(cell, metric) for cell in results[regime, shock]]
            if paired:
                cells.append(shown(paired_difference(values, base, confidence=CONFIDENCE).difference))
            else:
                cells.append(shown(mean_interval(values, confidence=CONFIDENCE)))
        lines.append(f"| {shock:.0%} | " + " | ".join(cells) + " |")
    return lines


def reading(results: Mapping[tuple[str, float], Sequence[Cell]]) -> list[str]:
    """Return what the paired intervals support, sentence by sentence, whatever it is."""
    lines = []
    for regime in REGIMES[1:]:
        for metric, name in METRICS[:3]:
            found = []
            for shock in SHOCKS:
                base = [getattr(cell, metric) for cell in results["static", shock]]
                values = [getattr(cell, metric) for cell in results[regime, shock]]
                change = paired_difference(values, base, confidence=CONFIDENCE).difference
                word = "more" if change.lower > 0 else "less" if change.upper < 0 else "undetermined"
                found.append(f"{shock:.0%}: {word}")
            lines.append(f"- **{regime}** against static, {name.split(',')[0]}: " + "; ".join(found) + ".")
    return lines


def document(results: Mapping[tuple[str, float], Sequence[Cell]], seeds: int, ratio: float) -> str:
    """Return the page."""
    raised = max(cell.raised for cells in results.values() for cell in cells)
    lines = [
        INTRODUCTION.format(
            seeds=seeds,
            first=FIRST_SEED,
            ratio=f"{ratio:.2%}",
            confidence=f"{CONFIDENCE:.0%}",
            bound=f"{rule_of_three(seeds):.1%}",
            raised=raised,
        )
    ]
    for metric, name in METRICS:
        lines += [f"## {name[0].upper()}{name[1:]}", "", *table(results, metric, paired=False), ""]
    lines += ["## Paired differences from the static regime", ""]
    for metric, name in METRICS[:4]:
        lines += [f"### {name[0].upper()}{name[1:]}", "", *table(results, metric, paired=True), ""]
    return "\n".join([*lines, CONCLUSION, *reading(results), ""])


INTRODUCTION = """\
# The trade-off of volatility-scaled maintenance margin

Made by `scripts/margin_tradeoff.py`; do not edit by hand.

`flash_crash` with {seeds} seeds per cell (from {first}); seeds, accounts and exogenous prices are the
same in every regime. The outside price drifts down by the shock over 30 minutes, from minute 30; one
block is 60 s, 150 blocks. Every regime starts from a maintenance ratio of {ratio} and an initial ratio
of 1.25 times that; leverage is uniform between 3x and 14x, 80 % of the accounts are long. Half of what
is closed is hedged outside against a constant depth of 480,000 per 1 % (linear, half-life 2 h), so that
selling the whole open interest of about 14 million would move the price by about 15 %. Block space is
cheap (0.05 gwei, no gas spike) and liquidators are not limited in number, so that what differs is
margin, not who can afford to liquidate.

- **static**: the ratio never moves.
- **raw volatility**: ratio = z sigma sqrt(1 h) with the oracle's fast variance, at once, for existing
  positions too: the textbook rule.
- **adaptive**: volatility floor, 25 % stress weight, size, open interest and confidence terms; the
  ratio of existing positions rises by at most 25 % an hour.
- **adaptive, no ramp**: the same without that limit.

Entries are means with {confidence} t intervals over seeds (n = {seeds}). A mean of zero in {seeds} runs
does not say never: an event that did not occur in any of them has a probability of up to {bound} (95 %,
one-sided). At most {raised} accounts of a run needed more collateral than their leverage asks for to
pass the initial check.
"""

CONCLUSION = """\
## What the intervals support

A difference is called when its paired 95 % interval excludes zero; twelve comparisons a metric are made
without correction, so one false call in twenty is to be expected.
"""


def main() -> None:
    """Run every cell and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "margin_tradeoff.md")
    arguments = parser.parse_args()
    ratio = calm_ratio()
    keys = [(regime, shock) for regime in REGIMES for shock in SHOCKS]
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    jobs = [(regime, shock, seed, ratio) for regime, shock in keys for seed in seeds]
    with ProcessPoolExecutor(arguments.workers) as pool:
        cells = list(pool.map(run_cell, jobs, chunksize=4))
    results = {
        key: cells[index * arguments.seeds : (index + 1) * arguments.seeds] for index, key in enumerate(keys)
    }
    atomic_write_text(arguments.out, document(results, arguments.seeds, ratio))
    print(arguments.out)


if __name__ == "__main__":
    main()
