"""The `--prices` loader: from a file of ticks, quotes or bars to a `PriceHistory`.

A file has a time column (ISO 8601, or s, ms or us since 1970) and one of: ``price``; ``open, high, low,
close``; ``bid`` and ``ask``, whose middle is the price; ``close``. Should it have several, the first in this
order counts. Optional columns ``observed_long_liquidations`` and ``observed_short_liquidations`` are kept for
the report; others are passed over. A bar's time is the time of its open, and a bar is walked open -> nearer
extreme -> farther extreme -> close, a third of its length each: the order of the two extremes is not
recorded, and the nearer first is the shortest way through all four.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np

from sim.core.errors import InputError
from sim.market.price_cells import Cell, CellError, read_amount, read_price, read_time
from sim.market.price_history import MICROSECONDS, ObservedLiquidations, PriceHistory
from sim.market.price_tables import PriceTable, open_table

DEFAULT_MAX_GAP_SECONDS: Final = 86_400

_TIME_COLUMNS: Final = ("timestamp", "time", "datetime", "date", "ts", "open_time", "block_timestamp")
_OBSERVED_COLUMNS: Final = ("observed_long_liquidations", "observed_short_liquidations")
_MOST_PROBLEMS: Final = 20  # a file with more is wrong as a whole; the first ones say why

_Shape = Literal["price", "bar", "quote", "close"]
_SHAPES: Final[tuple[tuple[_Shape, tuple[str, ...]], ...]] = (
    ("price", ("price",)),
    ("bar", ("open", "high", "low", "close")),
    ("quote", ("bid", "ask")),
    ("close", ("close",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which columns hold what."""

    time: int
    shape: _Shape
    names: tuple[str, ...]
    cells: tuple[int, ...]
    observed: tuple[int | None, int | None]


