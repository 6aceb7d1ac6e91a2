"""Small TOML files with strict sections: every problem is a line with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sim.core.documents.messages import describe
from sim.core.documents.positions import place_of, toml_lines
from sim.core.documents.sections import Section, walk_sections
from sim.core.documents.toml_text import KeyPath, read_toml
from sim.core.errors import InputError

SectionType = TypeVar("SectionType", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A document and the lines of its keys."""

    path: Path
    document: dict[str, Any]
    lines: Mapping[KeyPath, int]

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Return the document of a file.

        Raises
        ------
        InputError
            As `read_toml`.
        """
        text, document = read_toml(path)
        return cls(path=path, document=document, lines=toml_lines(text))

    def place(self, where: KeyPath) -> str:
        """Return ``file:line`` of a key, or of the nearest table above it."""
        return place_of(self.path, self.lines, where)

    def problem(self, where: KeyPath, message: str) -> str:
        """Return ``file:line: section.field: message``."""
        dotted = ".".join(map(str, where))
        return f"{self.place(where)}: {dotted}: {message}" if dotted else f"{self.place(where)}: {message}"

    def section(self, model: type[SectionType]) -> SectionType:
        """Return the document as a section, unknown keys refused.

        Raises
        ------
        InputError
            One line for each problem.
        """
        try:
            found = model.model_validate(self.document)
        except ValidationError as error:
            lines = [self.problem(item["loc"], describe(item, model)) for item in error.errors()]
            raise InputError(dict.fromkeys(lines)) from None
        problems = [
            self.problem((*path, *below), message)
            for path, section in walk_sections(found)
            for below, message in section.problems()
        ]
        if problems:
            raise InputError(problems)
        return found
