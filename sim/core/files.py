"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sim.core.errors import RunError


def ensure_directory(path: Path) -> None:
    """Create the folder `path` and its parents if they are missing.

    Raises
    ------
    RunError
        It cannot be created or is not a folder.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path}: cannot create folder: {error.strerror or error}") from error


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`: temporary file beside it, fsync, rename, fsync of the folder.

    The rename is atomic on POSIX file systems; the second fsync makes it survive a power cut.

    Raises
    ------
    RunError
        The file system refused; `path` then holds what it held before.
    """
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)  # mkstemp makes files private; results are meant to be shared
        Path(temporary).replace(path)
        temporary = ""
        fsync_directory(path.parent)
    except OSError as error:
        raise RunError(f"{path}: cannot write: {error.strerror or error}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def atomic_write_text(path: Path, content: str) -> None:
    """Write `content` to `path` in UTF-8 with LF line ends; see `atomic_write_bytes`."""
    atomic_write_bytes(path, content.encode("utf-8"))


def publish_file(temporary: Path, path: Path) -> None:
    """Give a file that is finished under a temporary name beside `path` its final name, durably.

    For content that another library writes, such as Parquet tables.

    Raises
    ------
    RunError
        The file system refused.
    """
    try:
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
        fsync_directory(path.parent)
    except OSError as error:
        raise RunError(f"{path}: cannot write: {error.strerror or error}") from error


def fsync_directory(path: Path) -> None:
    """Flush a folder's entries to disk where the platform can (Windows cannot open folders)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
