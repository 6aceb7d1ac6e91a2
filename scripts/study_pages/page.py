"""The words of the headline study: every figure in them comes from ``numbers.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.study_pages.figures import cell_name
from scripts.study_pages.numbers import BASE, CELL_METRICS, CONFIDENCE, METRICS, SCALES
from sim.metrics.statistics.intervals import rule_of_three

Numbers = Mapping[str, Any]
LEVEL = f"{CONFIDENCE:.0%}"
PROCYCLICAL = ("peak_to_trough_margin", "max_1h_margin_increase", "margin_induced_share")
DIFFERENCES = (
    "liquidated_share", "price_overshoot", "fund_drain", "bad_debt_ratio", "uncovered_loss_ratio",
)  # fmt: skip

ROUNDING = 1e-9
"""Of a value: half-widths below it are rounding of sums, not spread."""


def _outdated(numbers: Numbers) -> list[str]:
    """Return what has moved since the figures were computed; nothing right after a run of the study."""
    return [f"> {numbers['moved_since']}", ""] if "moved_since" in numbers else []


def document(numbers: Numbers) -> str:
    """Return ``docs/study/README.md``."""
    crash, calm = numbers["crash"], numbers["calm"]
    return "\n".join([
        _introduction(numbers), *_outdated(numbers),
        "## Where volatility-scaled margin hurts, and where it helps", "",
        *_plain_words(crash, calm), "",
        "What the paired intervals show over all crashes, policy by policy:", "",
        *_findings(crash, calm), "",
        "## Cascade size against fund drain", "",
        "![Cascade size against fund drain and uncovered loss](cascade_against_fund.svg)", "",
        *_policy_table(crash, ("liquidated_share", "cascade_size_max", "price_overshoot", "fund_drain",
                               "bad_debt_ratio", "uncovered_loss_ratio")), "",
        *_event_table(crash), "",
        "## Differences from static margin, path by path", "",
        PAIRED, "",
        *_difference_table(crash), "",
        "## By depth and speed of the crash", "",
        CELLS, "",
        "![Liquidated open interest, difference from static](hurt_liquidated_share.svg)", "",
        "![Uncovered loss, difference from static](hurt_uncovered_loss_ratio.svg)", "",
        *_cell_tables(crash),
        "## Procyclicality", "",
        PROCYCLICALITY.format(margin_of=crash["margin_of"]), "",
        *_policy_table(crash, PROCYCLICAL), "",
        "## Capital efficiency", "",
        CAPITAL.format(paths=calm["paths"]), "",
        "![Margin on an ordinary day against tail loss](capital_against_tail.svg)", "",
        *_calm_table(calm), "",
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
        bound=f"{rule_of_three(crash['paths']):.2%}",
    )


def _plain_words(crash: Numbers, calm: Numbers) -> list[str]:
    """Return the answer in sentences, each of which is made only if the numbers still say so.

    Raises
    ------
    ValueError
        One of them no longer holds: the page needs new words.
    """
    shallow, worst = crash["cells"][0], crash["cells"][-2]
    more = shallow["differences"]["raw volatility"]["liquidated_share"]
    beyond = shallow[BASE]["uncovered_loss_ratio"]["upper"]
    saved = worst["differences"]["raw volatility"]["uncovered_loss_ratio"]
    left = worst[BASE]["uncovered_loss_ratio"]
    ramped = worst["differences"]["raw volatility, ramp"]["uncovered_loss_ratio"]
    gentle = crash["differences"]["raw volatility, ramp"]["liquidated_share"]
    neither = crash["differences"]["adaptive, neither"]
    stress = crash["differences"]["adaptive, stress weight"]
    double, raw = crash["policies"]["static x2"], crash["policies"]["raw volatility"]
    asked = {name: found["mean_initial_margin_ratio"]["mean"] for name, found in calm["policies"].items()}
    holds = (
        more["lower"] > 0.0
        and beyond == 0.0
        and saved["upper"] < 0.0
        and ramped["lower"] < 0.0 < ramped["upper"]
        and gentle["mean"] < 0.1 * crash["differences"]["raw volatility"]["liquidated_share"]["mean"]
        and stress["liquidated_share"]["upper"] < neither["liquidated_share"]["lower"]
        and stress["uncovered_loss_ratio"]["mean"] <= neither["uncovered_loss_ratio"]["mean"]
        and double["uncovered_loss_ratio_es99"]["lower"] > raw["uncovered_loss_ratio_es99"]["upper"]
        and asked["static x2"] > 2.0 * asked["raw volatility"]
    )
    if not holds:
        raise ValueError("the plain words of the study no longer hold: read the tables and write new ones")
    sentences = PLAIN_WORDS.format(
        shallow=cell_name(shallow),
        worst=cell_name(worst),
        more=100 * more["mean"],
        paths=shallow["paths"],
        level=100 * shallow[BASE]["liquidated_share"]["mean"],
        saved=-1e4 * saved["mean"],
        left=1e4 * left["mean"],
        gentle=100 * gentle["mean"],
        neither=100 * neither["liquidated_share"]["mean"],
        stress=100 * stress["liquidated_share"]["mean"],
        double_asks=100 * asked["static x2"],
        raw_asks=100 * asked["raw volatility"],
        double_tail=1e4 * double["uncovered_loss_ratio_es99"]["estimate"],
        raw_tail=1e4 * raw["uncovered_loss_ratio_es99"]["estimate"],
    )
    return [sentences]


def _findings(crash: Numbers, calm: Numbers) -> list[str]:
    """Return what the intervals support, policy by policy, whatever it is."""
    lines = []
    for name, differences in crash["differences"].items():
        hurts, helps = [], []
        for metric in (
            "liquidated_share",
            "price_overshoot",
            "fund_drain",
            "bad_debt_ratio",
            "uncovered_loss_ratio",
        ):
            found = differences[metric]
            text = f"{METRICS[metric][0]} {_signed(found, metric, crash['paths'])}"
            if found["lower"] > 0:
                hurts.append(text)
            elif found["upper"] < 0:
                helps.append(text)
        ordinary = calm["policies"][name]["mean_initial_margin_ratio"]["mean"]
        usual = calm["policies"][BASE]["mean_initial_margin_ratio"]["mean"]
        lines.append(
            f"- **{name}** (asks {100 * ordinary:.1f} % initial margin on an ordinary day, static "
            f"{100 * usual:.1f} %). Hurts: {'; '.join(hurts) or 'nothing that the intervals show'}. "
            f"Helps: {'; '.join(helps) or 'nothing that the intervals show'}."
        )
    return lines


def _policy_table(crash: Numbers, metrics: Sequence[str]) -> list[str]:
    rows = [
        [name, *(_value(found[metric], metric, crash["paths"]) for metric in metrics)]
        for name, found in crash["policies"].items()
    ]
    return _table(["policy", *(_heading(metric) for metric in metrics)], rows)


def _event_table(crash: Numbers) -> list[str]:
    rows = []
    for name, found in crash["policies"].items():
        tail = found["uncovered_loss_ratio_es99"]
        rows.append([
            name, _probability(found["insolvent"]), _probability(found["fund_depleted"]),
            f"{1e4 * tail['estimate']:.0f} [{1e4 * tail['lower']:.0f}, {1e4 * tail['upper']:.0f}]",
        ])  # fmt: skip
    return _table(
        ["policy", "P(loss beyond the fund)", "P(fund empty at some time)", "ES 99 % of uncovered loss, bp"],
        rows,
    )


def _difference_table(crash: Numbers) -> list[str]:
    rows = []
    for name, found in crash["differences"].items():
        factors = [found[metric]["variance_factor"] for metric in DIFFERENCES]
        known = [factor for factor in factors if factor is not None]
        test = found["insolvent"]
        rows.append([
            name, *(_signed(found[metric], metric, crash["paths"], unit=False) for metric in DIFFERENCES),
            f"{test['only_policy']} / {test['only_static']}, p = {test['p_value']:.2g}",
            f"{min(known):.1f} to {max(known):.1f}" if known else "-",
        ])  # fmt: skip
    heads = [_heading(metric) for metric in DIFFERENCES]
    return _table(["policy", *heads, "insolvent only here / only static", "variance factor"], rows)


def _cell_tables(crash: Numbers) -> list[str]:
    lines: list[str] = []
    for metric in CELL_METRICS:
        heads = [f"{cell_name(cell)} (n = {cell['paths']})" for cell in crash["cells"]]
        levels = (_value(cell[BASE][metric], metric, cell["paths"]) for cell in crash["cells"])
        rows = [[f"{BASE}: the level", *levels]]
        rows += [
            [
                name,
                *(
                    _signed(cell["differences"][name][metric], metric, cell["paths"], unit=False)
                    for cell in crash["cells"]
                ),
            ]
            for name in crash["differences"]
        ]
        title = _heading(metric)
        lines += [
            f"### {title[0].upper()}{title[1:]}: difference from static",
            "",
            *_table(["policy", *heads], rows),
            "",
        ]
    return lines


def _calm_table(calm: Numbers) -> list[str]:
    metrics = (
        "mean_initial_margin_ratio", "peak_to_trough_margin", "max_1h_margin_increase", "liquidated_share",
        "margin_induced_share",
    )  # fmt: skip
    rows = [
        [name, *(_value(found[metric], metric, calm["paths"]) for metric in metrics)]
        for name, found in calm["policies"].items()
    ]
    return _table(["policy", *(_heading(metric) for metric in metrics)], rows)


def _provenance(numbers: Numbers) -> str:
    rows = [
        [
            name,
            found["title"],
            f"`{found['experiment_sha256'][:16]}`",
            f"`{found['digest'][:16]}`",
            str(found["digest_schema_version"]),
            found["label"],
        ]
        for name, found in numbers["sweeps"].items()
    ]
    headings = ["experiment", "title", "SHA-256 of the file", "digest of the sweep", "of schema", "size"]
    return "\n".join(
        [
            PROVENANCE,
            "",
            *_table(headings, rows),
            "",
        ]
    )


def _heading(metric: str) -> str:
    name, unit = METRICS[metric]
    return name if unit == "x" else f"{name}, {unit}"


def _value(found: Numbers, metric: str, paths: int) -> str:
    return _interval(found, SCALES[METRICS[metric][1]], paths)


def _signed(found: Numbers, metric: str, paths: int, *, unit: bool = True) -> str:
    word = METRICS[metric][1]
    text = _interval(found, SCALES[word], paths, sign="+")
    return f"{text} {'points' if word == '%' else word}" if unit and word != "x" else text


def _interval(found: Numbers, scale: float, paths: int, *, sign: str = "") -> str:
    """Write a mean with its half-width, in as many digits as the half-width needs.

    What was the same on every path has no width, which says nothing of other paths: it is said in words.
    """
    mean, half = scale * found["mean"], scale * (found["upper"] - found["lower"]) / 2
    if half <= ROUNDING * max(abs(mean), 1.0):
        return f"{mean:{sign if abs(mean) > 0.005 else ''}.2f} in all {paths:,}"
    digits = next(digits for digits in range(2, 12) if float(f"{half:.{digits}f}") > 0.0)
    return f"{mean:{sign}.{digits}f} ± {half:.{digits}f}"


def _probability(found: Numbers) -> str:
    return (
        f"{found['events']} of {found['n']} [{100 * found['lower']:.1f}, {100 * found['upper']:.1f}] %"
        if found["events"]
        else f"none in {found['n']}, below {100 * rule_of_three(found['n']):.2f} %"
    )


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
{populations} books of 200 accounts between 3x and 14x, four in five of them long. A policy sees exactly
the path, the book and the agents' draws that every other policy sees.

- **static**: the ratio never moves. **x1.5** and **x2** ask for that much more, always.
- **raw volatility**: ratio = z sigma sqrt(horizon) from the oracle's fast variance, the textbook rule,
  applied to existing positions at once; **ramp**: the ratio of existing positions rises by at most 25 % an
  hour.
- **adaptive**: the shipped model, variance floor, size, open interest and confidence terms; with a **stress
  weight** (25 % of the variance is that of a stress period), with the **ramp**, with **neither** and with
  **both**.

All but x1.5 and x2 ask the same of the same account in the calm before the crash: 4.46 % maintenance and
5.65 % initial margin. Entries are means with {level} intervals that count books, not paths, as what is
independent (t with {populations} - 1 degrees of freedom); of an event that never happened in {paths} paths
one can say that its probability is below {bound} ({level}, one-sided).
"""

