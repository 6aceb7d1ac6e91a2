"""From a results folder to its page: what every command writes last, and ``seawall report`` writes again."""

from __future__ import annotations

from pathlib import Path

from sim.core.files import atomic_write_text
from sim.core.folders import Folder
from sim.engine.results.result import MARKER, REPORT
from sim.experiments.sweep.result import SWEEP_FILE
from sim.reporting.findings.blocks import Findings
from sim.reporting.findings.folder import POST, checked_findings, read_findings, write_findings
from sim.reporting.findings.run import run_findings
from sim.reporting.findings.sweep import sweep_findings
from sim.reporting.pages.html import render_html
from sim.reporting.pages.post import render_post

POSTED = frozenset({"compare"})
"""Commands whose findings are discussed in a forum."""


def publish(found: Findings, folder: Path) -> Path:
    """Write findings into a folder, seal them, make the page from the file written; return its path.

    Raises
    ------
    RunError
        They cannot be written.
    """
    write_findings(found, folder)
    return _render(read_findings(folder), folder)


def remake(folder: Path) -> Path:
    """Make the page of a folder again, once every file its manifest names was found unchanged.

    No path is run; the bytes are those the command wrote. A run or sweep that was left without
    findings (by the engine alone, or because a sweep was broken off) gets them now, from its tables.

    Raises
    ------
    InputError
        The folder is none of a command's, or a file in it is not the one its manifest names.
    RunError
        The page cannot be written.
    """
    opened = Folder(folder)
    if opened.has(SWEEP_FILE) and not opened.has(MARKER):
        return publish(sweep_findings(folder), folder)
    # A run in the evidence of a suite is sealed there: its page is made, and nothing that is sealed changes.
    return _render(checked_findings(folder) or run_findings(folder), folder)


def _render(found: Findings, folder: Path) -> Path:
    if found.command in POSTED:
        atomic_write_text(folder / POST, render_post(found))
    target = folder / REPORT
    atomic_write_text(target, render_html(found))
    return target
