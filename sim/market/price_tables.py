"""Opening a price file: CSV or Parquet, plain or gzipped, as header and rows of cells.

Price files come from anywhere, so sizes are bounded and every way in which a file can be broken ends as
InputError.
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
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.errors import InputError
from sim.market.price_cells import Cell, reads_as_time

LARGEST_FILE: Final = (
    512 * 1024 * 1024
)  # bytes, unpacked; assumption: a year of one-second ticks in ISO is 1/3 of it
LARGEST_ROWS: Final = 10_000_000

TRADE_PRICE: Final = "trade_price"
"""Column of single trades, of which several may have happened at one time: the last counts."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_DELIMITERS: Final = (",", ";", "\t", "|")
_COMMENTS: Final = ("#", "//")
_MOST_BANNER_LINES: Final = 20
_SAMPLE: Final = 65_536  # characters, and lines, by which separator and width are told
_SAMPLE_LINES: Final = 50

_BAR: Final = ("open_time", "open", "high", "low", "close")
_HEADERLESS: Final = {
    2: ("time", "price"),
    3: ("time", TRADE_PRICE, "volume"),  # Kraken, time and sales
    5: _BAR,
    6: (*_BAR, "volume"),
    7: (*_BAR, "volume", "trades"),  # Kraken, OHLCVT
    8: (*_BAR, "vwap", "volume", "trades"),  # Kraken, REST
    12: (*_BAR, "volume", "close_time", "quote_volume", "trades", "taker_base", "taker_quote", "ignored"),
}
"""Columns of files without a header, by their number; twelve are Binance's klines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """A file's header and its rows, each with the words that say where it stands."""

    path: Path
    header: tuple[str, ...]
    """Column names as `plain_name` writes them."""
    header_place: str
    notes: tuple[str, ...] = ()
    """What was passed over or assumed."""
    rows: Iterator[tuple[str, list[Cell]]]
    """(place, cells); the place is ``file:line`` of a CSV file, ``file: row n`` of a Parquet file."""


class _CsvReader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __next__(self) -> list[str]: ...


def open_table(path: Path) -> PriceTable:
    """Open a price file; the kind is told by its first bytes, not by its name.

    Raises
    ------
    InputError
        It cannot be read, is empty, or is neither CSV nor Parquet.
    """
    content = _read(path)
    if content.startswith(_GZIP_MAGIC):
        content = _unpack(path, content)
    if not content.strip():
        raise InputError(f"{path}: the file is empty")
    if content.startswith(_PARQUET_MAGIC):
        return _open_parquet(path, content)
    return _open_csv(path, content)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not a price file") from None
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


def _open_csv(path: Path, content: bytes) -> PriceTable:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not a text file in UTF-8") from None
    delimiter, width = _dialect(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records = _csv_records(path, reader)
    notes: list[str] = []
    for place, cells in records:
        first = str(cells[0]).lstrip()
        if width > 1 and (len(cells) == 1 or first.startswith(_COMMENTS)) and len(notes) < _MOST_BANNER_LINES:
            notes.append(f"{place}: not a row of the table, passed over: {str(cells[0]).strip()[:60]!r}")
            continue
        if not reads_as_time(cells[0]):
            names = tuple(plain_name(str(name)) for name in cells)
        else:
            names = _headerless_names(place, cells)
            records = chain([(place, cells)], records)
            notes.append(f"{path}: has no header; its columns are taken for {', '.join(names)}")
        return PriceTable(
            path=path, header=names, header_place=place, rows=_full_rows(records, len(names)),
            notes=tuple(notes),
        )  # fmt: skip
    raise InputError(f"{path}: the file is empty")


def plain_name(name: str) -> str:
    """Return a column's name in lower case, words joined by ``_``, no unit: ``Open (USD)`` -> ``open``."""
    word = re.split(r"[(\[,]", name.strip().lower())[0]
    return re.sub(r"[\s\-/]+", "_", word.strip())


def _headerless_names(place: str, cells: list[Cell]) -> tuple[str, ...]:
    """Return the names of the columns of an exchange's export, which are told by their number.

    Raises
    ------
    InputError
        No export known has as many.
    """
    names = _HEADERLESS.get(len(cells))
    if names is None:
        raise InputError(
            f"{place}: has no header, and {len(cells)} columns are no export of Binance or Kraken; "
            "name the columns in the first line"
        )
    return names


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


def _csv_records(path: Path, reader: _CsvReader) -> Iterator[tuple[str, list[Cell]]]:
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


def _full_rows(records: Iterator[tuple[str, list[Cell]]], width: int) -> Iterator[tuple[str, list[Cell]]]:
    for count, (place, cells) in enumerate(records):
        if count >= LARGEST_ROWS:
            raise InputError(f"{place}: more than {LARGEST_ROWS} rows")
        if len(cells) != width:
            raise InputError(f"{place}: has {len(cells)} cells, the header has {width}")
        yield place, cells


def _open_parquet(path: Path, content: bytes) -> PriceTable:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows = int(file.metadata.num_rows)
        names = tuple(str(name) for name in file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: broken Parquet file: {_first_line(error)}") from None
    if rows > LARGEST_ROWS:
        raise InputError(f"{path}: more than {LARGEST_ROWS} rows")
    return PriceTable(
        path=path,
        header=tuple(plain_name(name) for name in names),
        header_place=str(path),
        rows=_parquet_rows(path, file),
    )


def _parquet_rows(path: Path, file: pq.ParquetFile) -> Iterator[tuple[str, list[Cell]]]:
    row = 0
    try:
        for batch in file.iter_batches(batch_size=65_536):
            columns = [_plain(column).to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                row += 1
                yield f"{path}: row {row}", list(cells)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise InputError(f"{path}: row {row + 1}: broken Parquet file: {_first_line(error)}") from None


def _plain(column: pa.Array) -> pa.Array:
    """Return timestamps in microseconds, so that they come out as datetimes and not as pandas objects."""
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
