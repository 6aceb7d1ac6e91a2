"""What the options mean: which file a scenario's name is, which overrides, which folder."""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.documents.messages import nearest
from sim.core.errors import InputError, RunError
from sim.engine.scenario.load import Override
from sim.experiments.shipped import shipped_folder, shipped_scenarios

if TYPE_CHECKING:
    from sim.engine.scenario.path_choice import PathChoice

__all__ = [
    "Engine",
    "chosen_path",
    "chosen_scenario",
    "command_line_overrides",
    "output_folder",
    "shipped_folder",
]


class Engine(StrEnum):
    """The EVMs a run can execute on; the digest is the same on all."""

    NATIVE = "native"
    REVM = "revm"
    PYEVM = "pyevm"
    ETHTESTER = "ethtester"


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
    shipped = shipped_scenarios()
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


def chosen_path(path: int | None, populations: int | None, *, antithetic: bool) -> "PathChoice | None":
    """Return the path a command line asks for, None for the plain run.

    Raises
    ------
    InputError
        If a number counts nothing, or there is no path for an option to act on.
    """
    if path is None:
        for option, given in (("--populations", populations is not None), ("--antithetic", antithetic)):
            if given:
                raise InputError(f"{option}: says something about paths, add --path K")
        return None
    from sim.engine.scenario.path_choice import PathChoice  # noqa: PLC0415  (slow to import)

    return PathChoice(path=path, populations=1 if populations is None else populations, antithetic=antithetic)


def output_folder(chosen: Path | None, name: str, seed: int, path: int | None = None) -> Path:
    """Return the results folder, checked before any work is done; a path's own by default.

    Raises
    ------
    InputError
        If the folder cannot be replaced, or holds more than a run: nobody's files are written over.
    RunError
        If it cannot be written.
    """
    from sim.engine.results.result import check_run_folder, settled_folder  # noqa: PLC0415  (slow to import)

    usual = f"{name}-{seed}" if path is None else f"{name}-{seed}-path{path}"
    folder = settled_folder(chosen if chosen is not None else Path("results") / usual)
    check_run_folder(folder)
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise RunError(f"--out {folder}: {existing} cannot be written")
    return folder
