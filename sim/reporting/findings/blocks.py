"""What a command found, as data: a headline, notes, and sections of typed blocks.

``findings.json`` holds one `Findings`; the page, the terminal and the forum post are renderings of it and
read nothing else. Whoever makes findings uses the functions below::

    found = Findings(command="sweep", title="Flash crash, two ramps", question="Does the ramp help?")
    found.warn("87 of 100 paths completed: everything below holds for those 87 alone.")
    found.highlights([Highlight(label="Paths", value="87", note="of 100", mood="bad")])
    found.section("Bad debt", "A sentence.", table(...), figure, details("More", table(...)))
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.core.errors import InputError
from sim.reporting.figures.style import Figure

SCHEMA = "seawall-findings-1"
ABSENT = "–"
Mood = Literal["", "good", "warn", "bad"]
Kind = Literal["", "n", "name", "wrap", "nowrap", "hash", "value", "commands"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Data):
    """A paragraph."""

    block: Literal["text"] = "text"
    text: str
    tone: Literal["lead", "note", "missing"] = "lead"


class Heading(_Data):
    """A heading within a section."""

    block: Literal["heading"] = "heading"
    text: str


class Bullets(_Data):
    """A list of points."""

    block: Literal["bullets"] = "bullets"
    items: tuple[str, ...]


class Terms(_Data):
    """Terms and what they mean."""

    block: Literal["terms"] = "terms"
    items: tuple[tuple[str, str], ...]


class Command(_Data):
    """A command to copy; lines break between its options, not within them."""

    block: Literal["command"] = "command"
    text: str


class Preformatted(_Data):
    """Text whose spaces and line ends matter."""

    block: Literal["preformatted"] = "preformatted"
    text: str


class Cell(_Data):
    """A cell that is more than its text."""

    text: str
    under: str = ""
    """Small print under it: the interval, or why there is none."""
    note: str = ""
    """Smaller print under that."""
    mood: Mood = ""
    lines: tuple[str, ...] = ()
    """Literal lines, one under the other, in the type of code."""
    commands: tuple[str, ...] = ()
    """Commands of this row, shown under it over its whole width."""


class Column(_Data):
    """One column of a table."""

    heading: str
    unit: str = ""
    """Shown small under the heading."""
    kind: Kind = ""
    """``n`` aligns numbers, ``name`` is short text, ``wrap`` is prose, ``nowrap`` stays on one line, ``hash``
    is literal, ``value`` is a number or any other value, ``commands`` are shown under their row."""
    page_only: bool = False
    """Left out where there is little room: in the terminal."""


class Table(_Data):
    """A table; without any heading it is a list of names and values."""

    block: Literal["table"] = "table"
    caption: str = ""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str | None, ...], ...]
    marked: tuple[int, ...] = ()
    """Rows, from 0, that are shaded."""
    note: str = ""
    """Stands under the table."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {index} has {len(row)} cells for {len(self.columns)} columns")
        return self

    @property
    def has_head(self) -> bool:
        """Whether any column has a heading."""
        return any(column.heading for column in self.columns)


class Details(_Data):
    """Blocks folded away behind a line to click; left out of the terminal and of the forum post."""

    block: Literal["details"] = "details"
    summary: str
    blocks: tuple[Block, ...]


Block = Annotated[
    Text | Heading | Bullets | Terms | Command | Preformatted | Table | Figure | Details,
    Field(discriminator="block"),
]
Part = Text | Heading | Bullets | Terms | Command | Preformatted | Table | Figure | Details | str | None
"""What a section is made of; a string is a paragraph, None is left out."""


class Highlight(_Data):
    """One figure of the strip under the title."""

    label: str
    value: str
    note: str = ""
    mood: Mood = ""


class Verdict(_Data):
    """The box at the top: what was found, in one sentence."""

    level: Literal["held", "strained", "failed", "invalid", "open"]
    """``held`` is green, ``strained`` amber, ``failed`` and ``invalid`` red, ``open`` grey."""
    stamp: str
    headline: str
    answers: tuple[tuple[str, str], ...] = ()
    """(question, answer) pairs."""


class Section(_Data):
    """Blocks under a heading."""

    key: str
    heading: str
    blocks: tuple[Block, ...]
    terminal: bool = False
    """Whether the terminal shows it."""
    post: bool = False
    """Whether a forum post shows it."""


