"""The words of the headline study: every figure in them comes from ``numbers.json``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from scripts.study_pages.figures import cell_name, market_name
from scripts.study_pages.numbers import BASE, CELL_METRICS, CONFIDENCE, EVENTS, METRICS, SCALES, TAILED

Numbers = Mapping[str, Any]
LEVEL = f"{CONFIDENCE:.0%}"
LEVELS = ("liquidated_share", "excess_share", "price_overshoot", "fund_drain",
          "loss_beyond_collateral_ratio", "uncovered_loss_ratio")  # fmt: skip
PROCYCLICAL = ("peak_to_trough_margin", "max_1h_margin_increase")
CALM = ("mean_initial_margin_ratio", *PROCYCLICAL, "liquidated_share")
EVENT_WORDS = ("P(loss beyond the fund)", "P(fund empty at some time)")


def _outdated(numbers: Numbers) -> list[str]:
    """Return what has moved since the figures were computed; nothing right after a run of the study."""
    return [f"> {numbers['moved_since']}", ""] if "moved_since" in numbers else []


def document(numbers: Numbers) -> str:
    """Return ``docs/study/README.md``."""
    crash, calm = numbers["crash"], numbers["calm"]
    return "\n".join([
        _introduction(numbers), *_outdated(numbers),
        "## Where volatility-scaled margin hurts, and where it helps", "",
        *(_plain_words(crash, calm) or ["The intervals support no sentence: read the tables."]), "",
        "What the paired intervals show over all crashes, policy by policy:", "",
        *_findings(crash, calm), "",
        "## What is liquidated against fund drain", "",
        "![Open interest liquidated against fund drain and uncovered loss](cascade_against_fund.svg)", "",
        EXCESS, "",
        *_policy_table(crash["policies"], LEVELS), "",
        *_event_table(crash), "",
        "## Differences from static margin, path by path", "",
        PAIRED, "",
        *_difference_table(crash), "",
        "## By depth and speed of the crash", "",
        CELLS, "",
        "![Liquidated open interest, difference from static](hurt_liquidated_share.svg)", "",
        "![Uncovered loss, difference from static](hurt_uncovered_loss_ratio.svg)", "",
        *_cell_tables(crash["cells"], cell_name),
        *_market_tables(crash),
        "## Procyclicality", "",
        PROCYCLICALITY.format(margin_of=crash["margin_of"]), "",
        *_policy_table(crash["policies"], PROCYCLICAL), "",
        "## Capital efficiency", "",
        CAPITAL.format(paths=calm["paths"]), "",
        "![Margin on an ordinary day against tail loss](capital_against_tail.svg)", "",
        *_policy_table(calm["policies"], CALM), "",
        LIMITS,
        _provenance(numbers),
    ])  # fmt: skip


def _introduction(numbers: Numbers) -> str:
    crash = numbers["crash"]
    return INTRODUCTION.format(
        paths=f"{crash['paths']:,}",
        policies=len(crash["policies"]),
        runs=f"{crash['paths'] * len(crash['policies']):,}",
        populations=crash["populations"],
        level=LEVEL,
    )


# --- words ---


def _more(found: Numbers) -> bool:
    return found["lower"] is not None and found["lower"] > 0.0


def _less(found: Numbers) -> bool:
    return found["upper"] is not None and found["upper"] < 0.0


def _open(found: Numbers) -> bool:
    """Return whether an interval leaves the sign open."""
    return None not in (found["lower"], found["upper"]) and not _more(found) and not _less(found)


def _apart(low: Numbers, high: Numbers) -> bool:
    """Return whether one interval lies wholly below the other."""
    return None not in (low["upper"], high["lower"]) and low["upper"] < high["lower"]


def _plain_words(crash: Numbers, calm: Numbers) -> list[str]:
    """Return the answer in sentences: each stands only if the numbers have its policies and support it."""
    return [*_words_of_raw(crash, calm), *_words_of_adaptive(crash)]


def _words_of_raw(crash: Numbers, calm: Numbers) -> list[str]:
    shallow, worst = crash["cells"][0], crash["cells"][-2]
    by, levels = crash["differences"], crash["policies"]
    raw, ramp = by["raw volatility"], by["raw volatility, ramp"]
    more = shallow["differences"]["raw volatility"]["liquidated_share"]
    spared = worst["differences"]["raw volatility"][TAILED]
    added = [levels[name]["excess_share"] for name in (BASE, "raw volatility")]
    double, once = (levels[name][TAILED] for name in ("static x2", "raw volatility"))
    margin = {name: found["mean_initial_margin_ratio"] for name, found in calm["policies"].items()}
    unneeded = shallow[BASE][TAILED]["estimate"] == 0.0
    return _standing((
        (_more(more), WORDS_HURT + (WORDS_UNNEEDED if unneeded else "") + ".", (
            cell_name(shallow), _points(more), _points(shallow[BASE]["liquidated_share"]), shallow["paths"],
        )),
        (all(map(_more, added)), WORDS_ADDED, tuple(map(_points, added))),
        (_less(spared), WORDS_SPARED, (
            cell_name(worst), _basis(spared).lstrip("-"), _basis(worst[BASE][TAILED]),
        )),
        (_more(raw["liquidated_share"]) and _apart(ramp["liquidated_share"], raw["liquidated_share"])
         and _less(raw[TAILED]) and _open(ramp[TAILED]), WORDS_RAMP, (_points(ramp["liquidated_share"]),)),
        (_apart(once, double) and _apart(margin["raw volatility"], margin["static x2"]), WORDS_DEAR, (
            _points(margin["static x2"]), _points(margin["raw volatility"]), _basis(double), _basis(once),
        )),
    ))  # fmt: skip


def _words_of_adaptive(crash: Numbers) -> list[str]:
    by = crash["differences"]
    if not by.keys() >= {"adaptive, hour", "adaptive, hour, stress weight", "adaptive, ten days"}:
        return []
    hour, stress, days = (
        by[f"adaptive, {memory}"] for memory in ("hour", "hour, stress weight", "ten days")
    )  # fmt: skip
    return _standing((
        (_apart(stress["liquidated_share"], hour["liquidated_share"]), WORDS_STRESS, (
            _points(stress["liquidated_share"]), _points(hour["liquidated_share"]),
            _basis(stress[TAILED]), _basis(hour[TAILED]),
        )),
        (_apart(days["liquidated_share"], hour["liquidated_share"]) and _open(days[TAILED]), WORDS_DAYS, (
            _points(days["liquidated_share"]), _points(hour["liquidated_share"]),
        )),
    ))  # fmt: skip


def _standing(said: Iterable[tuple[bool, str, tuple[Any, ...]]]) -> list[str]:
    return [f"- {words.format(*values)}" for holds, words, values in said if holds]


def _points(found: Numbers) -> str:
    return _estimate(found, SCALES["%"])


def _basis(found: Numbers) -> str:
    return _estimate(found, SCALES["bp"])


def _estimate(found: Numbers, scale: float, sign: str = "") -> str:
    """Write an estimate in as many digits as its interval bears."""
    if found["estimate"] is None:
        return "-"
    middle = scale * found["estimate"]
    return f"{middle:{sign if middle else ''}.{_digits(found, scale)}f}"


def _findings(crash: Numbers, calm: Numbers) -> list[str]:
    """Return what the intervals support, policy by policy, whatever it is."""
    lines = []
    asked = {name: _points(found["mean_initial_margin_ratio"]) for name, found in calm["policies"].items()}
    for name, differences in crash["differences"].items():
        told = {metric: differences[metric] for metric in LEVELS}
        hurts = [_told(found, metric) for metric, found in told.items() if _more(found)]
        helps = [_told(found, metric) for metric, found in told.items() if _less(found)]
        lines.append(
            f"- **{name}** (asks {asked[name]} % initial margin on an ordinary day, static {asked[BASE]} %). "
            f"Hurts: {'; '.join(hurts) or 'nothing that the intervals show'}. "
            f"Helps: {'; '.join(helps) or 'nothing that the intervals show'}."
        )
    return lines


def _told(found: Numbers, metric: str) -> str:
    name, unit = METRICS[metric]
    return f"{name} {_interval(found, SCALES[unit], sign='+')} {'points' if unit == '%' else unit}"


# --- tables ---


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


def _policy_table(policies: Numbers, metrics: Sequence[str]) -> list[str]:
    notes = Notes()
    rows = [
        [name, *(_value(found[metric], metric, notes) for metric in metrics)]
        for name, found in policies.items()
    ]
    return [*_table(["policy", *(_heading(metric) for metric in metrics)], rows), *notes.lines()]


def _event_table(crash: Numbers) -> list[str]:
    notes = Notes()
    rows = [
        [
            name,
            *(notes.mark(_interval(found[event], 100.0), found[event]) for event in EVENTS),
            notes.mark(_interval(found[f"{TAILED}_es99"], 1e4), found[f"{TAILED}_es99"]),
        ]
        for name, found in crash["policies"].items()
    ]
    heads = ["policy", *(f"{words}, %" for words in EVENT_WORDS), "ES 99 % of uncovered loss, bp"]
    return [*_table(heads, rows), *notes.lines()]


def _difference_table(crash: Numbers) -> list[str]:
    notes, rows = Notes(), []
    for name, found in crash["differences"].items():
        known = [factor for metric in LEVELS if (factor := found[metric].get("variance_factor")) is not None]
        event = found["insolvent"]
        rows.append([
            name, *(_value(found[metric], metric, notes, sign="+") for metric in LEVELS),
            notes.mark(_interval(event, 100.0, sign="+"), event),
            f"{min(known):.1f} to {max(known):.1f}" if known else "-",
        ])  # fmt: skip
    heads = [
        "policy",
        *(_heading(metric) for metric in LEVELS),
        f"{EVENT_WORDS[0]}, points",
        "variance factor",
    ]
    return [*_table(heads, rows), *notes.lines()]


def _cell_tables(cells: Sequence[Numbers], name_of: Callable[[Numbers], str]) -> Iterator[str]:
    for metric in CELL_METRICS:
        notes = Notes()
        rows = [[f"{BASE}: the level", *(_value(cell[BASE][metric], metric, notes) for cell in cells)]]
        rows += [
            [name, *(_value(cell["differences"][name][metric], metric, notes, sign="+") for cell in cells)]
            for name in cells[0]["differences"]
        ]
        title = _heading(metric)
        yield from (f"### {title[0].upper()}{title[1:]}: difference from static", "")
        heads = [f"{name_of(cell)} (n = {cell['paths']})" for cell in cells]
        yield from (*_table(["policy", *heads], rows), *notes.lines(), "")


def _market_tables(crash: Numbers) -> Iterator[str]:
    if crash.get("markets"):
        yield from ("## What stands when the market outside is another", "", MARKETS, "")
        yield from _cell_tables(crash["markets"], market_name)


def _provenance(numbers: Numbers) -> str:
    rows = [
        [
            name, found["title"], f"`{found['experiment_sha256'][:16]}`", f"`{found['digest'][:16]}`",
            str(found["digest_schema_version"]), found["label"],
        ]
        for name, found in numbers["sweeps"].items()
    ]  # fmt: skip
    headings = ["experiment", "title", "SHA-256 of the file", "digest of the sweep", "of schema", "size"]
    return "\n".join([PROVENANCE, "", *_table(headings, rows), ""])


def _heading(metric: str) -> str:
    name, unit = METRICS[metric]
    return name if unit == "x" else f"{name}, {unit}"


def _value(found: Numbers, metric: str, notes: Notes, *, sign: str = "") -> str:
    return notes.mark(_interval(found, SCALES[METRICS[metric][1]], sign=sign), found)


def _interval(found: Numbers, scale: float, *, sign: str = "") -> str:
    """Write an estimate with its ends in as many digits as they bear; no ends where none is stated."""
    text, ends = _estimate(found, scale, sign), (found["lower"], found["upper"])
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


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "|---" + "|---:" * (len(heads) - 1) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


INTRODUCTION = """\
# What volatility-scaled margin does in a crash

