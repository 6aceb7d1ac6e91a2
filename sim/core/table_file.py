"""Files of rows that come from anywhere: CSV or Parquet, plain or gzipped, as cells with their places.

Sizes are bounded and every way in which a file can be broken ends as InputError.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sim.core.errors import InputError

LARGEST_FILE: Final = (
    512 * 1024 * 1024
)  # bytes, unpacked; assumption: a year of one-second ticks in ISO is 1/3 of it
LARGEST_ROWS: Final = 10_000_000

_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE: Final = 65_536  # characters, and lines, by which separator and width are told
_SAMPLE_LINES: Final = 50

Cell = object
"""A string from a CSV file, or whatever a Parquet column holds."""

Rows = Iterator[tuple[str, list[Cell]]]
"""(place, cells); the place is ``file:line`` of a CSV file, ``file: row n`` of a Parquet file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A CSV file before anybody knows which of its rows is the header."""

    width: int
    """Cells that most of the first rows have."""
    records: Rows
    """Every row that is not blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTable:
    """A Parquet file."""

    names: tuple[str, ...]
    rows: Rows


class _CsvReader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __next__(self) -> list[str]: ...


def open_table_file(path: Path, *, what: str) -> TextTable | ColumnTable:
    """Open a file of rows; the kind is told by its first bytes, not by its name.

    Parameters
    ----------
    what
        What it ought to be, for messages: ``price file``.

    Raises
    ------
    InputError
        It cannot be read, is empty, or is neither CSV nor Parquet.
    """
    content = _read(path, what)
    if content.startswith(_GZIP_MAGIC):
        content = _unpack(path, content)
    if not content.strip():
        raise InputError(f"{path}: the file is empty")
    return _open_parquet(path, content) if content.startswith(_PARQUET_MAGIC) else _open_csv(path, content)


def plain_name(name: str) -> str:
    """Return a column's name in lower case, words joined by ``_``, no unit: ``Open (USD)`` -> ``open``."""
    word = re.split(r"[(\[,]", name.strip().lower())[0]
    return re.sub(r"[\s\-/]+", "_", word.strip())


def full_rows(records: Rows, width: int) -> Rows:
    """Yield the rows of a table below its header.

    Raises
    ------
    InputError
        One has more or fewer cells than the header, or there are too many.
    """
    for count, (place, cells) in enumerate(records):
        if count >= LARGEST_ROWS:
            raise InputError(f"{place}: more than {LARGEST_ROWS} rows")
        if len(cells) != width:
            raise InputError(f"{place}: has {len(cells)} cells, the header has {width}")
        yield place, cells


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not a {what}") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise InputError(f"{path}: cannot read: {getattr(error, 'strerror', None) or error}") from None
    return _bounded(path, content)


def _unpack(path: Path, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: broken gzip file: {error}") from None
    return _bounded(path, unpacked)


def _bounded(path: Path, content: bytes) -> bytes:
    if len(content) > LARGEST_FILE:
        raise InputError(f"{path}: larger than {LARGEST_FILE // 2**20} MiB unpacked")
    return content


def _open_csv(path: Path, content: bytes) -> TextTable:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not a text file in UTF-8") from None
    delimiter, width = _dialect(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return TextTable(width=width, records=_csv_records(path, reader))


def _dialect(text: str) -> tuple[str, int]:
    """Return what separates the cells and how many cells a row has, by what most of the first lines agree on.

    Words of a header may hold the other separators: ``Open, USD;High, USD``.
    """
    lines = [line for line in io.StringIO(text[:_SAMPLE]) if line.strip()][:_SAMPLE_LINES]
    best, agreed = (_DELIMITERS[0], 1), 0
    for delimiter in _DELIMITERS:
        try:
            widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
        except csv.Error:  # whichever it is, the strict reader will say so with its line
            continue
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(1, 0))
        if width > 1 and (count, width) > (agreed, best[1]):
            best, agreed = (delimiter, width), count
    return best


def _csv_records(path: Path, reader: _CsvReader) -> Rows:
    while True:
        begin = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}:{begin}: not CSV: {error}") from None
        if record and (len(record) > 1 or record[0].strip()):  # blank lines hold nothing to check
            yield f"{path}:{begin}", list(record)


def _open_parquet(path: Path, content: bytes) -> ColumnTable:
    import pyarrow as pa  # noqa: PLC0415  (slow to import, and most commands read no table)
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows = int(file.metadata.num_rows)
        names = tuple(str(name) for name in file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: broken Parquet file: {_first_line(error)}") from None
    if rows > LARGEST_ROWS:
        raise InputError(f"{path}: more than {LARGEST_ROWS} rows")
    return ColumnTable(names=names, rows=_parquet_rows(path, file))


def _parquet_rows(path: Path, file: Any) -> Rows:
    import pyarrow as pa  # noqa: PLC0415

    row = 0
    try:
        for batch in file.iter_batches(batch_size=65_536):
            columns = [_plain(column).to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                row += 1
                yield f"{path}: row {row}", list(cells)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise InputError(f"{path}: row {row + 1}: broken Parquet file: {_first_line(error)}") from None


def _plain(column: Any) -> Any:
    """Return timestamps in microseconds, so that they come out as datetimes and not as pandas objects."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
