"""What a run leaves behind: the results folder, written whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_text, ensure_directory
from sim.engine.tables import TableWriter

RUN_FILES = ("manifest.json", "summary.json", "timing.json", "report.html")
MARKER = "manifest.json"


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


class ResultsFolder:
    """Collects a run's files in a folder beside the final one and moves it into place at the end."""

    def __init__(self, folder: Path) -> None:
        """Check that the folder can be made before any work is done.

        Raises
        ------
        InputError
            It exists and is not an earlier run.
        RunError
            It cannot be written.
        """
        self.folder = folder
        if folder.exists() and (
            not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARKER).is_file())
        ):
            raise InputError(f"{folder}: exists and is not a run folder; choose another --out")
        ensure_directory(folder.parent)
        try:
            self._temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
            self._temporary.chmod(0o755)
        except OSError as error:
            raise RunError(f"{folder.parent}: cannot write: {error.strerror or error}") from error

    @property
    def path(self) -> Path:
        """Where to write until ``publish``."""
        return self._temporary

    def write_tables(self, tables: Mapping[str, TableWriter]) -> None:
        """Write every table."""
        for table in tables.values():
            table.write(self._temporary)

    def publish(self) -> Path:
        """Move the finished folder into place, replacing an earlier run."""
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            self._temporary.rename(self.folder)
        except OSError as error:
            raise RunError(f"{self.folder}: cannot write: {error.strerror or error}") from error
        return self.folder

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._temporary, ignore_errors=True)
