"""The `--prices` loader: from a file of ticks, quotes or bars to a `PriceHistory`.

A file has a time column (ISO 8601, or s, ms or us since 1970) and one of: ``price``; ``open, high, low,
close``; ``bid`` and ``ask``, whose middle is the price; ``close``. Should it have several, the first in this
order counts. Optional columns ``observed_long_liquidations`` and ``observed_short_liquidations`` are kept for
the report; others are passed over. A bar's time is the time of its open, and a bar is walked open -> nearer
extreme -> farther extreme -> close, a third of its length each: the order of the two extremes is not
recorded, and the nearer first is the shortest way through all four.

Files come as people export them: with a banner, without a header, newest row first, with rows that hold no
price. Whatever had to be assumed or left out, and whatever looks wrong and may be right, stands in the
history's ``notes``; what cannot be right is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from sim.core.errors import InputError
from sim.core.table_file import Cell
from sim.market.price_cells import (
    CellError,
    is_missing,
    is_whole,
    read_amount,
    read_price,
    read_time,
    reads_as_time,
)
from sim.market.price_history import MICROSECONDS, ObservedLiquidations, PriceHistory, usual_spacing
from sim.market.price_tables import TRADE_PRICE, PriceTable, open_table

DEFAULT_MAX_GAP_SECONDS: Final = 86_400

_TIME_COLUMNS: Final = (
    "timestamp", "time", "datetime", "date", "ts", "open_time", "block_timestamp",
    "snapped_at", "timeopen", "unix", "unix_timestamp", "unix_time", "epoch", "date_time",
)  # fmt: skip
_OBSERVED_COLUMNS: Final = ("observed_long_liquidations", "observed_short_liquidations")
_MOST_PROBLEMS: Final = 20  # a file with more is wrong as a whole; the first ones say why
_LARGEST_MISSING_SHARE: Final = 0.05  # of rows without a price; assumption: beyond it a series is another one
_INTEGER_PRICE: Final = 10_000_000  # a price of ten cents, times 1e8; whole numbers from here on are scaled
_SPIKE: Final = 20.0  # times the rows on both sides: no market falls by 95 % and is back with the next row
_STEP: Final = 5.0  # times the row before: rare, and as often a mistake as a crash

_Shape = Literal["price", "bar", "quote", "close", "trade"]
_SHAPES: Final[tuple[tuple[_Shape, tuple[str, ...]], ...]] = (
    ("price", ("price",)),
    ("bar", ("open", "high", "low", "close")),
    ("quote", ("bid", "ask")),
    ("close", ("close",)),
    ("trade", (TRADE_PRICE,)),
)
_OTHER_WORDS: Final = {
    **{f"{word}_price": word for word in ("open", "high", "low", "close", "bid", "ask")},
    **{f"price_{word}": word for word in ("open", "high", "low", "close", "bid", "ask")},
    "last": "close", "last_price": "close", "closing_price": "close", "spot_price": "price",
}  # fmt: skip
"""Names that stand for one of those above where that one is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which columns hold what."""

    time: int
    shape: _Shape
    names: tuple[str, ...]
    cells: tuple[int, ...]
    observed: tuple[int | None, int | None]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Rows:
    """What was read so far."""

    places: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[tuple[float, ...]] = field(default_factory=list)
    observed: list[tuple[float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Rows without any price, each as the problem it would be."""
    time_format: str = ""
    last_time: int | None = None
    descends: bool | None = None
    """Whether times fall from row to row; None until two rows are known."""
    all_whole: bool = True
    """Whether every price so far is written as an integer."""


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
        order; prices that are missing in more than one row of twenty, infinite, zero or negative, integers
        with decimals left out, or twenty times their neighbours; crossed quotes and impossible bars; fewer
        than two rows; gaps.
    """
    table = open_table(path)
    layout, rest = _layout(table)
    rows = _Rows()
    try:
        for place, cells in rest:
            _read_row(rows, layout, place, cells)
            if len(rows.problems) >= _MOST_PROBLEMS:
                rows.problems.append(f"{path}: further problems are not listed")
                break
    except InputError as error:  # the file breaks off here; what was wrong before still counts
        rows.problems.extend(error.problems)
    _refuse_missing(rows)
    if rows.problems:
        raise InputError(rows.problems)
    if len(rows.times) < 2:
        raise InputError(f"{path}: has {len(rows.times)} rows of prices, needs at least two")
    notes = [*table.notes, *layout.notes, *_put_in_order(path, layout, rows)]
    if rows.missing:
        notes.append(f"{path}: {len(rows.missing):,} rows without a price were passed over")
    bar_length = usual_spacing(rows.times) if layout.shape == "bar" else 0
    _refuse_gaps(rows, bar_length, max_gap_seconds)
    _refuse_integers(path, rows)
    notes += _steps(rows, layout)
    return _history(path, layout, rows, bar_length, tuple(notes))


def _layout(table: PriceTable) -> tuple[_Layout, Iterator[tuple[str, list[Cell]]]]:
    """Return which columns hold what, and the rows; the first one may be needed to find the time."""
    place = table.header_place
    names = tuple(_OTHER_WORDS.get(name, name) if _OTHER_WORDS.get(name) not in table.header else name
                  for name in table.header)  # fmt: skip
    rows, notes = table.rows, []
    time: str | None = next((name for name in _TIME_COLUMNS if name in names), None)
    shape = next(((kind, needed) for kind, needed in _SHAPES if all(name in names for name in needed)), None)
    problems = []
    if time is None:
        first = next(rows, None)
        if first is not None:
            rows = chain([first], rows)
            time = _time_by_content(names, first[1])
        if time is None:
            problems.append(f"{place}: no time column, needs one of {', '.join(_TIME_COLUMNS)}")
        else:
            notes.append(f"{place}: the time is taken from column {time or 'without a name'}")
    if shape is None:
        problems.append(f"{place}: no price, needs price, close, bid and ask, or open, high, low and close")
    used = [name for name in (time, *(shape[1] if shape else ()), *_OBSERVED_COLUMNS) if name in names]
    problems += [f"{place}: column {name} occurs twice" for name in used if names.count(name) > 1]
    if problems or time is None or shape is None:
        raise InputError(problems)
    kind, needed = shape
    long_column, short_column = (names.index(name) if name in names else None for name in _OBSERVED_COLUMNS)
    layout = _Layout(
        time=names.index(time),
        shape=kind,
        names=(time or "time", *needed),
        cells=tuple(names.index(name) for name in needed),
        observed=(long_column, short_column),
        notes=tuple(notes),
    )
    return layout, rows


def _time_by_content(names: tuple[str, ...], cells: list[Cell]) -> str | None:
    """Return the one column whose first cell is a time, such as the unnamed index of a data frame."""
    candidates = [name for name, cell in zip(names, cells, strict=True) if reads_as_time(cell)]
    return candidates[0] if len(candidates) == 1 else None


def _read_row(rows: _Rows, layout: _Layout, place: str, cells: list[Cell]) -> None:
    """Check one row and keep it, or note its first problem."""
    column = layout.names[0]
    try:
        time = _next_time(rows, cells[layout.time], may_repeat=layout.shape == "trade")
        prices = [cells[index] for index in layout.cells]
        if all(map(is_missing, prices)):
            _note_missing(rows, place, layout.names[1], prices[0])
            return
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
    rows.all_whole = rows.all_whole and all(map(is_whole, prices))
    rows.places.append(place)
    rows.times.append(time)
    rows.values.append(tuple(values))
    rows.observed.append((amounts[0], amounts[1]))


def _next_time(rows: _Rows, cell: Cell, *, may_repeat: bool) -> int:
    """Return a row's time in microseconds since 1970; all rows go the same way, later or earlier."""
    time, time_format = read_time(cell)
    rows.time_format = rows.time_format or time_format
    if time_format != rows.time_format:
        raise CellError(f"is in {time_format}, the rows before are in {rows.time_format}")
    before = rows.last_time
    if before is not None and time != before:
        if rows.descends is None:
            rows.descends = time < before
        if time < before and not rows.descends:
            raise CellError(f"is earlier than the row before, {cell}")
        if time > before and rows.descends:
            raise CellError(f"is later than the row before, {cell}, in a file that begins with its newest")
    elif before is not None and not may_repeat:
        raise CellError(f"repeats the time of the row before, {cell}")
    rows.last_time = time
    return time


