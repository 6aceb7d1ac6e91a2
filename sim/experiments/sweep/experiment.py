"""Experiment files: strict TOML like scenarios, one line for each problem, nothing made before it is counted.

A kind of experiment is a subclass of `ExperimentFields` with its own ``kind`` and sections.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field, Strict

from sim.core.documents.messages import nearest
from sim.core.documents.sections import Document, Problem, Section, number, text
from sim.core.documents.toml_file import TomlFile
from sim.core.documents.toml_text import KeyPath
from sim.core.errors import InputError
from sim.experiments.shipped import shipped_scenarios
from sim.experiments.sweep.design import Draw, Method, Range, Scale, Value
from sim.experiments.sweep.plan import DEFAULT_METRICS, Stopping
from sim.metrics.book import metric_problem
from sim.metrics.worlds import Worlds

KINDS = {"sweep": "sweep", "frontier": "frontier", "sensitivity": "sensitivity", "optimise": "optimise"}
"""Kind of experiment -> the command that runs it."""

Texts = Annotated[tuple[str, ...], Strict(strict=False), Field(max_length=256)]
Values = Annotated[tuple[float | int | bool | str, ...], Strict(strict=False), Field(max_length=100_000)]

_KEY = r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$"


class PointSection(Section):
    """One point by name: an arm of a comparison."""

    name: str = text(..., "Unique name, shown in tables.", max_length=60)
    set: Texts = Field((), description="section.key=value, as --set; applied after the experiment's own.")


class _RangeFields(Section):
    """A key and the interval it moves in."""

    key: str = text(..., "Dotted path into the scenario.", max_length=200, pattern=_KEY)
    scale: Scale = Field("linear", description="Whether it moves evenly in the value or in its logarithm.")
    whole: bool = Field(default=False, description="Only whole numbers.")

    def range_problems(self, low: float | None, high: float | None) -> Iterator[Problem]:
        """Yield what is wrong with the interval."""
        if low is None or high is None:
            yield ("low",), "low and high are needed"
            return
        if not low < high:
            yield ("high",), f"must be above low {low:g}, was {high:g}"
        elif self.scale == "log" and low <= 0:
            yield ("low",), f"must be above 0 on a log scale, was {low:g}"
        if self.whole and (low != int(low) or high != int(high)):
            yield ("whole",), "low and high must be whole numbers"


class ParameterSection(_RangeFields):
    """One axis: listed values, or a range for a method that chooses the points."""

    values: Values | None = Field(None, description="Values of a grid.", min_length=1)
    low: float | None = Field(None, description="Lower end of a range.")
    high: float | None = Field(None, description="Upper end of a range.")

    @property
    def is_range(self) -> bool:
        """Whether it is a range and not a list."""
        return self.values is None

    @property
    def range(self) -> Range:
        """The interval; only of a range."""
        return Range(
            key=self.key, low=self.low or 0.0, high=self.high or 0.0, scale=self.scale, whole=self.whole
        )

    def problems(self) -> Iterator[Problem]:
        """Yield an axis that is both or neither, and values named twice."""
        if self.values is None:
            yield from self.range_problems(self.low, self.high)
            return
        if self.low is not None or self.high is not None:
            yield ("values",), "give values or low and high, not both"
        listed = [(type(value), value) for value in self.values]
        for index, value in enumerate(listed):
            if value in listed[:index]:
                yield ("values", index), f"{value[1]!r} is there already"


class DrawSection(_RangeFields):
    """An uncertain input, drawn for every path."""

    low: float = Field(description="Lower end.")
    high: float = Field(description="Upper end.")
    method: Method = Field("random", description="random, or sobol for scrambled low-discrepancy points.")

    @property
    def draw(self) -> Draw:
        """What the section means."""
        return Draw(
            key=self.key,
            low=self.low,
            high=self.high,
            scale=self.scale,
            whole=self.whole,
            method=self.method,
        )

    def problems(self) -> Iterator[Problem]:
        """Yield an impossible interval."""
        yield from self.range_problems(self.low, self.high)


class DesignSection(Section):
    """How points are chosen from the parameters."""

    method: Literal["grid", "random", "sobol"] = Field("grid", description="How points are chosen.")
    samples: int | None = Field(
        None, description="Points of random, or of one Sobol sequence.", ge=1, le=10**9
    )
    replicates: int = number(
        1, 1, 1_024, "1", "Independently scrambled Sobol sequences.", source="one design"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield numbers that do not fit the method."""
        if self.method == "grid":
            if self.samples is not None:
                yield ("samples",), "a grid has as many points as its values make; leave it out"
        elif self.samples is None:
            yield ("samples",), f"is required for method {self.method}"
        elif self.method == "sobol" and self.samples & (self.samples - 1):
            yield ("samples",), f"must be a power of two for method sobol, was {self.samples}"
        if self.method != "sobol" and self.replicates != 1:
            yield ("replicates",), "only method sobol has replicates"

    @property
    def count(self) -> int:
        """Points of a method that is no grid."""
        return (self.samples or 0) * self.replicates


