"""How well a model's liquidations of one crash rank its hours, beside the fall of the price alone.

The file has a price and the long liquidations that an exchange observed with it. Candidate books and rules
are run over its first day alone, and the one whose hourly liquidations rank that day's observed ones best is
run over the whole file. What is judged are the hours after the first day: Spearman's rank correlation with
what was observed, of the model and of the largest fall within each hour, and their difference. Intervals are
percentiles of a circular block bootstrap of hours, as hours follow one another. Forced flow moves no price: a
recorded price contains the forced sales of its day.

    python scripts/observed_liquidations.py FILE [--book closed|open] [--seeds 1] [--draws 2000] [--json]

FILE: time, bid and ask or another price, observed_long_liquidations.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from sim import run
from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.price_file import load_price_file
from sim.market.price_history import MICROSECONDS, PriceHistory

SCENARIO = "flash_crash"
HOUR = 3_600
DAY_HOURS = 24
BLOCK_HOURS = 4
"""Of the bootstrap; falls and liquidations cluster over some hours (assumption)."""
CONFIDENCE = 0.95
SEED = 20_210_111

Changes = Mapping[str, Any]

RULES: Mapping[str, Changes] = {
    "as shipped, up to 10.5x": {},
    "static 2 % / 1 %, median 15x, up to 50x": {
        "protocol.risk_model": "static",
        "protocol.risk_model_parameters": {"initial_ratio": 0.02, "maintenance_ratio": 0.01},
        "traders.0.leverage": {
            "distribution": "lognormal", "median": 15.0, "deviation": 0.7, "minimum": 1.5, "maximum": 50.0,
        },
    },
    "static 2 % / 1 %, median 25x, up to 50x": {
        "protocol.risk_model": "static",
        "protocol.risk_model_parameters": {"initial_ratio": 0.02, "maintenance_ratio": 0.01},
        "traders.0.leverage": {
            "distribution": "lognormal", "median": 25.0, "deviation": 0.7, "minimum": 1.5, "maximum": 50.0,
        },
    },
}  # fmt: skip
"""The shipped book, and what a futures exchange allowed: BitMEX's mean leverage was 22 to 30x."""

SPREADS = (0.0, 0.03)
"""Deviation of the log of entry prices."""
DEFENDED = (0.5, 0.0)
"""Share of accounts that add collateral."""

COMMON: Changes = {"flow.forced_flow": False, "shocks": [], "expect": {}}


@dataclass(frozen=True)
class Candidate:
    """A book and rules to try."""

    rules: str
    spread: float
    defended: float
    entries_per_day: float = 0.0
    """Rate at which others come in during the run; 0: the book is closed."""

    @property
    def changes(self) -> dict[str, Any]:
        """What it changes in the scenario."""
        entrants = {"name": "crowd", "count": ENTRANTS, "entries_per_day": self.entries_per_day}
        return {
            **COMMON,
            **RULES[self.rules],
            "traders.0.entry_deviation": self.spread,
            "traders.0.top_up.attentive_share": self.defended,
            **({"entrants": [entrants]} if self.entries_per_day else {}),
        }


ENTRANTS = 1_000
"""As many as the book has accounts (assumption)."""

BOOKS: Mapping[str, Sequence[Candidate]] = {
    "closed": [Candidate(*values) for values in product(RULES, SPREADS, DEFENDED)],
    "open": [Candidate(rules, 0.0, 0.5, rate) for rules, rate in product(list(RULES)[:2], (2.0, 12.0))],
}
"""Nobody comes in during the run, or as many as hold positions come in, once they have none."""


def observed_hours(history: PriceHistory) -> FloatArray:
    """Return what was liquidated in each whole hour of a file.

    Raises
    ------
    InputError
        It tells no liquidations.
    """
    seen = history.observed_liquidations
    if seen is None:
        raise InputError(f"{history.source}: has no column observed_long_liquidations")
    return _by_hour(np.asarray(seen.timestamps), np.asarray(seen.long), history)


