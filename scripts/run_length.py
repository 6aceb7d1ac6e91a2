"""Do answers depend on where a run ends, or on which accounts it drew? Both should stay within their noise.

``losses``: `flash_crash` at several lengths, each after its settlement; its fall and its gas surge are moved
ahead, so that they end within the shortest. Loss beyond collateral is compared with the full run's, path by
path over seeds, by a t interval.

``choices``: the search of ``scenarios/experiments/optimise.toml`` at 60 and at 180 blocks, and with three
other seeds, which draw other books of accounts and other paths. What is compared is what it recommends.

    python scripts/run_length.py losses  [--seeds 8]
    python scripts/run_length.py choices [--workers 2]

Prints Markdown; the tables stand in ``docs/exploration.md``. Exit code 1 if an answer depends on either.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from sim.api import optimise
from sim.core.arrays import FloatArray
from sim.engine.paths import PathOptions, run_path
from sim.engine.scenario.load import load_scenario
from sim.metrics.book import path_metrics

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "flash_crash.toml"
EXPERIMENT = ROOT / "scenarios" / "experiments" / "optimise.toml"

EARLIER = ("shocks.0.at_minute=120", "shocks.1.at_minute=125")
LENGTHS = (185, 240, 300, 360, 720)
"""The surge of gas ends in the last block of the first: accounts under water are left to its settlement."""
KEYS = ("bad_debt", "loss_beyond_collateral")
FIRST_SEED = 20_210_111

SHORT, LONG = 60, 180
OTHERS = (12, 13, 14)
"""Seeds beside the file's own."""


def losses(lengths: Sequence[int], seeds: Sequence[int]) -> FloatArray:
    """Return float64[length, seed, key of `KEYS`], each run settled."""
    found = np.empty((len(lengths), len(seeds), len(KEYS)))
    for row, blocks in enumerate(lengths):
        for column, seed in enumerate(seeds):
            changes = [*EARLIER, f"blocks={blocks}", f"seed={seed}"]
            outcome = run_path(load_scenario(SCENARIO, overrides=changes), PathOptions(path=0))
            metrics = path_metrics(outcome.summary)
            found[row, column] = [metrics[key] for key in KEYS]
    return found


def difference(lost: FloatArray, full: FloatArray) -> tuple[float, float]:
    """Return the mean difference from the full run over seeds and the half-width of its 95 % t interval."""
    apart = lost - full
    error = float(apart.std(ddof=1)) / math.sqrt(apart.size)
    return float(apart.mean()), error * float(stats.t.ppf(0.975, apart.size - 1))


def losses_table(found: FloatArray, lengths: Sequence[int]) -> tuple[list[str], bool]:
    """Return the table in Markdown, and whether every length agrees with the last, which is the full run."""
    heads = ("blocks", "bad debt", "loss beyond collateral", "deviation over seeds", "less the full run's")
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    agrees = True
    for row, blocks in enumerate(lengths):
        debt, lost = found[row, :, 0], found[row, :, 1]
        apart, width = difference(lost, found[-1, :, 1])
        agrees &= abs(apart) <= width
        lines.append(
            f"| {blocks} | {debt.mean():,.0f} | {lost.mean():,.0f} | {lost.std(ddof=1):,.0f} |"
            f" {apart:+,.0f} ± {width:,.0f} |"
        )
    return lines, agrees


def chosen(folder: Path, blocks: int, seed: int | None, workers: int) -> set[tuple[float, ...]]:
    """Return the sets that one search recommends: the values of its parameters."""
    text = EXPERIMENT.read_text(encoding="utf-8")
    changed = text.replace(f'"blocks={SHORT}"', f'"blocks={blocks}"')
    if seed is not None:
        changed = changed.replace("\nseed = 11\n", f"\nseed = {seed}\n")
    if changed == text and (blocks, seed) != (SHORT, None):
        raise SystemExit(f"{EXPERIMENT.name} is not written as this script expects")
    file = folder / f"blocks{blocks}-seed{seed}.toml"
    file.write_text(changed, encoding="utf-8")
    out = folder / file.stem
    optimise(file, workers=workers, out=out, progress=False)
    return recommended(json.loads((out / "optimise.json").read_text(encoding="utf-8")))


def recommended(found: dict[str, Any]) -> set[tuple[float, ...]]:
    """Return the values of the simplest sets that fresh paths do not speak against."""
    points = found["found"]["front"]["points"]
    return {tuple(point["candidate"]["values"].values()) for point in points if point["simple"]}


def choices_table(searches: Sequence[tuple[str, set[tuple[float, ...]]]]) -> tuple[list[str], bool]:
    """Return the table in Markdown, and whether all recommend the same."""
    lines = ["| search | recommends (z, fast_weight) |", "|---|---|"]
    for name, sets in searches:
        words = "; ".join(", ".join(f"{value:g}" for value in one) for one in sorted(sets))
        lines.append(f"| {name} | {words or 'nothing'} |")
    return lines, all(sets == searches[0][1] for _, sets in searches)


def main() -> None:
    """Run, print, and fail where an answer depends on the length or the book."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("losses", "choices"))
    parser.add_argument("--seeds", type=int, default=8, help="of losses")
    parser.add_argument("--workers", type=int, default=2, help="of choices")
    asked = parser.parse_args()
    if asked.what == "losses":
        seeds = range(FIRST_SEED, FIRST_SEED + asked.seeds)
        lines, agrees = losses_table(losses(LENGTHS, seeds), LENGTHS)
    else:
        with tempfile.TemporaryDirectory() as folder:
            cases = [(SHORT, None), (LONG, None), *((SHORT, seed) for seed in OTHERS)]
            searches = [
                (
                    f"{blocks} blocks" + ("" if seed is None else f", seed {seed}"),
                    chosen(Path(folder), blocks, seed, asked.workers),
                )
                for blocks, seed in cases
            ]
        lines, agrees = choices_table(searches)
    print("\n".join(lines))
    sys.exit(0 if agrees else 1)


if __name__ == "__main__":
    main()
