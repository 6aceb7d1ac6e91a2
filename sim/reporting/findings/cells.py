"""Cells of estimates: a value with its interval, an event with its bound, a row's commands."""

from __future__ import annotations

from sim.reporting.findings.blocks import ABSENT, Cell
from sim.reporting.formatting import NARROW_SPACE, is_missing, number, percent
from sim.reporting.metric_words import leverage_note, metric_value, range_words, share


def interval_cell(
    name: str, estimate: float | None, lower: float | None, upper: float | None, *, note: str = ""
) -> Cell | str:
    """Return a cell with an estimate and, under it, its interval and a note.

    Parameters
    ----------
    name
        Metric, which decides how numbers are written.
    estimate, lower, upper
        None or NaN where there is none; an infinite end means that the sample is too small for it.
    """
    if is_missing(estimate):
        return ABSENT
    notes = "; ".join(filter(None, (leverage_note(name, estimate), note)))
    return Cell(text=metric_value(name, estimate), under=range_words(name, lower, upper), note=notes)


def value_cell(name: str, value: object, *, under: str = "") -> Cell:
    """Return the cell of a value without an interval; a margin ratio also as the leverage it allows."""
    return Cell(text=metric_value(name, value), under=under, note=leverage_note(name, value))


def event_cell(
    events: int, n: int, lower: float, upper: float, *, confidence: float = 0.95, counting: str = ""
) -> Cell | str:
    """Return a cell with the probability of an event.

    Never 0 or 100 % of a finite sample: `upper` (no event) or `lower` (always) must be the one-sided bound.
    `counting` names what the bound counts if it is not paths.
    """
    if n == 0:
        return ABSENT
    level = percent(confidence, 0)
    bound = f"{level} bound counting {counting}" if counting else f"{level} bound"
    if events == 0:
        return Cell(text=f"at most {share(upper)}", under=f"none in {number(n)}, {bound}")
    if events == n:
        return Cell(text=f"at least {share(lower)}", under=f"in all {number(n)}, {bound}")
    ends = f"{share(lower).removesuffix(f'{NARROW_SPACE}%')} to {share(upper)}"
    return Cell(text=share(events / n), under=ends, note=f"{number(events)} of {number(n)}")


def in_points(text: str) -> str:
    """Return a difference of percentages in percentage points: 2 % more of 10 % would mean something else."""
    return text.replace(f"{NARROW_SPACE}%", f"{NARROW_SPACE}pp")


def difference_cell(name: str, estimate: float, lower: float, upper: float) -> Cell | str:
    """Return a cell with a difference, its sign always shown, and its interval; shares in points."""
    if is_missing(estimate):
        return ABSENT
    sign = "+" if estimate > 0.0 else ""
    return Cell(
        text=sign + in_points(metric_value(name, estimate)), under=in_points(range_words(name, lower, upper))
    )


def constant_cell(value: str, paths: int, note: str = "") -> Cell:
    """Return the cell of a value that was the same on every path: said in words, with how many they were."""
    words = f"the same on all {number(paths)} paths"
    return Cell(text=value, under=f"{words}; {note}" if note else words)


def commands_cell(*commands: str) -> Cell:
    """Return the cell of a column of kind ``commands``."""
    return Cell(text="", commands=commands)
