"""What does not fit the page of the headline study: settings, all tables, how to make it again."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.study_pages.figures import cell_name, market_name
from scripts.study_pages.numbers import BASE, CONFIDENCE, METRICS, SCALES
from scripts.study_pages.tables import (
    LEVELS,
    Numbers,
    cell_tables,
    difference_table,
    event_table,
    interval_of,
    points,
    policy_table,
    table,
)
from scripts.study_pages.words import is_less, is_more

PROCYCLICAL = ("peak_to_trough_margin", "max_1h_margin_increase")
CALM = ("mean_initial_margin_ratio", *PROCYCLICAL, "liquidated_share")


def appendix(numbers: Numbers) -> str:
    """Return ``docs/study/appendix.md``."""
    crash, calm = numbers["crash"], numbers["calm"]
    return "\n".join([
        SETTINGS.format(populations=crash["populations"], level=f"{CONFIDENCE:.0%}"),
        "## What the intervals show, policy by policy", "",
        *_findings(crash, calm), "",
        "## Levels", "",
        EXCESS, "",
        *policy_table(crash["policies"], LEVELS), "",
        *event_table(crash), "",
        "## Differences from static margin, path by path", "",
        PAIRED, "",
        *difference_table(crash), "",
        "## By depth and speed of the crash", "",
        "![Uncovered loss, difference from static](hurt_uncovered_loss_ratio.svg)", "",
        *cell_tables(crash["cells"], cell_name),
        *_market_tables(crash),
        "## Procyclicality", "",
        PROCYCLICALITY.format(margin_of=crash["margin_of"]), "",
        *policy_table(crash["policies"], PROCYCLICAL), "",
        "## An ordinary day", "",
        CAPITAL.format(paths=calm["paths"]), "",
        *policy_table(calm["policies"], CALM), "",
        _provenance(numbers),
    ])  # fmt: skip


def _findings(crash: Numbers, calm: Numbers) -> list[str]:
    """Return what the intervals support, policy by policy, whatever it is."""
    lines = []
    asked = {name: points(found["mean_initial_margin_ratio"]) for name, found in calm["policies"].items()}
    for name, differences in crash["differences"].items():
        told = {metric: differences[metric] for metric in LEVELS}
        hurts = [_told(found, metric) for metric, found in told.items() if is_more(found)]
        helps = [_told(found, metric) for metric, found in told.items() if is_less(found)]
        lines.append(
            f"- **{name}** (asks {asked[name]} % initial margin on an ordinary day, static {asked[BASE]} %). "
            f"Hurts: {'; '.join(hurts) or 'nothing that the intervals show'}. "
            f"Helps: {'; '.join(helps) or 'nothing that the intervals show'}."
        )
    return lines


def _told(found: Numbers, metric: str) -> str:
    name, unit = METRICS[metric]
    return f"{name} {interval_of(found, SCALES[unit], sign='+')} {'points' if unit == '%' else unit}"


def _market_tables(crash: Numbers) -> Iterator[str]:
    if crash.get("markets"):
        yield from ("## What stands when the market outside is another", "", MARKETS, "")
        yield from cell_tables(crash["markets"], market_name)


def _provenance(numbers: Numbers) -> str:
    rows = [
        [
            name, found["title"], f"`{found['experiment_sha256'][:16]}`", f"`{found['digest'][:16]}`",
            str(found["digest_schema_version"]), found["label"],
        ]
        for name, found in numbers["sweeps"].items()
    ]  # fmt: skip
    headings = ["experiment", "title", "SHA-256 of the file", "digest of the sweep", "of schema", "size"]
    return "\n".join([PROVENANCE, "", *table(headings, rows), ""])


SETTINGS = """\
# The study of margin in a crash: settings and all tables

Made by `scripts/study.py`; do not edit by hand. [The page](README.md) has the answer.

## Settings

The files are [crash.toml](crash.toml) and [calm.toml](calm.toml), every number is in
[numbers.json](numbers.json). {populations} books of 200 accounts between 3x and 18x, four in five of them
long. The fall is drawn between 3 and 35 %, its duration between 2 and 20 minutes (evenly in the logarithm).
How fast impact fades and how much depth a crash leaves are drawn as well, because
[sources](../assumptions.md) contradict each other: a half-life of 3 minutes to 2 hours, 5 to 63 % of the calm
depth. A policy sees exactly the path, the book, the market and the agents' draws that every other one sees.

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

EXCESS = """\
What forced selling adds is the difference to the same path without the price impact of forced closes, net
([worlds](../worlds.md)); everything else is of the run alone."""

PAIRED = """\
Policy minus static on the same path. The variance factor says by how much the common random numbers cut the
variance of the difference, against independent paths (smallest and largest of the columns). Fifty-odd
comparisons stand on this page without correction: one in twenty would be called by chance if nothing
differed."""

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

PROVENANCE = """\
## Again

    scripts/study.py

runs both sweeps (they resume where they were stopped) and writes both pages, their figures and
`numbers.json`. A test runs the first path of every policy again and compares its digest with the one in
`numbers.json`. The digest of a sweep is made of the digests of its runs, which have a schema version
(`docs/digest.md`)."""
