"""The front of two objectives with its uncertainty: which points are on it, which only look like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.core.arrays import BoolArray, FloatArray
from sim.core.rng import Streams
from sim.experiments.exploration.dominance import hypervolume, non_dominated, reference_point
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.resampling import evaluate, event_interval, resample_counts
from sim.experiments.exploration.samples import Samples
from sim.metrics.statistics.intervals import Interval, check_confidence
from sim.metrics.statistics.over_paths import PathInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A point as the front sees it, besides its samples."""

    index: int
    name: str
    changes: int
    """Values in which it differs from the scenario as it stands: the measure of simplicity."""
    values: Mapping[str, float | str | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPoint:
    """A point with what the paths say of it."""

    candidate: Candidate
    objectives: tuple[PathInterval, ...]
    """In the unit and sense of the metric."""
    on_front: bool
    """Not dominated by the estimates."""
    front_probability: float
    """Share of resamples in which it is not dominated."""
    dominated_by: tuple[int, ...]
    """Positions of the points that dominate it beyond what chance explains."""
    simple: bool
    """Chosen for the simple set."""
    stands_for: tuple[int, ...]
    """Positions of the front points from which it cannot be told apart (itself included if on the front)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two points compared on the same paths, second minus first."""

    first: int
    second: int
    objectives: tuple[PathInterval, ...]

    @property
    def apart(self) -> tuple[bool, ...]:
        """By objective, each by itself: whether its interval leaves out "no difference"."""
        return tuple(one.excludes_zero for one in self.objectives)

    @property
    def distinguishable(self) -> bool:
        """Whether the points can be told apart in some objective; `apart` says in which."""
        return any(self.apart)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """All of it."""

    objectives: tuple[Objective, ...]
    points: tuple[FrontPoint, ...]
    neighbours: tuple[Difference, ...]
    """Along the estimated front, ordered by the first objective."""
    hypervolume: float
    """Of the estimates. It has no interval: choosing the best of noisy points flatters it by nobody knows how
    much."""
    reference: tuple[float, ...]
    """Worst corner of the hypervolume, in the unit and sense of the metrics."""
    paths: int
    planned: int
    independent: int
    resamples: int
    confidence: float

    @property
    def front(self) -> tuple[int, ...]:
        """Positions of the points on the estimated front, ordered by the first objective, best first."""
        sign = self.objectives[0].sign
        chosen = [position for position, point in enumerate(self.points) if point.on_front]
        return tuple(sorted(chosen, key=lambda at: (sign * self.points[at].objectives[0].estimate, at)))

    def frequent(self, share: float) -> tuple[int, ...]:
        """Return the points on the front in at least this share of resamples, most frequent first."""
        chosen = [at for at, point in enumerate(self.points) if point.front_probability >= share]
        return tuple(sorted(chosen, key=lambda at: (-self.points[at].front_probability, at)))


class _Draws:
    """Estimates and resamples of all points and objectives, in the unit and sense of the metrics."""

    def __init__(self, samples: Samples, objectives: Sequence[Objective], counts: FloatArray) -> None:
        self.samples, self.objectives, self.counts = samples, tuple(objectives), counts
        self.sign = np.array([objective.sign for objective in objectives], dtype=np.float64)
        self.estimate = np.stack([objective.estimate(samples) for objective in objectives], axis=1)
        draws = [objective.draws(samples, counts) for objective in objectives]
        self.draws = np.stack(draws, axis=2)  # [point, replicate, objective]

    def same_paths(self, first: int, second: int) -> BoolArray:
        """Return for which objectives two points are equal on every path, bool[objective]."""
        return np.array(
            [
                np.array_equal(self.samples.values[o.metric][first], self.samples.values[o.metric][second])
                for o in self.objectives
            ]
        )


def find_front(
    samples: Samples,
    candidates: Sequence[Candidate],
    objectives: Sequence[Objective],
    streams: Streams,
    *,
    resamples: int,
    confidence: float,
    reference: Sequence[float] | None = None,
    feasible: BoolArray | None = None,
) -> Front:
    """Return the front of the candidates with its uncertainty.

    Parameters
    ----------
    samples
        Rows in the order of `candidates`.
    candidates, objectives
        At least one and two.
    streams
        Randomness of the bootstrap.
    resamples
        Bootstrap resamples of the paths, common to all points and objectives.
    confidence
        Of every interval.
    reference
        Worst corner of the hypervolume, in the unit and sense of the metrics; by default a tenth of each
        objective's range behind the worst point.
    feasible
        bool[candidate]; points that may not be on the front are shown but dominate nobody. All by default.

    Notes
    -----
    A point counts as *dominated beyond chance* by another if the paired difference favours the other in every
    objective, by a one-sided bound of error a / (points - 1) with a = 1 - confidence, or is zero on every
    path, not all of them zero. Requiring every objective makes this an intersection-union test, and dividing
    by the number of rivals keeps the error of wrongly removing a point below a. What gets no interval
    dominates nobody.

    The *simple set* covers the front with the points of fewest changes: in order of changes, then of front
    probability, a point not dominated beyond chance is taken if some front point not yet covered cannot be
    told apart from it in any objective.
    """
    check_confidence(confidence)
    counts = resample_counts(samples.clusters, resamples, streams)
    found = _Draws(samples, objectives, counts)
    allowed = np.ones(len(candidates), dtype=np.bool_) if feasible is None else feasible
    signed, signed_draws = found.estimate * found.sign, found.draws * found.sign
    blocked = np.where(allowed[:, None], signed, np.inf)
    on_front = non_dominated(blocked) & allowed
    blocked_draws = np.where(allowed[None, :, None], signed_draws.transpose(1, 0, 2), np.inf)
    probability = (non_dominated(blocked_draws) & allowed).mean(axis=0)
    rivals = _dominators(found, signed_draws, allowed, confidence)
    alike = _alike(found, np.flatnonzero(on_front).tolist(), confidence)
    simple = _simple_set(candidates, probability, rivals, alike, allowed)
    corner = (
        reference_point(signed[allowed] if allowed.any() else signed)
        if reference is None
        else np.asarray(reference, dtype=np.float64) * found.sign
    )
    points = tuple(
        FrontPoint(
            candidate=candidate,
            objectives=tuple(one.interval(samples, at, confidence) for one in objectives),
            on_front=bool(on_front[at]),
            front_probability=float(probability[at]),
            dominated_by=rivals[at],
            simple=at in simple,
            stands_for=alike[at] if at in simple else (),
        )
        for at, candidate in enumerate(candidates)
    )
    ordered = sorted(np.flatnonzero(on_front).tolist(), key=lambda at: (signed[at, 0], at))
    return Front(
        objectives=tuple(objectives),
        points=points,
        neighbours=tuple(
            _difference(samples, objectives, one, two, confidence) for one, two in pairwise(ordered)
        ),
        hypervolume=hypervolume(signed[allowed], corner),
        reference=tuple((corner * found.sign).tolist()),
        paths=samples.paths.size,
        planned=samples.planned,
        independent=samples.independent,
        resamples=resamples,
        confidence=confidence,
    )


def compare_points(
    samples: Samples, objectives: Sequence[Objective], first: int, second: int, *, confidence: float
) -> Difference:
    """Return second minus first on common paths, for points that need not be neighbours."""
    return _difference(samples, objectives, first, second, confidence)


def event_bound(samples: Samples, metric: str, confidence: float) -> tuple[Interval, ...]:
    """Return the probability of an event at each point with its one-sided upper bound.

    After no event in n independent paths the bound is about 3 / n at 95 %, never 0.
    """
    return tuple(
        event_interval(row, samples.clusters, confidence=confidence, side="upper")
        for row in samples.values[metric]
    )


def path_mean(samples: Samples, metric: str) -> FloatArray:
    """Return the mean of a metric over paths, float64[point]."""
    return evaluate(samples.values[metric], "mean")


def _dominators(
    found: _Draws, signed: FloatArray, allowed: BoolArray, confidence: float
) -> list[tuple[int, ...]]:
    """Return for each point those that dominate it beyond chance."""
    points = signed.shape[0]
    level = 1.0 - (1.0 - confidence) / max(points - 1, 1)
    result: list[tuple[int, ...]] = []
    for at in range(points):
        better = (signed < signed[at]).mean(axis=1)  # [point, objective]
        rivals = []
        for other in np.flatnonzero(allowed & (better.max(axis=1) > level)):
            # Resamples find the candidates, bounds that hold their level decide.
            same = found.same_paths(int(other), at)
            likely = bool(((better[other] > level) | same).all()) and not same.all()
            if other != at and likely and _beyond(found, int(other), at, same, level):
                rivals.append(int(other))
        result.append(tuple(rivals))
    return result


def _beyond(found: _Draws, better: int, worse: int, same: BoolArray, level: float) -> bool:
    """Return whether the bounds of error 1 - level favour a point in every objective in which both differ."""
    for objective, equal in zip(found.objectives, same, strict=True):
        if equal:
            continue
        gap = objective.difference(found.samples, better, worse, 2.0 * level - 1.0)
        if not (gap.lower > 0.0 if objective.sign > 0 else gap.upper < 0.0):
            return False
    return True


def _alike(found: _Draws, front: Sequence[int], confidence: float) -> list[tuple[int, ...]]:
    """Return for each point the front points from which it cannot be told apart."""

    def told_apart(one: int, other: int) -> bool:
        return _difference(found.samples, found.objectives, one, other, confidence).distinguishable

    return [
        tuple(other for other in front if at == other or not told_apart(at, other))
        for at in range(found.estimate.shape[0])
    ]


def _simple_set(
    candidates: Sequence[Candidate],
    probability: FloatArray,
    rivals: Sequence[tuple[int, ...]],
    alike: Sequence[tuple[int, ...]],
    allowed: BoolArray,
) -> set[int]:
    uncovered = {front for group in alike for front in group}
    chosen: set[int] = set()
    for at in sorted(
        range(len(candidates)), key=lambda at: (candidates[at].changes, -float(probability[at]), at)
    ):
        if allowed[at] and not rivals[at] and uncovered.intersection(alike[at]):
            chosen.add(at)
            uncovered.difference_update(alike[at])
    return chosen


def _difference(
    samples: Samples, objectives: Sequence[Objective], first: int, second: int, confidence: float
) -> Difference:
    return Difference(
        first=first,
        second=second,
        objectives=tuple(one.difference(samples, first, second, confidence) for one in objectives),
    )
