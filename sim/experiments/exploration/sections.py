"""The section each kind of experiment adds to its file: ``[frontier]``, ``[sensitivity]``, ``[optimise]``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, Strict

from sim.core.documents.sections import Problem, Section, number, text
from sim.experiments.exploration.constraints import Constraint
from sim.experiments.exploration.numbers import FULL_SAMPLES
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.resampling import Statistic
from sim.metrics.book import METRICS, metric_problem

Direction = Literal["minimise", "maximise"]

_SMALL = "assumption: see docs/exploration.md"
_QUANT = "quant notes 7.4"


class ObjectiveSection(Section):
    """A metric, the statistic over paths taken of it, and which way is better."""

    metric: str = text(..., "Metric of a path.", max_length=80)
    statistic: Statistic = Field("mean", description="Over paths: mean, var95, var99, es95 or es99.")
    direction: Direction | None = Field(
        None, description="Which way is better; needed only if the metric has no direction of its own."
    )

    def problems(self) -> Iterator[Problem]:
        """Yield an unknown metric, and one without a better side."""
        wrong = metric_problem(self.metric)
        if wrong is not None:
            yield ("metric",), wrong
        elif METRICS[self.metric].direction == 0 and self.direction is None:
            yield (
                ("direction",),
                f"must say minimise or maximise: {self.metric} is neither good nor bad in itself",
            )
        elif METRICS[self.metric].is_event and self.statistic != "mean":
            yield (
                ("statistic",),
                f"must be mean: {self.metric} is yes or no on each path, its mean is a probability",
            )

    @property
    def objective(self) -> Objective:
        """What the section means."""
        sign = METRICS[self.metric].direction
        if self.direction is not None:
            sign = 1 if self.direction == "minimise" else -1
        return Objective(metric=self.metric, statistic=self.statistic, sign=sign)


class Bootstrap(Section):
    """What every kind has: how sure, and from how many resamples."""

    confidence: float = number(0.95, 0.5, 0.999, "1", "Of every interval and region.", source="convention")
    resamples: int = number(
        2_000,
        100,
        100_000,
        "1",
        "Bootstrap resamples of the paths.",
        source="assumption: places the 2.5 % point between the 2.15 % and 2.85 % points",
    )


class FrontierSection(Bootstrap):
    """Capital efficiency against tail loss."""

    efficiency: ObjectiveSection = ObjectiveSection(metric="mean_initial_margin_ratio")
    loss: ObjectiveSection = ObjectiveSection(metric="uncovered_loss_ratio", statistic="es99")
    colour: str = text("max_1h_margin_increase", "Metric shown as colour, its mean.", max_length=80)
    size: str = text(
        "insolvent", "Event whose upper confidence bound is shown as the size of the marker.", max_length=80
    )
    current: str | None = text(None, "Name of the point that stands for what is.", max_length=400)
    proposed: str | None = text(None, "Name of the point that is proposed.", max_length=400)
    front_share: float = number(
        0.5,
        0.0,
        1.0,
        "1",
        "Points on the front in at least this share of resamples are listed.",
        source="assumption: more often than not",
    )
    reference: Annotated[tuple[float, float], Strict(strict=False)] | None = Field(
        None,
        description="Worst corner (efficiency, loss) of the hypervolume; a tenth of the range behind the "
        "worst point by default.",
    )

    @property
    def objectives(self) -> tuple[Objective, Objective]:
        """Efficiency first."""
        return self.efficiency.objective, self.loss.objective

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric the section needs."""
        return tuple(dict.fromkeys((self.efficiency.metric, self.loss.metric, self.colour, self.size)))

    def problems(self) -> Iterator[Problem]:
        """Yield unknown metrics, a size that is no event, and one metric against itself."""
        for field in ("colour", "size"):
            wrong = metric_problem(getattr(self, field))
            if wrong is not None:
                yield (field,), wrong
        if self.size in METRICS and not METRICS[self.size].is_event:
            events = ", ".join(metric.name for metric in METRICS if metric.is_event)
            yield ("size",), f"must be an event ({events}), was {self.size!r}"
        if (self.efficiency.metric, self.efficiency.statistic) == (self.loss.metric, self.loss.statistic):
            yield ("loss",), "must differ from efficiency: a front needs two objectives"
        if self.proposed is not None and self.proposed == self.current:
            yield ("proposed",), f"must be another point than current {self.current!r}"


class OutputSection(Section):
    """A number whose sensitivity is asked for."""

    metric: str = text(..., "Metric of a path.", max_length=80)
    statistic: Statistic = Field("mean", description="Over paths: mean, var95, var99, es95 or es99.")

    def problems(self) -> Iterator[Problem]:
        """Yield an unknown metric, and a tail of an event."""
        wrong = metric_problem(self.metric)
        if wrong is not None:
            yield ("metric",), wrong
        elif METRICS[self.metric].is_event and self.statistic != "mean":
            yield (
                ("statistic",),
                f"must be mean: {self.metric} is yes or no on each path, its mean is a probability",
            )

    @property
    def objective(self) -> Objective:
        """What the section means; the tail is the metric's bad side, large values if it has none."""
        return Objective(
            metric=self.metric, statistic=self.statistic, sign=METRICS[self.metric].direction or 1
        )


MINIMUM_TRAJECTORIES = 20
"""quant notes 7.4: r >= 20."""


