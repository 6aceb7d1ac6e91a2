"""The forum post: findings as Markdown, figures in characters, without what the page folds away."""

from __future__ import annotations

from collections.abc import Iterable

from sim.reporting.figures.style import Figure
from sim.reporting.findings.blocks import (
    ABSENT,
    Bullets,
    Cell,
    Command,
    Details,
    Findings,
    Heading,
    Preformatted,
    Table,
    Terms,
    Text,
)


def render_post(found: Findings) -> str:
    """Return the post: verdict, and the sections that are marked for it."""
    lines = [f"# {_line(found.title)}"]
    if found.question:
        lines += ["", _line(found.question)]
    lines += [line for text in found.warnings for line in ("", f"**{_line(text)}**")]
    verdict = found.verdict
    if verdict is not None:
        lines += ["", f"**{_line(verdict.stamp)}.** {_line(verdict.headline)}", ""]
        lines += [f"- **{_line(question)}**: {_line(answer)}" for question, answer in verdict.answers]
    for section in found.sections:
        if section.post:
            lines += ["", f"## {_line(section.heading)}"]
            for block in section.blocks:
                lines += _block(block)
    return "\n".join(lines) + "\n"


def _block(
    block: Text | Heading | Bullets | Terms | Command | Preformatted | Table | Figure | Details,
) -> list[str]:
    if isinstance(block, Text):
        return ["", _line(block.text)]
    if isinstance(block, Heading):
        return ["", f"### {_line(block.text)}"]
    if isinstance(block, Bullets):
        return ["", *(f"- {_line(item)}" for item in block.items)]
    if isinstance(block, Terms):
        return ["", *(f"- **{_line(term)}**: {_line(meaning)}" for term, meaning in block.items)]
    if isinstance(block, Command):
        return _fenced(block.text)
    if isinstance(block, Preformatted):
        return _fenced(block.text)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure) and block.in_type:
        return ["", f"**{_line(block.title)}**", *_fenced(block.in_type)]
    return []


def _table(table: Table) -> list[str]:
    shown = [at for at, column in enumerate(table.columns) if column.kind != "commands"]
    heads = [
        f"{table.columns[at].heading} ({table.columns[at].unit})"
        if table.columns[at].unit
        else table.columns[at].heading
        for at in shown
    ]
    lines = ["", f"**{_line(table.caption)}**"] if table.caption else []
    lines += ["", _row(heads), f"|{'|'.join(' --- ' for _ in shown)}|"]
    for index, row in enumerate(table.rows):
        cells = [_cell(row[at], literal=table.columns[at].kind == "hash") for at in shown]
        if index in table.marked and table.has_head:
            cells = [f"**{cell}**" if cell else cell for cell in cells]
        lines.append(_row(cells))
    commands = [one for row in table.rows for cell in row if isinstance(cell, Cell) for one in cell.commands]
    if commands:
        lines += _fenced("\n".join(commands))
    return [*lines, *(["", _line(table.note)] if table.note else [])]


def _cell(cell: Cell | str | None, *, literal: bool) -> str:
    if cell is None:
        return ABSENT
    if isinstance(cell, str):
        return f"`{_line(cell).replace('`', chr(39))}`" if literal and cell else _line(cell)
    small = [f"({_line(words)})" for words in (cell.under, cell.note) if words]
    return " ".join(filter(None, [_line(cell.text), *small, *(f"`{_line(one)}`" for one in cell.lines)]))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _fenced(text: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return ["", fence, *text.rstrip("\n").split("\n"), fence]


def _line(text: str) -> str:
    """Return text on one line, with nothing in it that Markdown or HTML would read."""
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())
