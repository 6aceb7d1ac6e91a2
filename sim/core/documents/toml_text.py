"""TOML as hostile input, and values written back: the one place where files that people write are read."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sim.core.errors import InputError

MAX_FILE_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_PROBLEMS = 50
"""Problems printed; a file with more has one cause, and a wall of text hides it."""

KeyPath = tuple[str | int, ...]
"""Where a value is: keys of tables and places in lists, from the top."""

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its document.

    Raises
    ------
    InputError
        It cannot be read, is empty, larger than 1 MiB, nested too deep, or is no TOML in UTF-8.
    """
    text = _read(path)
    document = _parse(text, path)
    if _depth(document) > MAX_DEPTH:
        raise InputError(f"{path}: nested deeper than {MAX_DEPTH} tables")
    return text, document


def shortened(lines: list[str]) -> list[str]:
    """Return problems once each, and no more of them than a reader can use."""
    unique = list(dict.fromkeys(lines))
    if len(unique) <= MAX_PROBLEMS:
        return unique
    return [*unique[:MAX_PROBLEMS], f"... and {len(unique) - MAX_PROBLEMS} more"]


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
        return _text(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)} = {toml_value(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    raise TypeError(f"no TOML for {type(value).__name__}")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    if not data.strip():
        raise InputError(f"{path}: is empty")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = place.group(1) if place and place.group(1) else str(text.rstrip().count("\n") + 1)
        raise InputError(f"{path}:{line}: not valid TOML: {_PLACE.sub('', message)}") from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{path}: not valid TOML: {reason}") from None


def _depth(value: object) -> int:
    deepest = 0
    stack: list[tuple[object, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            stack.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            stack.extend((inner, depth + 1) for inner in item)
    return deepest


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _text(name)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for pairs of surrogates and DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
