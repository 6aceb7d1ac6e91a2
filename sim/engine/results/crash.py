"""Crash reports: what it takes to see a broken invariant again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.core.errors import InputError, InvariantViolation
from sim.core.files import ensure_directory
from sim.core.plugins import PLUGINS, active, require_named
from sim.engine.options import CONTRACTS, RunOptions, copy_inputs
from sim.engine.results.manifest import plugin_records, versions
from sim.engine.results.result import write_json
from sim.engine.scenario.compose import scenario_of
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario

CRASH_FILE = "crash.json"


def crash_folder(out: Path) -> Path:
    """Return where the crash report of a run into ``out`` goes."""
    return out.with_name(out.name + "-crash")


def write_crash_report(scenario: Scenario, options: RunOptions, violation: InvariantViolation) -> Path:
    """Write scenario, inputs and finding beside the results folder; return the file."""
    folder = crash_folder(options.out)
    ensure_directory(folder)
    report = {
        "invariant": violation.invariant,
        "block": violation.block,
        "message": violation.message,
        "engine": options.engine,
        "keep_blocks": options.keep_blocks,
        **({} if options.path is None else {"path": options.path.record()}),
        **plugin_records(),
        "inputs": copy_inputs(scenario, options, folder),
        "scenario": scenario.canonical(),
        "versions": versions(),
    }
    path = folder / CRASH_FILE
    write_json(path, report)
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run read back from a manifest or a crash report."""

    folder: Path
    data: dict[str, Any]
    scenario: Scenario
    prices: Path | None
    contracts: Path | None
    """Folder of the contracts that were deployed instead of the shipped ones."""
    path: PathChoice | None = None
    """Path of the scenario that was run; None for the plain run."""


def load_stored(path: Path) -> StoredRun:
    """Read the scenario and inputs that a manifest or crash report describes.

    Raises
    ------
    InputError
        The file is missing, is not JSON, or misses what it should hold; or plug-ins took part that the user
        did not name.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("scenario"), dict):
        raise InputError(f"{path}: holds no scenario")
    require_named(data.get(PLUGINS), active(), str(path))
    inputs = data.get("inputs", {})
    if not isinstance(inputs, dict) or not all(isinstance(item, str) for item in inputs.values()):
        raise InputError(f"{path}: inputs: must be a table of file names")
    files: dict[str, Path] = {}
    for reference, relative in inputs.items():
        file = (path.parent / relative).resolve()
        exists = file.is_dir() if reference == CONTRACTS else file.is_file()
        if not file.is_relative_to(path.parent.resolve()) or not exists:
            kind = "folder" if reference == CONTRACTS else "file"
            raise InputError(f"{path}: inputs.{reference}: {relative} is not a {kind} of this folder")
        files[reference] = file
    prices, contracts = files.pop("prices", None), files.pop(CONTRACTS, None)
    files = {reference: file for reference, file in files.items() if not reference.startswith(f"{PLUGINS}.")}
    try:
        scenario = scenario_of(data["scenario"], files)
    except InputError as error:
        raise InputError([f"{path}: scenario.{problem}" for problem in error.problems]) from None
    return StoredRun(
        folder=path.parent,
        data=data,
        scenario=scenario,
        prices=prices,
        contracts=contracts,
        path=PathChoice.from_record(data.get("path"), str(path)),
    )
