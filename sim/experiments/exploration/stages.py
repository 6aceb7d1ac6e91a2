"""From parameter sets to samples: plans on top of the sweep, one folder for each stage of an exploration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.digest import sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.folders import INPUT, Folder
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario
from sim.experiments.exploration.axes import Axis, overrides_of, row_key
from sim.experiments.exploration.samples import Samples, samples_of
from sim.experiments.sweep.design import Value, point_names
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.inputs import INPUTS, PLAN_FILE, read_plan
from sim.experiments.sweep.plan import Plan, Point
from sim.experiments.sweep.progress import Watch
from sim.experiments.sweep.result import SweepResult
from sim.experiments.sweep.runner import EXPERIMENT_FILE, run_plan

if TYPE_CHECKING:
    import pandas as pd

Note = Callable[[str], None]
"""Told in one line what happens next."""


@dataclass(slots=True, kw_only=True)
class Stages:
    """Runs parameter sets of one experiment, each stage in its own folder below `out`."""

    plan: Plan
    """What the experiment says, with one point: the scenario as the experiment has it."""
    metrics: tuple[str, ...]
    """What samples hold."""
    out: Path
    workers: Workers | None = None
    watch: Watch | None = None
    note: Note | None = None
    retry_failed: bool = False
    results: dict[str, SweepResult] = field(default_factory=dict)
    """Of each stage, the latest."""

    def prepare(self) -> None:
        """Make the folder this experiment's.

        Raises
        ------
        InputError
            It holds another experiment or other files.
        """
        kept = self.out / EXPERIMENT_FILE
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"--out {self.out}: is a file, not a folder")
        names = [path.name for path in self.out.iterdir()] if self.out.is_dir() else []
        if names and EXPERIMENT_FILE not in names:
            raise InputError(f"--out {self.out}: holds other files, choose another folder")
        if names and Folder(self.out).read(EXPERIMENT_FILE, INPUT) != self.plan.source:
            raise InputError(f"--out {self.out}: holds another experiment, choose another folder")
        ensure_directory(self.out)
        atomic_write_bytes(kept, self.plan.source)

    def say(self, text: str) -> None:
        """Tell whoever listens."""
        if self.note is not None:
            self.note(text)

    def run(
        self,
        stage: str,
        rows: Sequence[Mapping[str, Value]],
        *,
        names: Sequence[str] | None = None,
    ) -> SweepResult:
        """Run parameter sets, those that are missing, and return the stage's result."""
        return self.run_plan(stage, replace(self.plan, points=self.points(rows, names)))

    def run_plan(self, stage: str, plan: Plan) -> SweepResult:
        """Run a plan in the folder of a stage."""
        result = run_plan(
            replace(
                plan,
                metrics=self.metrics,
                title=f"{plan.title}: {stage}",
                source=b"",
            ),
            self.out / stage,
            workers=self.workers,
            progress=self.watch,
            retry_failed=self.retry_failed,
        )
        self.results[stage] = result
        return result

    def points(
        self, rows: Sequence[Mapping[str, Value]], names: Sequence[str] | None = None
    ) -> tuple[Point, ...]:
        """Return the points of parameter sets; unnamed ones are called by their values."""
        called = point_names(rows) if names is None else names
        return tuple(
            Point(index=index, name=name, overrides=(*self.base, *overrides_of(row)), values=dict(row))
            for index, (name, row) in enumerate(zip(called, rows, strict=True))
        )

    def samples(self, frame: pd.DataFrame, points: Sequence[int]) -> Samples:
        """Return samples of points of a result's paths."""
        return samples_of(
            frame,
            points,
            self.metrics,
            planned=self.plan.paths,
            populations=self.plan.populations,
            antithetic=self.plan.antithetic,
            sobol_points=self.sobol_points,
        )

    @property
    def base(self) -> tuple[str, ...]:
        """Overrides of every point."""
        return self.plan.points[0].overrides

    @property
    def sobol_points(self) -> int:
        """Paths of one scrambled sequence of drawn inputs; 1 if none is drawn so."""
        quasi = any(draw.method == "sobol" for draw in self.plan.draws)
        return self.plan.sobol_points if quasi else 1

    def scenario(self, row: Mapping[str, Value]) -> Scenario:
        """Return the scenario of a parameter set.

        Raises
        ------
        InputError
            The values contradict one another.
        """
        return load_scenario(self.plan.scenario, overrides=(*self.base, *overrides_of(row)))

    def changes(self, row: Mapping[str, Value]) -> int:
        """Return in how many values the scenario of a parameter set differs from the one it starts from."""
        return scenario_changes(self.scenario({}), self.scenario(row))


