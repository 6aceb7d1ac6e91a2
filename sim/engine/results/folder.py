"""A run's folder read back: every command that reads one goes through here, and believes nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.chain.compile import refuse_outside
from sim.core.columns import schema_of
from sim.core.errors import InputError
from sim.core.folders import INPUT, Folder, check_all, damaged, open_record
from sim.core.parquet import Keep, read_table
from sim.core.plugins import PLUGINS, active, require_named
from sim.engine.blocks.rows import ObservedRow
from sim.engine.blocks.run_digest import SCHEMA_VERSION
from sim.engine.blocks.tables import TABLES
from sim.engine.options import CONTRACTS, INPUTS
from sim.engine.results.result import CRASH_FILE, MARKER, OBSERVED, UNFINISHED
from sim.engine.scenario.compose import scenario_of
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MANIFEST: Mapping[str, type | tuple[type, ...]] = {
    "title": str, "question": str, "digest": str, "seed": int, "blocks": int, "engine": str, "worlds": str,
    "without_flow_of": list,
    "scenario_sha256": str, "scenario": dict, "overrides": list, "inputs": dict, "contracts": dict,
    "prices": (dict, type(None)), "gas_profile_sha256": str, "gas_profile_is_of_these_contracts": bool,
    "raised_openings": int, "agents": list, "outside_market": list, "shocks": list, "versions": dict,
    "assumptions": (dict, list),
}  # fmt: skip
"""Keys that a manifest has if it has been sealed by us, and what they hold."""

_CRASH: Mapping[str, type | tuple[type, ...]] = {
    "invariant": str, "block": int, "message": str, "engine": (str, type(None)), "inputs": dict,
    "scenario": dict, "versions": dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of a finished run, each checked against the manifest when it is read."""

    folder: Folder
    manifest: dict[str, Any]

    def table(self, name: str, *, without: Sequence[str] = (), keep: Keep | None = None) -> pa.Table:
        """Return a table of the run, ``blocks`` for example.

        Parameters
        ----------
        without
            Columns that are not needed.
        keep
            Which rows are needed, all by default.

        Raises
        ------
        InputError
            It is missing, was changed, or is no such table.
        """
        schema = schema_of(TABLES[name])
        columns = [column for column in schema.names if column not in without] if without else None
        return read_table(self.folder, f"{name}.parquet", schema, columns=columns, keep=keep)

    def observed(self) -> pa.Table | None:
        """Return the liquidations observed in the price file, None if it told none."""
        if OBSERVED not in (self.folder.hashes or {}):
            return None
        return read_table(self.folder, OBSERVED, schema_of(ObservedRow))

    def summary(self) -> dict[str, Any]:
        """Return ``summary.json``.

        Raises
        ------
        InputError
            It is missing, was changed, or holds something else than figures.
        """
        found = self.folder.json("summary.json")
        for key, value in found.items():
            if not isinstance(value, int | float | str | type(None)):
                raise InputError(damaged(self.folder.path / "summary.json", f"{key[:100]}: is no figure"))
        return found


def refuse_unfinished(folder: Folder) -> None:
    """Refuse a folder whose results are older than what was last begun in it.

    Raises
    ------
    InputError
        A later run into it did not finish.
    """
    if folder.has(UNFINISHED):
        raise InputError(
            f"{folder.path / UNFINISHED}: a later run into this folder did not finish, what lies there is of "
            "an earlier one; run it again, or delete this file to go on with the earlier run"
        )


def open_run(path: Path) -> RunFiles:
    """Return the files of a finished run.

    Raises
    ------
    InputError
        The folder is no run, its manifest is damaged, or a later run into it did not finish.
    """
    bare = Folder(path)
    refuse_unfinished(bare)
    if not bare.has(MARKER) and bare.has(CRASH_FILE):
        raise InputError(
            f"{path / CRASH_FILE}: is the report of a run that broke an invariant and left no results; see "
            f"seawall explain {path}"
        )
    folder, manifest = open_record(path, MARKER, what="run")
    kind = manifest.get("kind")
    if kind is not None:
        raise InputError(f"{path / MARKER}: is of another kind ({str(kind)[:100]}), not of seawall run")
    version = manifest.get("schema_version", 1)
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path / MARKER}: schema_version is {str(version)[:100]}, this version of Seawall reads "
            f"{SCHEMA_VERSION}; run it again"
        )
    _check_types(path / MARKER, manifest, _MANIFEST)
    check_all(folder)
    return RunFiles(folder=folder, manifest=manifest)


