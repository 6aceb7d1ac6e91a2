"""The ledger of a sweep: which paths are finished, with what, safe against every kind of death.

SQLite in WAL mode with `synchronous = FULL`, written by the supervisor alone. A path's state, digest and
metrics are one row written in one transaction, and (point, path) is its key: a path is finished or it is not,
never half, never twice. A path that was running when the machine died has no row and is run again.

A ledger lies in a results folder, and so is hostile input: its files are regular ones, nothing is in it but
our tables, and every row holds a hash of itself, so that none changes unseen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from sim.core.digest import canonical_json, sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.folders import LEDGER as LEDGER_BOUND
from sim.core.folders import Folder, parse_object
from sim.experiments.sweep.plan import Plan

LEDGER = "ledger.sqlite"
LOCK = "ledger.lock"
LEDGER_FILES = (
    LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", f"{LEDGER}-journal",
    LOCK, f"{LOCK}-wal", f"{LOCK}-shm", f"{LOCK}-journal",
)  # fmt: skip
"""Everything SQLite may open in the folder. It goes on changing, so that no record seals it."""

VERSION = 3

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
    shadow TEXT,
    seconds REAL NOT NULL,
    sha256 TEXT NOT NULL,
    UNIQUE (point, path)
);
PRAGMA user_version = {VERSION};
"""

