"""Results folders are hostile input: the one way to open a file of one, and to say that it is damaged.

Whoever hands over a folder may have put anything into it: a link to an endless device, a pipe nobody writes
to, a file of a terabyte, JSON nested a million deep. Opened are only regular files below the folder, none
through a link, of a size that is known to fit. A record (``manifest.json``, ``sweep.json``) is sealed: it
holds the SHA-256 of every file beside it and of itself, so that damage is told apart from results. A seal is
no signature: whoever changes a folder on purpose can seal it again. What a folder says is proven by
``seawall replay`` alone.

Files that are exchanged while they are read are not defended against: who can do that owns the machine.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.errors import InputError
from sim.core.files import atomic_write_text

FILES = "files"
"""Key of a record: name below the folder -> SHA-256."""

SEAL = "seal"
"""Key of a record: SHA-256 of its canonical JSON without this key."""

NOT_SEALED = ("timing.json", "report.html")
"""Wall-clock facts, different every time; pages, which are remade from the folder and never read."""

REMEDY = "take an undamaged copy of the folder or make it again"

DEPTH = 64
"""Levels a record may nest; a scenario has six."""

DIGITS = 80
"""Digits an integer of a record may have; the largest word of a contract has 78."""

_MIB = 2**20
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that one kind of file may hold."""

    kind: str
    bytes: int


RECORD = Bound("a record", 24 * _MIB)  # a plan of 50,000 points has 12 MiB
TABLE = Bound("a table", 256 * _MIB)
INPUT = Bound("an input", 256 * _MIB)  # price files are bounded so too
SEALED = Bound("a file", 2048 * _MIB)  # hashed piece by piece, never in memory; two seconds at most
LEDGER = Bound("a ledger", 16 * 1024 * _MIB)  # read row by row, never whole


