"""How a run was asked for, and the inputs that make it repeatable."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.chain.compile import own_imports
from sim.core.errors import InputError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.plugins import PLUGINS, active
from sim.engine.blocks.loop import Progress
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.metrics.worlds import Worlds
from sim.protocol.contracts import RISK_MODELS, SOURCES

INPUTS = Path("inputs")
CONTRACTS = "contracts"
"""Key, among the inputs, of a folder of contracts that replaced the shipped ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run a scenario."""

    out: Path
    """Results folder."""
    engine: str | None = None
    """None picks the fastest engine that is installed."""
    worlds: Worlds = "forced"
    """Worlds to run beside it, which words of cause are differences to."""
    without_flow_of: tuple[int, ...] = ()
    """Accounts for each of which the run is made once more with its forced closes moving no price outside."""
    prices: Path | None = None
    """Recorded prices for market 0; the run then covers the whole file."""
    keep_blocks: bool = False
    """With ``prices``: run the scenario's number of blocks, not the whole file."""
    whole_file: bool = False
    """With ``prices``: run the whole file however long it is."""
    overrides: tuple[str, ...] = ()
    """Command-line changes of the scenario, as written; recorded in the manifest."""
    contracts: Path | None = None
    """Folder of contracts to deploy instead of the shipped ones, laid out alike."""
    path: PathChoice | None = None
    """One of the scenario's paths instead of the plain run, whose every draw has the scenario's own seed."""
    begin: Callable[[Scenario, Sequence[str]], None] | None = None
    """Called before the first block with the scenario as it will be run, and remarks on its price files."""
    progress: Callable[[Progress], None] | None = None
    finish: Callable[[Path], object] | None = None
    """Called with the folder before it is put into place: what it writes there (a report) comes with it."""


def checked_contracts(folder: Path) -> Path:
    """Return a folder of contracts that the user named, once it is laid out as ours is.

    Raises
    ------
    InputError
        It is no folder, or misses a contract.
    """
    if not folder.is_dir():
        raise InputError(f"--contracts {folder}: there is no such folder")
    missing = [
        source for source in (*SOURCES.values(), *RISK_MODELS.values()) if not (folder / source).is_file()
    ]
    if missing:
        raise InputError(f"--contracts {folder}: has no {missing[0]}; it must be laid out as Seawall's own")
    return folder.resolve()


def copy_inputs(scenario: Scenario, options: RunOptions, folder: Path) -> dict[str, str]:
    """Copy every file a run read into ``inputs/``, so that the folder alone can be replayed.

    Returns
    -------
    dict
        File reference (``protocol.risk_model``, ``markets.0.price.file``, or ``prices`` for the command
        line's file, ``plugins.NAME.py``) -> path below ``folder``; every file keeps its name,
        and a contract has beside it what it imports. ``contracts`` is a folder.
    """
    references = [(reference, scenario.file(reference)) for reference, _ in scenario.file_references()]
    if options.prices is not None:
        references = [item for item in references if item[0] != "markets.0.price.file"]
        references.append(("prices", options.prices))
    copied: dict[str, str] = {}
    for reference, path in references:
        files = with_imports(path, search_root=options.contracts)
        for source, place in files.items():
            _copy(source, folder / INPUTS / reference.replace(".", "_") / place)
        copied[reference] = (INPUTS / reference.replace(".", "_") / files[path.resolve()]).as_posix()
    for plugin in active():
        target = INPUTS / PLUGINS / plugin.path.name
        ensure_directory(folder / target.parent)
        atomic_write_bytes(folder / target, plugin.content)
        copied[f"{PLUGINS}.{plugin.path.name}"] = target.as_posix()
    if options.contracts is not None:
        for source in sorted(options.contracts.rglob("*.vy*")):
            _copy(source, folder / INPUTS / CONTRACTS / source.relative_to(options.contracts))
        copied[CONTRACTS] = (INPUTS / CONTRACTS).as_posix()
    return copied


def with_imports(path: Path, *, search_root: Path | None = None) -> dict[Path, Path]:
    """Return a file and, of a contract, what it imports -> places in which they find one another again.

    Parameters
    ----------
    search_root
        Folder of contracts instead of the shipped ones.
    """
    path = path.resolve()
    imports = own_imports(path, search_root=search_root) if path.suffix == ".vy" else ()
    base = Path(os.path.commonpath([path.parent, *(item.parent for item in imports)]))
    return {item: item.relative_to(base) for item in (path, *imports)}


def _copy(source: Path, target: Path) -> None:
    ensure_directory(target.parent)
    atomic_write_bytes(target, source.read_bytes())
