"""The page: one self-contained HTML file made from findings and nothing else, the same bytes every time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from sim.reporting.figures.style import Figure
from sim.reporting.findings.blocks import ABSENT, Cell, Findings

HERE = Path(__file__).parent
_MOODS = {"good": "gain", "warn": "caution", "bad": "loss", "": ""}
_NUMBER = re.compile(r"[−-]?[\d.,]+(e[+-]?\d+)?")


def render_html(found: Findings) -> str:
    """Return the page as text; it needs no network and no other file, and holds no wall-clock time."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"pieces": pieces, "commands": _commands, "css": _css, "zip": _pairs}
    figures = found.figures
    return environment.get_template("page.html.j2").render(
        found=found,
        absent=ABSENT,
        css=_read("page.css"),
        figures_javascript=_read("figures.js") if figures else "",
        page_javascript=_read("page.js"),
        plotly=get_plotlyjs() if figures else "",
        payload=figure_payload(figures),
    )


def pieces(command: str) -> list[str]:
    """Return a command cut before each option; quoted words stay whole, so joined it is the command again."""
    return re.split(r" (?=--)", command)


def figure_payload(figures: list[Figure]) -> str:
    """Return the figures as JSON safe inside a script element, arrays used more than once kept once."""
    arrays: dict[str, int] = {}

    def shared(trace: dict[str, Any]) -> dict[str, Any]:
        x = trace.get("x")
        if not isinstance(x, dict) or not isinstance(x.get("bdata"), str):
            return trace
        return trace | {"x": {"shared": arrays.setdefault(x["bdata"], len(arrays))}, "xdtype": x.get("dtype")}

    content = {
        "figures": {
            figure.key: {"traces": [shared(trace) for trace in figure.traces], "layout": figure.layout}
            for figure in figures
        },
        "arrays": list(arrays),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _commands(row: tuple[Cell | str | None, ...]) -> list[str]:
    return [command for cell in row if isinstance(cell, Cell) for command in cell.commands]


def _pairs(columns: tuple[Any, ...], row: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return list(zip(columns, row, strict=True))


def _css(cell: Cell | str | None, kind: str) -> str:
    """Return the classes of a cell; a number is never broken in two."""
    text = cell.text if isinstance(cell, Cell) else cell or ""
    classes = ["nowrap" if kind == "value" and _NUMBER.fullmatch(text) else kind]
    if isinstance(cell, Cell):
        classes.append(_MOODS[cell.mood])
    return " ".join(one for one in classes if one)


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