Made by `scripts/study.py` from [crash.toml](crash.toml) and [calm.toml](calm.toml); every number below is
in [numbers.json](numbers.json), and the command at the end makes all of it again. Do not edit by hand.

Margin that rises with volatility asks for more when markets get worse. For new positions that is
protection. For existing ones it is also a reason to liquidate, and every liquidation moves the price. This
study lets {policies} policies meet the same {paths} crashes ({runs} runs of the contracts): the fall is
drawn between 3 and 35 %, its duration between 2 and 20 minutes (evenly in the logarithm), on
{populations} books of 200 accounts between 3x and 18x, four in five of them long. How fast impact fades and
how much depth a crash leaves are drawn as well, because [sources](../assumptions.md) contradict each
other: a half-life of 3 minutes to 2 hours, 5 to 63 % of the calm depth. A policy sees exactly the path, the
book, the market and the agents' draws that every other policy sees.

- **static**: the ratio never moves. **x1.5** and **x2** ask for that much more, always.
- **raw volatility**: ratio = z sigma sqrt(horizon) from the oracle's fast variance, the textbook rule,
  applied to existing positions at once; **ramp**: the ratio of existing positions rises by at most 25 % an
  hour.
- **adaptive**: variance floor, size, open interest and confidence terms, with the memory of an **hour**,
  also with a **stress weight** (25 % of the variance is that of a stress period) and with the **ramp**; with
  **ten days** it is the model that ships.