def sealed_table(path: Path, name: str) -> pd.DataFrame:
    """Return a table of any command's folder, ``NAME.parquet``, held against its manifest.

    Raises
    ------
    InputError
        The manifest or the table is missing or damaged.
    """
    folder, _ = open_record(path, MARKER, what="results of a command")
    frame: pd.DataFrame = read_table(folder, f"{name}.parquet", None).to_pandas()
    return frame


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """What a run was: read back from a manifest or a crash report, to be executed again."""

    folder: Path
    data: dict[str, Any]
    scenario: Scenario
    prices: Path | None
    contracts: Path | None
    """Folder of the contracts that were deployed instead of the shipped ones."""
    path: PathChoice | None = None
    """Path of the scenario that was run; None for the plain run."""


def stored_run(files: RunFiles) -> StoredRun:
    """Return what the run of a folder was, its inputs checked.

    Raises
    ------
    InputError
        An input is missing or was changed, the scenario is none, or plug-ins took part that the user did
        not name.
    """
    return _stored(files.folder, MARKER, files.manifest)


def stored_crash(path: Path) -> StoredRun:
    """Return what the run of a crash report was.

    Parameters
    ----------
    path
        The folder of ``crash.json``.

    Raises
    ------
    InputError
        It holds no crash report, or a damaged one.
    """
    folder, report = open_record(path, CRASH_FILE, what="crash report")
    _check_types(path / CRASH_FILE, report, _CRASH)
    return _stored(folder, CRASH_FILE, report)


def _stored(folder: Folder, record: str, data: dict[str, Any]) -> StoredRun:
    place = folder.path / record
    require_named(data.get(PLUGINS), active(), str(place))
    known = folder.hashes or {}
    if folder.has(INPUTS.name):
        for name in folder.names(INPUTS.name):  # a file more could stand in for one that is imported
            folder.check(name, INPUT)
    files: dict[str, Path] = {}
    for reference, relative in data["inputs"].items():
        inside = isinstance(relative, str) and relative.startswith(f"{INPUTS.name}/")
        if reference == CONTRACTS:
            exists = inside and any(name.startswith(f"{relative}/") for name in known)
        else:
            exists = inside and relative in known
        if not exists:
            raise InputError(
                damaged(place, f"inputs.{reference}: {str(relative)[:200]} is not among its files")
            )
        files[reference] = folder.path / relative
        if reference != CONTRACTS:
            folder.check(relative, INPUT)
    prices, contracts = files.pop("prices", None), files.pop(CONTRACTS, None)
    files = {reference: file for reference, file in files.items() if not reference.startswith(f"{PLUGINS}.")}
    try:
        scenario = scenario_of(data["scenario"], files)
    except InputError as error:
        raise InputError([f"{place}: scenario.{problem}" for problem in error.problems]) from None
    sources = [file for file in files.values() if file.suffix == ".vy"]
    if contracts is not None:
        sources += [
            folder.path / name for name in known if name.startswith(_CONTRACTS) and name.endswith(".vy")
        ]
    for source in sources:
        for outside in refuse_outside(source, folder.path / INPUTS, search_root=contracts):
            raise InputError(damaged(source, outside))
    missing = [name for name, _ in scenario.file_references() if name not in files]
    if prices is not None:
        missing = [name for name in missing if name != "markets.0.price.file"]
    if missing:
        raise InputError(damaged(place, f"inputs.{missing[0]}: is missing"))
    return StoredRun(
        folder=folder.path,
        data=data,
        scenario=scenario,
        prices=prices,
        contracts=contracts,
        path=PathChoice.from_record(data.get("path"), str(place)),
    )


_CONTRACTS = f"{INPUTS.name}/{CONTRACTS}/"


def _check_types(place: Path, data: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]]) -> None:
    for key, kind in kinds.items():
        if key not in data:
            raise InputError(damaged(place, f"{key}: is missing"))
        value = data[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise InputError(damaged(place, f"{key}: is of the wrong type"))
