"""The frame of every experiment page: one self-contained file, in the dress of the run report.

::

    page = Page(kind="sweep", title="Flash crash, two ramps", lead="Does the ramp help?")
    page.warn("87 of 100 paths completed: everything below holds for those 87 alone.")
    page.highlights([Highlight(label="Paths", value="87", note="of 100", mood="bad")])
    page.section("Bad debt", "A sentence, escaped.", table(...), figure, details("More", table(...)))
    page.write(folder / "report.html")

A part of a section is a `Figure` (drawn by plotly), a `Markup` (inserted as it is: what `tables` makes), a
plain string (escaped, in a paragraph) or None (left out). Plotly is embedded once, if anything is drawn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from sim.core.files import atomic_write_text
from sim.reporting.plotting import Figure
from sim.reporting.report import TEMPLATES, figure_payload

HERE = Path(__file__).parent
Part = Figure | Markup | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """One figure of the strip under the title."""

    label: str
    value: str
    note: str = ""
    mood: str = ""
    """``good``, ``warn``, ``bad`` or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The box at the top: what the experiment says, in one sentence."""

    level: str
    """``held`` (green), ``strained`` (amber), ``failed`` or ``invalid`` (red), ``open`` (grey)."""
    stamp: str
    headline: str
    answers: tuple[tuple[str, str], ...] = ()
    """(question, answer) pairs."""


@dataclass(frozen=True, slots=True)
class _Section:
    key: str
    heading: str
    parts: tuple[Figure | Markup, ...]


@dataclass(slots=True)
class Page:
    """A page in the making; its methods return it, so that calls can be chained.

    Parameters
    ----------
    kind
        What the page reports, in lower case: ``sweep``, ``compare``, ``frontier``.
    title
        Heading; escaped, as everything that is not `Markup`.
    lead
        The question the experiment asks; may be empty.
    context
        What stands beside the kind above the title, such as the scenario.
    """

    kind: str
    title: str
    lead: str = ""
    context: str = ""
    verdict: Verdict | None = None
    _warnings: list[str] = field(default_factory=list)
    _highlights: list[Highlight] = field(default_factory=list)
    _sections: list[_Section] = field(default_factory=list)

    def warn(self, text: str) -> Self:
        """Say something in red above everything else."""
        self._warnings.append(text)
        return self

    def highlights(self, items: Sequence[Highlight]) -> Self:
        """Add to the strip of key figures; multiples of four fill it."""
        self._highlights.extend(items)
        return self

    def section(self, heading: str, *parts: Part) -> Self:
        """Append a section, listed in the contents.

        Raises
        ------
        ValueError
            A figure's key is on the page already.
        """
        drawn = {figure.key for figure in self.figures}
        kept: list[Figure | Markup] = []
        for part in parts:
            if part is None:
                continue
            if isinstance(part, Figure):
                if part.key in drawn:
                    raise ValueError(f"two figures with the key {part.key!r}")
                drawn.add(part.key)
            kept.append(part if isinstance(part, Figure | Markup) else paragraph(part))
        words = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"
        taken = {section.key for section in self._sections}
        key = words if words not in taken else f"{words}-{len(taken)}"
        self._sections.append(_Section(key=key, heading=heading, parts=tuple(kept)))
        return self

    @property
    def figures(self) -> list[Figure]:
        """Figures of all sections, in their order."""
        return [part for section in self._sections for part in section.parts if isinstance(part, Figure)]

    def render(self) -> str:
        """Return the page as text: the same bytes for the same content, no wall clock."""
        environment = Environment(
            loader=FileSystemLoader(HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        figures = self.figures
        return environment.get_template("page.html.j2").render(
            page=self,
            warnings=self._warnings,
            highlights=self._highlights,
            sections=[
                (
                    section.key,
                    section.heading,
                    [(isinstance(part, Figure), part) for part in section.parts],
                )
                for section in self._sections
            ],
            css=_read(TEMPLATES / "report.css") + _read(HERE / "page.css"),
            javascript=_read(TEMPLATES / "report.js") if figures else "",
            page_javascript=_read(HERE / "page.js"),
            plotly=get_plotlyjs() if figures else "",
            payload=figure_payload(figures),
        )

    def write(self, path: Path) -> Path:
        """Write the page atomically and return its path; RunError if it cannot be written."""
        atomic_write_text(path, self.render())
        return path


def paragraph(text: str, *, note: bool = False) -> Markup:
    """Return an escaped paragraph; a note is smaller and paler."""
    return Markup('<p class="{}">{}</p>').format("note" if note else "lead", text)


def heading(text: str) -> Markup:
    """Return a heading within a section."""
    return Markup("<h3>{}</h3>").format(text)


def details(summary: str, *parts: Markup) -> Markup:
    """Return parts folded away behind a line to click; printing opens them."""
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, Markup("").join(parts))


def bullets(items: Sequence[str | Markup]) -> Markup:
    """Return a list of points."""
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(one) for one in items))


def data_block(key: str, content: object) -> Markup:
    """Return data embedded for scripts and readers of the file, never executed."""
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    inert = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    # Nothing is left that escaping would have to change, and a script element must not hold entities.
    safe = Markup(inert)  # noqa: S704
    return Markup('<script type="application/json" id="{}">{}</script>').format(key, safe)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


__all__ = [
    "Figure",
    "Highlight",
    "Markup",
    "Page",
    "Part",
    "Verdict",
    "bullets",
    "data_block",
    "details",
    "escape",
    "heading",
    "paragraph",
]
