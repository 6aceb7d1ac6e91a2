"""The ledger of a sweep: which paths are finished, with what, safe against every kind of death.

SQLite in WAL mode with `synchronous = FULL`, written by the supervisor alone. A path's state, digest and
metrics are one row written in one transaction, and (point, path) is its key: a path is finished or it is not,
never half, never twice. A path that was running when the machine died has no row and is run again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from sim.core.digest import canonical_json
from sim.core.errors import InputError, RunError

LEDGER = "ledger.sqlite"
LOCK = "ledger.lock"
VERSION = 1

State = Literal["done", "retry", "failed", "input", "invariant"]
"""``done``; failed but to be tried again; failed for good; the input is bad; an invariant broke."""

_LAST_POINT = 2**63 - 1

FINAL = ("done", "failed", "input", "invariant")

_SCHEMA = f"""
CREATE TABLE plan (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
    point INTEGER NOT NULL,
    path INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN {get_args(State)!r}),
    attempts INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    invariant TEXT,
    digest TEXT,
    metrics TEXT,
    seconds REAL NOT NULL,
    UNIQUE (point, path)
);
PRAGMA user_version = {VERSION};
"""

_WRITE = """
INSERT INTO runs (point, path, state, attempts, kind, reason, invariant, digest, metrics, seconds)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (point, path) DO UPDATE SET
    state = excluded.state, attempts = excluded.attempts, kind = excluded.kind, reason = excluded.reason,
    invariant = excluded.invariant, digest = excluded.digest, metrics = excluded.metrics,
    seconds = excluded.seconds
WHERE runs.state = 'retry'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One row: a path that was tried at least once."""

    point: int
    path: int
    state: State
    attempts: int = 1
    kind: str = ""
    """How the last attempt failed; empty for one that is done."""
    reason: str = ""
    invariant: str | None = None
    digest: str | None = None
    metrics: Mapping[str, float | None] | None = None
    seconds: float = 0.0


class Ledger:
    """The open ledger of one results folder; one at a time."""

    def __init__(self, folder: Path) -> None:
        """Open or create it.

        Raises
        ------
        InputError
            Another process works in this folder, or the file is no ledger of this version.
        RunError
            It cannot be written.
        """
        self.folder = folder
        self._lock = _locked(folder)
        try:
            with self._guarded():
                self._database = sqlite3.connect(folder / LEDGER, isolation_level=None)
                self._prepare()
        except BaseException:
            self._lock.close()
            raise

    def _prepare(self) -> None:
        database = self._database
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise InputError(f"{self.folder / LEDGER}: is damaged ({error}); choose another folder") from None
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if version == 0:
            # One script, one transaction: a kill leaves an empty file or a ledger, nothing in between.
            database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        elif version != VERSION:
            raise InputError(f"{self.folder / LEDGER}: was made by another version of Seawall")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file and let others in."""
        try:
            self._database.close()
        finally:
            self._lock.close()

    def plan(self) -> dict[str, Any]:
        """Return what `set_plan` stored; empty for a new ledger."""
        with self._guarded():
            rows = self._database.execute("SELECT key, value FROM plan").fetchall()
        return {key: json.loads(value) for key, value in rows}

    def set_plan(self, values: Mapping[str, Any]) -> None:
        """Store what the ledger is about, whole or not at all."""
        rows = [(key, canonical_json(value).decode()) for key, value in values.items()]
        with self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO plan VALUES (?, ?)", rows)

    def write(self, runs: Sequence[Run]) -> None:
        """Add or update rows in one transaction. What is final stays as it is.

        Raises
        ------
        RunError
            The disk is full or broken; nothing of these rows is kept.
        """
        rows = [
            (
                run.point, run.path, run.state, run.attempts, run.kind, run.reason, run.invariant, run.digest,
                None if run.metrics is None else canonical_json(dict(run.metrics)).decode(), run.seconds,
            )
            for run in runs
        ]  # fmt: skip
        with self._transaction():
            self._database.executemany(_WRITE, rows)

    def forget_failures(self) -> int:
        """Let every path that failed for good be tried afresh; return how many."""
        with self._transaction():
            return self._database.execute(
                "UPDATE runs SET state = 'retry', attempts = 0 WHERE state = 'failed'"
            ).rowcount

    def runs(self, *, point: int | None = None, with_metrics: bool = True) -> Iterator[Run]:
        """Yield the rows sorted by (point, path), of one point or of all."""
        query = """
            SELECT point, path, state, attempts, kind, reason, invariant, digest, seconds,
                iif(?, metrics, NULL)
            FROM runs WHERE point BETWEEN ? AND ? ORDER BY point, path
        """
        points = (0, _LAST_POINT) if point is None else (point, point)
        with self._guarded():
            for row in self._database.execute(query, (with_metrics, *points)):
                yield Run(
                    point=row[0],
                    path=row[1],
                    state=row[2],
                    attempts=row[3],
                    kind=row[4],
                    reason=row[5],
                    invariant=row[6],
                    digest=row[7],
                    seconds=row[8],
                    metrics=None if row[9] is None else json.loads(row[9]),
                )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # SQLite has rolled back by itself after some errors
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise RunError(f"{self.folder / LEDGER}: cannot write: {error}") from error


def _locked(folder: Path) -> sqlite3.Connection:
    """Return an open exclusive transaction on a file of its own: it ends with the process, however that dies.

    Not on the ledger itself, so that anybody may read it while a sweep runs.
    """
    lock: sqlite3.Connection | None = None
    try:
        lock = sqlite3.connect(folder / LOCK, timeout=0.0, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if lock is not None:
            lock.close()
        if "locked" in str(error):
            raise InputError(f"{folder}: another sweep is writing there; wait for it or stop it") from None
        raise RunError(f"{folder}: cannot write: {error}") from error
    return lock
