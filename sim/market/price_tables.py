"""Opening a price file: CSV or Parquet, plain or gzipped, as header and rows of cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from sim.core.errors import InputError
from sim.core.table_file import Cell, ColumnTable, Rows, full_rows, open_table_file, plain_name
from sim.market.price_cells import reads_as_time

TRADE_PRICE: Final = "trade_price"
"""Column of single trades, of which several may have happened at one time: the last counts."""

_COMMENTS: Final = ("#", "//")
_MOST_BANNER_LINES: Final = 20

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
    rows: Rows


def open_table(path: Path) -> PriceTable:
    """Open a price file; the kind is told by its first bytes, not by its name.

    Raises
    ------
    InputError
        It cannot be read, is empty, or is neither CSV nor Parquet.
    """
    found = open_table_file(path, what="price file")
    if isinstance(found, ColumnTable):
        return PriceTable(
            path=path,
            header=tuple(plain_name(name) for name in found.names),
            header_place=str(path),
            rows=found.rows,
        )
    return _from_text(path, found.records, found.width)


def _from_text(path: Path, records: Rows, width: int) -> PriceTable:
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
            path=path, header=names, header_place=place, rows=full_rows(records, len(names)),
            notes=tuple(notes),
        )  # fmt: skip
    raise InputError(f"{path}: the file is empty")


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
