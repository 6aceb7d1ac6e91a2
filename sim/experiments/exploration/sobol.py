"""Sobol indices: which share of an output's variance over the parameter space each parameter explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.rng import Streams
from sim.experiments.exploration.numbers import library_seed, small_sample_factor, unit_problem
from sim.metrics.statistics.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolIndex:
    """What one parameter explains of one output. Estimates are shown as they come, negative ones too."""

    first: Interval
    """S1, alone."""
    total: Interval
    """ST, with all interactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolIndices:
    """Indices of one output."""

    parameters: tuple[SobolIndex, ...]
    pairs: tuple[tuple[int, int, Interval], ...]
    """Second-order indices (parameter, parameter, S2) if they were asked for."""
    standard_deviation: float
    """Of the output over the parameter space, in its unit: what there is to explain. Zero means that nothing
    varied, and every index is 0 by convention."""


def sobol_design(parameters: int, samples: int, *, second_order: bool, seed: int) -> FloatArray:
    """Return Saltelli's design, float64[samples * (k + 2), k], or samples * (2 k + 2) rows.

    Scrambled Sobol points: Saltelli and others, Computer Physics Communications 181 (2010).
    """
    from SALib.sample import sobol as sampling  # noqa: PLC0415  (slow to import, and an extra)

    rows = sampling.sample(
        unit_problem(parameters),
        samples,
        calc_second_order=second_order,
        seed=library_seed(Streams(seed), "sensitivity:sobol"),
    )
    return np.asarray(rows, dtype=np.float64)


def sobol_indices(
    outputs: FloatArray,
    resampled: FloatArray,
    drawn: IntArray,
    *,
    parameters: int,
    second_order: bool,
    confidence: float,
    units: int,
) -> SobolIndices:
    """Return the indices of one output.

    Parameters
    ----------
    outputs
        float64[row], rows in the order of `sobol_design`.
    resampled
        float64[row, replicate], the outputs of resampled paths; the same paths for every row.
    drawn
        int64[replicate, sample], base samples drawn with replacement.
    parameters, second_order
        Of the design.
    confidence
        Of the percentile intervals, over resamples of base samples *and* paths. Base samples are treated as
        independent although they fill the space more evenly: the intervals are rather too long.
    units
        Independent paths, two at least; ends are moved out by `small_sample_factor` of the fewer of these and
        the base samples.

    Notes
    -----
    Estimators of Saltelli (2010) as SALib computes them, on centred outputs.
    """
    from SALib.analyze import sobol as analysis  # noqa: PLC0415  (slow to import, and an extra)

    spread = float(outputs.std())
    zero = Interval(estimate=0.0, lower=0.0, upper=0.0, confidence=confidence)
    if np.ptp(outputs) == 0.0:
        nothing = tuple(SobolIndex(first=zero, total=zero) for _ in range(parameters))
        return SobolIndices(parameters=nothing, pairs=(), standard_deviation=0.0)
    found = analysis.analyze(
        unit_problem(parameters), outputs, calc_second_order=second_order, num_resamples=2, seed=1
    )
    replicate = np.arange(drawn.shape[0])

    def pick(block: FloatArray) -> FloatArray:
        return block[drawn.T, replicate]  # [sample, replicate]

    centred = resampled - resampled.mean(axis=0)
    samples = drawn.shape[1]
    blocks = centred.reshape(samples, len(outputs) // samples, -1)
    first, last = pick(blocks[:, 0]), pick(blocks[:, -1])
    crossed = [pick(blocks[:, 1 + index]) for index in range(parameters)]
    tail = (1.0 - confidence) / 2.0
    wider = small_sample_factor(min(units, samples), confidence)

    def interval(estimate: float, draws: FloatArray) -> Interval:
        lower, upper = np.quantile(draws, (tail, 1.0 - tail))
        return Interval(
            estimate=float(estimate),
            lower=float(estimate + wider * (lower - estimate)),
            upper=float(estimate + wider * (upper - estimate)),
            confidence=confidence,
        )

    indices = tuple(
        SobolIndex(
            first=interval(found["S1"][index], analysis.first_order(first, crossed[index], last)),
            total=interval(found["ST"][index], analysis.total_order(first, crossed[index], last)),
        )
        for index in range(parameters)
    )
    pairs = []
    if second_order:
        reverse = [pick(blocks[:, 1 + parameters + index]) for index in range(parameters)]
        for one in range(parameters):
            for two in range(one + 1, parameters):
                draws = analysis.second_order(first, crossed[one], crossed[two], reverse[one], last)
                pairs.append((one, two, interval(found["S2"][one, two], draws)))
    return SobolIndices(parameters=indices, pairs=tuple(pairs), standard_deviation=spread)