class SensitivitySection(Bootstrap):
    """Which parameters matter: screening, then shares of variance."""

    method: Literal["morris", "sobol", "both"] = Field(
        "both", description="both: Sobol indices of the parameters that screening keeps."
    )
    outputs: Annotated[tuple[OutputSection, ...], Strict(strict=False)] = Field(
        ..., description="Numbers whose sensitivity is asked for.", min_length=1, max_length=20
    )
    trajectories: int = number(
        MINIMUM_TRAJECTORIES,
        MINIMUM_TRAJECTORIES,
        1_000,
        "1",
        "Morris trajectories; each costs one run more than there are parameters, times paths.",
        source=_QUANT,
    )
    levels: int = number(4, 4, 32, "1", "Levels of each parameter's grid, even.", source="SALib's default")
    keep_share: float = number(
        0.1,
        0.0,
        1.0,
        "1",
        "Screening drops a parameter whose mu* is surely below this share of the largest.",
        source=_SMALL,
    )
    samples: int = number(
        FULL_SAMPLES,
        16,
        8_192,
        "1",
        "Base samples N of Sobol indices, a power of two; N (k + 2) points.",
        source=_QUANT,
    )
    second_order: bool = Field(default=False, description="Also pairs of parameters: N (2 k + 2) points.")
    resamples: int = number(
        1_000, 100, 100_000, "1", "Bootstrap resamples of design and paths.", source=_SMALL
    )

    def problems(self) -> Iterator[Problem]:
        """Yield sample sizes the methods are not made for, and outputs named twice."""
        if self.samples & (self.samples - 1):
            yield ("samples",), f"must be a power of two for Sobol points, was {self.samples}"
        if self.levels % 2:
            yield ("levels",), f"must be even for Morris steps, was {self.levels}"
        seen: list[tuple[str, str]] = []
        for index, output in enumerate(self.outputs):
            if (output.metric, output.statistic) in seen:
                yield ("outputs", index), f"{output.statistic} of {output.metric} is there already"
            seen.append((output.metric, output.statistic))


class ConstraintSection(Section):
    """A limit on the mean of a metric, kept by its one-sided confidence bound."""

    metric: str = text(..., "Metric of a path; of an event the limit is a probability.", max_length=80)
    at_most: float | None = Field(None, description="The upper bound may not be above.")
    at_least: float | None = Field(None, description="The lower bound may not be below.")
    confidence: float = number(
        0.95, 0.5, 0.999, "1", "Of the one-sided bound.", source="convention", above=True
    )

    def problems(self) -> Iterator[Problem]:
        """Yield an unknown metric, no limit or two, and a probability outside 0..1."""
        wrong = metric_problem(self.metric)
        if wrong is not None:
            yield ("metric",), wrong
        if (self.at_most is None) == (self.at_least is None):
            yield ("at_most",), "give exactly one of at_most and at_least"
            return
        limit = self.at_most if self.at_most is not None else self.at_least
        is_event = wrong is None and METRICS[self.metric].is_event
        if is_event and limit is not None and not 0.0 <= limit <= 1.0:
            name = "at_most" if self.at_most is not None else "at_least"
            yield (name,), f"must be a probability from 0 to 1, was {limit:g}"

    @property
    def constraint(self) -> Constraint:
        """What the section means."""
        at_most = self.at_most is not None
        limit = self.at_most if self.at_most is not None else self.at_least
        return Constraint(
            metric=self.metric, limit=float(limit or 0.0), at_most=at_most, confidence=self.confidence
        )


class OptimiseSection(Bootstrap):
    """Search under constraints, and finalists on fresh paths."""

    objectives: Annotated[tuple[ObjectiveSection, ...], Strict(strict=False)] = Field(
        ..., description="What is to be small or large.", min_length=1, max_length=4
    )
    constraints: Annotated[tuple[ConstraintSection, ...], Strict(strict=False)] = Field(
        (), description="What a parameter set must keep.", max_length=20
    )
    sampler: Literal["nsga2", "tpe"] = Field("nsga2", description="How optuna looks for the next trials.")
    trials: int = number(200, 4, 100_000, "1", "Parameter sets tried.", source=_SMALL)
    batch: int = number(
        20,
        2,
        10_000,
        "1",
        "Trials asked for at a time, whatever the number of workers; a generation of NSGA-II.",
        source=_SMALL,
    )
    finalists: int = number(5, 1, 100, "1", "Trials run again on fresh paths.", source=_SMALL)
    fresh_paths: int = number(1_000, 2, 1_000_000, "1", "Paths nobody chose by.", source=_QUANT)
    simplify: bool = Field(
        default=True,
        description="Run every finalist also with one parameter set back to its current value.",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a batch larger than the search, and objectives named twice."""
        if self.batch > self.trials:
            yield ("batch",), f"must be at most trials {self.trials}, was {self.batch}"
        if len(self.objectives) == 1:
            yield (
                ("objectives",),
                "needs at least two: with one there is no front to choose from",
            )
        seen: list[tuple[str, str]] = []
        for index, objective in enumerate(self.objectives):
            if (objective.metric, objective.statistic) in seen:
                yield ("objectives", index), f"{objective.statistic} of {objective.metric} is there already"
            seen.append((objective.metric, objective.statistic))

    def impossible(self, paths: int) -> Iterator[Problem]:
        """Yield constraints that `paths` paths could not establish even if nothing ever went wrong."""
        for index, section in enumerate(self.constraints):
            constraint = section.constraint
            least = constraint.least_paths()
            if least == 0:
                yield (
                    ("constraints", index),
                    f"{constraint.label}: no number of paths can establish that; give the limit some room",
                )
            elif paths < least:
                message = (
                    f"{constraint.label}: needs at least {least} paths even if it is never broken, "
                    f"was {paths}: the bound after no event is about 3 / paths"
                )
                yield ("constraints", index), message