PLAIN_WORDS = """\
- **It hurts the accounts in every moderate crash.** In falls of {shallow}, raw volatility scaling of
  existing positions liquidates {more:.0f} points more of open interest (static {level:.0f} %), although
  static margin left nothing beyond the fund in any of those {paths} paths. The forced sales press the
  price further, and that is a cost to everybody.
- **It saves the fund in the deep and fast one.** In falls of {worst}, the same rule spares {saved:.0f} of
  the {left:.0f} bp of open interest that static margin leaves uncovered: who was evicted early owes
  nothing later.
- **The ramp takes away the harm and the protection together.** With it, raw scaling liquidates
  {gentle:.1f} points more than static over all crashes, and its uncovered loss cannot be told from
  static's: an hour is longer than the crash. It is a choice of who pays, not an improvement.
- **The stress weight takes part of the harm and none of the protection**: {stress:.0f} instead of
  {neither:.0f} points more liquidated, with no more left uncovered. Of the tools compared it is the one
  that costs nothing here.
- **Margin that is high always is the dear way to safety**: static x2 asks {double_asks:.1f} % on an
  ordinary day against {raw_asks:.1f} % and still leaves a tail (ES 99 %) of {double_tail:.0f} bp against
  {raw_tail:.0f}."""

PAIRED = """\
Policy minus static on the same path. The variance factor says by how much the common random numbers cut the
variance of the difference, against independent paths (smallest and largest of the columns). "Insolvent"
paths are those with a loss beyond account and fund; p is McNemar's, exact, on the paths where only one of
the two had it. Fifty-odd comparisons stand on this page without correction: one in twenty would be called
by chance if nothing differed."""

CELLS = """\
The mean over all crashes hides that the sign depends on the crash. A slow or shallow one gives
liquidators time: there forced sales are the damage, and a ratio that jumps makes more of them. A deep and
fast one outruns liquidators: there whoever was evicted early leaves less bad debt behind. "0.00 in all n"
says that none of the n paths had any: its probability may still be up to about 3 / n."""

PROCYCLICALITY = """\
Margin's peak-to-trough and largest rise are of {margin_of},
below as well. Margin-induced liquidations are those that the ratio of the start would have avoided at the
same prices: the share of the cascade that the rule itself makes."""

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
- Depth does not withdraw here and block space is cheap; with either the cascades are larger.
"""

PROVENANCE = """\
## Again

    scripts/study.py

runs both sweeps (they resume where they were stopped) and writes this page, its figures and `numbers.json`.
A test runs the first path of every policy again and compares its digest with the one in `numbers.json`. The
digest of a sweep is made of the digests of its runs, which have a schema version (`docs/digest.md`)."""
