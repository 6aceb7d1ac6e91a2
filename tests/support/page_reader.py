"""Read a page as a strict reader would: balanced elements, nothing fetched from outside."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "link", "input", "hr"}


class PageReader(HTMLParser):
    """Collects text outside scripts, scripts, ids, references to the outside, and what is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.references: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.problems: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href") and not value.startswith("#"):
                self.references.append((tag, value))
            if name == "id":
                self.ids.append(value)
            if name.startswith("on"):
                self.problems.append((tag, name))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.problems.append(("unbalanced", tag))

    def handle_data(self, data):
        if self.stack and self.stack[-1] == "script":
            self.scripts.append(data)
        elif not self.stack or self.stack[-1] != "style":
            self.text.append(data)


def read_page(path: Path) -> PageReader:
    reader = PageReader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert reader.stack == []
    return reader
