"""Screening, then shares of variance over what screening kept, all points on the same paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, cast

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.resampling import drawn_units
from sim.core.rng import Streams
from sim.experiments.exploration.axes import Axis, distinct, rows_of
from sim.experiments.exploration.morris import (
    MorrisIndex,
    kept_parameters,
    morris_design,
    morris_indices,
)
from sim.experiments.exploration.numbers import FULL_SAMPLES, LEAST_SAMPLES
from sim.experiments.exploration.objectives import GROUPS, Objective
from sim.experiments.exploration.resampling import resample_counts
from sim.experiments.exploration.samples import Samples
from sim.experiments.exploration.sobol import SobolIndices, sobol_design, sobol_indices
from sim.experiments.sweep.design import Value
from sim.metrics.statistics.intervals import Interval
from sim.metrics.statistics.over_paths import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to look."""

    method: Literal["morris", "sobol", "both"]
    outputs: tuple[Objective, ...]
    trajectories: int
    levels: int
    keep_share: float
    samples: int
    second_order: bool
    resamples: int
    confidence: float
    seed: int

    def most_points(self, parameters: int) -> int:
        """Return how many points both stages have at most, if screening keeps everything."""
        rows = 0
        if self.method != "sobol":
            rows += self.trajectories * (parameters + 1)
        if self.method != "morris":
            rows += self.samples * (2 * parameters + 2 if self.second_order else parameters + 2)
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a stage rests on."""

    rows: int
    """Of the design."""
    points: int
    """Different ones among them: what was run."""
    paths: int
    planned: int
    independent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """Morris indices."""

    axes: tuple[Axis, ...]
    indices: tuple[tuple[MorrisIndex, ...], ...]
    """By output and parameter."""
    kept: tuple[int, ...]
    """Positions of the parameters that screening keeps."""
    extent: Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Variance:
    """Sobol indices."""

    axes: tuple[Axis, ...]
    """What screening kept, or everything if there was none."""
    indices: tuple[SobolIndices, ...]
    """By output."""
    extent: Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Both stages, those that were asked for."""

    settings: Settings
    axes: tuple[Axis, ...]
    screening: Screening | None
    variance: Variance | None
    flags: tuple[str, ...]
    """What a reader must know before believing a number."""


Run = Callable[[str, Sequence[dict[str, Value]]], Samples]
"""Samples of parameter sets, in their order; the first argument is ``screening`` or ``indices``."""


def find_sensitivity(axes: Sequence[Axis], settings: Settings, run: Run) -> Sensitivity:
    """Run the stages and return their indices.

    Parameters
    ----------
    axes
        Ranges; screening and indices work in the unit cube that they span.
    settings
        How.
    run
        Where samples come from. Every parameter set must see the same paths: noise that differed between
        them would count as interaction and inflate total indices (quant 7.4).

    Notes
    -----
    A parameter that screening drops stays, in the second stage, as the scenario has it.
    """
    screening = None
    chosen = tuple(axes)
    if settings.method != "sobol":
        screening = _screen(chosen, settings, run)
        chosen = tuple(axes[position] for position in screening.kept)
    variance = None
    if settings.method != "morris" and chosen:
        variance = _apportion(chosen, settings, run)
    return Sensitivity(
        settings=settings,
        axes=tuple(axes),
        screening=screening,
        variance=variance,
        flags=tuple(_flags(settings, screening, variance)),
    )


def _screen(axes: tuple[Axis, ...], settings: Settings, run: Run) -> Screening:
    design = morris_design(len(axes), settings.trajectories, levels=settings.levels, seed=settings.seed)
    points, which = distinct(rows_of(axes, design))
    samples = run("screening", points)
    counts, drawn = _draws(samples, settings, settings.trajectories, "screening")
    indices = tuple(
        morris_indices(
            design,
            output.estimate(samples)[which],
            output.draws(samples, counts)[which],
            drawn,
            confidence=settings.confidence,
            units=max(samples.independent, 2),
        )
        for output in settings.outputs
    )
    extent = _extent(design, points, samples)
    return Screening(
        axes=axes,
        # What is kept is decided with the ends, whatever they are worth: dropping needs evidence.
        indices=tuple(
            _shown(found, output, extent) for found, output in zip(indices, settings.outputs, strict=True)
        ),
        kept=kept_parameters(indices, share=settings.keep_share),
        extent=extent,
    )