All but x1.5 and x2 ask the same of the same account in the calm before the crash: 2.28 % maintenance and
4.56 % initial margin. Entries are means with {level} intervals that count books, not paths, as what is
independent; where [no method holds its level](../statistics.md), none is printed and a note says why.
"""

WORDS_HURT = """\
**It hurts accounts in a moderate crash.** In falls of {0}, raw volatility scaling of existing positions
  liquidates {1} points more of open interest (static {2} %)"""
WORDS_UNNEEDED = """, although static margin left nothing beyond the fund in
  any of those {3} paths"""
WORDS_ADDED = """\
**Forced selling adds to it**: {0} % of what static margin liquidates, and {1} % of what raw volatility
  scaling does, is not liquidated when the same crashes are run without the price impact of forced closes."""
WORDS_SPARED = """\
**It spares the fund in the deep and fast one.** In falls of {0}, the same rule leaves {1} bp less of open
  interest uncovered than the {2} bp of static margin."""
WORDS_RAMP = """\
**The ramp takes away most of the harm, and no protection is left to be seen.** With it, raw scaling
  liquidates {0} points more than static over all crashes, and its uncovered loss cannot be told from
  static's: an hour is longer than the crash. It is a choice of who pays."""
WORDS_STRESS = """\
**The stress weight takes part of the harm**: {0} instead of {1} points more liquidated than static, at
  {2} against {3} bp of uncovered loss."""