class Folder:
    """A results folder whose files are opened one by one, each checked first."""

    def __init__(self, path: Path, hashes: Mapping[str, str] | None = None) -> None:
        """Take a folder as it is given: the folder itself may be a link, the user named it.

        Parameters
        ----------
        hashes
            SHA-256 that files must have, by name below the folder; None where no record tells them.

        Raises
        ------
        InputError
            There is no such folder.
        """
        if not path.is_dir():
            raise InputError(f"{path}: there is no such folder")
        self.path = path
        self.hashes = hashes

    def has(self, name: str) -> bool:
        """Return whether there is anything of this name, whatever it is."""
        return os.path.lexists(self._place(name))

    def open(self, name: str, bound: Bound) -> BinaryIO:
        """Open a regular file for reading.

        Raises
        ------
        InputError
            It is missing, no regular file, reached through a link, or larger than its kind may be.
        """
        place = self._place(name)
        try:
            self._refuse_links(place)
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(place, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise InputError(damaged(place, _why(error))) from None
        stream = os.fdopen(descriptor, "rb")
        size = os.fstat(descriptor).st_size
        if size > bound.bytes:
            stream.close()
            most = bound.bytes // _MIB
            raise InputError(damaged(place, f"is larger than {most:,} MiB, the most {bound.kind} may have"))
        return stream

    def read(self, name: str, bound: Bound) -> bytes:
        """Return the content of a file, checked against its hash if one is known.

        Raises
        ------
        InputError
            See `open`; or the content is not what the record says.
        """
        with self.open(name, bound) as stream, self._reading(name):
            content = stream.read(bound.bytes + 1)
        if len(content) > bound.bytes:  # it grew since it was measured
            raise InputError(damaged(self._place(name), f"grows while it is read, {bound.kind} does not"))
        self._compare(name, sha256_hex(content) if self.hashes is not None else "")
        return content

    def check(self, name: str, bound: Bound) -> Path:
        """Return the place of a file that another reader will open, after the same checks as `read`.

        Raises
        ------
        InputError
            See `read`.
        """
        with self.open(name, bound) as stream, self._reading(name):
            if self.hashes is not None:
                digest = hashlib.sha256()
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                self._compare(name, digest.hexdigest())
        return self._place(name)

    def json(self, name: str, bound: Bound = RECORD) -> dict[str, Any]:
        """Return the object of a JSON file.

        Raises
        ------
        InputError
            See `read`; or it is no JSON object, is nested too deeply, names a key twice, or holds a number
            that no record of ours has.
        """
        return parse_object(self._place(name), self.read(name, bound))

    def names(self, below: str = "") -> Iterator[str]:
        """Yield the name of every file below a folder of this one, sorted, links and pipes not left out.

        Raises
        ------
        InputError
            A folder is a link, or cannot be listed.
        """
        place = self._place(below) if below else self.path
        try:
            if below:
                self._refuse_links(place, last=stat.S_ISDIR)
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            raise InputError(damaged(place, _why(error))) from None
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self.names(name)
            else:
                yield name

    def _place(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        bad = not parts or "\0" in name or "\\" in name or name.startswith("/") or ".." in parts
        if bad or PurePosixPath(*parts).as_posix() != name or Path(*parts).drive:
            raise InputError(damaged(self.path, f"names {name[:200]!r}, which is no file below it"))
        return self.path.joinpath(*parts)

    def _refuse_links(self, place: Path, last: Any = stat.S_ISREG) -> None:
        """Raise OSError unless every step below the folder is a folder, and the last what is wanted."""
        step = self.path
        parts = place.relative_to(self.path).parts
        for number, part in enumerate(parts, 1):
            step /= part
            mode = os.lstat(step).st_mode
            wanted = last if number == len(parts) else stat.S_ISDIR
            if not wanted(mode):
                raise _NotAFileError(_KINDS.get(stat.S_IFMT(mode), "is of an unknown kind"))

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(damaged(self._place(name), _why(error))) from None

    def _compare(self, name: str, found: str) -> None:
        if self.hashes is None:
            return
        wanted = self.hashes.get(name)
        if wanted is None:
            raise InputError(damaged(self._place(name), "is not a file that the record names"))
        if wanted != found:
            raise InputError(
                damaged(self._place(name), "is not what was written (its SHA-256 is not that of the record)")
            )


class _NotAFileError(OSError):
    """What stands at a name is no file; the message says what it is."""


_KINDS = {
    stat.S_IFDIR: "is a folder, not a file",
    stat.S_IFREG: "is a file, not a folder",
    stat.S_IFLNK: "is a link, which is not followed",
    stat.S_IFIFO: "is a pipe, not a file",
    stat.S_IFCHR: "is a device, not a file",
    stat.S_IFBLK: "is a device, not a file",
    stat.S_IFSOCK: "is a socket, not a file",
}


def _why(error: OSError) -> str:
    if isinstance(error, _NotAFileError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "is missing"
    return f"cannot be read ({error.strerror or error})"


def damaged(place: Path, what: str) -> str:
    """Return the message of a damaged results folder: the file, what is wrong, what to do."""
    return f"{place}: {what}; {REMEDY}"


def parse_object(place: Path, content: bytes) -> dict[str, Any]:
    """Return the JSON object of a file's content.

    Parameters
    ----------
    place
        For messages.

    Raises
    ------
    InputError
        It is none, is nested more than `DEPTH` deep, has a key twice, or a number that is not finite or has
        more than `DIGITS` digits.
    """
    if _depth(content) > DEPTH:  # before the parser: it recurses, and would take the process with it
        raise InputError(damaged(place, "is nested too deeply"))
    try:
        found = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except ValueError as error:
        raise InputError(damaged(place, f"is not valid JSON ({_line(error)})")) from None
    if not isinstance(found, dict):
        raise InputError(damaged(place, "holds no JSON object"))
    return found


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)  # one without an end runs to the end
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _depth(content: bytes) -> int:
    """Return how many levels of lists and objects JSON opens at most."""
    brackets = np.frombuffer(_STRING.sub(b"", content).translate(None, _NOT_BRACKETS), dtype=np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    steps = np.where(opening, np.int8(1), np.int8(-1))
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


def _line(error: ValueError) -> str:
    return (str(error).splitlines() or ["no reason given"])[0][:200]


def sealed(document: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return a record with the hashes of the files beside it, and its own.

    Parameters
    ----------
    files
        Name below the folder -> SHA-256.
    """
    content = {key: value for key, value in document.items() if key not in (FILES, SEAL)}
    content[FILES] = dict(sorted(files.items()))
    return {**content, SEAL: _seal(content)}


def _seal(content: Mapping[str, Any]) -> str:
    return sha256_hex(canonical_json({key: value for key, value in content.items() if key != SEAL}))


def write_record(
    folder: Path, name: str, document: Mapping[str, Any], *, leave_out: Iterable[str] = ()
) -> None:
    """Write a sealed record over every file that lies in a folder now.

    Parameters
    ----------
    name
        Of the record, which is written last.
    leave_out
        Names at the top that go on changing, besides `NOT_SEALED` and hidden files.

    Raises
    ------
    RunError
        It cannot be written.
    """
    skipped = {name, *leave_out}
    files = {
        found: sha256_file(folder / found)
        for found in Folder(folder).names()
        if found not in skipped
        and found.split("/", 1)[0] not in skipped
        and PurePosixPath(found).name not in NOT_SEALED
        and not any(part.startswith(".") for part in PurePosixPath(found).parts)
    }
    content = sealed(document, files)
    atomic_write_text(
        folder / name, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )


def seal_again(folder: Path, name: str, *, leave_out: Iterable[str] = ()) -> None:
    """Write the record of a folder again, over the files that lie there now: some were added or replaced.

    For a folder that this process made or has just checked: whatever lies in it is taken for true.
    """
    write_record(folder, name, Folder(folder).json(name), leave_out=leave_out)


def open_record(path: Path, name: str, *, what: str) -> tuple[Folder, dict[str, Any]]:
    """Return a folder whose files are held against its sealed record, and the record.

    Parameters
    ----------
    name
        Of the record.
    what
        Such a folder holds, for the message when the record is missing.

    Raises
    ------
    InputError
        There is no such folder or record, or the record is damaged.
    """
    bare = Folder(path)
    place = path / name
    if not bare.has(name):
        raise InputError(f"{place}: is missing: the folder holds no {what}; name one that does")
    record = bare.json(name)
    files = record.get(FILES)
    if not isinstance(files, dict) or SEAL not in record:
        raise InputError(
            f"{place}: names no hashes of its files: another program or version wrote it; make it again"
        )
    if not all(isinstance(value, str) for value in files.values()):
        raise InputError(damaged(place, f"{FILES}: must be hashes by file name"))
    if record[SEAL] != _seal(record):
        raise InputError(damaged(place, "was changed after it was written (its seal does not fit)"))
    return Folder(path, files), record


def check_all(folder: Folder) -> None:
    """Hold every file that a record names against its hash, read by the command at hand or not.

    Raises
    ------
    InputError
        One is missing or damaged.
    """
    for name in folder.hashes or {}:
        folder.check(name, SEALED)


def is_record(path: Path, name: str, *, keys: Iterable[str] = (), kind: str | None = None) -> bool:
    """Return whether a folder holds a record with some keys, or of a kind: to tell our folders from others.

    A damaged or hostile file is none.
    """
    try:
        found = Folder(path).json(name)
    except InputError:
        return False
    return found.keys() >= set(keys) and (kind is None or found.get("kind") == kind)
