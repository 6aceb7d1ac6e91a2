"""A book from a file: who holds which position, opened at what price, with what behind it.

Columns ``account``, ``market``, ``size``, ``entry_price`` and ``collateral``, in any order, CSV or Parquet.
A row is one account's position in one market; an account that holds several has a row for each, and its
collateral is the sum of its rows', as margin is checked across all positions of an account. Sizes are signed
base units, negative for a short; prices and collateral are quote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from math import isfinite
from pathlib import Path
from re import ASCII
from re import compile as pattern
from typing import Final

from sim.core.digest import sha256_file
from sim.core.errors import InputError
from sim.core.table_file import Cell, ColumnTable, Rows, full_rows, open_table_file, plain_name
from sim.core.units import TOKEN_DECIMALS, WAD_DECIMALS

COLUMNS: Final = ("account", "market", "size", "entry_price", "collateral")

LARGEST_BOOK: Final = 200_000
"""Accounts of a book: as many as a scenario may have."""

_LARGEST_ROWS: Final = 8 * LARGEST_BOOK  # as many markets as the contracts hold
_MOST_PROBLEMS: Final = 20  # a file with more is wrong as a whole; the first ones say why
_LONGEST_NAME: Final = 100
_LONGEST_ID: Final = 4
_NUMBER: Final = pattern(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", ASCII)
_LONGEST_NUMBER: Final = 64
_EXACT: Final = Context(prec=2 * _LONGEST_NUMBER)  # of any number that is not refused
_LARGEST: Final = Decimal(10) ** 18
"""Magnitude from which on a size, a price or an amount is a slip; the contracts take no larger size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Positions of a file, row by row as integers of the chain."""

    path: Path
    sha256: str
    accounts: tuple[str, ...]
    """Names, in the order in which the file first has them: their order as participants."""
    account: tuple[int, ...]
    """Place in ``accounts``, by row; so the columns below."""
    market: tuple[int, ...]
    size: tuple[int, ...]
    """Signed base units, WAD."""
    entry_price: tuple[int, ...]
    """Quote, WAD."""
    collateral: tuple[int, ...]
    """Token units."""
    places: tuple[str, ...]
    """``accounts.csv:12``, for messages."""

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.account)


class _CellError(ValueError):
    """A cell does not hold what its column is for; the text says why."""


def load_book(path: Path, markets: Sequence[str]) -> Book:
    """Read a book.

    Parameters
    ----------
    path
        CSV or Parquet, plain or gzipped.
    markets
        Names of the scenario's markets, in id order; the file may have names or ids.

    Raises
    ------
    InputError
        One line per problem, each with file and line (row, for Parquet) and column: a file that is missing,
        empty or broken, without one of the columns or with others; an account without a name; a market that
        the scenario does not have, or that an account holds twice; a size of zero, prices that are not above
        zero, negative collateral, numbers that are none, too large, or finer than the chain can hold; more
        accounts than a scenario may have.
    """
    try:
        stat = path.stat()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read: {getattr(error, 'strerror', None) or error}") from None
    return _load(path, tuple(markets), stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=4)
def _load(path: Path, markets: tuple[str, ...], *_version: int) -> Book:
    """Read a book once for all worlds of a process, as long as its file stays as it is."""
    place, names, rows = _open(path)
    index = _columns(place, names)
    ids: dict[str, int] = {name: number for number, name in enumerate(markets)}
    accounts: dict[str, int] = {}
    taken: dict[tuple[int, int], str] = {}
    columns: tuple[list[int], ...] = ([], [], [], [], [])
    places: list[str] = []
    problems: list[str] = []
    try:
        for where, cells in rows:
            values = _row(where, cells, index, ids, markets, accounts, problems)
            if values is not None:
                key = (values[0], values[1])
                if key in taken:
                    problems.append(
                        f"{where}: market: account {cells[index['account']]} has a position in "
                        f"{markets[key[1]]} already, {taken[key]}; give one row for both"
                    )
                taken.setdefault(key, where)
                for column, value in zip(columns, values, strict=True):
                    column.append(value)
                places.append(where)
            if len(accounts) > LARGEST_BOOK or len(places) > _LARGEST_ROWS:
                problems.append(f"{where}: more than {LARGEST_BOOK:,} accounts start with a position")
                break
            if len(problems) >= _MOST_PROBLEMS:
                problems.append(f"{path}: further problems are not listed")
                break
    except InputError as error:  # the file breaks off here; what was wrong before still counts
        problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    if not places:
        raise InputError(f"{path}: has no positions, only a header")
    account, market, size, entry_price, collateral = map(tuple, columns)
    return Book(
        path=path,
        sha256=sha256_file(path),
        accounts=tuple(accounts),
        account=account,
        market=market,
        size=size,
        entry_price=entry_price,
        collateral=collateral,
        places=tuple(place.replace(str(path), path.name) for place in places),
    )


def _open(path: Path) -> tuple[str, tuple[str, ...], Rows]:
    """Return where the header is, the names of the columns and the rows."""
    found = open_table_file(path, what="book of accounts")
    if isinstance(found, ColumnTable):
        return str(path), tuple(map(plain_name, found.names)), found.rows
    first = next(found.records, None)
    if first is None:
        raise InputError(f"{path}: the file is empty")
    place, header = first
    return place, tuple(plain_name(str(name)) for name in header), full_rows(found.records, len(header))


def _columns(place: str, names: tuple[str, ...]) -> Mapping[str, int]:
    """Return where each column is.

    Raises
    ------
    InputError
        One is missing, occurs twice, or is none that a book has: passing over a column ``side`` would make
        longs of shorts.
    """
    wanted = ", ".join(COLUMNS)
    problems = [f"{place}: has no column {name}, needs {wanted}" for name in COLUMNS if name not in names]
    problems += [
        f"{place}: column {name[:_LONGEST_NAME]!r} is none of a book; remove or rename it (columns: {wanted})"
        for name in dict.fromkeys(names)
        if name not in COLUMNS
    ]
    problems += [f"{place}: column {name} occurs twice" for name in COLUMNS if names.count(name) > 1]
    if problems:
        raise InputError(problems[:_MOST_PROBLEMS])
    return {name: names.index(name) for name in COLUMNS}


def _row(
    place: str,
    cells: list[Cell],
    index: Mapping[str, int],
    ids: Mapping[str, int],
    markets: Sequence[str],
    accounts: dict[str, int],
    problems: list[str],
) -> tuple[int, int, int, int, int] | None:
    """Return the integers of a row, None if it has a problem, which is noted."""
    column = "account"
    try:
        name = _name(cells[index[column]])
        column = "market"
        market = _market(cells[index[column]], ids, markets)
        column = "size"
        size = _integer(cells[index[column]], WAD_DECIMALS)
        if size == 0:
            raise _CellError("is zero: leave the row out")  # noqa: TRY301
        column = "entry_price"
        entry_price = _integer(cells[index[column]], WAD_DECIMALS)
        if entry_price <= 0:
            raise _CellError("must be above zero")  # noqa: TRY301
        column = "collateral"
        collateral = _integer(cells[index[column]], TOKEN_DECIMALS)
        if collateral < 0:
            raise _CellError("is negative: nobody can open a position in debt")  # noqa: TRY301
    except _CellError as error:
        problems.append(f"{place}: {column} {_shown(cells[index[column]])}{error}")
        return None
    return accounts.setdefault(name, len(accounts)), market, size, entry_price, collateral


def _shown(cell: Cell) -> str:
    text = "" if cell is None else str(cell).strip()
    return f"{text[:40]!r} " if text else ""


def _name(cell: Cell) -> str:
    """Return the name of an account: a text or a whole number."""
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        raise _CellError("is missing" if cell is None else "is no name: must be a text or a whole number")
    text = str(cell).strip()
    if not text:
        raise _CellError("is missing")
    if len(text) > _LONGEST_NAME:
        raise _CellError(f"is longer than {_LONGEST_NAME} characters")
    return text


def _market(cell: Cell, ids: Mapping[str, int], markets: Sequence[str]) -> int:
    text = str(cell).strip() if isinstance(cell, str | int) and not isinstance(cell, bool) else ""
    market = ids.get(text)
    if market is None and text.isascii() and text.isdecimal() and len(text) < _LONGEST_ID:
        market = int(text) if int(text) < len(markets) else None
    if market is None:
        raise _CellError(f"is no market of the scenario, which has {', '.join(markets)}")
    return market


def _integer(cell: Cell, decimals: int) -> int:
    """Return a number in units of so many decimals, rounded to the nearest, half to even.

    What people export has 17 digits of a float, `9970.669039999997`: finer than the chain holds, and no more
    exact. A number with as many decimals as the chain comes out as it stands.
    """
    number = _number(cell)
    if abs(number) >= _LARGEST:
        raise _CellError("is too large, its magnitude must be below 1e18")
    return int(_EXACT.scaleb(number, decimals).to_integral_value(ROUND_HALF_EVEN))


def _number(cell: Cell) -> Decimal:
    if isinstance(cell, bool):
        raise _CellError("is no number")
    if isinstance(cell, float):
        if not isfinite(cell):
            raise _CellError("is no finite number")
        return Decimal(repr(cell))
    if isinstance(cell, int):
        return Decimal(cell)
    if isinstance(cell, Decimal) and cell.is_finite():
        return cell
    text = cell.strip() if isinstance(cell, str) else ""
    if not text:
        raise _CellError("is missing" if cell is None or isinstance(cell, str) else "is no number")
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise _CellError("is no number: write it with a decimal point and no separators")
    return Decimal(text)
