"""Findings in a results folder: written beside the tables, sealed with them, checked before use."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sim.core.files import atomic_write_text
from sim.core.folders import FILES, INPUT, Bound, Folder, open_record, parse_object, seal_again, write_record
from sim.engine.results.folder import refuse_unfinished
from sim.engine.results.manifest import versions
from sim.engine.results.result import FINDINGS, MARKER
from sim.experiments.sweep.ledger import LEDGER_FILES
from sim.reporting.findings.blocks import Findings

POST = "report.md"
LARGEST = Bound("findings", 16 * 2**20)  # a page of more could hardly be opened
_OPEN_ENDED = frozenset({POST, *LEDGER_FILES})
"""What is made from the findings, and what another session of a sweep goes on with: not sealed."""


def write_findings(found: Findings, folder: Path) -> None:
    """Write ``findings.json`` and seal every file of the folder with its manifest.

    Raises
    ------
    RunError
        They cannot be written.
    """
    atomic_write_text(folder / FINDINGS, found.to_json())
    opened = Folder(folder)
    left_out = [name for name in opened.names() if PurePosixPath(name).name in _OPEN_ENDED]
    if opened.has(MARKER):
        seal_again(folder, MARKER, leave_out=left_out)
    else:
        document = {"kind": found.command, "versions": versions()}
        write_record(folder, MARKER, document, leave_out=left_out)


def read_findings(folder: Path) -> Findings:
    """Return the findings that a command has just written.

    Raises
    ------
    InputError
        There are none, or they are not what this version writes.
    """
    return _parsed(folder, Folder(folder).read(FINDINGS, LARGEST))


def checked_findings(folder: Path) -> Findings | None:
    """Return the findings of a folder whose files are those its manifest names; None if none were made.

    Raises
    ------
    InputError
        The manifest is missing or damaged, or a file is not the one it names.
    """
    refuse_unfinished(Folder(folder))
    opened, record = open_record(folder, MARKER, what="results of a command")
    for name in record[FILES]:
        opened.check(name, INPUT)
    if FINDINGS not in record[FILES]:
        return None
    return _parsed(folder, opened.read(FINDINGS, LARGEST))


def _parsed(folder: Path, content: bytes) -> Findings:
    parse_object(folder / FINDINGS, content)  # refuses what nests too deeply, and numbers that are none
    return Findings.from_json(content, str(folder / FINDINGS))
