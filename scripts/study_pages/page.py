"""The page of the headline study: a question, an answer, three figures, two tables."""

from __future__ import annotations

from scripts.study_pages.figures import cell_name
from scripts.study_pages.numbers import BASE, SCALES
from scripts.study_pages.tables import EVENT_WORDS, Notes, Numbers, heading, interval_of, table, value_of
from scripts.study_pages.words import answer

MARGIN = "mean_initial_margin_ratio"
EVENT = "insolvent"
SHOWN = ("liquidated_share", "excess_share", "fund_drain", "uncovered_loss_ratio", EVENT)
BY_CRASH = ("raw volatility", ("liquidated_share", "uncovered_loss_ratio"))
"""Whose differences are shown by depth and speed, and which."""


def document(numbers: Numbers) -> str:
    """Return ``docs/study/README.md``."""
    crash, calm = numbers["crash"], numbers["calm"]
    runs = crash["paths"] * len(crash["policies"])
    return "\n".join([
        QUESTION.format(paths=f"{crash['paths']:,}", policies=len(crash["policies"]), runs=f"{runs:,}"),
        *_outdated(numbers),
        "## The answer", "",
        *answer(crash, calm), "",
        "![Open interest liquidated against fund drain and uncovered loss](cascade_against_fund.svg)", "",
        "![Liquidated open interest, difference from static](hurt_liquidated_share.svg)", "",
        "![Margin on an ordinary day against tail loss](capital_against_tail.svg)", "",
        "## Over all crashes: static margin, and the others less static on the same paths", "",
        *_policies(crash, calm), "",
        "## Raw scaling less static, by depth and speed of the crash", "",
        *_by_crash(crash), "",
        LIMITS,
    ])  # fmt: skip


def _outdated(numbers: Numbers) -> list[str]:
    """Return what has moved since the figures were computed; nothing right after a run of the study."""
    return [f"> {numbers['moved_since']}", ""] if "moved_since" in numbers else []


def _policies(crash: Numbers, calm: Numbers) -> list[str]:
    notes = Notes()
    asked = {name: found["mean_initial_margin_ratio"] for name, found in calm["policies"].items()}
    shown = [(f"{BASE}: the level", BASE, crash["policies"][BASE], "")]
    shown += [(name, name, found, "+") for name, found in crash["differences"].items()]
    rows = [
        [label, _cell(asked[name], MARGIN, notes)]
        + [_cell(found[metric], metric, notes, sign=sign) for metric in SHOWN]
        for label, name, found, sign in shown
    ]
    heads = ["policy", "initial margin on an ordinary day, %", *(_head(metric) for metric in SHOWN)]
    return [*table(heads, rows), *notes.lines()]


def _by_crash(crash: Numbers) -> list[str]:
    name, metrics = BY_CRASH
    notes, rows = Notes(), []
    for cell in crash["cells"]:
        row = [f"{cell_name(cell)} (n = {cell['paths']})"]
        for metric in metrics:
            row += [
                value_of(cell[BASE][metric], metric, notes),
                value_of(cell["differences"][name][metric], metric, notes, sign="+"),
            ]
        rows.append(row)
    heads = ["crash", *(f"{heading(metric)}: {what}" for metric in metrics for what in (BASE, "difference"))]
    return [*table(heads, rows), *notes.lines()]


def _cell(found: Numbers, metric: str, notes: Notes, *, sign: str = "") -> str:
    if metric == EVENT:
        return notes.mark(interval_of(found, SCALES["%"], sign=sign), found)
    return value_of(found, metric, notes, sign=sign)


def _head(metric: str) -> str:
    return f"{EVENT_WORDS[0]}, %" if metric == EVENT else heading(metric)


QUESTION = """\
# What volatility-scaled margin does in a crash

Margin that rises with volatility asks for more when markets get worse. For new positions that is protection.
For existing ones it is also a reason to liquidate, and every liquidation moves the price: **does it make
things better or worse, and for whom?** {policies} policies meet the same {paths} crashes of 3 to 35 % within
2 to 20 minutes ({runs} runs of the contracts, each beside one without the price impact of forced closes),
and the same ordinary days. What they are, every table, and how to make it all again: [appendix](appendix.md).
"""

LIMITS = """\
## What this does not say

- One market, linear impact, one hedge share, one population law: the settings are in the files and are
  assumptions made to isolate margin. `seawall compare` tests a concrete change across price processes and
  impact laws.
- The crash is scripted: nobody expects it, and it does not come back. Volatility clusters in real markets,
  which favours rules that look at it.
- Equal margin in the calm is one way to make policies comparable; equal average margin or equal coverage
  are others.
- Block space is cheap, and that was not varied.
"""