class StoppingSection(Section):
    """When a point needs no more paths."""

    metric: str = text(..., "Metric whose interval decides.", max_length=80)
    half_width: float | None = Field(None, description="Stop at this half-width, in the metric's unit.", gt=0)
    relative: float | None = Field(None, description="Or at this half-width over the mean.", gt=0)
    batch: int = number(100, 2, 10**6, "paths", "Paths between looks.", source="assumption: looks are cheap")
    minimum_paths: int = number(
        200, 100, 10**9, "paths", "No look before.",
        source="assumption: by then means are near normal (quant 7.2)",
    )  # fmt: skip
    confidence: float = number(
        0.95, 0.5, 0.9999, "1", "That the interval holds at every look at once.", source="convention"
    )

    @property
    def stopping(self) -> Stopping:
        """What the section means."""
        return Stopping(**self.model_dump())

    def problems(self) -> Iterator[Problem]:
        """Yield an unknown metric, or no width to stop at."""
        yield from _metric_problems((self.metric,), ("metric",))
        if self.half_width is None and self.relative is None:
            yield ("half_width",), "half_width or relative is required"


class ExperimentFields(Document):
    """What every kind of experiment says."""

    renamed = MappingProxyType({"twin": "worlds"})

    schema_version: Literal[1] = Field(description="Version of this format.")
    title: str = text(..., "Title of reports.", max_length=120)
    scenario: str = text(..., "Scenario file in this folder or below, or the name of one that ships.")
    seed: int | None = Field(None, description="Seed instead of the scenario's.", ge=0, le=2**63 - 1)
    paths: int = number(200, 1, 10**12, "paths", "Paths of each point.", source="assumption: a first look")
    populations: int = number(1, 1, 10**6, "1", "Books the paths take in turn.", source="the book is given")
    worlds: Worlds | None = Field(
        None, description="Worlds to run beside every path; if left out, those that `metrics` need."
    )
    antithetic: bool = Field(default=False, description="Mirror every second path's price.")
    set: Texts = Field((), description="section.key=value, as --set; applied to every point.")
    metrics: Texts = Field(DEFAULT_METRICS, description="Shown first; all are kept.", min_length=1)
    draw_replicates: int = number(
        1, 1, 1_024, "1", "Independent scramblings that the paths of Sobol draws are split into.",
        source="one gives no error estimate; 8 or more do (quant 7.4)",
    )  # fmt: skip
    parameters: Annotated[tuple[ParameterSection, ...], Strict(strict=False)] = Field(
        (), description="Axes.", max_length=64
    )
    draws: Annotated[tuple[DrawSection, ...], Strict(strict=False)] = Field(
        (), description="Uncertain inputs.", max_length=64
    )

    @property
    def sobol_points(self) -> int:
        """Points of one replicate of the Sobol draws."""
        pairs = 2 if self.antithetic else 1
        return max(1, self.paths // (self.draw_replicates * pairs))

    def problems(self) -> Iterator[Problem]:
        """Yield what only shows when several keys are read together."""
        yield from _metric_problems(self.metrics, ("metrics",))
        if self.antithetic and self.paths % 2:
            yield ("paths",), f"must be even with antithetic, was {self.paths}"
        if any(draw.method == "sobol" for draw in self.draws):
            yield from self._sobol_problems()
        elif self.draw_replicates != 1:
            yield ("draw_replicates",), 'only draws with method = "sobol" have replicates'
        taken: dict[str, str] = {}
        for table, sections in (("parameters", self.parameters), ("draws", self.draws)):
            for index, section in enumerate(sections):
                here = f"{table}.{index}"
                if section.key in taken:
                    yield (table, index, "key"), f"{section.key} is set by {taken[section.key]} already"
                elif section.key == "seed":
                    yield (table, index, "key"), "every point has the same seed: give it as seed at the top"
                taken.setdefault(section.key, here)

    def _sobol_problems(self) -> Iterator[Problem]:
        pairs = 2 if self.antithetic else 1
        points, rest = divmod(self.paths, self.draw_replicates * pairs)
        if rest or points & (points - 1) or not points:
            times = f"draw_replicates {self.draw_replicates}{' times two' if pairs == 2 else ''}"
            message = f"must be a power of two times {times} for Sobol draws, was {self.paths}"
            yield ("paths",), message


class DesignedFields(ExperimentFields):
    """An experiment whose points are known before it starts."""

    points: Annotated[tuple[PointSection, ...], Strict(strict=False)] = Field(
        (), description="Points by name; with parameters, each is combined with every point of those.",
        max_length=10_000,
    )  # fmt: skip
    design: DesignSection = DesignSection()
    stopping: StoppingSection | None = None

    @property
    def point_count(self) -> int:
        """How many points there are, without making them."""
        count = max(1, len(self.points))
        if self.design.method != "grid":
            return count * self.design.count
        for axis in self.parameters:
            count *= len(axis.values or ())
        return count

    def problems(self) -> Iterator[Problem]:
        """Yield points with one name, axes that do not fit the design, and a rule that cannot be kept."""
        yield from super().problems()
        names = [point.name for point in self.points]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield ("points", index, "name"), f"{name!r} is already the name of points.{names.index(name)}"
        if self.design.method == "grid":
            for index, axis in enumerate(self.parameters):
                if axis.is_range and axis.low is not None and axis.high is not None:
                    message = 'a grid needs values; for a range give [design] method = "sobol" or "random"'
                    yield ("parameters", index), message
        elif not self.parameters:
            yield ("design", "method"), f"{self.design.method} needs at least one entry in [[parameters]]"
        else:
            for index, axis in enumerate(self.parameters):
                if not axis.is_range:
                    yield ("parameters", index, "values"), f"method {self.design.method} needs low and high"
        yield from self._stopping_problems()

    def _stopping_problems(self) -> Iterator[Problem]:
        rule = self.stopping
        if rule is None:
            return
        if rule.batch > self.paths or rule.minimum_paths >= self.paths:
            yield (
                ("stopping",),
                f"paths {self.paths} end before it may stop; give more paths or smaller numbers",
            )
        if self.antithetic and rule.batch % 2:
            yield ("stopping", "batch"), f"must be even with antithetic, was {rule.batch}"
        if self.populations != 1:
            yield ("stopping",), "needs populations = 1: paths of one book are not independent"
        if any(draw.method == "sobol" for draw in self.draws):
            yield ("stopping",), "needs independent paths: use random draws"


class SweepExperiment(DesignedFields):
    """``kind = "sweep"``: many paths at many points."""

    kind: Literal["sweep"]


Fields = TypeVar("Fields", bound=ExperimentFields)
Fields_co = TypeVar("Fields_co", bound=ExperimentFields, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Generic[Fields_co]):
    """A loaded experiment file."""

    file: TomlFile
    fields: Fields_co
    scenario: Path
    """Its scenario file, which exists."""

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.file.path

    @property
    def content(self) -> bytes:
        """Content of the file, kept in the results."""
        return self.file.text.encode()

    @property
    def name(self) -> str:
        """Name of the results folder."""
        return self.path.stem

    def place(self, where: KeyPath) -> str:
        """Return ``file:line: key`` for messages."""
        return f"{self.file.place(where)}: {'.'.join(map(str, where))}"


def load_experiment(path: Path, model: type[Fields]) -> Experiment[Fields]:
    """Return the experiment of a TOML file.

    Parameters
    ----------
    path
        The file, at most 1 MiB. Files it names must lie in its folder or below.
    model
        Kind of experiment, for example `SweepExperiment`.

    Raises
    ------
    InputError
        One line per problem: ``file:line: section.field: what is wrong``.
    """
    file = TomlFile.read(path)
    _check_kind(file, model)
    fields = file.load(model)
    return Experiment(file=file, fields=fields, scenario=_scenario_file(fields.scenario, file))


def _check_kind(file: TomlFile, model: type[ExperimentFields]) -> None:
    """Say which command an experiment of another kind is for, before its sections are called unknown."""
    found, own = file.document.get("kind"), typing.get_args(model.model_fields["kind"].annotation)
    if isinstance(found, str) and found in KINDS and found not in own:
        raise InputError(file.problem(("kind",), f"run it with seawall {KINDS[found]} {file.path}"))


def _scenario_file(written: str, file: TomlFile) -> Path:
    place = f"{file.place(('scenario',))}: scenario"
    if written and not Path(written).suffix and len(Path(written).parts) == 1:
        shipped = shipped_scenarios()
        if written not in shipped:
            raise InputError(f"{place}: no scenario {written!r} ships{nearest(written, tuple(shipped))}")
        return shipped[written]
    folder = file.path.resolve().parent
    resolved = (folder / written).resolve()
    if not resolved.is_relative_to(folder):
        raise InputError(f"{place}: must lie in the experiment's folder, was {written!r}")
    if not resolved.is_file():
        raise InputError(f"{place}: there is no file {written!r}")
    return resolved


def _metric_problems(names: tuple[str, ...], where: KeyPath) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if wrong := metric_problem(name):
            place = (*where, index) if len(where) == 1 and where[0] == "metrics" else where
            yield place, wrong


__all__ = ["DesignedFields", "Experiment", "ExperimentFields", "SweepExperiment", "Value", "load_experiment"]
