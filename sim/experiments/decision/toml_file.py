"""Small TOML files as hostile input: size limit, line numbers, strict sections; and values written back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sim.core.errors import InputError
from sim.engine.scenario_fields import Section, walk_sections
from sim.engine.scenario_messages import describe
from sim.engine.scenario_positions import toml_lines

MAX_BYTES = 1 << 20

KeyPath = tuple[str | int, ...]
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
            It cannot be read, is larger than 1 MiB, or is no TOML.
        """
        try:
            with path.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
        if len(content) > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes")
        try:
            text = content.decode("utf-8")
            document = tomllib.loads(text)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}:{content.count(10, 0, error.start) + 1}: is not UTF-8 text") from None
        except (ValueError, RecursionError) as error:
            reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
            raise InputError(f"{path}: not valid TOML: {reason}") from None
        return cls(path=path, document=document, lines=toml_lines(text))

    def place(self, where: KeyPath) -> str:
        """Return ``file:line`` of a key, or of the nearest table above it."""
        for length in range(len(where), 0, -1):
            if where[:length] in self.lines:
                return f"{self.path}:{self.lines[where[:length]]}"
        return str(self.path)

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


def toml_value(value: Any) -> str:
    """Return a value in TOML on one line, tables inline.

    Raises
    ------
    TypeError
        TOML has no form for it.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value)  # JSON's escapes are TOML's
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)} = {toml_value(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    raise TypeError(f"no TOML for {type(value).__name__}")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name)