def falls(history: PriceHistory) -> FloatArray:
    """Return the largest fall within each whole hour, from its first price, relative to that."""
    hours = (history.times // MICROSECONDS - history.start_time) // HOUR
    return np.array(
        [
            1.0 - float(prices.min() / prices[0])
            for prices in (history.prices[hours == hour] for hour in range(_hours(history)))
        ]
    )


def modelled_hours(
    candidate: Candidate, file: Path, history: PriceHistory, seeds: int, days: int
) -> FloatArray:
    """Return what the model liquidates of longs in each hour, the sum over some books of accounts."""
    total = np.zeros(_hours(history))
    blocks = min(days * DAY_HOURS * 60, history.blocks_covered(60))
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            run(
                SCENARIO,
                changes=candidate.changes,
                seed=SEED + seed,
                blocks=blocks,
                prices=file,
                worlds="none",
                out=out,
            )
            found = _liquidations(out)
        longs = found["size"] > 0.0
        total += _by_hour(found["timestamp"][longs], found["size"][longs], history)
    return total


def _liquidations(out: Path) -> dict[str, Any]:
    from sim.engine.results.folder import sealed_table  # noqa: PLC0415

    table = sealed_table(out, "liquidations")
    return {name: table[name].to_numpy() for name in ("timestamp", "size")}


def _hours(history: PriceHistory) -> int:
    return -(-(history.end_time + 1 - history.start_time) // HOUR)


def _by_hour(times: IntArray, amounts: FloatArray, history: PriceHistory) -> FloatArray:
    hours = (times - history.start_time) // HOUR
    inside = (hours >= 0) & (hours < _hours(history))
    found: FloatArray = np.bincount(hours[inside], weights=amounts[inside], minlength=_hours(history))
    return found


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Return Spearman's correlation, 0 where one of them is the same in every hour: it ranks nothing."""
    if np.ptp(one) == 0.0 or np.ptp(other) == 0.0:
        return 0.0
    return float(spearmanr(one, other).statistic)


def intervals(model: FloatArray, fall: FloatArray, seen: FloatArray, draws: int) -> dict[str, list[float]]:
    """Return estimate and ends of both correlations and of their difference, on the same resamples."""
    n = seen.size
    starts = Streams(SEED).draw("observed:blocks").integers(0, n, draws * -(-n // BLOCK_HOURS))
    places = (starts.reshape(draws, -1)[:, :, None] + np.arange(BLOCK_HOURS)).reshape(draws, -1)[:, :n] % n
    drawn = np.array(
        [[rank_correlation(model[row], seen[row]), rank_correlation(fall[row], seen[row])] for row in places]
    )
    estimates = (rank_correlation(model, seen), rank_correlation(fall, seen))
    columns = {
        "model": (estimates[0], drawn[:, 0]),
        "fall alone": (estimates[1], drawn[:, 1]),
        "difference": (estimates[0] - estimates[1], drawn[:, 0] - drawn[:, 1]),
    }
    tail = 0.5 * (1.0 - CONFIDENCE)
    return {
        name: [estimate, *(float(end) for end in np.quantile(values, (tail, 1.0 - tail)))]
        for name, (estimate, values) in columns.items()
    }


def compare(file: Path, candidates: Sequence[Candidate], *, seeds: int, draws: int) -> dict[str, Any]:
    """Calibrate on the first day, and judge on the hours after it."""
    history = load_price_file(file)
    seen, fall = observed_hours(history), falls(history)
    first = slice(0, DAY_HOURS)
    tried = []
    for candidate in candidates:
        day = modelled_hours(candidate, file, history, seeds, days=1)[first]
        tried.append((rank_correlation(day, seen[first]), candidate))
    score, chosen = max(tried, key=lambda item: item[0])
    after = slice(DAY_HOURS, None)
    model = modelled_hours(chosen, file, history, seeds, days=_hours(history) // DAY_HOURS + 1)
    return {
        "chosen": {
            "rules": chosen.rules,
            "entry_deviation": chosen.spread,
            "attentive_share": chosen.defended,
            "entries_per_day": chosen.entries_per_day,
        },
        "first_day": {
            "model": score,
            "fall alone": rank_correlation(fall[first], seen[first]),
            "candidates": len(tried),
            "hours": DAY_HOURS,
        },
        "after": {
            "hours": int(seen[after].size),
            "hours_without_modelled_liquidation": int(np.count_nonzero(model[after] == 0.0)),
            **intervals(model[after], fall[after], seen[after], draws),
        },
    }


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--book", choices=tuple(BOOKS), default="closed", help="whether others come in")
    parser.add_argument("--seeds", type=int, default=1, help="books of accounts, summed")
    parser.add_argument("--draws", type=int, default=2_000, help="bootstrap resamples")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = compare(chosen.file, BOOKS[chosen.book], seeds=chosen.seeds, draws=chosen.draws)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(
        "calibrated on the first day:", ", ".join(f"{key} {value}" for key, value in found["chosen"].items())
    )
    print("first day:", ", ".join(f"{key} {value}" for key, value in found["first_day"].items()))
    after = found["after"]
    for name in ("model", "fall alone", "difference"):
        estimate, lower, upper = after[name]
        print(f"{name}: {estimate:.3f} ({lower:.3f} to {upper:.3f}), n = {after['hours']} hours")
    print(f"hours in which the model liquidates nobody: {after['hours_without_modelled_liquidation']}")


if __name__ == "__main__":
    main()
