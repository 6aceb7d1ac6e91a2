"""The terminal: verdict, warnings and the sections marked for it, in as many columns as there are.

No word is ever broken: columns give way down to their longest word, and a table that is still too wide is
written as one short list for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text as RichText

from sim.reporting.findings.blocks import (
    ABSENT,
    Bullets,
    Cell,
    Column,
    Findings,
    Heading,
    Section,
    Table,
    Text,
)
from sim.reporting.formatting import NARROW_SPACE

ROWS = 60
"""Rows of a table that are printed; the page has all of them."""
GAP = 2
"""Blanks between two columns."""
_MOODS = {"good": "green", "warn": "yellow", "bad": "bold red", "": ""}
_LEVELS = {
    "held": "bold green",
    "strained": "yellow",
    "failed": "bold red",
    "invalid": "bold red",
    "open": "bold",
}


def print_findings(found: Findings, console: Console) -> None:
    """Print what a command found."""
    verdict = found.verdict
    if verdict is not None:
        console.print(RichText(_kept(verdict.headline), style=_LEVELS[verdict.level]))
        for question, answer in verdict.answers:
            _print_hanging(console, RichText.assemble((question, "dim"), f"  {_kept(answer)}"))
    for text in found.warnings:
        _print_hanging(console, RichText(_kept(text), style="yellow"))
    for section in found.sections:
        if section.terminal:
            _print_section(section, console)


def _print_section(section: Section, console: Console) -> None:
    console.print(RichText(f"\n{section.heading}", style="bold"))
    for block in section.blocks:
        if isinstance(block, Table):
            if block.caption:
                console.print(RichText(_kept(block.caption), style="dim"))
            print_table(block, console)
            if block.note:
                console.print(RichText(_kept(block.note), style="dim"))
        elif isinstance(block, Text | Heading):
            console.print(RichText(_kept(block.text)))
        elif isinstance(block, Bullets):
            for item in block.items:
                _print_hanging(console, RichText(f"- {_kept(item)}"))


def print_table(table: Table, console: Console) -> None:
    """Print a table; where it is too wide even with its columns at their narrowest, row by row."""
    kept = [
        at for at, column in enumerate(table.columns) if not column.page_only and column.kind != "commands"
    ]
    columns = [table.columns[at] for at in kept]
    rows = [[row[at] for at in kept] for row in table.rows[:ROWS]]
    widths = column_widths(columns, rows, console.width)
    if widths is None:
        _print_lists(columns, rows, console)
    else:
        console.print(_rich_table(columns, rows, widths, set(table.marked)))
    if len(table.rows) > ROWS:
        console.print(RichText(f"and {len(table.rows) - ROWS:,} more in the report", style="dim"))


def column_widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell | str | None]], available: int
) -> list[int] | None:
    """Return a width for each column so that all fit and no word is broken, or None if that cannot be."""
    texts = [[_heading(column), *(_plain(row[at]) for row in rows)] for at, column in enumerate(columns)]
    widest = [max(len(line) for text in of for line in text.split("\n")) for of in texts]
    narrowest = []
    for at, column in enumerate(columns):
        words = max(len(word) for text in texts[at] for word in [*text.split(), ""])
        # A number keeps its line: a range under it may be wrapped, the value may not.
        values = (
            [len(_plain(row[at]).split("\n")[0]) for row in rows] if column.kind in ("n", "nowrap") else []
        )
        narrowest.append(max([words, *values]))
    room = available - GAP * max(len(columns) - 1, 0)
    if sum(narrowest) > room:
        return None
    widths = list(widest)
    while sum(widths) > room:
        slack = [width - least for width, least in zip(widths, narrowest, strict=True)]
        at = max(range(len(widths)), key=lambda k: (slack[k] > 0, widths[k]))
        widths[at] -= 1
    return widths


def _rich_table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell | str | None]],
    widths: Sequence[int],
    marked: set[int],
) -> RichTable:
    has_head = any(column.heading for column in columns)
    made = RichTable(
        box=SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=has_head, padding=(0, GAP - 1, 0, 0)
    )
    for column, width in zip(columns, widths, strict=True):
        made.add_column(
            RichText(_heading(column)), justify="right" if column.kind == "n" else "left", width=width
        )
    for index, row in enumerate(rows):
        made.add_row(*(_styled(cell) for cell in row), style="bold" if index in marked else None)
    return made


def _print_lists(
    columns: Sequence[Column], rows: Iterable[Sequence[Cell | str | None]], console: Console
) -> None:
    for row in rows:
        console.print(RichText(_plain(row[0]).replace("\n", ", "), style="bold"))
        for column, cell in list(zip(columns, row, strict=True))[1:]:
            text = _plain(cell).replace("\n", ", ")
            if text and cell is not None:
                heading = _heading(column).replace("\n", ", ")
                line = RichText(f"{heading}: {text}" if heading else text, style=_style(cell))
                _print_hanging(console, line, indent=2)
        console.print()


def _print_hanging(console: Console, text: RichText, *, indent: int = 0) -> None:
    """Print text whose further lines are set in by two more than its first."""
    room = console.width - indent
    lines = [text] if text.cell_len <= room else text.wrap(console, room - 2)
    for at, line in enumerate(lines):
        line.rstrip()
        console.print(RichText(" " * (indent + 2 * (at > 0))) + line)


def _heading(column: Column) -> str:
    return f"{column.heading}\n{column.unit}" if column.unit else column.heading


def _plain(cell: Cell | str | None) -> str:
    if cell is None:
        return ABSENT
    if isinstance(cell, str):
        return _kept(cell)
    return _kept("\n".join(filter(None, [cell.text, cell.under, cell.note, *cell.lines])))


def _style(cell: Cell | str | None) -> str:
    return _MOODS[cell.mood] if isinstance(cell, Cell) else ""


def _styled(cell: Cell | str | None) -> RichText:
    return RichText(_plain(cell), style=_style(cell))


def _kept(text: str) -> str:
    """Return text whose units stay with their numbers: a terminal breaks lines at narrow spaces too."""
    return text.replace(f"{NARROW_SPACE}%", "%").replace(NARROW_SPACE, " ")
