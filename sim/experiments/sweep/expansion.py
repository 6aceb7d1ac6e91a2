"""From an experiment file to a plan: every point made, and loaded as a scenario before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.agents.kind import AGENTS
from sim.chain.compile import refuse_outside
from sim.core.documents.toml_text import MAX_PROBLEMS, KeyPath
from sim.core.errors import InputError
from sim.engine.scenario.load import Override, load_scenario, parse_override
from sim.engine.scenario.risk import BUILT_IN_MODELS
from sim.experiments.sweep.design import (
    Value,
    grid,
    override_text,
    point_names,
    random_points,
    sobol_points,
)
from sim.experiments.sweep.experiment import DesignedFields, Experiment, ExperimentFields
from sim.experiments.sweep.plan import Plan, Point
from sim.metrics.book import worlds_needed

MAX_RUNS = 100_000
"""Paths times points that need no confirmation: about a day on two cores (assumption: a second a path)."""

MAX_POINTS = 100_000
"""Points at all: each is a scenario that is checked, and a file."""

_DRAWS_CHECKED = 100  # points at which the ends of drawn inputs are tried; the rest fail when they run
_PRICE_FILE = re.compile(r"markets\.\d+\.price\.file")
_IN_A_TABLE = re.compile(r"([a-z_0-9]+)(?:\.\d+)?\.([a-z_0-9]+)")


def plan_of(
    experiment: Experiment[DesignedFields], *, engine: str | None = None, confirmed: bool = False
) -> Plan:
    """Return the plan of an experiment whose points are known, every point checked.

    Parameters
    ----------
    confirmed
        Whether more than `MAX_RUNS` runs are meant.

    Raises
    ------
    InputError
        It is too large, or points are no valid scenarios; one line per problem.
    """
    fields = experiment.fields
    check_size(experiment, fields.point_count, fields.paths, confirmed=confirmed)
    rows = _rows(fields, _seed(experiment))
    points = tuple(_numbered(_combined(experiment, rows)))
    return plan_with(experiment, points, engine=engine)


def plan_with(experiment: Experiment[Any], points: Sequence[Point], *, engine: str | None = None) -> Plan:
    """Return the plan of an experiment with points chosen by the caller, every point checked."""
    fields: ExperimentFields = experiment.fields
    stopping = getattr(fields, "stopping", None)
    asked = (*fields.metrics, *(() if stopping is None else (stopping.stopping.metric,)))
    plan = Plan(
        scenario=experiment.scenario,
        seed=_seed(experiment),
        paths=fields.paths,
        points=tuple(points),
        populations=fields.populations,
        worlds=fields.worlds or worlds_needed(asked),
        antithetic=fields.antithetic,
        draws=tuple(section.draw for section in fields.draws),
        sobol_points=fields.sobol_points,
        stopping=None if stopping is None else stopping.stopping,
        engine=engine,
        metrics=fields.metrics,
        title=fields.title,
        source=experiment.content,
    )
    _check_points(experiment, plan)
    return plan


def points_at(experiment: Experiment[Any], rows: Iterable[Mapping[str, Value]]) -> tuple[Point, ...]:
    """Return points with the experiment's own changes and the given values, numbered from 0."""
    listed = list(rows)
    common = _settled(experiment, experiment.fields.set, ("set",))
    return tuple(
        Point(
            index=index,
            name=name,
            overrides=(*common, *_settled_values(experiment, row)),
            values=dict(row),
        )
        for index, (row, name) in enumerate(zip(listed, _unique(point_names(listed)), strict=True))
    )


def check_size(experiment: Experiment[Any], points: int, paths: int, *, confirmed: bool) -> None:
    """Refuse more runs than anybody means without saying so.

    Raises
    ------
    InputError
        It is more, or more points than fit however sure one is.
    """
    runs = points * paths
    if runs > MAX_RUNS and not confirmed:
        raise InputError(
            f"{experiment.path}: asks for {runs:,} runs ({points:,} points x {paths:,} paths), more than"
            f" {MAX_RUNS:,}; add --yes if that is meant"
        )
    if points > MAX_POINTS:
        raise InputError(
            f"{experiment.path}: asks for {points:,} points, more than {MAX_POINTS:,}; choose fewer values"
            ' or [design] method = "sobol"'
        )


def _rows(fields: DesignedFields, seed: int) -> list[dict[str, Value]]:
    design = fields.design
    if design.method == "grid":
        return list(grid({axis.key: axis.values or () for axis in fields.parameters}))
    ranges = [axis.range for axis in fields.parameters]
    if design.method == "random":
        return list(random_points(ranges, design.samples or 0, seed))
    return list(sobol_points(ranges, design.samples or 0, design.replicates, seed))


def _combined(
    experiment: Experiment[DesignedFields], rows: Sequence[dict[str, Value]]
) -> Iterator[tuple[str, tuple[str, ...], dict[str, Value]]]:
    """Yield name, overrides and values: every named point with every row of the design."""
    fields = experiment.fields
    common = _settled(experiment, fields.set, ("set",))
    names = point_names(rows)
    arms: list[tuple[str, tuple[str, ...]]] = [
        (arm.name, _settled(experiment, arm.set, ("points", index, "set")))
        for index, arm in enumerate(fields.points)
    ]
    for arm, changes in arms or [("", ())]:
        for name, row in zip(names, rows, strict=True):
            label = ", ".join(part for part in (arm, name if row or not arm else "") if part)
            values = {**({"arm": arm} if arm else {}), **row}
            yield label, (*common, *changes, *_settled_values(experiment, row)), values


