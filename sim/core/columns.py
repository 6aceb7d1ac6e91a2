"""Typed rows of tables: a class whose fields say type, unit and meaning is the schema of its table.

A row is a named tuple or a dataclass whose fields are annotated with `Column`. Its Parquet columns and its
documentation (``docs/tables.md``) are read off the class, so that a value cannot land under another name and
a column cannot go undocumented. A field that is itself such a class stands for its own columns. Bytes are
written as "0x" and hexadecimal digits, mappings as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from enum import IntEnum
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin, get_type_hints

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """Unit and meaning of one column."""

    unit: str
    """Unit of a figure; empty for a name or a text."""
    meaning: str
    exact: bool = False
    """An integer that may not fit 64 bits: written as decimal digits."""


def exact(unit: str, meaning: str) -> Column:
    """Return the column of integers that may not fit 64 bits."""
    return Column(unit, meaning, exact=True)


class Field(NamedTuple):
    """One column of a table, as its row class declares it."""

    name: str
    column: Column
    type: pa.DataType
    read: Callable[[Any], Any]
    """Row -> value of this column, as Arrow takes it."""


def fields_of(row: type) -> tuple[Field, ...]:
    """Return the columns of a row class, in order.

    Raises
    ------
    TypeError
        A field has no `Column`, or a type no column can hold.
    """
    return tuple(_fields(row, _same))


def schema_of(row: type) -> pa.Schema:
    """Return the Arrow schema of a row class."""
    return pa.schema([(field.name, field.type) for field in fields_of(row)])


def to_arrow(row: type, rows: Sequence[Any]) -> pa.Table:
    """Return rows as an Arrow table with the declared types."""
    fields = fields_of(row)
    arrays = [pa.array([field.read(item) for item in rows], type=field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=schema_of(row))


def describe_type(kind: pa.DataType, column: Column) -> str:
    """Return the type of a column in the words of the documentation."""
    if pa.types.is_list(kind):
        return f"list of {describe_type(kind.value_type, column)}"
    return f"{kind}, decimal digits" if column.exact else str(kind)


def _same(value: Any) -> Any:
    return value


def _fields(row: type, reach: Callable[[Any], Any]) -> Iterator[Field]:
    hints = get_type_hints(row, include_extras=True)
    names: Sequence[str] = getattr(row, "_fields", None) or list(getattr(row, "__dataclass_fields__", ()))
    for name in names:
        hint = hints[name]
        value = _getter(reach, name)
        if get_origin(hint) is Annotated:
            kind, column = get_args(hint)[:2]
            if not isinstance(column, Column):
                raise TypeError(f"{row.__name__}.{name}: is annotated with {column!r}, not with a Column")
            yield _field(row, name, kind, column, value)
        elif is_dataclass(hint) and isinstance(hint, type):
            yield from _fields(hint, value)
        else:
            raise TypeError(f"{row.__name__}.{name}: has no Column")


def _getter(reach: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(reach(row), name)


def _field(row: type, name: str, kind: Any, column: Column, value: Callable[[Any], Any]) -> Field:
    is_list = get_origin(kind) is tuple
    item = get_args(kind)[0] if is_list else kind
    arrow, convert = _TEXT if column.exact else _arrow_of(row, name, get_origin(item) or item)
    if is_list:
        each = convert
        return Field(name, column, pa.list_(arrow), lambda source: [each(part) for part in value(source)])
    return Field(name, column, arrow, value if convert is _same else lambda source: convert(value(source)))


def _compact_json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _hexadecimal(value: bytes) -> str:
    return f"0x{value.hex()}"


_TEXT: Final = (pa.string(), str)
_ARROW: Final[dict[type, tuple[pa.DataType, Callable[[Any], Any]]]] = {
    bool: (pa.bool_(), _same),
    IntEnum: (pa.int64(), int),
    int: (pa.int64(), _same),
    float: (pa.float64(), _same),
    str: (pa.string(), _same),
    bytes: (pa.string(), _hexadecimal),
    dict: (pa.string(), _compact_json),
}


def _arrow_of(row: type, name: str, kind: Any) -> tuple[pa.DataType, Callable[[Any], Any]]:
    for base, found in _ARROW.items():
        if isinstance(kind, type) and issubclass(kind, base):
            return found
    raise TypeError(f"{row.__name__}.{name}: no column can hold {kind!r}")
