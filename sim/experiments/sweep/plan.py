"""What a sweep runs: every path of every point, fixed before the first one starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sim.core.digest import canonical_json, sha256_hex
from sim.engine.scenario.path_choice import PathChoice
from sim.experiments.sweep.design import Draw, Value, draw_values, override_text
from sim.metrics.worlds import Worlds

DEFAULT_METRICS = ("loss_beyond_collateral_ratio", "liquidated_share", "insolvent")
"""Shown first when an experiment names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One variant of the scenario; all points see the same paths."""

    index: int
    name: str
    """Unique within a plan."""
    overrides: tuple[str, ...]
    """``section.key=value`` texts in the order they apply; a file they name may lie anywhere."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """What distinguishes the point, by key: its place on the axes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """When a point needs no more paths: the metric's interval is narrow enough (quant 7.2)."""

    metric: str
    half_width: float | None = None
    """Absolute; None if only `relative` is given. Either one is enough."""
    relative: float | None = None
    """Half-width over the absolute mean."""
    batch: int = 100
    """Paths between two looks."""
    minimum_paths: int = 200
    """No look before; the confidence sequence is narrowest there."""
    confidence: float = 0.95
    """That the interval holds the mean at every look at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Points times paths of one scenario.

    Two plans that differ only in `engine`, `shadow`, `metrics`, `title` or `source` give the same numbers;
    one with more `paths` or more `points` at the end extends the other.
    """

    scenario: Path
    seed: int
    """Of the scenario, at every point: paths are paired by it."""
    paths: int
    """Of every point."""
    points: tuple[Point, ...]
    populations: int = 1
    worlds: Worlds = "none"
    """Worlds to run beside every path."""
    antithetic: bool = False
    draws: tuple[Draw, ...] = ()
    sobol_points: int = 1
    """Points of one replicate of the Sobol draws."""
    stopping: Stopping | None = None
    engine: str | None = None
    shadow: float = 0.0
    """Share of the paths, from 0 to 1, that run again on another engine, which must agree."""
    plugins: tuple[tuple[str, str], ...] = ()
    """File and SHA-256 of each plug-in that takes part, of a plan in a results folder."""
    home: Path | None = None
    """Results folder that the plan was read from: every file it names must lie there."""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    title: str = ""
    source: bytes = b""
    """The experiment file, kept in the results; empty for a plan made by a program."""

    @property
    def runs(self) -> int:
        """Paths of all points together, before any point stops early."""
        return self.paths * len(self.points)

    def population(self, path: int) -> int:
        """Return the number of the book that a path has."""
        return PathChoice(path=path, populations=self.populations, antithetic=self.antithetic).population

    def drawn(self, path: int) -> dict[str, float | int]:
        """Return the inputs drawn for one path, the same at every point and in both paths of a pair."""
        return draw_values(
            self.draws,
            path // 2 if self.antithetic else path,
            seed=self.seed,
            sobol_points_per_replicate=self.sobol_points,
        )

    def is_shadowed(self, point: int, path: int) -> bool:
        """Return whether a path runs again on another engine.

        Chosen by a hash of the seed and the two numbers: a larger share holds every smaller one, and going on
        or adding paths chooses no other. The first path of all is always among them.
        """
        if not self.shadow:
            return False
        drawn = int(sha256_hex(canonical_json(["shadow", self.seed, point, path]))[:16], 16)
        return (point, path) == (0, 0) or drawn < self.shadow * 2**64

    def path_overrides(self, path: int) -> tuple[str, ...]:
        """Return what a path sets beyond its point: the seed and the drawn inputs."""
        drawn = (override_text(key, value) for key, value in self.drawn(path).items())
        return (f"seed={self.seed}", *drawn)
