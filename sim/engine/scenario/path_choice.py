"""Which path of a scenario a run is."""

from __future__ import annotations

from dataclasses import dataclass

from sim.core.errors import InputError
from sim.core.rng import Streams, path_seed, population_seed

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
