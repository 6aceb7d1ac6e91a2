"""Tables of experiment pages: cells with their intervals, commands to copy, provenance; all escaped."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sim.metrics.book import METRICS
from sim.reporting.formatting import NARROW_SPACE, is_missing, number, percent, significant

ABSENT = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    heading: str
    unit: str = ""
    """Shown small under the heading."""
    kind: str = ""
    """``n`` aligns numbers, ``name`` is short text, ``wrap`` is prose, ``nowrap`` stays on one line,
    ``hash`` is monospaced."""


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    marked: Iterable[int] = (),
) -> Markup:
    """Return a table that scrolls sideways on a narrow screen.

    Parameters
    ----------
    columns
        One for each cell of a row.
    rows
        Cells: `Markup` as it is, anything else escaped; None is a dash.
    marked
        Row numbers, from 0, that are shaded.
    """
    head = Markup("").join(
        Markup('<th class="{}">{}{}</th>').format(
            "n" if one.kind == "n" else "",
            one.heading,
            Markup('<span class="unit">{}</span>').format(one.unit) if one.unit else "",
        )
        for one in columns
    )
    shaded = set(marked)
    body = [
        Markup("<tr{}>{}</tr>\n").format(
            Markup(' class="marked"') if index in shaded else "",
            Markup("").join(
                Markup('<td class="{}">{}</td>').format(one.kind, ABSENT if cell is None else cell)
                for one, cell in zip(columns, row, strict=True)
            ),
        )
        for index, row in enumerate(rows)
    ]
    title = Markup("<caption>{}</caption>").format(caption) if caption else Markup("")
    return Markup(
        '<div class="scroll"><table>{}<thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table></div>'
    ).format(title, head, Markup("").join(body))


def metric_label(name: str) -> str:
    """Return the name of a metric for readers; an unknown one keeps its key."""
    return METRICS[name].label if name in METRICS else name


def metric_meaning(name: str) -> str:
    """Return one sentence on what a metric measures, or nothing."""
    return METRICS[name].meaning if name in METRICS else ""


def metric_unit(name: str) -> str:
    """Return the unit as the tables write it; shares and factors need none."""
    return METRICS[name].quantity if name in METRICS and METRICS[name].unit != "1" else ""


def is_share(name: str) -> bool:
    """Return whether a metric is written as a percentage."""
    return name in METRICS and METRICS[name].is_share


def metric_value(name: str, value: object) -> str:
    """Write a value of a metric with three significant digits or more, a share as a percentage."""
    if is_missing(value) or not isinstance(value, int | float):
        return ABSENT
    if is_share(name):
        return share(value)
    if abs(value) >= 1_000 and math.isfinite(value):
        return number(value)
    return significant(value, 3)


def share(value: float) -> str:
    """Write a share as a percentage with three significant digits; an exact zero as a plain 0."""
    if math.isinf(value):
        return number(value)
    if value == 0.0:
        return "0"
    return f"{significant(100.0 * value, 3)}{NARROW_SPACE}%"


def range_words(name: str, lower: float | None, upper: float | None) -> str:
    """Write both ends of an interval in a metric's unit; an end the sample cannot give is named."""
    low = None if is_missing(lower) or lower == -math.inf else lower
    high = None if is_missing(upper) or upper == math.inf else upper
    if low is None and high is None:
        return "sample too small for an interval"
    if high is None:
        return f"at least {metric_value(name, low)}; sample too small for an upper end"
    if low is None:
        return f"at most {metric_value(name, high)}; sample too small for a lower end"
    if is_share(name):
        first, second = metric_value(name, low), metric_value(name, high)
        return f"{first.removesuffix(f'{NARROW_SPACE}%')} to {second}"
    return f"{metric_value(name, low)} to {metric_value(name, high)}"