def _apportion(axes: tuple[Axis, ...], settings: Settings, run: Run) -> Variance:
    design = sobol_design(len(axes), settings.samples, second_order=settings.second_order, seed=settings.seed)
    points, which = distinct(rows_of(axes, design))
    samples = run("indices", points)
    counts, drawn = _draws(samples, settings, settings.samples, "indices")
    extent = _extent(design, points, samples)
    return Variance(
        axes=axes,
        indices=tuple(
            _shown(
                sobol_indices(
                    output.estimate(samples)[which],
                    output.draws(samples, counts)[which],
                    drawn,
                    parameters=len(axes),
                    second_order=settings.second_order,
                    confidence=settings.confidence,
                    units=max(samples.independent, 2),
                ),
                output,
                extent,
                settings.samples,
            )
            for output in settings.outputs
        ),
        extent=extent,
    )


def _draws(samples: Samples, settings: Settings, units: int, stage: str) -> tuple[FloatArray, IntArray]:
    """Return how often each path, and which trajectories or base samples, each resample draws."""
    streams = Streams(settings.seed)
    counts = resample_counts(samples.clusters, settings.resamples, streams, name=f"sensitivity:{stage}:paths")
    name = f"sensitivity:{stage}:design"
    drawn = drawn_units(streams, name, units=units, replicates=settings.resamples)
    return counts, np.stack(list(drawn))


def _extent(design: FloatArray, points: Sequence[object], samples: Samples) -> Extent:
    return Extent(
        rows=len(design),
        points=len(points),
        paths=samples.paths.size,
        planned=samples.planned,
        independent=samples.independent,
    )


Index = TypeVar("Index")


def _shown(indices: Index, output: Objective, extent: Extent, samples: int | None = None) -> Index:
    """Return an output's indices, without ends of intervals if the rule of refusal gives none."""
    return without_ends(indices) if no_interval(output, extent, samples) else indices


def without_ends(value: Index) -> Index:
    """Return a tuple or a dataclass of intervals in which each has its estimate alone."""
    found: Any = value
    if isinstance(found, Interval):
        found = replace(found, lower=math.nan, upper=math.nan)
    elif isinstance(found, tuple):
        found = tuple(without_ends(inner) for inner in found)
    elif is_dataclass(found) and not isinstance(found, type):
        found = replace(found, **{one.name: without_ends(getattr(found, one.name)) for one in fields(found)})
    return cast("Index", found)


def no_interval(output: Objective, extent: Extent, samples: int | None = None) -> str:
    """Return why the indices of an output get no intervals; empty if they do.

    The rule is that of every page, and for shares of variance one more: enough base samples, where the stage
    has any.
    """
    if samples is not None and samples < LEAST_SAMPLES:
        return f"rests on {samples} base samples, {LEAST_SAMPLES} are needed for an interval"
    return refusal(
        output.measure,
        paths=extent.paths,
        units=extent.independent,
        word=GROUPS,
        clustered=extent.independent < extent.paths,
    )


def _flags(settings: Settings, screening: Screening | None, variance: Variance | None) -> list[str]:
    found: list[str] = []
    stages = (("screening", screening), ("indices", variance))
    for stage, extent in ((name, part.extent) for name, part in stages if part is not None):
        if extent.paths < extent.planned:
            found.append(f"{stage}: {extent.paths} of {extent.planned} paths finished at every point")
        for output in settings.outputs:
            why = no_interval(output, extent, settings.samples if stage == "indices" else None)
            if why:
                found.append(f"{stage}: {output.label} {why}")
    if variance is None:
        if screening is not None and not screening.kept:
            found.append("no parameter changed any output on any path: there is nothing to apportion")
        return found
    if settings.samples < FULL_SAMPLES:
        found.append(
            f"indices: N = {settings.samples}, below {FULL_SAMPLES:,}: read the intervals, not the estimates"
        )
    for output, indices in zip(settings.outputs, variance.indices, strict=True):
        if indices.standard_deviation == 0.0:
            found.append(f"indices: {output.label} does not vary over the ranges")
            continue
        vague = [
            axis.key
            for axis, index in zip(variance.axes, indices.parameters, strict=True)
            if index.first.lower <= 0.0 <= index.first.upper
        ]
        if vague:
            found.append(f"indices: S1 for {output.label}: the interval includes 0 for {', '.join(vague)}")
    return found