def _note_missing(rows: _Rows, place: str, column: str, cell: Cell) -> None:
    try:
        read_price(cell)
    except CellError as error:
        rows.missing.append(f"{place}: {column} {error}")


def _refuse_missing(rows: _Rows) -> None:
    """Make problems of the rows without a price if they are many."""
    total = len(rows.times) + len(rows.missing)
    if len(rows.missing) <= _LARGEST_MISSING_SHARE * total:
        return
    count = f"{len(rows.missing):,} of {total:,} rows have no price, up to {_LARGEST_MISSING_SHARE:.0%} may"
    rows.problems += [f"{problem} ({count})" for problem in rows.missing[:_MOST_PROBLEMS]]


def _put_in_order(path: Path, layout: _Layout, rows: _Rows) -> list[str]:
    """Put the newest row last, keep the last of the trades of one time, and say so."""
    columns: tuple[list[Any], ...] = (rows.places, rows.times, rows.values, rows.observed)
    notes = []
    if rows.descends:
        for column in columns:
            column.reverse()
        notes.append(f"{path}: begins with its newest row; the rows were put in order of time")
    if layout.shape == "trade":
        later = [*rows.times[1:], None]
        kept = [index for index, time in enumerate(rows.times) if time != later[index]]
        if len(kept) < len(rows.times):
            notes.append(f"{path}: {len(rows.times) - len(kept):,} trades share a time; the last one counts")
        for column in columns:
            column[:] = [column[index] for index in kept]
    return notes


