"""From a search to finalists to what they are worth on paths nobody chose them by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.core.arrays import BoolArray
from sim.core.errors import RunError
from sim.core.rng import Streams
from sim.experiments.exploration.axes import Axis, RowKey, row_key
from sim.experiments.exploration.constraints import Constraint
from sim.experiments.exploration.dominance import hypervolume, non_dominated, reference_point
from sim.experiments.exploration.frontier import Candidate, Front, find_front
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.samples import Samples
from sim.experiments.exploration.search import Answer, Sampler, Trial, search
from sim.experiments.sweep.design import Value
from sim.metrics.statistics.intervals import Interval
from sim.metrics.statistics.over_paths import PathInterval

Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to search and what to hold against."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    sampler: Sampler
    trials: int
    batch: int
    finalists: int
    simplify: bool
    """Also run every finalist with one parameter set back to its current value."""
    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A parameter set that was run on fresh paths."""

    values: dict[str, Value]
    name: str
    trial: int | None
    """Number of the trial it comes from; None if it was not found by the search."""
    searched: tuple[PathInterval, ...]
    """Objectives on the paths of the search."""
    fresh: tuple[PathInterval, ...]
    """Objectives on fresh paths."""
    shrinkage: tuple[Interval, ...]
    """Fresh less searched, positive where the fresh value is worse. Of a finalist it holds the luck it was
    chosen for and the luck of the search's paths; of the current parameters the latter alone."""
    constraints: tuple[Interval, ...]
    """Bounds of the constraints on fresh paths."""
    feasible: bool
    """Whether they hold there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimisation:
    """What the search found and what became of it."""

    settings: Settings
    trials: tuple[Trial, ...]
    contenders: tuple[Contender, ...]
    """The current parameters first if they were run, then finalists, then their simplifications."""
    front: Front
    """Of the contenders, on fresh paths."""
    promised_hypervolume: float
    """Of the finalists on the paths of the search, from the same reference point."""
    fresh_hypervolume: float
    """Of the same finalists on fresh paths, feasible there or not: what the promise was worth."""
    mean_shrinkage: tuple[float, ...]
    """Over finalists and by objective; above 0 is the optimiser's curse."""
    fresh_paths: int

    @property
    def current(self) -> Contender | None:
        """The parameters as they stand, which nobody chose by their luck; None if they were not run."""
        first = self.contenders[0]
        return first if first.trial is None else None


RunRows = Callable[[Sequence[dict[str, Value]]], Sequence[Samples | str]]
"""Samples of each parameter set on the paths of the search, or why it could not be run."""
RunFresh = Callable[[Sequence[dict[str, Value]], Sequence[str]], tuple[Samples, Samples]]
"""Samples of parameter sets (with names) on the paths of the search, and on fresh ones."""


def optimise(
    axes: Sequence[Axis],
    settings: Settings,
    run: RunRows,
    run_fresh: RunFresh,
    *,
    current: dict[str, Value] | None,
    changes: Callable[[Row], int],
    runnable: Callable[[Row], bool] = lambda _: True,
) -> Optimisation:
    """Search, choose finalists, and run them again on fresh paths.

    Parameters
    ----------
    axes
        The space.
    settings
        How.
    run, run_fresh
        Where the samples come from.
    current
        The parameters as they stand, tried first and run among the contenders; None if they lie outside the
        space.
    changes
        Number of values in which a parameter set differs from the scenario as it stands.
    runnable
        Whether a parameter set makes a valid scenario.

    Raises
    ------
    RunError
        No trial keeps the constraints.
    """
    signs = [objective.sign for objective in settings.objectives]

    def evaluate(batch: Sequence[dict[str, Value]]) -> list[Answer]:
        return [
            Answer(objectives=None, note=found) if isinstance(found, str) else answer_of(found, settings)
            for found in run(batch)
        ]

    trials = search(
        axes,
        signs,
        evaluate,
        trials=settings.trials,
        batch=settings.batch,
        sampler=settings.sampler,
        seed=settings.seed,
        first=[] if current is None else [current],
    )
    finalists = choose_finalists(trials, signs, settings.finalists)
    if not finalists:
        raise RunError(_nothing_feasible(trials, settings))
    rows, names, numbers = _contenders(finalists, current, axes, runnable, simplify=settings.simplify)
    searched, fresh = run_fresh(rows, names)
    return _judge(settings, trials, rows, names, numbers, searched, fresh, changes)


def answer_of(samples: Samples, settings: Settings) -> Answer:
    """Return what a search is told of a parameter set, from samples of one point."""
    return Answer(
        objectives=tuple(float(objective.estimate(samples)[0]) for objective in settings.objectives),
        violations=tuple(one.violation(one.bounds(samples)[0]) for one in settings.constraints),
    )


def choose_finalists(trials: Sequence[Trial], signs: Sequence[int], count: int) -> list[Trial]:
    """Return up to `count` feasible, non-dominated trials that differ, those with the most hypervolume.

    Greedily, one at a time (within 1 - 1/e of the best choice: the hypervolume is submodular; Guerreiro,
    Fonseca, Paquete, Evolutionary Computation 24, 2016); ties go to the earlier trial.
    """
    different: dict[RowKey, Trial] = {}
    for trial in trials:
        if trial.feasible:
            different.setdefault(row_key(trial.values), trial)
    feasible = list(different.values())
    if not feasible:
        return []
    values = np.array([trial.answer.objectives for trial in feasible]) * np.asarray(signs)
    front = np.flatnonzero(non_dominated(values)).tolist()
    corner = reference_point(values)
    chosen: list[int] = []
    while front and len(chosen) < count:
        gains = [hypervolume(values[[*chosen, at]], corner) for at in front]
        chosen.append(front.pop(int(np.argmax(gains))))
    return [feasible[at] for at in sorted(chosen)]