def _numbered(found: Iterable[tuple[str, tuple[str, ...], dict[str, Value]]]) -> Iterator[Point]:
    listed = list(found)
    names = _unique([name for name, _, _ in listed])
    for index, (name, (_, overrides, values)) in enumerate(zip(names, listed, strict=True)):
        yield Point(index=index, name=name, overrides=overrides, values=values)


def _unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where two are equal because their values differ beyond what is shown."""
    counts: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return found


def _seed(experiment: Experiment[Any]) -> int:
    seed: int | None = experiment.fields.seed
    return load_scenario(experiment.scenario).seed if seed is None else seed


def _settled_values(experiment: Experiment[Any], row: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(
        _settled_text(experiment, override_text(key, value), ("parameters",)) for key, value in row.items()
    )


def _settled(experiment: Experiment[Any], changes: Sequence[str], where: KeyPath) -> tuple[str, ...]:
    return tuple(_settled_text(experiment, change, (*where, index)) for index, change in enumerate(changes))


def _settled_text(experiment: Experiment[Any], change: str, where: KeyPath) -> str:
    """Return a change with a file it names made absolute.

    On the command line a file may lie anywhere, because a person chose it there; in an experiment, which
    may come from anybody, it must lie in the experiment's folder, and so must all that a model imports.
    """
    override = _parsed(experiment, change, where)
    key = ".".join(map(str, override.path))
    if key == "seed":
        raise InputError(
            f"{experiment.place(where)}: every point has the same seed: give it as seed at the top"
        )
    names_model = key == "protocol.risk_model" and override.value not in BUILT_IN_MODELS
    if isinstance(override.value, dict | list) and _names_a_file(override.value):
        raise InputError(
            f"{experiment.place(where)}: a file must be set by its own key, for example"
            ' "markets.0.price.file=..."'
        )
    if not isinstance(override.value, str) or not (names_model or _is_file_key(key)):
        return change
    folder = experiment.path.resolve().parent
    file = (folder / override.value).resolve()
    if not file.is_relative_to(folder):
        raise InputError(
            f"{experiment.place(where)}: {key}: must lie in the experiment's folder, was {override.value!r}"
        )
    if names_model and file.is_file():
        for problem in refuse_outside(file, folder):
            raise InputError(f"{experiment.place(where)}: {key}: {problem}")
    return f"{key}={json.dumps(str(file))}"


def _parsed(experiment: Experiment[Any], change: str, where: KeyPath) -> Override:
    try:
        return parse_override(change)
    except InputError:
        raise InputError(
            f"{experiment.place(where)}: must look like section.key=value, was {change!r}"
        ) from None


def _is_file_key(key: str) -> bool:
    """Return whether a key of a scenario names a file of prices, or one of an agent's table."""
    found = _IN_A_TABLE.fullmatch(key)
    of_agent = found is not None and found[1] in AGENTS and found[2] in AGENTS[found[1]].file_keys
    return of_agent or _PRICE_FILE.fullmatch(key) is not None


def _names_a_file(value: object) -> bool:
    keys = {"file", *(key for kind in AGENTS.all() for key in kind.file_keys)}
    if isinstance(value, dict):
        return not keys.isdisjoint(value) or any(_names_a_file(item) for item in value.values())
    return isinstance(value, list) and any(_names_a_file(item) for item in value)


def _check_points(experiment: Experiment[Any], plan: Plan) -> None:
    """Load the scenario of every point, and of the first ones with drawn inputs at both ends."""
    found: dict[str, None] = {}
    load_scenario(plan.scenario)  # what is wrong with the scenario itself is said once, in its own words
    for point in plan.points:
        given = _placed(experiment, point)
        found.update(dict.fromkeys(_problems(plan.scenario, given)))
        if plan.draws and point.index < _DRAWS_CHECKED and not found:
            for end in (0.0, 1.0):
                drawn = [
                    Override(
                        path=parse_override(f"{draw.key}=0").path,
                        value=draw.at(end),
                        text=experiment.place(("draws", index)),
                    )
                    for index, draw in enumerate(plan.draws)
                ]
                found.update(dict.fromkeys(_problems(plan.scenario, [*given, *drawn])))
        if len(found) >= MAX_PROBLEMS:
            break
    if found:
        raise InputError(list(found)[:MAX_PROBLEMS])


def _problems(scenario: Path, overrides: Sequence[Override]) -> tuple[str, ...]:
    try:
        load_scenario(scenario, overrides=overrides)
    except InputError as error:
        return error.problems
    return ()


def _placed(experiment: Experiment[Any], point: Point) -> list[Override]:
    """Return the overrides of a point, each saying which line of the experiment it comes from."""
    fields = experiment.fields
    axes = {axis.key: ("parameters", index) for index, axis in enumerate(fields.parameters)}
    arms = {arm.name: index for index, arm in enumerate(getattr(fields, "points", ()))}
    placed: list[Override] = []
    for position, change in enumerate(point.overrides):
        override = parse_override(change)
        where: KeyPath
        if position < len(fields.set):
            where = ("set", position)
        elif position >= len(point.overrides) - sum(key in axes for key in point.values):
            where = axes.get(".".join(map(str, override.path)), ("parameters",))
        else:
            where = ("points", arms.get(str(point.values.get("arm")), 0), "set")
        placed.append(Override(path=override.path, value=override.value, text=experiment.place(where)))
    return placed


__all__ = ["MAX_POINTS", "MAX_RUNS", "check_size", "plan_of", "plan_with", "points_at"]
