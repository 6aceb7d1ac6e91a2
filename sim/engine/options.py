"""How a run was asked for, and the inputs that make it repeatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sim.core.errors import InputError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.rng import Streams, path_seed, population_seed
from sim.engine.loop import Progress
from sim.engine.scenario import Scenario

INPUTS = Path("inputs")
CONTRACTS = "contracts"
"""Key, among the inputs, of a folder of contracts that replaced the shipped ones."""


MIRRORED = ("price:",)
"""Streams an antithetic path mirrors: those of the outside price. Whatever else is drawn stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathChoice:
    """Which path of a scenario a run is: everything about its random numbers but the scenario's seed."""

    path: int
    """Number from 0."""
    populations: int = 1
    """Books of accounts that the paths take in turn."""
    antithetic: bool = False
    """Path 2j + 1 is path 2j with the draws of its price mirrored; both have the same book."""

    def __post_init__(self) -> None:
        """Refuse numbers that count nothing."""
        problems = []
        if self.path < 0:
            problems.append(f"--path: must not be negative, was {self.path}")
        if self.populations < 1:
            problems.append(f"--populations: must be at least 1, was {self.populations}")
        if problems:
            raise InputError(problems)

    @property
    def population(self) -> int:
        """Number of the book this path has."""
        turn = self.path // 2 if self.antithetic else self.path
        return turn % self.populations

    @property
    def is_mirror(self) -> bool:
        """Whether this is the second path of an antithetic pair."""
        return self.antithetic and self.path % 2 == 1

    def streams(self, seed: int) -> Streams:
        """Return the draws after block 0, for a scenario of a seed."""
        drawn = self.path - 1 if self.is_mirror else self.path
        return Streams(path_seed(seed, drawn), mirrored=MIRRORED if self.is_mirror else ())

    def population_streams(self, seed: int) -> Streams:
        """Return the draws before block 0, for a scenario of a seed."""
        return Streams(population_seed(seed, self.population))

    def record(self) -> dict[str, object]:
        """Return what a manifest says."""
        return {"path": self.path, "populations": self.populations, "antithetic": self.antithetic}

    @classmethod
    def from_record(cls, record: object, where: str) -> PathChoice | None:
        """Return the choice a manifest or crash report records, None of a plain run.

        Raises
        ------
        InputError
            It is not one; ``where`` names the file.
        """
        if record is None:
            return None
        if isinstance(record, dict) and record.keys() == {"path", "populations", "antithetic"}:
            path, populations, antithetic = (record[key] for key in ("path", "populations", "antithetic"))
            if type(path) is int and type(populations) is int and type(antithetic) is bool:
                return cls(path=path, populations=populations, antithetic=antithetic)
        raise InputError(f"{where}: path: must be a table of path, populations and antithetic")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run a scenario."""

    out: Path
    """Results folder."""
    engine: str | None = None
    """None picks the fastest engine that is installed."""
    twin: bool = True
    """Also run without forced flow, for amplification."""
    prices: Path | None = None
    """Recorded prices for market 0; the run then covers the whole file."""
    keep_blocks: bool = False
    """With ``prices``: run the scenario's number of blocks, not the whole file."""
    overrides: tuple[str, ...] = ()
    """Command-line changes of the scenario, as written; recorded in the manifest."""
    contracts: Path | None = None
    """Folder of contracts to deploy instead of the shipped ones, laid out alike."""
    path: PathChoice | None = None
    """One of the scenario's paths instead of the plain run, whose every draw has the scenario's own seed."""
    progress: Callable[[Progress], None] | None = None
    finish: Callable[[Path], object] | None = None
    """Called with the folder before it is put into place: what it writes there (a report) comes with it."""


def copy_inputs(scenario: Scenario, options: RunOptions, folder: Path) -> dict[str, str]:
    """Copy every file a run read into ``inputs/``, so that the folder alone can be replayed.

    Returns
    -------
    dict
        File reference (``protocol.risk_model``, ``markets.0.price.file``, or ``prices`` for the command
        line's file) -> path below ``folder``; every file keeps its name. ``contracts`` is a folder.
    """
    references = [(reference, scenario.file(reference)) for reference, _ in scenario.file_references()]
    if options.prices is not None:
        references = [item for item in references if item[0] != "markets.0.price.file"]
        references.append(("prices", options.prices))
    copied: dict[str, str] = {}
    for reference, path in references:
        target = INPUTS / reference.replace(".", "_") / path.name
        _copy(path, folder / target)
        copied[reference] = target.as_posix()
    if options.contracts is not None:
        for source in sorted(options.contracts.rglob("*.vy*")):
            _copy(source, folder / INPUTS / CONTRACTS / source.relative_to(options.contracts))
        copied[CONTRACTS] = (INPUTS / CONTRACTS).as_posix()
    return copied


def _copy(source: Path, target: Path) -> None:
    ensure_directory(target.parent)
    atomic_write_bytes(target, source.read_bytes())
