"""A sweep's results folder as an object: how much is there, what failed, and the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from sim.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

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

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the result in a folder.

        Raises
        ------
        InputError
            The folder holds no sweep.
        """
        try:
            found: dict[str, Any] = json.loads((folder / SWEEP_FILE).read_bytes())
            return cls(
                folder=folder,
                completed=found["completed"],
                total=found["total"],
                failures=tuple(Failure(**item) for item in found["failures"]),
                stops=tuple(Stop(**item) for item in found["stops"]),
                digest=found["digest"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{folder}: holds no sweep ({SWEEP_FILE} is missing or damaged)") from None

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
        """0 complete, 1 an invariant was broken, 3 paths are missing for another reason."""
        if self.is_complete:
            return 0
        return 1 if self.completed + len(self.violations) == self.total else 3

    def provenance(self) -> Mapping[str, Any]:
        """Return ``sweep.json``."""
        found: dict[str, Any] = json.loads((self.folder / SWEEP_FILE).read_bytes())
        return found

    def paths(self) -> pd.DataFrame:
        """Return one row for each completed path, sorted by (point, path).

        Columns: ``point``, ``path``, ``population``, ``digest``, one for each drawn input under its key, and
        every metric; NaN where a metric is not defined.
        """
        import duckdb  # noqa: PLC0415  (slow to import)

        files = self.folder / PATHS / "*" / "*.parquet"
        with duckdb.connect() as connection:
            found = connection.execute(
                "SELECT * FROM read_parquet(?, hive_partitioning = true, hive_types = {'point': INTEGER})"
                " ORDER BY point, path",
                [str(files)],
            ).df()
        front = ["point", "path", "population", "digest"]
        return found[[*front, *(name for name in found.columns if name not in front)]]

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
        """
        import duckdb  # noqa: PLC0415

        with duckdb.connect() as connection:
            return connection.execute(
                "SELECT * FROM read_parquet(?) ORDER BY point", [str(self.folder / POINTS)]
            ).df()
