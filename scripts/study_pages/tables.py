"""How estimates of the headline study are written, and the tables made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from scripts.study_pages.numbers import BASE, CELL_METRICS, EVENTS, METRICS, SCALES, TAILED

Numbers = Mapping[str, Any]
LEVELS = ("liquidated_share", "excess_share", "price_overshoot", "fund_drain",
          "loss_beyond_collateral_ratio", "uncovered_loss_ratio")  # fmt: skip
EVENT_WORDS = ("P(loss beyond the fund)", "P(fund empty at some time)")


class Notes:
    """The reasons under a table: why an estimate has no interval, or one end only."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, text: str, found: Numbers) -> str:
        """Return the text of an estimate with a mark where an end is missing."""
        if None not in (found["lower"], found["upper"]):
            return text
        note = found["note"]
        letter = self._letters.setdefault(note, "abcdefghijklmnopqrstuvwxyz"[len(self._letters) % 26])
        return f"{text} ({letter})"

    def lines(self) -> list[str]:
        """Return what stands under the table."""
        said = "; ".join(f"({letter}) {note}" for note, letter in self._letters.items())
        return ["", said] if said else []


def policy_table(policies: Numbers, metrics: Sequence[str]) -> list[str]:
    """Return the level of each metric, policy by policy."""
    notes = Notes()
    rows = [
        [name, *(value_of(found[metric], metric, notes) for metric in metrics)]
        for name, found in policies.items()
    ]
    return [*table(["policy", *(heading(metric) for metric in metrics)], rows), *notes.lines()]


def event_table(crash: Numbers) -> list[str]:
    """Return probabilities and the tail of what is uncovered, policy by policy."""
    notes = Notes()
    rows = [
        [
            name,
            *(notes.mark(interval_of(found[event], 100.0), found[event]) for event in EVENTS),
            notes.mark(interval_of(found[f"{TAILED}_es99"], 1e4), found[f"{TAILED}_es99"]),
        ]
        for name, found in crash["policies"].items()
    ]
    heads = ["policy", *(f"{words}, %" for words in EVENT_WORDS), "ES 99 % of uncovered loss, bp"]
    return [*table(heads, rows), *notes.lines()]


def difference_table(crash: Numbers) -> list[str]:
    """Return policy less static on the same paths, with the gain of common random numbers."""
    notes, rows = Notes(), []
    for name, found in crash["differences"].items():
        known = [factor for metric in LEVELS if (factor := found[metric].get("variance_factor")) is not None]
        event = found["insolvent"]
        rows.append([
            name, *(value_of(found[metric], metric, notes, sign="+") for metric in LEVELS),
            notes.mark(interval_of(event, 100.0, sign="+"), event),
            f"{min(known):.1f} to {max(known):.1f}" if known else "-",
        ])  # fmt: skip
    heads = [
        "policy",
        *(heading(metric) for metric in LEVELS),
        f"{EVENT_WORDS[0]}, points",
        "variance factor",
    ]
    return [*table(heads, rows), *notes.lines()]


def cell_tables(cells: Sequence[Numbers], name_of: Callable[[Numbers], str]) -> Iterator[str]:
    """Yield a table of differences for each metric, one column for each cell."""
    for metric in CELL_METRICS:
        notes = Notes()
        rows = [[f"{BASE}: the level", *(value_of(cell[BASE][metric], metric, notes) for cell in cells)]]
        rows += [
            [name, *(value_of(cell["differences"][name][metric], metric, notes, sign="+") for cell in cells)]
            for name in cells[0]["differences"]
        ]
        title = heading(metric)
        yield from (f"### {title[0].upper()}{title[1:]}: difference from static", "")
        heads = [f"{name_of(cell)} (n = {cell['paths']})" for cell in cells]
        yield from (*table(["policy", *heads], rows), *notes.lines(), "")


def heading(metric: str) -> str:
    """Return the name of a metric with its unit."""
    name, unit = METRICS[metric]
    return name if unit == "x" else f"{name}, {unit}"


def value_of(found: Numbers, metric: str, notes: Notes, *, sign: str = "") -> str:
    """Write an estimate in the unit of its metric."""
    return notes.mark(interval_of(found, SCALES[METRICS[metric][1]], sign=sign), found)


def interval_of(found: Numbers, scale: float, *, sign: str = "") -> str:
    """Write an estimate with its ends in as many digits as they bear; no ends where none is stated."""
    text, ends = estimate_of(found, scale, sign), (found["lower"], found["upper"])
    if ends == (None, None):
        return text
    digits = _digits(found, scale)
    lower, upper = ("-" if end is None else f"{scale * end:{sign}.{digits}f}" for end in ends)
    return f"{text} [{lower}, {upper}]"


def _digits(found: Numbers, scale: float) -> int:
    """Return decimals: two digits of the half-width, or of the estimate where there is none."""
    known = [end for end in (found["lower"], found["upper"]) if end is not None]
    size = max((abs(end - found["estimate"]) for end in known), default=abs(found["estimate"]) / 10.0)
    return min(max(1 - math.floor(math.log10(scale * size)), 0), 12) if size > 0.0 else 0


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose first column is words."""
    return [
        "| " + " | ".join(heads) + " |",
        "|---" + "|---:" * (len(heads) - 1) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def points(found: Numbers) -> str:
    """Write a share in percent."""
    return estimate_of(found, SCALES["%"])


def basis(found: Numbers) -> str:
    """Write a ratio in basis points."""
    return estimate_of(found, SCALES["bp"])


def estimate_of(found: Numbers, scale: float, sign: str = "") -> str:
    """Write an estimate in as many digits as its interval bears."""
    if found["estimate"] is None:
        return "-"
    middle = scale * found["estimate"]
    return f"{middle:{sign if middle else ''}.{_digits(found, scale)}f}"
