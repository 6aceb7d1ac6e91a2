"""Morris screening: which parameters matter at all, from one-at-a-time steps along random trajectories.

Everything happens in the unit cube: an effect is the change of the output per full range of the parameter, so
effects of different parameters compare.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray, IntArray
from sim.core.rng import Streams
from sim.experiments.exploration.numbers import library_seed, small_sample_factor, unit_problem
from sim.metrics.statistics.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MorrisIndex:
    """What screening says of one parameter and one output."""

    mu: Interval
    """Mean effect, with sign."""
    mu_star: Interval
    """Mean size of the effect: Campolongo, Cariboni, Saltelli (2007)."""
    sigma: Interval
    """Standard deviation of the effect over the space: nonlinearity or interaction."""
    noise: float
    """What `mu_star` stays below, with the confidence of the intervals, for a parameter whose effects are
    chance of the paths alone. A parameter that changes no path has 0."""

    @property
    def above_noise(self) -> bool:
        """Whether the effect is larger than chance of the paths explains."""
        return self.mu_star.estimate > self.noise


def morris_design(parameters: int, trajectories: int, *, levels: int, seed: int) -> FloatArray:
    """Return the rows of the design, float64[trajectory * (parameters + 1), parameters], in the unit cube.

    Plain trajectories of SALib: Morris, Technometrics 33 (1991), steps of levels / (2 (levels - 1)).
    """
    from SALib.sample import morris as sampling  # noqa: PLC0415  (slow to import, and an extra)

    rows: FloatArray = sampling.sample(
        unit_problem(parameters),
        trajectories,
        num_levels=levels,
        seed=library_seed(Streams(seed), "sensitivity:morris"),
    )
    return np.asarray(rows, dtype=np.float64)


def elementary_effects(design: FloatArray, outputs: FloatArray) -> FloatArray:
    """Return the change of the output per unit step, float64[parameter, trajectory, ...].

    Parameters
    ----------
    design
        float64[row, parameter], trajectories one after the other.
    outputs
        float64[row, ...].
    """
    parameters = design.shape[1]
    trajectories = len(design) // (parameters + 1)
    steps = np.diff(design.reshape(trajectories, parameters + 1, parameters), axis=1)
    changes = np.diff(outputs.reshape(trajectories, parameters + 1, *outputs.shape[1:]), axis=1)
    moved = np.abs(steps).argmax(axis=2)
    size = np.take_along_axis(steps, moved[:, :, None], axis=2)[:, :, 0]
    effects = np.empty((parameters, trajectories, *outputs.shape[1:]))
    trajectory = np.arange(trajectories)
    for step in range(parameters):
        scale = size[:, step].reshape(-1, *([1] * (outputs.ndim - 1)))
        effects[moved[:, step], trajectory] = changes[:, step] / scale
    return effects


def morris_indices(
    design: FloatArray,
    outputs: FloatArray,
    resampled: FloatArray,
    drawn: IntArray,
    *,
    confidence: float,
    units: int,
) -> tuple[MorrisIndex, ...]:
    """Return the screening indices of every parameter for one output.

    Parameters
    ----------
    design
        float64[row, parameter] of `morris_design`.
    outputs
        float64[row], from all paths.
    resampled
        float64[row, replicate], the outputs of resampled paths; the same paths for every row.
    drawn
        int64[replicate, trajectory], trajectories drawn with replacement.
    confidence
        Of the intervals.
    units
        Independent paths, two at least.

    Notes
    -----
    Estimates are SALib's. Intervals are estimate -+ z times the standard deviation over resamples of
    trajectories *and* paths, so they speak of other designs and other paths, times `small_sample_factor` of
    the fewer of the two; those of `mu_star` and `sigma` are cut at 0.
    """
    from SALib.analyze import morris as analysis  # noqa: PLC0415  (slow to import, and an extra)

    levels = len(np.unique(design))
    found = analysis.analyze(
        unit_problem(design.shape[1]), design, outputs, num_resamples=2, num_levels=levels, seed=1
    )
    effects = elementary_effects(design, outputs)
    by_path = elementary_effects(design, resampled)
    replicate = np.arange(drawn.shape[0])[:, None]
    chosen = by_path[:, drawn, replicate]  # [parameter, replicate, trajectory]
    z = float(special.ndtri(0.5 + confidence / 2.0))
    z *= small_sample_factor(min(units, drawn.shape[1]), confidence)
    chance = np.quantile(np.abs(by_path - effects[:, :, None]).mean(axis=1), confidence, axis=1)

    def interval(name: str, parameter: int, draws: FloatArray, *, floor: float) -> Interval:
        estimate = float(found[name][parameter])
        half = z * float(draws.std(ddof=1))
        return Interval(
            estimate=estimate,
            lower=max(estimate - half, floor),
            upper=estimate + half,
            confidence=confidence,
        )

    return tuple(
        MorrisIndex(
            mu=interval("mu", index, chosen[index].mean(axis=1), floor=-math.inf),
            mu_star=interval("mu_star", index, np.abs(chosen[index]).mean(axis=1), floor=0.0),
            sigma=interval("sigma", index, chosen[index].std(axis=1, ddof=1), floor=0.0),
            noise=float(chance[index]),
        )
        for index in range(design.shape[1])
    )


def kept_parameters(indices: tuple[tuple[MorrisIndex, ...], ...], *, share: float) -> tuple[int, ...]:
    """Return the parameters screening keeps, from indices [output][parameter].

    Kept is a parameter whose `mu_star` could, at the upper end of its interval, be at least `share` of the
    largest `mu_star` of some output. Dropping needs evidence, keeping does not; a parameter whose effect is
    zero on every path is always dropped.
    """
    kept: set[int] = set()
    for output in indices:
        largest = max(index.mu_star.estimate for index in output)
        kept.update(
            position
            for position, index in enumerate(output)
            if largest > 0.0 and index.mu_star.upper > 0.0 and index.mu_star.upper >= share * largest
        )
    return tuple(sorted(kept))
