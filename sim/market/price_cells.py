"""Reading one cell of a price file: a time, a price, an amount."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from sim.core.table_file import Cell
from sim.market.price_paths import LARGEST_PRICE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLAIN_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_SEPARATED: Final = re.compile(r"[+-]?\d[\d.,' ]*", re.ASCII)
_EPOCH_NUMBER: Final = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)
_LONGEST_CELL: Final = 64
# Upper ends of the magnitudes of seconds, milliseconds, microseconds since 1970; each scale starts in March
# 1973.
_EPOCH_UNITS: Final = (("s", 10**11, 1_000_000), ("ms", 10**14, 1_000), ("us", 10**17, 1))
_EPOCH_LEAST: Final = 10**8
_FIRST_TIME: Final = 0  # microseconds since 1970
_LAST_TIME: Final = 4_102_444_800_000_000  # 2100-01-01, where the start of a scenario ends as well
_MISSING: Final = ("", "null", "none", "na", "n/a", "-")
_ZONES: Final = (" utc", " gmt")


class CellError(ValueError):
    """A cell does not hold what its column is for; the text says why."""


def is_missing(cell: Cell) -> bool:
    """Tell whether a cell stands for no value at all: empty, null, None, n/a or NaN."""
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in (*_MISSING, "nan"))


def is_whole(cell: Cell) -> bool:
    """Tell whether a number is written as an integer, which a price in quote units rarely is."""
    if isinstance(cell, str):
        return cell.strip().isdecimal()
    return isinstance(cell, int) and not isinstance(cell, bool)


def reads_as_time(cell: Cell) -> bool:
    """Tell whether a cell is a time as `read_time` understands it."""
    try:
        read_time(cell)
    except CellError:
        return False
    return True


def read_number(cell: Cell) -> float:
    """Return a finite number.

    Raises
    ------
    CellError
        Missing, not a number, NaN or infinite.
    """
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _MISSING):
        raise CellError("is missing")
    if isinstance(cell, str):
        text = cell.strip()
        if len(text) > _LONGEST_CELL:
            raise CellError(f"is not a number, was {text[:24]!r}...")
        if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
            raise CellError(f"must be finite, was {text}")
        if _PLAIN_NUMBER.fullmatch(text) is None:
            hint = ", write it with a point and without separators" if _SEPARATED.fullmatch(text) else ""
            raise CellError(f"is not a number, was {text!r}{hint}")
        value = float(text)
    elif isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except OverflowError:
            value = math.inf
    else:
        raise CellError(f"is not a number, was a {type(cell).__name__}")
    if not math.isfinite(value):
        raise CellError(f"must be finite, was {value}")
    return value


def read_price(cell: Cell) -> float:
    """Return a price.

    Raises
    ------
    CellError
        Not a finite number above zero, or out of any range a price has.
    """
    value = read_number(cell)
    if value <= 0.0:
        raise CellError(f"must be above zero, was {value:g}")
    if not 1.0 / LARGEST_PRICE <= value <= LARGEST_PRICE:
        raise CellError(f"must be between {1 / LARGEST_PRICE:g} and {LARGEST_PRICE:g}, was {value:g}")
    return value


def read_amount(cell: Cell) -> float:
    """Return an amount of zero or more; an empty cell is zero.

    Raises
    ------
    CellError
        Not a finite number, or negative.
    """
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _MISSING):
        return 0.0
    value = read_number(cell)
    if value < 0.0:
        raise CellError(f"must not be negative, was {value:g}")
    return value


def read_time(cell: Cell) -> tuple[int, str]:
    """Return a time in microseconds since 1970 and how it was written: ``ISO 8601``, ``s``, ``ms`` or ``us``.

    ISO times without a zone are UTC; the word UTC or GMT may follow them.

    Raises
    ------
    CellError
        Missing, neither ISO 8601 nor a count of s, ms or us since 1970, or not from 1970 to 2099.
    """
    moment, time_format = _read_moment(cell)
    if not _FIRST_TIME <= moment < _LAST_TIME:
        raise CellError(f"must be from 1970 to 2099, was {cell}")
    return moment, time_format


def _read_moment(cell: Cell) -> tuple[int, str]:
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _MISSING):
        raise CellError("is missing")
    if isinstance(cell, datetime):
        return _microseconds(cell), "ISO 8601"
    if isinstance(cell, date):
        return _microseconds(datetime(cell.year, cell.month, cell.day, tzinfo=UTC)), "ISO 8601"
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        raise CellError(f"is not a time, was a {type(cell).__name__}")
    text = str(cell).strip()
    if _EPOCH_NUMBER.fullmatch(text):
        return _epoch(text)
    if isinstance(cell, str) and len(text) <= _LONGEST_CELL:
        try:
            plain = text[:-4] if text[-4:].lower() in _ZONES else text
            return _microseconds(datetime.fromisoformat(plain)), "ISO 8601"
        except (ValueError, OverflowError):
            pass  # refused below, with the same words as any other text
    if isinstance(cell, float | Decimal) and math.isfinite(cell) and cell > 0:
        return _epoch(f"{Decimal(cell):f}"[:40])
    shown = text if len(text) <= _LONGEST_CELL else text[:24] + "..."
    raise CellError(f"must be ISO 8601 or seconds, ms or us since 1970, was {shown!r}")


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _epoch(text: str) -> tuple[int, str]:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise CellError(f"is not a time, was {text!r}") from None
    if value < _EPOCH_LEAST:
        raise CellError(f"is too early for seconds since 1970, was {text} (write dates as 2020-03-12)")
    for unit, limit, factor in _EPOCH_UNITS:
        if value < limit:
            return int(value * factor), unit
    raise CellError(f"is too large for microseconds since 1970, was {text}")