@dataclass(slots=True)
class _Rows:
    """What was read so far."""

    places: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[tuple[float, ...]] = field(default_factory=list)
    observed: list[tuple[float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    time_format: str = ""


def load_price_file(path: Path, *, max_gap_seconds: int = DEFAULT_MAX_GAP_SECONDS) -> PriceHistory:
    """Read a price file.

    Parameters
    ----------
    path
        CSV or Parquet, plain or gzipped.
    max_gap_seconds
        A longer time without an observation is refused; through a shorter one the oracle goes stale.

    Raises
    ------
    InputError
        One line per problem, each with file and line (row, for Parquet) where there is one: a file that is
        missing, empty, broken or without the columns above; times that are not times, repeated or out of
        order; prices that are missing, NaN, infinite, zero or negative; crossed quotes and impossible bars;
        fewer than two rows; gaps.
    """
    table = open_table(path)
    layout = _layout(table)
    rows = _Rows()
    try:
        for place, cells in table.rows:
            _read_row(rows, layout, place, cells)
            if len(rows.problems) >= _MOST_PROBLEMS:
                rows.problems.append(f"{path}: further problems are not listed")
                break
    except InputError as error:  # the file breaks off here; what was wrong before still counts
        rows.problems.extend(error.problems)
    if rows.problems:
        raise InputError(rows.problems)
    if len(rows.times) < 2:
        raise InputError(f"{path}: has {len(rows.times)} rows of prices, needs at least two")
    bar_length = _usual_spacing(rows.times) if layout.shape == "bar" else 0
    _refuse_gaps(rows, bar_length, max_gap_seconds)
    return _history(path, layout, rows, bar_length)


def _layout(table: PriceTable) -> _Layout:
    names = table.header
    place = table.header_place
    time = next((name for name in _TIME_COLUMNS if name in names), None)
    shape = next(((kind, needed) for kind, needed in _SHAPES if all(name in names for name in needed)), None)
    problems = []
    if time is None:
        problems.append(f"{place}: no time column, needs one of {', '.join(_TIME_COLUMNS)}")
    if shape is None:
        problems.append(f"{place}: no price, needs price, close, bid and ask, or open, high, low and close")
    used = [name for name in (time, *(shape[1] if shape else ()), *_OBSERVED_COLUMNS) if name in names]
    problems += [f"{place}: column {name} occurs twice" for name in used if names.count(name) > 1]
    if problems or time is None or shape is None:
        raise InputError(problems)
    kind, needed = shape
    long_column, short_column = (names.index(name) if name in names else None for name in _OBSERVED_COLUMNS)
    return _Layout(
        time=names.index(time),
        shape=kind,
        names=(time, *needed),
        cells=tuple(names.index(name) for name in needed),
        observed=(long_column, short_column),
    )


def _read_row(rows: _Rows, layout: _Layout, place: str, cells: list[Cell]) -> None:
    """Check one row and keep it, or note its first problem."""
    column = layout.names[0]
    try:
        time = _next_time(rows, cells[layout.time])
        values = []
        for name, index in zip(layout.names[1:], layout.cells, strict=True):
            column = name
            values.append(read_price(cells[index]))
        column, check = _CONSISTENT[layout.shape]
        check(values)
        amounts = []
        for name, observed in zip(_OBSERVED_COLUMNS, layout.observed, strict=True):
            column = name
            amounts.append(0.0 if observed is None else read_amount(cells[observed]))
    except CellError as error:
        rows.problems.append(f"{place}: {column} {error}")
        return
    rows.places.append(place)
    rows.times.append(time)
    rows.values.append(tuple(values))
    rows.observed.append((amounts[0], amounts[1]))


def _next_time(rows: _Rows, cell: Cell) -> int:
    """Return a row's time in microseconds since 1970, which must be later than the row before."""
    time, time_format = read_time(cell)
    rows.time_format = rows.time_format or time_format
    if time_format != rows.time_format:
        raise CellError(f"is in {time_format}, the rows before are in {rows.time_format}")
    if rows.times and time == rows.times[-1]:
        raise CellError(f"repeats the time of the row before, {cell}")
    if rows.times and time < rows.times[-1]:
        raise CellError(f"is earlier than the row before, {cell}")
    return time


def _check_bar(values: list[float]) -> None:
    opened, high, low, closed = values
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        raise CellError(f"is impossible: low {low:g}, open {opened:g}, close {closed:g}, high {high:g}")


def _check_quote(values: list[float]) -> None:
    bid, ask = values
    if bid > ask:
        raise CellError(f"{bid:g} is above ask {ask:g}")


def _check_nothing(_values: list[float]) -> None:
    """A single price has nothing to agree with."""


_CONSISTENT: Final[dict[_Shape, tuple[str, Callable[[list[float]], None]]]] = {
    "price": ("price", _check_nothing),
    "bar": ("bar", _check_bar),
    "quote": ("bid", _check_quote),
    "close": ("close", _check_nothing),
}


def _usual_spacing(times: list[int]) -> int:
    """Return the most common distance between rows, the smaller of two equally common ones."""
    counts = Counter(later - earlier for earlier, later in pairwise(times))
    return min(counts, key=lambda spacing: (-counts[spacing], spacing))


def _refuse_gaps(rows: _Rows, bar_length: int, max_gap_seconds: int) -> None:
    limit = max_gap_seconds * MICROSECONDS
    gaps = np.diff(np.array(rows.times, dtype=np.int64)) - bar_length
    problems = [
        f"{rows.places[index + 1]}: {rows_gap / MICROSECONDS:,.0f} s without a price before this row, "
        f"max_gap_seconds is {max_gap_seconds:,}"
        for index, rows_gap in enumerate(gaps.tolist())
        if rows_gap > limit
    ]
    if problems:
        raise InputError(problems[:_MOST_PROBLEMS])


def _history(path: Path, layout: _Layout, rows: _Rows, bar_length: int) -> PriceHistory:
    times = np.array(rows.times, dtype=np.int64)
    values = np.array(rows.values, dtype=np.float64)
    observed = None
    if layout.observed != (None, None):
        amounts = np.array(rows.observed, dtype=np.float64)
        observed = ObservedLiquidations(
            timestamps=times // MICROSECONDS, long=amounts[:, 0].copy(), short=amounts[:, 1].copy()
        )
    if layout.shape == "bar":
        opened, high, low, closed = values.T
        high_first = high - opened < opened - low
        lengths = np.minimum(bar_length, np.append(np.diff(times), bar_length))
        points = [opened, np.where(high_first, high, low), np.where(high_first, low, high), closed]
        prices = np.stack(points, axis=1).ravel()
        moments = np.stack(
            [times, times + lengths // 3, times + 2 * lengths // 3, times + lengths], axis=1
        ).ravel()
        walked = np.tile([True, True, True, False], times.size)
    else:
        prices = (values[:, 0] + values[:, 1]) * 0.5 if layout.shape == "quote" else values[:, 0].copy()
        moments = times
        walked = np.zeros(times.size, dtype=np.bool_)
    return PriceHistory(
        source=str(path),
        rows=times.size,
        times=moments,
        prices=prices,
        walked=walked,
        observed_liquidations=observed,
    )
