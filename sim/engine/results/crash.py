"""Crash reports: what it takes to see a broken invariant again."""

from __future__ import annotations

import os
from pathlib import Path

from sim.core.errors import InputError, InvariantViolation
from sim.core.folders import write_record
from sim.engine.options import INPUTS, RunOptions, copy_inputs
from sim.engine.results.manifest import plugin_records, versions
from sim.engine.results.result import CRASH_FILE, UNFINISHED, ResultsFolder
from sim.engine.scenario.schema import Scenario


def crash_folder(out: Path) -> Path:
    """Return where the crash report of a run into ``out`` goes."""
    return out.with_name(out.name + "-crash")


def check_crash_folder(out: Path) -> None:
    """Refuse a place for the crash report that holds anything but an earlier one, before a run needs it.

    Raises
    ------
    InputError
        It does: nobody's files are written over.
    """
    folder = crash_folder(out)
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"--out {out}: a crash report would go to {folder}, which is a file; move it away")
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in names if name not in (CRASH_FILE, INPUTS.name, UNFINISHED)]
    if foreign or (names and CRASH_FILE not in names):
        raise InputError(
            f"--out {out}: a crash report would go to {folder}, which holds {(foreign or names)[0]}; "
            "choose another folder"
        )


def write_crash_report(scenario: Scenario, options: RunOptions, violation: InvariantViolation) -> Path:
    """Write scenario, inputs and finding beside the results folder; return the file.

    An earlier report there is replaced as a whole, so that no file of two crashes mixes.
    """
    results = ResultsFolder(crash_folder(options.out), marker=CRASH_FILE)
    report = {
        "invariant": violation.invariant,
        "block": violation.block,
        "message": violation.message,
        "engine": options.engine,
        "keep_blocks": options.keep_blocks,
        **({} if options.path is None else {"path": options.path.record()}),
        **plugin_records(),
        "inputs": copy_inputs(scenario, options, results.path),
        "scenario": scenario.canonical(),
        "versions": versions(),
    }
    write_record(results.path, CRASH_FILE, report)
    return results.publish() / CRASH_FILE
