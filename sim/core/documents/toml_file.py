"""The one loader of strict TOML: a file against its sections, every problem a line with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sim.core.documents.messages import describe
from sim.core.documents.positions import place_of, toml_lines
from sim.core.documents.sections import Document, Section
from sim.core.documents.toml_text import KeyPath, read_toml, shortened
from sim.core.errors import InputError

DocumentType = TypeVar("DocumentType", bound=Document)

_SCALARS = frozenset(("float", "int", "bool", "str"))
"""What pydantic adds to the place of a value that may be one of several plain types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A document, its text, and the lines of its keys."""

    path: Path
    text: str
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
        return cls(path=path, text=text, document=document, lines=toml_lines(text))

    def place(self, where: KeyPath) -> str:
        """Return ``file:line`` of a key, or of the nearest table above it."""
        return place_of(self.path, self.lines, where)

    def problem(self, where: KeyPath, message: str) -> str:
        """Return ``file:line: section.field: message``."""
        dotted = ".".join(map(str, where))
        return f"{self.place(where)}: {dotted}: {message}" if dotted else f"{self.place(where)}: {message}"

    def load(
        self, model: type[DocumentType], *, line: Callable[[KeyPath, str], str] | None = None
    ) -> DocumentType:
        """Return the document as what its sections declare, unknown keys refused.

        Parameters
        ----------
        line
            From a place and a message to the line of a problem, where not the file alone can be at fault;
            `problem` unless given.

        Raises
        ------
        InputError
            One line for each problem.
        """
        try:
            return model.model_validate(self.document)
        except ValidationError as error:
            say = line or self.problem
            found = [say(where, message) for where, message in refusals(error, model, self.document)]
            raise InputError(shortened(found)) from None


def refusals(
    error: ValidationError, model: type[Section], document: Mapping[str, Any]
) -> Iterator[tuple[KeyPath, str]]:
    """Yield the place of every refused value, as the writer of the document knows it, and what is wrong."""
    for item in error.errors():
        if item["type"] == "cross_check":
            yield from item["ctx"]["found"]
            continue
        if item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]:
            continue  # the list is long enough, only its entries are wrong, and they are reported themselves
        where = _written(item["loc"], document)
        if item["type"] == "union_tag_invalid":
            where = (*where, str(item["ctx"]["discriminator"]).strip("'"))
        yield where, describe(item, model)


def _written(location: KeyPath, document: object) -> KeyPath:
    """Return a place without what pydantic inserts: tags (``price.gbm.volatility``) and plain types."""
    path: list[str | int] = []
    here: object = document
    for position, part in enumerate(location):
        if isinstance(part, str) and not (isinstance(here, dict) and part in here):
            if position < len(location) - 1 and isinstance(here, dict):
                continue  # something below a key that is not written: the key is a tag
            if position > 0 and part in _SCALARS and not isinstance(here, dict):
                continue
        path.append(part)
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            here = None
    return tuple(path)