def _refuse_integers(path: Path, rows: _Rows) -> None:
    """Refuse prices in the smallest unit of a token, as contracts and some exchanges store them."""
    least, most = min(map(min, rows.values)), max(map(max, rows.values))
    if rows.all_whole and least >= _INTEGER_PRICE:
        raise InputError(
            f"{path}: every price is a whole number, from {least:,.0f} to {most:,.0f}: these look like "
            "integers with decimals left out; divide them (often by 1e8), or write them with a decimal point "
            "if they are right"
        )


def _steps(rows: _Rows, layout: _Layout) -> list[str]:
    """Refuse single rows far from both neighbours; return the places of other large steps.

    Raises
    ------
    InputError
        A row is a multiple of the one before and of the one after: a slip of a digit or of a unit.
    """
    values = np.array(rows.values, dtype=np.float64)
    closes = values[:, -1]
    logs = np.log(closes)
    steps = np.diff(logs)
    peaks = np.minimum(steps[:-1], -steps[1:]) >= np.log(_SPIKE)
    pits = np.minimum(-steps[:-1], steps[1:]) >= np.log(_SPIKE)
    spikes = [int(index) + 1 for index in np.flatnonzero(peaks | pits)]
    if spikes:
        raise InputError(
            [
                f"{rows.places[index]}: {layout.names[-1]} {closes[index]:g} stands between "
                f"{closes[index - 1]:g} and {closes[index + 1]:g}; correct the row or remove it"
                for index in spikes[:_MOST_PROBLEMS]
            ]
        )
    notes = [
        f"{rows.places[index + 1]}: {layout.names[-1]} goes from {closes[index]:g} to {closes[index + 1]:g} "
        "in one row; is that right?"
        for index in np.flatnonzero(np.abs(steps) >= np.log(_STEP))
    ]
    if layout.shape == "bar":
        opened, high, low, closed = values.T
        far = (high >= _STEP * np.maximum(opened, closed)) | (low * _STEP <= np.minimum(opened, closed))
        notes += [
            f"{rows.places[index]}: a bar from {opened[index]:g} to {closed[index]:g} reaches from "
            f"{low[index]:g} to {high[index]:g}; is that right?"
            for index in np.flatnonzero(far)
        ]
    hidden = len(notes) - _MOST_PROBLEMS
    return notes if hidden <= 0 else [*notes[:_MOST_PROBLEMS], f"and {hidden:,} more such rows"]


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
    "trade": (TRADE_PRICE, _check_nothing),
}


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


def _history(
    path: Path, layout: _Layout, rows: _Rows, bar_length: int, notes: tuple[str, ...]
) -> PriceHistory:
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
        source=path,
        rows=times.size,
        times=moments,
        prices=prices,
        walked=walked,
        observed_liquidations=observed,
        notes=tuple(note.replace(str(path), path.name) for note in notes),
    )