def _contenders(
    finalists: Sequence[Trial],
    current: dict[str, Value] | None,
    axes: Sequence[Axis],
    runnable: Callable[[Row], bool],
    *,
    simplify: bool,
) -> tuple[list[dict[str, Value]], list[str], list[int | None]]:
    rows: list[dict[str, Value]] = []
    names: list[str] = []
    numbers: list[int | None] = []

    taken: set[RowKey] = set()

    def add(row: dict[str, Value], name: str, number: int | None) -> None:
        if row_key(row) not in taken:
            taken.add(row_key(row))
            rows.append(row)
            names.append(name)
            numbers.append(number)

    if current is not None:
        add(dict(current), "current", None)
    for trial in finalists:
        if current is None or row_key(trial.values) != row_key(current):
            add(trial.values, f"trial {trial.number}", trial.number)
    if simplify and current is not None and len(axes) > 1:
        for trial in finalists:
            for axis in axes:
                if trial.values[axis.key] != current[axis.key]:
                    reverted = {**trial.values, axis.key: current[axis.key]}
                    if runnable(reverted):
                        name = f"trial {trial.number}, {axis.key.rpartition('.')[2]} as it is"
                        add(reverted, name, None)
    return rows, names, numbers


def _judge(
    settings: Settings,
    trials: Sequence[Trial],
    rows: Sequence[dict[str, Value]],
    names: Sequence[str],
    numbers: Sequence[int | None],
    searched: Samples,
    fresh: Samples,
    changes: Callable[[Row], int],
) -> Optimisation:
    streams = Streams(settings.seed)
    bounds = [one.bounds(fresh) for one in settings.constraints]
    feasible: BoolArray = np.array(
        [
            all(
                one.violation(found[at]) <= 0.0
                for one, found in zip(settings.constraints, bounds, strict=True)
            )
            for at in range(len(rows))
        ],
        dtype=np.bool_,
    )
    before = [_intervals(searched, settings, at) for at in range(len(rows))]
    after = [_intervals(fresh, settings, at) for at in range(len(rows))]
    contenders = tuple(
        Contender(
            values=rows[at],
            name=names[at],
            trial=numbers[at],
            searched=before[at],
            fresh=after[at],
            shrinkage=_shrinkage(before[at], after[at], settings),
            constraints=tuple(found[at] for found in bounds),
            feasible=bool(feasible[at]),
        )
        for at in range(len(rows))
    )
    chosen = [at for at, number in enumerate(numbers) if number is not None] or [0]
    sign = np.array([objective.sign for objective in settings.objectives], dtype=np.float64)
    promised, kept = (
        np.array([[one.estimate for one in found] for found in both]) * sign for both in (before, after)
    )
    corner = reference_point(np.concatenate([promised, kept]))
    front = find_front(
        fresh,
        [
            Candidate(index=at, name=names[at], changes=changes(rows[at]), values=rows[at])
            for at in range(len(rows))
        ],
        settings.objectives,
        streams,
        resamples=settings.resamples,
        confidence=settings.confidence,
        reference=(corner * sign).tolist(),
        feasible=feasible,
    )
    shrunk = [one.shrinkage for one in contenders if one.trial is not None]
    return Optimisation(
        settings=settings,
        trials=tuple(trials),
        contenders=contenders,
        front=front,
        promised_hypervolume=hypervolume(promised[chosen], corner),
        fresh_hypervolume=hypervolume(kept[chosen], corner),
        mean_shrinkage=tuple(
            float(np.mean([one[which].estimate for one in shrunk])) if shrunk else 0.0
            for which in range(len(sign))
        ),
        fresh_paths=fresh.paths.size,
    )


def _intervals(samples: Samples, settings: Settings, at: int) -> tuple[PathInterval, ...]:
    return tuple(one.interval(samples, at, settings.confidence) for one in settings.objectives)


def _shrinkage(
    before: Sequence[PathInterval], after: Sequence[PathInterval], settings: Settings
) -> tuple[Interval, ...]:
    """Return fresh less searched in the bad direction, from independent sets of paths.

    The ends are those of both, joined by their squares (Zou and Donner, Statistics in Medicine 27, 2008); NaN
    where one has none.
    """
    found = []
    for objective, searched, fresh in zip(settings.objectives, before, after, strict=True):
        gap = fresh.estimate - searched.estimate
        ends = (
            gap - math.hypot(fresh.estimate - fresh.lower, searched.upper - searched.estimate),
            gap + math.hypot(fresh.upper - fresh.estimate, searched.estimate - searched.lower),
        )
        lower, upper = ends if objective.sign > 0 else (-ends[1], -ends[0])
        found.append(
            Interval(estimate=objective.sign * gap, lower=lower, upper=upper, confidence=settings.confidence)
        )
    return tuple(found)


def _nothing_feasible(trials: Sequence[Trial], settings: Settings) -> str:
    ran = [trial for trial in trials if trial.answer.objectives is not None]
    if not ran:
        note = trials[0].answer.note if trials else ""
        return f"none of {len(trials)} trials could be run: {note}"
    nearest = []
    for which, one in enumerate(settings.constraints):
        least = min(trial.answer.violations[which] for trial in ran)
        nearest.append(
            f"{one.label} was kept by some"
            if least <= 0
            else f"{one.label} was missed by at least {least:.3g}"
            if math.isfinite(least)
            else f"{one.label} has no bound with so few paths"
        )
    return (
        f"none of {len(trials)} trials keeps every constraint by its {settings.confidence:.0%} bound "
        f"({'; '.join(nearest)}): loosen a limit, widen a range, or use more paths"
    )