class Findings(BaseModel):
    """Everything a command found; made by the methods below, then written.

    Parameters
    ----------
    command
        The command that found it: ``run``, ``sweep``, ``compare``.
    question
        What was asked; may be empty.
    context
        What stands beside the command's name above the title, such as the scenario.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal["seawall-findings-1"] = "seawall-findings-1"
    command: str
    title: str
    question: str = ""
    context: str = ""
    verdict: Verdict | None = None
    warnings: list[str] = []
    strip: list[Highlight] = []
    sections: list[Section] = []

    def warn(self, text: str) -> Self:
        """Say something in red above everything else."""
        self.warnings.append(text)
        return self

    def highlights(self, items: Iterable[Highlight]) -> Self:
        """Add to the strip of key figures; multiples of four fill it."""
        self.strip.extend(items)
        return self

    def section(self, heading: str, *parts: Part, terminal: bool = False, post: bool = False) -> Self:
        """Append a section, listed in the contents.

        Raises
        ------
        ValueError
            A figure's key is there already.
        """
        blocks = _blocks(parts)
        drawn = [figure.key for figure in (*self.figures, *_figures(blocks))]
        for key in drawn:
            if drawn.count(key) > 1:
                raise ValueError(f"two figures with the key {key!r}")
        words = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"
        taken = {section.key for section in self.sections}
        key = words if words not in taken else f"{words}-{len(taken)}"
        self.sections.append(Section(key=key, heading=heading, blocks=blocks, terminal=terminal, post=post))
        return self

    @property
    def figures(self) -> list[Figure]:
        """Figures of all sections, in their order."""
        return [figure for section in self.sections for figure in _figures(section.blocks)]

    def to_json(self) -> str:
        """Return ``findings.json``: the same bytes for the same findings."""
        content = self.model_dump(mode="python")
        return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, content: str | bytes, source: str) -> Self:
        """Return the findings of a file.

        Raises
        ------
        InputError
            They are not what this version writes; the message names ``source``.
        """
        try:
            return cls.model_validate_json(content, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(step) for step in first["loc"])
            raise InputError(f"{source}: {place or 'content'}: {first['msg']}") from None


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    marked: Iterable[int] = (),
    note: str = "",
) -> Table:
    """Return a table; a cell that is no `Cell` is written with ``str``, None is a dash.

    Raises
    ------
    ValueError
        A row has not one cell for each column.
    """
    content = tuple(
        tuple(cell if cell is None or isinstance(cell, Cell) else str(cell) for cell in row) for row in rows
    )
    return Table(caption=caption, columns=tuple(columns), rows=content, marked=tuple(marked), note=note)


def headed(kind: Kind, *headings: str | tuple[str, str]) -> list[Column]:
    """Return columns of one kind: a heading each, or a heading and its unit."""
    pairs = [(one, "") if isinstance(one, str) else one for one in headings]
    return [Column(heading=heading, unit=unit, kind=kind) for heading, unit in pairs]


def facts(rows: Iterable[tuple[str, object]], *, caption: str = "") -> Table:
    """Return (name, value) pairs as a table; nested mappings are flattened to dotted names, None left out."""
    flat = [(name, inner) for key, value in rows for name, inner in _flat(key, value) if inner is not None]
    columns = [*headed("name", ""), *headed("hash", "")]
    return table(columns, [(name, plain_value(value)) for name, value in flat], caption=caption)


def note(text: str) -> Text:
    """Return a paragraph in small, pale print."""
    return Text(text=text, tone="note")


def details(summary: str, *parts: Part) -> Details:
    """Return parts folded away behind a line to click; printing opens them."""
    return Details(summary=summary, blocks=_blocks(parts))


def bullets(items: Iterable[str]) -> Bullets:
    """Return a list of points."""
    return Bullets(items=tuple(items))


def plain_value(value: object) -> str:
    """Write any JSON value for a cell."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _blocks(parts: Iterable[Part]) -> tuple[Any, ...]:
    return tuple(Text(text=part) if isinstance(part, str) else part for part in parts if part is not None)


def _figures(blocks: Iterable[Any]) -> list[Figure]:
    found: list[Figure] = []
    for block in blocks:
        if isinstance(block, Figure):
            found.append(block)
        elif isinstance(block, Details):
            found += _figures(block.blocks)
    return found


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, Mapping):
        return [(name, value)]
    return [pair for key, inner in value.items() for pair in _flat(f"{name}, {key}", inner)]
