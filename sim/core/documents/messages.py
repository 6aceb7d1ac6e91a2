"""Plain sentences for what the schema refuses: every message says what was allowed and what was found."""

import difflib
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from sim.core.documents.sections import Section
from sim.core.documents.variants import sections_in

Location = tuple[str | int, ...]

_PLAIN = {
    "missing": "is required",
    "union_tag_not_found": "needs the key {discriminator}",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "needs at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}
"""Sentences that say everything without the value, by pydantic's error type."""

_WITH_VALUE = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "less_than": "must be below {lt:g}",
    "finite_number": "must be a finite number",
    "literal_error": "must be one of {allowed}",
    "union_tag_invalid": "must be one of {allowed}",
    "string_pattern_mismatch": "must match {pattern}",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "datetime_type": "must be a date and time, for example 2020-03-12T00:00:00Z",
    "datetime_parsing": "must be a date and time, for example 2020-03-12T00:00:00Z",
}
"""Sentences to which the refused value is added."""


def describe(error: Mapping[str, Any], root: type[Section]) -> str:
    """Return one sentence for one pydantic error of a scenario or a parameter table."""
    kind = error["type"]
    if kind == "extra_forbidden":
        key, tables = str(error["loc"][-1]), _tables(root, error["loc"][:-1])
        for table in tables:
            if key in table.renamed:
                return f"is now {table.renamed[key]}"
        known = dict.fromkeys(name for table in tables for name in table.model_fields)
        return "unknown key" + nearest(key, tuple(known))
    if kind in _PLAIN:
        return _PLAIN[kind].format(**error.get("ctx", {}))
    if kind in _WITH_VALUE:
        found = error["ctx"]["tag"] if kind == "union_tag_invalid" else error.get("input")
        return f"{_WITH_VALUE[kind].format(**_context(error))}, was {_shown(found)}"
    return str(error["msg"])


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``", did you mean X?"`` for the closest known name, or the known names when none is close."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f", did you mean {close[0]}?"
    return f", known here: {', '.join(known)}" if known else ""


def _context(error: Mapping[str, Any]) -> dict[str, Any]:
    context = dict(error.get("ctx", {}))
    listed = str(context.get("expected") or context.get("expected_tags") or "")
    return {**context, "allowed": listed.replace(" or ", ", ")}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _tables(root: type[Section], location: Location) -> list[type[Section]]:
    """Return what the table at ``location`` may be."""
    candidates: list[type[Section]] = [root]
    for step in location:
        if isinstance(step, int):
            continue
        # A section may bear the name of a tag: [frontier] in a file of kind frontier.
        tagged = [model for model in candidates if step not in model.model_fields and step in _tags(model)]
        candidates = tagged or [
            inner
            for model in candidates
            if step in model.model_fields
            for part in (model.model_fields[step].annotation, *model.model_fields[step].metadata)
            for inner in sections_in(part)
        ]
    return candidates


def _tags(model: type[Section]) -> tuple[str, ...]:
    """Return the values of ``kind``, ``law`` or ``distribution`` that choose this class out of several."""
    for name in ("kind", "law", "distribution"):
        if name in model.model_fields:
            return tuple(map(str, typing.get_args(model.model_fields[name].annotation)))
    return ()