WORDS_DAYS = """\
**A memory of ten days hardly feels the crash**: {0} points more liquidated than static instead of {1}, and
  its uncovered loss cannot be told from static's. What it asks follows the weeks, not the hour."""
WORDS_DEAR = """\
**Margin that is high always is the dear way to safety**: static x2 asks {0} % on an ordinary day against
  {1} % and leaves {2} bp uncovered against {3}."""

EXCESS = """\
What forced selling adds is the difference to the same path without the price impact of forced closes, net
([worlds](../worlds.md)); everything else is of the run alone."""

PAIRED = """\
Policy minus static on the same path. The variance factor says by how much the common random numbers cut the
variance of the difference, against independent paths (smallest and largest of the columns). Fifty-odd
comparisons stand on this page without correction: one in twenty would be called by chance if nothing
differed."""

CELLS = """\
The mean over all crashes hides that the sign may depend on the crash: how deep it is, and how much time it
gives liquidators."""

MARKETS = """\
The same differences by how fast the price impact of what is sold fades, and by how much of the calm depth the
crash leaves: halves, by ratio, of the ranges that were drawn. A sentence above that holds in some of these
columns alone is about that market."""

PROCYCLICALITY = """\
Margin's peak-to-trough and largest rise are of {margin_of},
below as well. What a rule that moves adds to liquidations is the difference from static margin above: the
same crashes under a ratio that stays."""

CAPITAL = """\
What a policy costs when nothing happens: {paths} ordinary days of eight hours (GARCH with t innovations at
80 % annual volatility, no crash) against the tail of what it leaves uncovered in the crashes above."""

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

PROVENANCE = """\
## Again

    scripts/study.py

runs both sweeps (they resume where they were stopped) and writes this page, its figures and `numbers.json`.
A test runs the first path of every policy again and compares its digest with the one in `numbers.json`. The
digest of a sweep is made of the digests of its runs, which have a schema version (`docs/digest.md`)."""