class SearchStage:
    """The stage of a search: points join it batch by batch, and a resumed search finds its own."""

    STAGE = "search"

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._rows: list[dict[str, Value]] = []
        folder = stages.out / self.STAGE
        if (folder / INPUTS / PLAN_FILE).is_file():
            self._rows = [dict(point.values) for point in read_plan(folder).points]
        self._places = {row_key(row): place for place, row in enumerate(self._rows)}

    def run(self, batch: Sequence[dict[str, Value]]) -> list[Samples | str]:
        """Return samples of each parameter set, or in one line why it could not be run."""
        refused: dict[int, str] = {}
        for position, row in enumerate(batch):
            try:
                self._stages.scenario(row)
            except InputError as error:
                refused[position] = error.problems[0]
                continue
            if row_key(row) not in self._places:
                self._places[row_key(row)] = len(self._rows)
                self._rows.append(row)
        if not self._rows:
            return [refused[position] for position in range(len(batch))]
        result = self._stages.run(self.STAGE, self._rows)
        frame = result.paths() if result.completed else None
        return [
            refused[position]
            if position in refused
            else self._samples(result, frame, self._places[row_key(row)])
            for position, row in enumerate(batch)
        ]

    def _samples(self, result: SweepResult, frame: pd.DataFrame | None, point: int) -> Samples | str:
        failed = [failure for failure in result.failures if failure.point == point]
        if (
            failed or frame is None
        ):  # an estimate from the paths that happened to finish would favour what crashes
            return f"path {failed[0].path} failed: {failed[0].reason}" if failed else "nothing finished"
        return self._stages.samples(frame, [point])

    FINALISTS, FRESH = "finalists", "fresh"

    def both(
        self, rows: Sequence[dict[str, Value]], names: Sequence[str], fresh_paths: int
    ) -> tuple[Samples, Samples]:
        """Return samples on the paths of the search and on fresh ones, each of those with a book of its own.

        What was promised is recomputed and not remembered. The fresh paths have another seed, so that neither
        a random number nor a drawn account is shared with the search: an optimum may hang on one book as it
        may on one set of paths. Accounts that a scenario lists or reads from a file are the same everywhere.
        """
        stages = self._stages
        searched = stages.run(self.FINALISTS, rows, names=names)
        plan = replace(
            stages.plan,
            points=stages.points(rows, names),
            paths=fresh_paths,
            seed=fresh_seed(stages.plan.seed),
            populations=fresh_paths,
        )
        fresh = stages.run_plan(self.FRESH, plan)
        require_results(searched)
        require_results(fresh)
        order = list(range(len(rows)))
        return (
            stages.samples(searched.paths(), order),
            samples_of(
                fresh.paths(),
                order,
                stages.metrics,
                planned=fresh_paths,
                populations=plan.populations,
                antithetic=plan.antithetic,
                sobol_points=stages.sobol_points,
            ),
        )


def fresh_seed(seed: int) -> int:
    """Return the seed of the finalists' fresh paths and books: 63 bits of SHA-256."""
    return int(sha256_hex(f"seawall optimise fresh\0{seed}".encode())[:16], 16) >> 1


def scenario_changes(one: Scenario, other: Scenario) -> int:
    """Return the number of single values in which two scenarios differ, risk-model parameters resolved."""
    first, second = _leaves(one), _leaves(other)
    missing = object()
    return sum(first.get(key, missing) != second.get(key, missing) for key in {*first, *second})


def _leaves(scenario: Scenario) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}

    def walk(value: Any, place: tuple[str, ...]) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(inner, (*place, str(key)))
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(value):
                walk(inner, (*place, str(index)))
        else:
            found[place] = value

    document = scenario.model_dump()
    document["protocol"].pop("risk_model_parameters", None)
    for market in document["markets"]:
        market.pop("risk_model_parameters", None)
    walk(document, ())
    for index in range(len(scenario.markets)):  # with the model's own defaults filled in
        walk(scenario.risk_parameters(index), ("risk_parameters", str(index)))
    return found


def current_values(scenario: Scenario, axes: Sequence[Axis]) -> dict[str, Value] | None:
    """Return the scenario's own value of every parameter, or None if one lies outside its range."""
    found: dict[str, Value] = {}
    for axis in axes:
        value = value_at(scenario, axis.key)
        if isinstance(value, float) and axis.whole and value.is_integer():
            value = int(value)
        if not axis.holds(value):
            return None
        found[axis.key] = value  # type: ignore[assignment]  # what an axis holds is a value
    return found


def value_at(scenario: Scenario, key: str) -> object:
    """Return the value at a dotted path; of a risk-model parameter the model's default if it is not set."""
    here: Any = scenario
    parts = key.split(".")
    for part in parts:
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list | tuple):
            here = here[int(part)] if part.isdecimal() and int(part) < len(here) else None
        else:
            here = getattr(here, part, None)
    if here is None and parts[:2] == ["protocol", "risk_model_parameters"]:
        return scenario.risk_parameters(0).get(parts[-1])
    return here


def require_results(result: SweepResult) -> None:
    """Refuse to compute from nothing: RunError if no path finished."""
    if result.completed == 0:
        reason = result.failures[0].reason if result.failures else "none was run"
        raise RunError(f"{result.folder}: none of {result.total} paths finished: {reason}")
