"""What the options mean: which file a scenario's name is, which overrides, which folder."""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import sim
from sim.core.errors import InputError, RunError
from sim.engine.scenario_load import Override
from sim.engine.scenario_messages import nearest


class Engine(StrEnum):
    """The EVMs a run can execute on; the digest is the same on all."""

    REVM = "revm"
    PYEVM = "pyevm"
    ETHTESTER = "ethtester"


def shipped_folder() -> Path:
    """Return the folder of the scenarios that ship: inside the package, or beside it in a checkout."""
    package = Path(sim.__file__).resolve().parent
    packaged = package / "_scenarios"
    return packaged if packaged.is_dir() else package.parent / "scenarios"


def chosen_scenario(argument: str) -> Path:
    """Return the scenario file of a path, or of the bare name of one that ships.

    Raises
    ------
    InputError
        If there is no such file; the nearest shipped name is suggested.
    """
    path = Path(argument)
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    shipped = {file.stem: file for file in sorted(shipped_folder().glob("*.toml"))}
    if argument not in shipped:
        raise InputError(f"{argument}: there is no such scenario{nearest(argument, tuple(shipped))}")
    return shipped[argument]


def command_line_overrides(
    seed: int | None, blocks: int | None, changes: Sequence[str]
) -> list[str | Override]:
    """Return the overrides of a command line, ``--set`` first and ``--seed`` and ``--blocks`` after."""
    overrides: list[str | Override] = list(changes)
    for name, value in (("seed", seed), ("blocks", blocks)):
        if value is not None:
            overrides.append(Override(path=(name,), value=value, text=f"--{name} {value}"))
    return overrides


def output_folder(chosen: Path | None, name: str, seed: int) -> Path:
    """Return the results folder, checked before any work is done.

    Raises
    ------
    InputError
        If the folder cannot be replaced, or holds more than a run: nobody's files are written over.
    RunError
        If it cannot be written.
    """
    from sim.engine.result import check_run_folder, settled_folder  # noqa: PLC0415  (slow to import)

    folder = settled_folder(chosen if chosen is not None else Path("results") / f"{name}-{seed}")
    check_run_folder(folder)
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise RunError(f"--out {folder}: {existing} cannot be written")
    return folder
