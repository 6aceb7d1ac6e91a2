"""What a run leaves behind: the results folder, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_text, ensure_directory, fsync_directory
from sim.core.folders import Folder, is_record
from sim.engine.blocks.tables import TABLES, TableWriter
from sim.engine.options import INPUTS

OBSERVED = "observed.parquet"
FINDINGS = "findings.json"
REPORT = "report.html"
MARKER = "manifest.json"
CRASH_FILE = "crash.json"
UNFINISHED = "unfinished.json"
"""Lies in a folder of results while a run that shall replace them is under way, and after it failed."""
RUN_FILES = (
    MARKER, UNFINISHED, "summary.json", "timing.json", FINDINGS, REPORT, OBSERVED, INPUTS.name,
    *(f"{name}.parquet" for name in TABLES),
)  # fmt: skip
"""Everything a run leaves in its folder."""

_HARMLESS = (".DS_Store", "Thumbs.db")  # what file managers leave where somebody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A finished run."""

    summary: dict[str, object]
    folder: Path
    digest: str
    expectations: list[tuple[str, bool]]
    """(line, met) for each bound of the scenario's ``[expect]``."""


def write_json(path: Path, value: object) -> None:
    """Write readable JSON, keys in the order given."""
    atomic_write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def settled_folder(folder: Path) -> Path:
    """Return the folder that a path stands for, once it is clear that it can be put into place as a whole.

    Raises
    ------
    InputError
        It is a file, the current folder or one above, or a mount point: none of them can be replaced.
    """
    settled = folder.resolve() if folder.name in ("", "..") or folder.is_symlink() else folder
    if settled.exists() and not settled.is_dir():
        raise InputError(f"--out {folder}: is a file, not a folder")
    if settled.exists() and Path.cwd().is_relative_to(settled.resolve()):
        raise InputError(f"--out {folder}: is the current folder or holds it, name a folder inside it")
    if os.path.ismount(settled):
        raise InputError(f"--out {folder}: is a mount point, name a folder inside it")
    return settled


def check_run_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier run: nobody's files are written over.

    Raises
    ------
    InputError
        It does. A ``manifest.json`` alone proves nothing, web applications have one too; and what somebody
        put beside the files of a run would go with them.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not names:
        return
    if not is_record(folder, MARKER, keys=("digest", "scenario")):
        raise InputError(f"--out {folder}: holds files that are not a run, choose another folder")
    foreign = [name for name in names if name not in (*RUN_FILES, *_HARMLESS) and not _is_leftover(name)]
    if foreign:
        raise InputError(
            f"--out {folder}: holds {foreign[0]} beside a run, which would be lost; choose another folder"
        )


def _is_leftover(name: str) -> bool:
    """Return whether a name is that of a file which a killed process had not finished writing."""
    return name.startswith(tuple(f".{file}." for file in RUN_FILES)) and name.endswith(".tmp")


class ResultsFolder:
    """Collects a run's files in a folder beside the final one and moves it into place at the end."""

    def __init__(self, folder: Path, *, marker: str = MARKER) -> None:
        """Check that the folder can be made before any work is done.

        Parameters
        ----------
        marker
            Record by which an earlier folder of the same kind is known.

        Raises
        ------
        InputError
            It cannot be replaced, or holds files but no manifest. What kind of manifest it must be, the
            caller checks.
        RunError
            It cannot be written.
        """
        self.folder = folder = settled_folder(folder)
        if folder.exists() and any(folder.iterdir()) and not Folder(folder).has(marker):
            raise InputError(f"--out {folder}: holds files that are not a run, choose another folder")
        ensure_directory(folder.parent)
        self._temporary = self._beside()
        if folder.exists() and any(folder.iterdir()):
            # Whatever becomes of this run, a kill too: nobody takes the earlier results for its own.
            write_json(folder / UNFINISHED, {"what": "a run that shall replace this folder was started"})

    @property
    def path(self) -> Path:
        """Where to write until ``publish``."""
        return self._temporary

    def write_tables(self, tables: Mapping[str, TableWriter[Any]]) -> None:
        """Write every table."""
        for table in tables.values():
            table.write(self._temporary)

    def publish(self) -> Path:
        """Move the finished folder into place; an earlier one goes only once this one is there."""
        earlier: Path | None = None
        try:
            if self.folder.exists():
                earlier = self._beside() / self.folder.name
                self.folder.rename(earlier)
            self._temporary.rename(self.folder)
            fsync_directory(self.folder.parent)
        except OSError as error:
            if earlier is not None and earlier.exists() and not self.folder.exists():
                earlier.rename(self.folder)
            raise RunError(f"{self.folder}: cannot write: {error.strerror or error}") from error
        finally:
            if earlier is not None and self.folder.exists():
                shutil.rmtree(earlier.parent, ignore_errors=True)
        return self.folder

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._temporary, ignore_errors=True)

    def in_place(self, message: str) -> str:
        """Return a message about the folder under its final name, which is the one the user knows."""
        return message.replace(str(self._temporary), str(self.folder))

    def _beside(self) -> Path:
        """Return a new hidden folder beside the final one."""
        parent = self.folder.parent
        try:
            created = Path(tempfile.mkdtemp(dir=parent, prefix=f".{self.folder.name}."))
            created.chmod(0o755)
        except OSError as error:
            raise RunError(f"{parent}: cannot write: {error.strerror or error}") from error
        return created
