#!/usr/bin/env python3
"""What the pricing that could be robbed had done to the headline figures, into docs/formulas.md.

Every crash that ships is run on the same seeds under the contracts as they are and under a copy with both old
rules put back: a fill clamped the mean of the premium, and the initial check ignored what leaving costs. The
copy is run with today's cap on the premium and with that of then, which today's check refuses.

    scripts/old_pricing.py [--seeds 10]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.page_marks import put_between  # noqa: E402  (the project must be on the path first)
from sim.chain.compile import contracts_root  # noqa: E402
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import execute, load_histories, run_beside, summarise, world_beside  # noqa: E402
from sim.engine.scenario import schema  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.engine.worlds.feedback import Feedback  # noqa: E402
from sim.metrics.statistics.paired import mean_interval  # noqa: E402
from tests.support.economic.old_rules import OLD_RULES  # noqa: E402

PAGE: Final = ROOT / "docs" / "formulas.md"
START: Final = "<!-- table: old pricing -->"
END: Final = "<!-- end of table: old pricing -->"
SCENARIOS: Final = ("flash_crash", "black_thursday", "whale_unwind")
OLD_CAP: Final = "markets.0.pool.max_premium=0.05"
"""What shipped while both rules stood."""
PRICING: Final = ("a fill clamps the mean", "the initial check ignores")
"""How the old rules of pricing begin."""
FIGURES: Final[Mapping[str, tuple[str, float]]] = {
    "liquidated_notional": ("liquidated, thousand", 1e-3),
    "excess_share": ("part of it that forced selling adds, %", 100.0),
    "bad_debt": ("bad debt, thousand", 1e-3),
    "fund": ("insurance fund, end less start, thousand", 1e-3),
}


def with_old_pricing(folder: Path) -> Path:
    """Return a copy of the contracts with the old rules of pricing."""
    copy = folder / "contracts"
    shutil.copytree(contracts_root(), copy)
    rules = [rule for rule in OLD_RULES if rule.name.startswith(PRICING)]
    if len(rules) != len(PRICING):
        raise SystemExit(f"old rules were {[rule.name for rule in rules]}")
    for file, new, old in (edit for rule in rules for edit in rule.edits):
        source = (copy / file).read_text("utf-8")
        if source.count(new) != 1:
            raise SystemExit(f"{file} does not have the rule that is replaced")
        (copy / file).write_text(source.replace(new, old), "utf-8")
    return copy


def figures_of(name: str, seed: int, contracts: Path | None, *, old_cap: bool) -> dict[str, float]:
    """Run one seed, beside the world without the price impact of forced closes."""
    overrides = [f"seed={seed}", *([OLD_CAP] if old_cap else [])]
    # The check of the premium is one of the rules under test: contracts with the old ones run without it.
    with patch.object(schema, "premium_problem", return_value=None) if contracts else nullcontext():
        scenario = load_scenario(ROOT / "scenarios" / f"{name}.toml", overrides=overrides)
    options = RunOptions(out=Path(), contracts=contracts)
    histories = load_histories(scenario, options)
    run = execute(scenario, options, histories)

    def other(feedback: Feedback) -> Any:
        return world_beside(scenario, options, histories, feedback)

    beside = run_beside(options.worlds, run, other)
    run.world.chain.close()
    found = summarise(run, beside)
    fund = found["insurance_fund_end"] - found["insurance_fund_start"]
    return {**{key: found[key] or 0.0 for key in FIGURES if key != "fund"}, "fund": fund}


def cell(values: np.ndarray[Any, np.dtype[np.float64]], scale: float, sign: str = "") -> str:
    """Write a mean with its interval, or that all seeds agree."""
    if np.ptp(values) == 0.0:
        return f"{scale * values[0]:{sign if values[0] else ''}.1f} in all"
    found = mean_interval(scale * values)
    return f"{found.mean:{sign}.1f} [{found.lower:{sign}.1f}, {found.upper:{sign}.1f}]"


def rows_of(name: str, seeds: range, old: Path) -> list[str]:
    """Return the lines of one scenario."""
    arms: dict[str, list[dict[str, float]]] = {"today": [], "rules": [], "cap": []}
    for seed in seeds:
        arms["today"].append(figures_of(name, seed, None, old_cap=False))
        arms["rules"].append(figures_of(name, seed, old, old_cap=False))
        arms["cap"].append(figures_of(name, seed, old, old_cap=True))
        print(name, seed, *(arm[-1] for arm in arms.values()), flush=True)
    lines = []
    for key, (words, scale) in FIGURES.items():
        today, rules, cap = (np.array([one[key] for one in arm]) for arm in arms.values())
        texts = (cell(today, scale), cell(rules - today, scale, "+"), cell(cap - today, scale, "+"))
        lines.append(f"| `{name}`: {words} | {' | '.join(texts)} |")
    return lines


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="from 1 on")
    seeds = range(1, parser.parse_args().seeds + 1)
    lines = [
        "| figure | today | old rules, today's cap: difference | old rules, cap of 5 %: difference |",
        "|---|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        old = with_old_pricing(Path(folder))
        for name in SCENARIOS:
            lines += rows_of(name, seeds, old)
    lines += ["", f"Means over seeds 1 to {len(seeds)} with 95 % intervals (Student), differences by seed."]
    put_between(PAGE, START, END, "\n".join(lines))
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
