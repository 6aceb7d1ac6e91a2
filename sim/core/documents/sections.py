"""Building blocks of the scenario schema: a strict frozen section, and numbers that carry unit and source."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Problem = tuple[tuple[str | int, ...], str]
"""Path of the offending value below the section that reports it, and what is wrong with it."""

IDENTIFIER = r"^[a-z][a-z0-9_]{0,39}$"
"""Names that become draw names, file names and table values: lower case, at most 40 characters."""


class Section(BaseModel):
    """Base of every table of a scenario file.

    Unknown keys are refused, values are never coerced (``"3"`` is not 3, ``true`` is not 1), NaN and infinity
    are refused, and a loaded section cannot be changed: a variant is a new object.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys this table had under other names -> what they are called now, a path if they moved elsewhere."""

    def problems(self) -> Iterator[Problem]:
        """Yield the problems that only show when several fields of this section are read together."""
        yield from ()


class Document(Section):
    """A whole file: what is wrong with its sections read together is found at once, with its place."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        found = [
            ((*path, *below), message)
            for path, section in walk_sections(self)
            for below, message in section.problems()
        ]
        if found:
            summary = "; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in found)
            raise PydanticCustomError("cross_check", "{summary}", {"summary": summary, "found": found})
        return self


def number(
    default: Any,
    low: float,
    high: float,
    unit: str,
    description: str,
    *,
    source: str,
    above: bool = False,
    below: bool = False,
) -> Any:
    """Return a bounded numeric field.

    Parameters
    ----------
    default
        Value when the file says nothing; ``...`` makes the key required.
    low, high
        Inclusive bounds; with ``above`` the lower bound itself is excluded, with ``below`` the upper one.
    unit
        Unit of the value as shown to a reader, ``"1"`` for a plain ratio or count.
    description
        What the number means, one sentence.
    source
        Where the default comes from, or ``"assumption: why"``.
    """
    bounds: dict[str, Any] = {"gt" if above else "ge": low, "lt" if below else "le": high}
    extra: dict[str, Any] = {"unit": unit, "source": source}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


def choice(default: Any, description: str, *, source: str) -> Any:
    """Return a field of named values or of yes and no, which like a number says where its default is from."""
    return Field(default, description=description, json_schema_extra={"unit": "", "source": source})


def table(default: Section, description: str, *, sources: Mapping[str, str]) -> Any:
    """Return a field that is a table with defaults of its own.

    Parameters
    ----------
    sources
        Key -> where its default comes from, for those that differ from the defaults of the table's class.
    """
    return Field(default, description=description, json_schema_extra={"sources": dict(sources)})


def text(default: Any, description: str, *, max_length: int = 400, pattern: str | None = None) -> Any:
    """Return a bounded text field."""
    return Field(default, description=description, max_length=max_length, pattern=pattern)


def walk_sections(
    value: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Section]]:
    """Yield every section at or below ``value`` with its path, parents first, in file order of the schema."""
    if isinstance(value, Section):
        yield path, value
        for name in type(value).model_fields:
            yield from walk_sections(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from walk_sections(item, (*path, index))
