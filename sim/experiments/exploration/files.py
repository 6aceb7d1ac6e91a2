"""Experiment files of the three kinds, and what only shows when a section meets the rest of its file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

from sim.core.documents.messages import nearest
from sim.core.documents.sections import Problem
from sim.core.errors import InputError
from sim.experiments.exploration.axes import Axis
from sim.experiments.exploration.sections import FrontierSection, OptimiseSection, SensitivitySection
from sim.experiments.sweep.design import Value
from sim.experiments.sweep.expansion import plan_with, points_at
from sim.experiments.sweep.experiment import DesignedFields, Experiment, ExperimentFields, ParameterSection
from sim.experiments.sweep.plan import Plan

MINIMUM_PATHS = 2
_CORNERS = 8  # parameters up to which every corner of the ranges is tried: 256 scenarios


class FrontierExperiment(DesignedFields):
    """``kind = "frontier"``: points compared by efficiency and tail loss."""

    kind: Literal["frontier"]
    frontier: FrontierSection = FrontierSection()

    def problems(self) -> Iterator[Problem]:
        """Yield a single point or path, and a stopping rule, which would leave points unequal paths."""
        yield from super().problems()
        yield from _too_few_paths(self.paths)
        if self.stopping is not None:
            yield ("stopping",), "points of a frontier need the same paths: leave it out"
        if self.point_count < 2:
            yield ("points",), "a frontier needs at least two points: give [[points]] or [[parameters]]"


class SensitivityExperiment(ExperimentFields):
    """``kind = "sensitivity"``: which parameters matter."""

    kind: Literal["sensitivity"]
    sensitivity: SensitivitySection

    def problems(self) -> Iterator[Problem]:
        """Yield parameters that are no ranges, and a single path."""
        yield from super().problems()
        yield from _too_few_paths(self.paths)
        if not self.parameters:
            yield ("parameters",), "at least one entry is required: what shall vary?"
        for index, parameter in enumerate(self.parameters):
            if not parameter.is_range:
                yield ("parameters", index, "values"), "sensitivity needs low and high instead of values"


class OptimiseExperiment(ExperimentFields):
    """``kind = "optimise"``: search under constraints."""

    kind: Literal["optimise"]
    optimise: OptimiseSection

    def problems(self) -> Iterator[Problem]:
        """Yield missing parameters, and constraints that the paths cannot establish."""
        yield from super().problems()
        yield from _too_few_paths(self.paths)
        if not self.parameters:
            yield ("parameters",), "at least one entry is required: what may change?"
        if self.antithetic and self.optimise.fresh_paths % 2:
            where = ("optimise", "fresh_paths")
            yield where, f"must be even with antithetic, was {self.optimise.fresh_paths}"
        for below, message in self.optimise.impossible(self.paths):
            yield ("optimise", *below), message
        if self.optimise.fresh_paths < self.paths:
            for below, message in self.optimise.impossible(self.optimise.fresh_paths):
                yield ("optimise", *below), f"{message} (of fresh_paths)"


def axes_of(fields: ExperimentFields) -> tuple[Axis, ...]:
    """Return the parameters of an experiment as axes."""
    return tuple(_axis(parameter) for parameter in fields.parameters)


def _axis(parameter: ParameterSection) -> Axis:
    if parameter.values is not None:
        return Axis(key=parameter.key, choices=parameter.values)
    known = parameter.range
    return Axis(key=known.key, low=known.low, high=known.high, scale=known.scale, whole=known.whole)


def base_plan(
    experiment: Experiment[SensitivityExperiment] | Experiment[OptimiseExperiment],
    *,
    engine: str | None,
    every_corner: bool,
) -> Plan:
    """Return the plan of an experiment at the scenario as it stands, after trying its ranges.

    Parameters
    ----------
    every_corner
        Whether each corner of the ranges must be a valid scenario: designs visit them all. A search may
        meet invalid ones; it is only refused if each end of some parameter is wrong by itself.

    Raises
    ------
    InputError
        With the line of the parameter that is wrong.
    """
    axes = axes_of(experiment.fields)
    ends: list[list[Value]] = [
        [axis.at(0.0), axis.at(1.0)] if axis.is_range else list(axis.choices) for axis in axes
    ]
    if every_corner and len(axes) <= _CORNERS:
        rows = [
            dict(zip((axis.key for axis in axes), corner, strict=True)) for corner in itertools.product(*ends)
        ]
        plan_with(experiment, points_at(experiment, rows), engine=engine)
    else:
        for axis, values in zip(axes, ends, strict=True):
            _try_ends(experiment, axis, values, engine)
    return plan_with(experiment, points_at(experiment, [{}]), engine=engine)


def _try_ends(
    experiment: Experiment[SensitivityExperiment] | Experiment[OptimiseExperiment],
    axis: Axis,
    values: list[Value],
    engine: str | None,
) -> None:
    refused = []
    for value in values:
        try:
            plan_with(experiment, points_at(experiment, [{axis.key: value}]), engine=engine)
        except InputError as error:
            refused.append(error)
    if len(refused) == len(values):
        raise refused[0]


def named_point(plan: Plan, name: str | None, place: str) -> int | None:
    """Return the index of the point of a name, None without one.

    Raises
    ------
    InputError
        No point has it.
    """
    if name is None:
        return None
    names = [point.name for point in plan.points]
    if name not in names:
        raise InputError(f"{place}: no point is called {name!r}{nearest(name, names[:20])}")
    return names.index(name)


def _too_few_paths(paths: int) -> Iterator[Problem]:
    if paths < MINIMUM_PATHS:
        yield ("paths",), f"must be at least {MINIMUM_PATHS}: one path has no interval, was {paths}"
