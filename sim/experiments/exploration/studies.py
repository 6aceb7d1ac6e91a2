"""The three studies from a loaded file to what was found, and its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.engine.scenario.load import load_scenario
from sim.experiments.exploration.files import (
    FrontierExperiment,
    OptimiseExperiment,
    SensitivityExperiment,
    axes_of,
    base_plan,
    named_point,
)
from sim.experiments.exploration.frontier import (
    Candidate,
    Difference,
    Front,
    compare_points,
    event_bound,
    find_front,
    path_mean,
)
from sim.experiments.exploration.optimise import Optimisation, optimise
from sim.experiments.exploration.optimise import Settings as SearchSettings
from sim.experiments.exploration.samples import Samples
from sim.experiments.exploration.sensitivity import Sensitivity, find_sensitivity
from sim.experiments.exploration.sensitivity import Settings as SensitivitySettings
from sim.experiments.exploration.stages import (
    Note,
    SearchStage,
    Stages,
    current_values,
    require_results,
    scenario_changes,
)
from sim.experiments.sweep.design import Value
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.expansion import check_size, plan_of
from sim.experiments.sweep.experiment import DesignedFields, Experiment, ExperimentFields
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.price_remarks import plan_remarks
from sim.experiments.sweep.progress import Watch
from sim.experiments.sweep.result import SweepResult
from sim.metrics.book import worlds_needed
from sim.metrics.statistics.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """Who runs the paths, where results go, and who is told."""

    out: Path
    workers: Workers | None = None
    engine: str | None = None
    confirmed: bool = False
    """More runs than usual are meant."""
    retry_failed: bool = False
    watch: Watch | None = None
    note: Note | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierStudy:
    """What ``seawall frontier`` found."""

    title: str
    scenario: str
    front: Front
    colour: str
    colours: tuple[float, ...]
    """Mean of the colour metric at each point."""
    size: str
    sizes: tuple[Interval, ...]
    """Probability of the event at each point, with its one-sided upper bound."""
    current: int | None
    proposed: int | None
    comparison: Difference | None
    """Proposed less current."""
    front_share: float
    results: Mapping[str, SweepResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityStudy:
    """What ``seawall sensitivity`` found."""

    title: str
    scenario: str
    found: Sensitivity
    results: Mapping[str, SweepResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiseStudy:
    """What ``seawall optimise`` found."""

    title: str
    scenario: str
    found: Optimisation
    has_current: bool
    """Whether the parameters as they stand lie inside the ranges and were run."""
    paths: int
    """Of each trial."""
    results: Mapping[str, SweepResult]


Study = FrontierStudy | SensitivityStudy | OptimiseStudy


def study_frontier(experiment: Experiment[FrontierExperiment], how: How) -> FrontierStudy:
    """Run the points of a frontier and judge them.

    Raises
    ------
    InputError
        The experiment makes no sense; nothing has run.
    RunError
        Too few paths finished.
    """
    section = experiment.fields.frontier
    plan = plan_of(cast("Experiment[DesignedFields]", experiment), engine=how.engine, confirmed=how.confirmed)
    current = named_point(plan, section.current, experiment.place(("frontier", "current")))
    proposed = named_point(plan, section.proposed, experiment.place(("frontier", "proposed")))
    stages = _stages(experiment.fields, plan, how, section.metrics)
    stages.prepare()
    result = stages.run_plan("points", stages.plan)
    require_results(result)
    samples = stages.samples(result.paths(), range(len(plan.points)))
    streams = Streams(plan.seed)
    objectives = section.objectives
    front = find_front(
        samples,
        _candidates(experiment, plan),
        objectives,
        streams,
        resamples=section.resamples,
        confidence=section.confidence,
        reference=section.reference,
    )
    comparison = None
    if current is not None and proposed is not None:
        comparison = compare_points(samples, objectives, current, proposed, confidence=section.confidence)
    return FrontierStudy(
        title=plan.title,
        scenario=plan.scenario.stem,
        front=front,
        colour=section.colour,
        colours=tuple(path_mean(samples, section.colour).tolist()),
        size=section.size,
        sizes=event_bound(samples, section.size, section.confidence),
        current=current,
        proposed=proposed,
        comparison=comparison,
        front_share=section.front_share,
        results=dict(stages.results),
    )


def study_sensitivity(experiment: Experiment[SensitivityExperiment], how: How) -> SensitivityStudy:
    """Run screening and indices as the file asks; errors as for `study_frontier`."""
    section = experiment.fields.sensitivity
    axes = axes_of(experiment.fields)
    outputs = tuple(output.objective for output in section.outputs)
    plan = base_plan(experiment, engine=how.engine, every_corner=True)
    settings = SensitivitySettings(
        method=section.method,
        outputs=outputs,
        trajectories=section.trajectories,
        levels=section.levels,
        keep_share=section.keep_share,
        samples=section.samples,
        second_order=section.second_order,
        resamples=section.resamples,
        confidence=section.confidence,
        seed=plan.seed,
    )
    check_size(experiment, settings.most_points(len(axes)), plan.paths, confirmed=how.confirmed)
    stages = _stages(experiment.fields, plan, how, [output.metric for output in outputs])
    stages.prepare()

    def run(stage: str, rows: Sequence[dict[str, Value]]) -> Samples:
        stages.say(f"{stage}: {len(rows):,} points x {plan.paths:,} paths")
        result = stages.run(stage, rows)
        require_results(result)
        return stages.samples(result.paths(), range(len(rows)))

    found = find_sensitivity(axes, settings, run)
    return SensitivityStudy(
        title=plan.title, scenario=plan.scenario.stem, found=found, results=dict(stages.results)
    )


def study_optimise(experiment: Experiment[OptimiseExperiment], how: How) -> OptimiseStudy:
    """Search, and run the finalists on fresh paths; errors as for `study_frontier`."""
    section = experiment.fields.optimise
    axes = axes_of(experiment.fields)
    plan = base_plan(experiment, engine=how.engine, every_corner=False)
    settings = SearchSettings(
        objectives=tuple(objective.objective for objective in section.objectives),
        constraints=tuple(constraint.constraint for constraint in section.constraints),
        sampler=section.sampler,
        trials=section.trials,
        batch=section.batch,
        finalists=section.finalists,
        simplify=section.simplify,
        resamples=section.resamples,
        confidence=section.confidence,
        seed=plan.seed,
    )
    contenders = 1 + section.finalists * (1 + (len(axes) if section.simplify else 0))
    extra = -(-contenders * (plan.paths + section.fresh_paths) // plan.paths)
    check_size(experiment, section.trials + extra, plan.paths, confirmed=how.confirmed)
    wanted = [one.metric for one in settings.objectives] + [one.metric for one in settings.constraints]
    stages = _stages(experiment.fields, plan, how, wanted)
    stages.prepare()
    search = SearchStage(stages)
    current = current_values(stages.scenario({}), axes)

    def fresh(rows: Sequence[dict[str, Value]], names: Sequence[str]) -> tuple[Samples, Samples]:
        stages.say(
            f"finalists: {len(rows):,} points x {plan.paths:,} paths of the search and "
            f"{section.fresh_paths:,} fresh ones, each with a book of its own"
        )
        return search.both(rows, names, section.fresh_paths)

    def runnable(row: Mapping[str, Value]) -> bool:
        try:
            stages.scenario(row)
        except InputError:
            return False
        return True

    stages.say(f"search: {section.trials:,} trials x {plan.paths:,} paths, {section.batch:,} at a time")
    found = optimise(
        axes, settings, search.run, fresh, current=current, changes=stages.changes, runnable=runnable
    )
    return OptimiseStudy(
        title=plan.title,
        scenario=plan.scenario.stem,
        found=found,
        has_current=current is not None,
        paths=plan.paths,
        results=dict(stages.results),
    )


def _stages(fields: ExperimentFields, plan: Plan, how: How, metrics: Sequence[str]) -> Stages:
    """Return the stages, with the worlds that these metrics need unless the file names them."""
    asked = tuple(dict.fromkeys((*plan.metrics, *metrics)))
    plan = replace(plan, metrics=asked, worlds=fields.worlds or worlds_needed(asked))
    if how.note is not None:
        for remark in plan_remarks(plan):
            how.note(remark)
    return Stages(
        plan=plan,
        metrics=tuple(dict.fromkeys(metrics)),
        out=how.out,
        workers=how.workers,
        watch=how.watch,
        note=how.note,
        retry_failed=how.retry_failed,
    )


def _candidates(experiment: Experiment[FrontierExperiment], plan: Plan) -> list[Candidate]:
    common = len(experiment.fields.set)
    start = load_scenario(plan.scenario, overrides=plan.points[0].overrides[:common])
    return [
        Candidate(
            index=point.index,
            name=point.name,
            changes=scenario_changes(start, load_scenario(plan.scenario, overrides=point.overrides)),
            values=point.values,
        )
        for point in plan.points
    ]


STUDIES: Mapping[str, tuple[type[ExperimentFields], Callable[[Any, How], Study]]] = {
    "frontier": (FrontierExperiment, study_frontier),
    "sensitivity": (SensitivityExperiment, study_sensitivity),
    "optimise": (OptimiseExperiment, study_optimise),
}
"""Kind -> what its file holds, and who runs it."""
