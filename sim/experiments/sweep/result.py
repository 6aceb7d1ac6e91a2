"""A sweep's results folder as an object: how much is there, what failed, and the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import TypeAdapter

from sim.core.errors import InputError
from sim.core.folders import Folder, damaged, open_record
from sim.core.parquet import read_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SWEEP_FILE = "sweep.json"
PATHS = "paths"
POINTS = "points.parquet"
POINT_COLUMNS = ("point", "name", "overrides", "paths", "completed", "failed", "stopped_at")
"""Of `POINTS`; what follows are the keys that the points differ in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A path that has no metrics, and why."""

    point: int
    path: int
    reason: str
    kind: Literal["input", "invariant", "error", "worker"]
    """Bad input; a broken invariant, which is a finding; another error; a worker that died of it."""
    attempts: int
    invariant: str | None
    """Identifier of the broken invariant."""
    command: str
    """Command that runs this path again, with all its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A point that stopped early."""

    point: int
    paths: int
    """Paths that count: those before this number."""
    half_width: float
    """Of the stopping metric when it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep left, finished or not."""

    folder: Path
    completed: int
    """Paths with metrics."""
    total: int
    """Paths asked for, less those that a stopping rule made needless."""
    failures: tuple[Failure, ...]
    stops: tuple[Stop, ...]
    digest: str
    """SHA-256 over the completed paths, the same for any workers, order or interruption."""
    unanswered: int = 0
    """Completed paths in which a margin formula failed: findings, with metrics."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the result in a folder.

        Raises
        ------
        InputError
            The folder holds no sweep.
        """
        _, found = open_sweep(folder)
        try:
            return cls(
                folder=folder,
                completed=_count(found["completed"]),
                total=_count(found["total"]),
                failures=TypeAdapter(tuple[Failure, ...]).validate_python(found["failures"]),
                stops=TypeAdapter(tuple[Stop, ...]).validate_python(found["stops"]),
                digest=str(found["digest"]),
                unanswered=_count(found["unanswered"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(damaged(folder / SWEEP_FILE, f"tells no sweep ({error})")) from None

    @property
    def is_complete(self) -> bool:
        """Whether every path that was asked for has metrics."""
        return self.completed == self.total

    @property
    def label(self) -> str:
        """``200 paths`` or ``198 of 200 paths``: to stand beside everything computed from them."""
        return f"{self.total:,} paths" if self.is_complete else f"{self.completed:,} of {self.total:,} paths"

    @property
    def violations(self) -> tuple[Failure, ...]:
        """Paths that broke an invariant."""
        return tuple(failure for failure in self.failures if failure.kind == "invariant")

    @property
    def exit_code(self) -> int:
        """0 complete, 1 an invariant or a margin formula failed, 3 paths are missing for another reason."""
        if self.is_complete:
            return 1 if self.unanswered else 0
        return 1 if self.completed + len(self.violations) == self.total else 3

    def provenance(self) -> Mapping[str, Any]:
        """Return ``sweep.json``."""
        return open_sweep(self.folder)[1]

    def paths(self) -> pd.DataFrame:
        """Return one row for each completed path, sorted by (point, path).

        Columns: ``point``, ``path``, ``population``, ``digest``, one for each drawn input under its key, and
        every metric; NaN where a metric is not defined.

        Raises
        ------
        InputError
            A table is missing or damaged.
        """
        import pandas as pd  # noqa: PLC0415  (slow to import)

        files, _ = open_sweep(self.folder)
        parts = []
        for name in sorted(files.hashes or {}):
            found = _PART.fullmatch(name)
            if found is None:
                continue
            table = read_table(files, name, None)
            _check_columns(files.path / name, table)
            part = table.to_pandas()
            part.insert(0, "point", np.full(len(part), int(found[1]), dtype=np.int32))
            parts.append(part)
        if not parts:
            raise InputError(damaged(self.folder / SWEEP_FILE, "names no table of paths"))
        filled = [part for part in parts if len(part)] or parts[:1]
        frame: pd.DataFrame = pd.concat(filled, ignore_index=True)
        return frame.sort_values(["point", "path"], ignore_index=True)

    def named_paths(self) -> pd.DataFrame:
        """Return `paths` with each point's ``name`` and its place on the axes behind its number."""
        paths, points = self.paths(), self.points()
        known = {*POINT_COLUMNS, *paths.columns}
        axes = [key for key in points.columns if key not in known]
        named = paths.merge(points[["point", "name", *axes]], on="point", validate="many_to_one")
        front = ["point", "name", *axes]
        return named[[*front, *(key for key in paths.columns if key != "point")]]

    def points(self) -> pd.DataFrame:
        """Return one row for each point.

        Columns: ``point``, ``name``, ``overrides`` (as one text), ``paths`` (asked for), ``completed``,
        ``failed``, ``stopped_at`` (NaN unless the stopping rule ended it), and one column for each key that
        the points differ in.

        Raises
        ------
        InputError
            The table is missing or damaged.
        """
        files, _ = open_sweep(self.folder)
        frame: pd.DataFrame = read_table(files, POINTS, None).to_pandas()
        missing = [name for name in _POINT_COLUMNS if name not in frame]
        if missing:
            raise InputError(damaged(self.folder / POINTS, f"has no column {missing[0]}"))
        return frame.sort_values("point", ignore_index=True)


_PART = re.compile(rf"{PATHS}/point=([0-9]{{4,9}})/part-0\.parquet")
_POINT_COLUMNS = ("point", "name", "overrides", "paths", "completed", "failed", "stopped_at")


def open_sweep(folder: Path) -> tuple[Folder, dict[str, Any]]:
    """Return the files of a sweep, held against its record, and the record.

    Raises
    ------
    InputError
        The folder holds no sweep, or its record is damaged.
    """
    return open_record(folder, SWEEP_FILE, what="sweep")


def _check_columns(place: Path, table: pa.Table) -> None:
    """Refuse a table of paths without the columns of `write_dataset`: figures, but for three of them."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    fixed = {"path": pa.int64(), "population": pa.int64(), "digest": pa.string()}
    for name in fixed:
        if name not in table.schema.names:
            raise InputError(damaged(place, f"has no column {name}"))
    for field in table.schema:
        if field.type != fixed.get(field.name, pa.float64()):
            raise InputError(damaged(place, f"has another type of {field.name[:100]}"))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{str(value)[:40]!r} counts nothing")
    return value