_WRITE = """
INSERT INTO runs
    (point, path, state, attempts, kind, reason, invariant, digest, metrics, shadow, seconds, sha256)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (point, path) DO UPDATE SET
    state = excluded.state, attempts = excluded.attempts, kind = excluded.kind, reason = excluded.reason,
    invariant = excluded.invariant, digest = excluded.digest, metrics = excluded.metrics,
    shadow = excluded.shadow, seconds = excluded.seconds, sha256 = excluded.sha256
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
    shadow: str | None = None
    """Engine on which it was run again with the same outcome; None unless it was."""
    seconds: float = 0.0


class Ledger:
    """The open ledger of one results folder; one at a time writes."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open it, or create it unless it is only to be read.

        Parameters
        ----------
        read_only
            Change nothing, and let others write meanwhile.

        Raises
        ------
        InputError
            Another process works in this folder, or the file is no ledger of this version, or damaged.
        RunError
            It cannot be written.
        """
        self.folder = folder
        _check_files(folder)
        self._lock = None if read_only else _locked(folder)
        try:
            with self._guarded():
                self._database = self._read_only() if read_only else self._writable()
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise

    def _writable(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.folder / LEDGER, isolation_level=None)
        if not self._is_ours(database):
            # One script, one transaction: a kill leaves an empty file or a ledger, nothing in between.
            database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        return database

    def _read_only(self) -> sqlite3.Connection:
        place = self.folder / LEDGER
        if not place.is_file():
            raise InputError(f"{place}: is missing: the folder holds no sweep; name one that does")
        # Without a journal nobody is writing, and a folder that cannot be written can still be read.
        how = "mode=ro" if (self.folder / f"{LEDGER}-wal").exists() else "mode=ro&immutable=1"
        database = sqlite3.connect(f"{place.resolve().as_uri()}?{how}", uri=True, isolation_level=None)
        if not self._is_ours(database):
            raise InputError(f"{place}: is empty: no path was ever finished; go on with the sweep")
        return database

    def _is_ours(self, database: sqlite3.Connection) -> bool:
        """Return False for an empty file, and refuse one that is not what this version makes."""
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        found = _schema_of(database)
        if version == 0 and not found:
            return False
        if version != VERSION:
            raise InputError(
                f"{self.folder / LEDGER}: was made by another version of Seawall; choose another folder"
            )
        with closing(sqlite3.connect(":memory:")) as ours:
            ours.executescript(_SCHEMA)
            if found != _schema_of(ours):
                raise self.damage("its tables are not those of a ledger")
        # Against its index too: a page whose count of rows was changed would lose some in silence.
        (problem,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if problem != "ok":
            raise self.damage(" ".join(str(problem).split())[:200])
        return True

    def damage(self, what: str) -> InputError:
        """Return what to say of a ledger that is not what was written."""
        return InputError(f"{self.folder / LEDGER}: is damaged ({what}); choose another folder")

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
            if self._lock is not None:
                self._lock.close()

    def plan(self) -> dict[str, Any]:
        """Return what `set_plan` stored; empty for a new ledger.

        Raises
        ------
        InputError
            It is not what was stored.
        """
        with self._guarded():
            rows = dict(self._database.execute("SELECT key, value FROM plan").fetchall())
        if not rows:
            return {}
        if rows.pop(_SEAL, None) != _hash(sorted(rows.items())):
            raise self.damage("its plan was changed")
        return {key: self._parsed(f'{{"value":{value}}}')["value"] for key, value in rows.items()}

    def _parsed(self, text: str) -> dict[str, Any]:
        return parse_object(self.folder / LEDGER, text.encode())

    def set_plan(self, values: Mapping[str, Any]) -> None:
        """Store what the ledger is about, whole or not at all."""
        rows = {key: canonical_json(value).decode() for key, value in values.items()}
        with self._transaction():
            kept = dict(self._database.execute("SELECT key, value FROM plan").fetchall())
            rows = {**kept, **rows}
            rows[_SEAL] = _hash(sorted((key, value) for key, value in rows.items() if key != _SEAL))
            self._database.executemany("INSERT OR REPLACE INTO plan VALUES (?, ?)", rows.items())

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
                None if run.metrics is None else canonical_json(dict(run.metrics)).decode(), run.shadow,
                run.seconds,
            )
            for run in runs
        ]  # fmt: skip
        with self._transaction():
            self._database.executemany(_WRITE, [(*row, _hash(row)) for row in rows])

    def forget_failures(self) -> int:
        """Let every path that failed for good be tried afresh; return how many."""
        failed = [replace(run, state="retry", attempts=0) for run in self.runs() if run.state == "failed"]
        with self._transaction():
            self._database.execute("DELETE FROM runs WHERE state = 'failed'")
        self.write(failed)
        return len(failed)

    def runs(self, *, point: int | None = None, with_metrics: bool = True) -> Iterator[Run]:
        """Yield the rows sorted by (point, path), of one point or of all.

        Raises
        ------
        InputError
            A row is not what was written.
        """
        query = """
            SELECT point, path, state, attempts, kind, reason, invariant, digest, metrics, shadow, seconds,
                sha256
            FROM runs WHERE point BETWEEN ? AND ? ORDER BY point, path
        """
        points = (0, _LAST_POINT) if point is None else (point, point)
        with self._guarded():
            for *row, sha256 in self._database.execute(query, points):
                if sha256 != _hash(row):
                    raise self.damage(f"the row of point {row[0]!r:.20}, path {row[1]!r:.20} was changed")
                yield self._run(row, with_metrics=with_metrics)

    def extent(self) -> tuple[int, int]:
        """Return the highest point and the highest path of any row, -1 without one."""
        with self._guarded():
            found = self._database.execute("SELECT max(point), max(path) FROM runs").fetchone()
        if not all(isinstance(value, int | None) for value in found):
            raise self.damage("a row has no number")
        return tuple(-1 if value is None else value for value in found)  # type: ignore[return-value]

    def _run(self, row: Sequence[Any], *, with_metrics: bool) -> Run:
        point, path, state, attempts, kind, reason, invariant, digest, metrics, shadow, seconds = row
        texts = (state, kind, reason), (invariant, digest, metrics, shadow)
        good = (
            all(type(value) is int and value >= 0 for value in (point, path, attempts))
            and all(isinstance(text, str) for text in texts[0])
            and all(isinstance(text, str | None) for text in texts[1])
            and isinstance(seconds, float)
        )
        figures: dict[str, Any] | None = None
        if good and with_metrics and metrics is not None:
            figures = self._parsed(metrics)
            good = all(isinstance(value, int | float | None) for value in figures.values())
        if not good:
            raise self.damage(f"the row of point {point!r:.20}, path {path!r:.20} is none of ours")
        return Run(
            point=point,
            path=path,
            state=state,
            attempts=attempts,
            kind=kind,
            reason=reason,
            invariant=invariant,
            digest=digest,
            shadow=shadow,
            seconds=seconds,
            metrics=figures,
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
        except sqlite3.IntegrityError:
            raise  # a mistake of ours, not of the file
        except sqlite3.DatabaseError as error:
            name: str | None = getattr(error, "sqlite_errorname", None)
            if name is None or name.startswith(_OF_DAMAGE):  # without a name: text that is no UTF-8
                raise self.damage(" ".join(str(error).split())[:200]) from None
            raise RunError(f"{self.folder / LEDGER}: cannot write: {error}") from error
        except UnicodeDecodeError:  # of SQLite's own message, which quotes what is damaged
            raise self.damage("it holds text that is no UTF-8") from None
        except OSError as error:
            raise RunError(f"{self.folder / LEDGER}: cannot write: {error}") from error


def require_extent(ledger: Ledger, plan: Plan) -> None:
    """Refuse a ledger with paths beyond its plan, which never shrinks.

    Raises
    ------
    InputError
        It has some.
    """
    point, path = ledger.extent()
    if point >= len(plan.points) or path >= plan.paths:
        raise ledger.damage(f"point {point}, path {path} is beyond its plan")


_SEAL = "sha256"
_LONGEST_VALUE = 32 * 2**20
_OF_DAMAGE = (
    "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_TOOBIG", "SQLITE_FORMAT", "SQLITE_MISMATCH",
    "SQLITE_IOERR_SHORT_READ",
)  # fmt: skip


def _hash(row: Sequence[Any]) -> str:
    try:
        return sha256_hex(canonical_json(list(row)))
    except (TypeError, ValueError):  # bytes or NaN, which no row of ours holds
        return ""


def _schema_of(database: sqlite3.Connection) -> list[tuple[str, ...]]:
    return database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()


def _check_files(folder: Path) -> None:
    """Refuse links, pipes and devices where SQLite would open them."""
    if not folder.is_dir():
        raise RunError(f"{folder}: cannot write: there is no such folder")
    files = Folder(folder)
    for name in LEDGER_FILES:
        if files.has(name):
            files.open(name, LEDGER_BOUND).close()


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
    except sqlite3.DatabaseError as error:
        if lock is not None:
            lock.close()
        raise InputError(f"{folder / LOCK}: is damaged ({error}); delete it") from None
    return lock