def interval_cell(
    name: str, estimate: float | None, lower: float | None, upper: float | None, *, note: str = ""
) -> Markup:
    """Return a cell with an estimate and, under it, its interval and a note.

    Parameters
    ----------
    name
        Metric, which decides how numbers are written.
    estimate, lower, upper
        None or NaN where there is none; an infinite end means that the sample is too small for it.
    """
    if is_missing(estimate):
        return Markup('<span title="{}">{}</span>').format(note, ABSENT)
    words = range_words(name, lower, upper)
    whole = "sample too small" not in words
    return Markup('{}<span class="range{}">{}</span>{}').format(
        metric_value(name, estimate),
        "" if whole else " open",
        words,
        Markup('<span class="sub">{}</span>').format(note) if note else "",
    )


def event_cell(
    events: int, n: int, lower: float, upper: float, *, confidence: float = 0.95, counting: str = ""
) -> Markup:
    """Return a cell with the probability of an event.

    Never 0 or 100 % of a finite sample: `upper` (no event) or `lower` (always) must be the one-sided bound.
    `counting` names what the bound counts if it is not paths.
    """
    if n == 0:
        return Markup("{}").format(ABSENT)
    level = percent(confidence, 0)
    bound = f"{level} bound counting {counting}" if counting else f"{level} bound"
    if events == 0:
        return Markup('at most {}<span class="range">none in {}, {}</span>').format(
            share(upper), number(n), bound
        )
    if events == n:
        return Markup('at least {}<span class="range">in all {}, {}</span>').format(
            share(lower), number(n), bound
        )
    ends = f"{share(lower).removesuffix(f'{NARROW_SPACE}%')} to {share(upper)}"
    return Markup('{}<span class="range">{}</span><span class="sub">{} of {}</span>').format(
        share(events / n), ends, number(events), number(n)
    )


def path_command(
    scenario: str,
    *,
    path: int,
    seed: int,
    overrides: Sequence[str] = (),
    populations: int = 1,
    antithetic: bool = False,
    twin: bool = True,
    out: str | None = None,
) -> str:
    """Return the command that runs one path again, quoted for a POSIX shell.

    Parameters
    ----------
    scenario
        File or name as the reader can give it.
    overrides
        Of the experiment, the point and the path's own draws, as ``--set`` takes them.
    out
        Results folder; None leaves it to the command.
    """
    words = ["seawall", "run", scenario, "--path", str(path), "--seed", str(seed)]
    if populations != 1:
        words += ["--populations", str(populations)]
    words += ["--antithetic"] * antithetic + ["--no-twin"] * (not twin)
    for one in overrides:
        words += ["--set", one]
    if out is not None:
        words += ["--out", out]
    return shlex.join(words)


def command_cell(command: str) -> Markup:
    """Return a command with a button that copies it; lines break between options, not within them."""
    # Quoted words keep their quotes: the pieces joined by spaces are the command again.
    pieces = re.split(r" (?=--)", command)
    words = Markup(" ").join(Markup("<span>{}</span>").format(piece) for piece in pieces)
    return Markup(
        '<div class="command"><code>{}</code><button type="button" class="copy">copy</button></div>'
    ).format(words)


def provenance_table(rows: Iterable[tuple[str, object]], *, caption: str = "") -> Markup:
    """Return (name, value) pairs as a table; nested mappings are flattened to dotted names, None left out."""
    flat = [(name, inner) for key, value in rows for name, inner in _flat(key, value) if inner is not None]
    body = Markup("").join(
        Markup('<tr><td class="nowrap">{}</td><td class="hash">{}</td></tr>\n').format(
            name, plain_value(value)
        )
        for name, value in flat
    )
    title = Markup("<caption>{}</caption>").format(caption) if caption else Markup("")
    return Markup('<div class="scroll"><table>{}<tbody>{}</tbody></table></div>').format(title, body)


def plain_value(value: object) -> str:
    """Write any JSON value for a cell."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, Mapping):
        return [(name, value)]
    return [pair for key, inner in value.items() for pair in _flat(f"{name}, {key}", inner)]
