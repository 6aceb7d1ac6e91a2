"""A row class is the schema of its table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, NamedTuple

import pyarrow as pa
import pytest

from sim.core.columns import Column, fields_of, schema_of, to_arrow


class Light(IntEnum):
    RED = 3


@dataclass(frozen=True, slots=True)
class Inner:
    words: Annotated[tuple[int, ...], Column("WAD", "several", exact=True)]
    light: Annotated[Light, Column("code", "an enumeration")]


class Row(NamedTuple):
    number: Annotated[int, Column("count", "fits 64 bits")]
    large: Annotated[int, Column("WAD", "may not", exact=True)]
    raw: Annotated[bytes, Column("", "bytes")]
    parts: Annotated[tuple[bytes, ...], Column("", "several byte strings")]
    inner: Inner
    flag: Annotated[bool, Column("", "yes or no")]
    price: Annotated[float, Column("quote", "a float")]
    values: Annotated[dict[str, int], Column("", "a mapping")]


ROWS = [
    Row(
        1,
        2**255,
        b"\x00\xff",
        (b"\x01", b""),
        Inner((-(2**255), 7), Light.RED),
        True,
        0.5,
        {"b": 2**70, "a": -1},
    ),
    Row(
        number=-1, large=-3, raw=b"", parts=(), inner=Inner((), Light.RED), flag=False, price=-0.0, values={}
    ),
]


def test_columns_are_read_off_the_class_nested_ones_in_place():
    assert schema_of(Row) == pa.schema(
        [
            ("number", pa.int64()),
            ("large", pa.string()),
            ("raw", pa.string()),
            ("parts", pa.list_(pa.string())),
            ("words", pa.list_(pa.string())),
            ("light", pa.int64()),
            ("flag", pa.bool_()),
            ("price", pa.float64()),
            ("values", pa.string()),
        ]
    )
    assert [field.column.unit for field in fields_of(Row)][:2] == ["count", "WAD"]


def test_values_are_exact():
    first, second = to_arrow(Row, ROWS).to_pylist()
    assert first == {
        "number": 1,
        "large": str(2**255),
        "raw": "0x00ff",
        "parts": ["0x01", "0x"],
        "words": [str(-(2**255)), "7"],
        "light": 3,
        "flag": True,
        "price": 0.5,
        "values": f'{{"b":{2**70},"a":-1}}',
    }
    assert (second["large"], second["raw"], second["parts"], second["words"]) == ("-3", "0x", [], [])


def test_a_table_without_rows_has_its_columns():
    empty = to_arrow(Row, [])
    assert (empty.num_rows, empty.schema) == (0, schema_of(Row))


def test_an_integer_too_large_for_its_column_is_refused():
    with pytest.raises(OverflowError):
        to_arrow(Row, [ROWS[0]._replace(number=2**63)])


def test_a_field_without_a_column_is_refused():
    class Undocumented(NamedTuple):
        number: int

    with pytest.raises(TypeError, match=r"Undocumented.number: has no Column"):
        fields_of(Undocumented)


def test_a_type_that_no_column_holds_is_refused():
    class Odd(NamedTuple):
        table: Annotated[set[int], Column("", "a set")]

    with pytest.raises(TypeError, match=r"Odd.table: no column can hold"):
        fields_of(Odd)


def test_a_misplaced_annotation_is_refused():
    class Wrong(NamedTuple):
        number: Annotated[int, "count"]

    with pytest.raises(TypeError, match=r"not with a Column"):
        fields_of(Wrong)
