"""Multilevel splitting: the probability of an event that plain runs hardly ever see.

A score tells how near a path is to the event. Whenever a path first reaches the next level of the score it is
branched into a fixed number of offspring, which go on independently; the event is reaching the last level.
With n roots and k_1, k_2, ... offspring at the levels before the last,

    p = (offspring that reach the last level) / (n k_1 k_2 ...)

is unbiased whatever levels and numbers are chosen (fixed splitting; Garvels, "The splitting method in rare
event simulation", Twente 2000); bad ones cost variance, not truth. A jump over several levels branches at
each of them. The tree is walked depth first, so snapshots nest and only one line of descent is in memory.
Quant notes 7.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

from sim.core.errors import InputError
from sim.core.rng import branch_seed, path_seed
from sim.metrics.statistics.intervals import rule_of_three
from sim.metrics.statistics.paired import MeanInterval, mean_interval

MIN_REPLICAS = 20
"""Fewest independent replicas: the spread of one tree's leaves says nothing about the error (quant 7.3)."""

MAX_LEAVES = 10**9
"""Most offspring a root may have in all; more is a slip of the pen (assumption)."""


class Markov(Protocol):
    """A simulation that can be branched: its future depends on its present state and new draws alone."""

    @property
    def finished(self) -> bool:
        """Whether there is no next step."""
        ...

    def score(self) -> float:
        """Return how near the present state is to the event."""
        ...

    def step(self) -> None:
        """Advance by one step."""
        ...

    def branch(self) -> Callable[[int], Self]:
        """Keep the present state; return what continues from it with the draws of a seed.

        A continuation need only be valid until the next one is made, here or at an earlier branch.
        """
        ...


Root = Callable[[int], AbstractContextManager[Markov]]
"""Gives simulation number i at its start, for i from 0: independent of all others, valid in its context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplittingDesign:
    """Where paths are branched, into how many, and how often all of it is repeated."""

    levels: tuple[float, ...]
    """Scores, increasing; the event is reaching the last."""
    offspring: tuple[int, ...]
    """Of a path that reaches each level but the last. About 1 / P(next level | this one) is best."""
    roots: int
    """Paths from the start in each replica."""
    replicas: int = MIN_REPLICAS
    """Independent repetitions."""

    def __post_init__(self) -> None:
        """Refuse a design that estimates nothing.

        Raises
        ------
        InputError
            With every problem.
        """
        problems = []
        if not self.levels:
            problems.append("levels: need at least one, the event itself")
        if any(not math.isfinite(level) for level in self.levels):
            problems.append("levels: must be finite")
        problems += [
            f"levels: must increase, {b:g} follows {a:g}" for a, b in pairwise(self.levels) if not b > a
        ]
        if len(self.offspring) != max(len(self.levels) - 1, 0):
            problems.append(
                f"offspring: need one number for each level but the last, {max(len(self.levels) - 1, 0)}, "
                f"was {len(self.offspring)}"
            )
        if any(number < 1 for number in self.offspring):
            problems.append(f"offspring: must be at least 1, was {min(self.offspring)}")
        elif math.prod(self.offspring) > MAX_LEAVES:
            problems.append(
                f"offspring: {math.prod(self.offspring):.0e} of one root, at most {MAX_LEAVES:.0e}"
            )
        if self.roots < 1:
            problems.append(f"roots: must be at least 1, was {self.roots}")
        if self.replicas < MIN_REPLICAS:
            problems.append(
                f"replicas: must be at least {MIN_REPLICAS}, was {self.replicas}; without a spread over "
                "independent repetitions there is no honest interval"
            )
        if problems:
            raise InputError(problems)

    @property
    def leaves(self) -> int:
        """Most offspring of one root that can reach the last level."""
        return math.prod(self.offspring)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplittingEstimate:
    """A small probability with the spread of its independent replicas."""

    interval: MeanInterval
    """Mean of the replicas and its Student t interval; the lower end may fall below 0 for few replicas with
    hits. Replicas of very small probabilities are skewed: look at them, not at the interval alone."""
    replicas: tuple[float, ...]
    """Estimate of each."""
    deviation: float
    """Standard deviation of the replicas."""
    reached: tuple[int, ...]
    """Paths that reached each level, over all replicas."""
    roots: int
    """Paths from the start, over all replicas."""
    zero_bound: float | None
    """Without a single hit: exact upper bound of p at the interval's confidence, from the number of roots."""
    steps: int
    """Steps simulated: the work."""
    naive_steps: float | None
    """Steps that plain runs would take for the same standard error; None where there is no error to match."""

    @property
    def relative_error(self) -> float | None:
        """Standard error over estimate; None without a hit."""
        mean = self.interval.mean
        return self.deviation / math.sqrt(len(self.replicas)) / mean if mean > 0.0 else None

    @property
    def speed_up(self) -> float | None:
        """Naive steps over steps taken."""
        return self.naive_steps / self.steps if self.naive_steps is not None and self.steps else None


@dataclass(slots=True)
class _Tally:
    reached: list[int]
    steps: int = 0


def split(
    root: Root,
    design: SplittingDesign,
    *,
    seed: int,
    steps_of_a_path: int,
    confidence: float = 0.95,
    progress: Callable[[int], None] | None = None,
) -> SplittingEstimate:
    """Estimate the probability that the score reaches the design's last level before a path is finished.

    Parameters
    ----------
    root
        Gives root i of ``design.roots * design.replicas``; replica r has the roots from ``r * design.roots``.
    seed
        Of the offspring's draws. Root i passes on `path_seed` of it, offspring j of a path `branch_seed` of
        that path's, so that no tree depends on another.
    steps_of_a_path
        Steps of a path from start to end, to say what plain runs would cost.
    progress
        Called with the number of replicas done.

    Raises
    ------
    InputError
        ``steps_of_a_path`` is not positive.
    """
    if steps_of_a_path < 1:
        raise InputError(f"steps_of_a_path: must be at least 1, was {steps_of_a_path}")
    tally = _Tally([0] * len(design.levels))
    estimates: list[float] = []
    for replica in range(design.replicas):
        hits = 0
        for number in range(replica * design.roots, (replica + 1) * design.roots):
            with root(number) as simulation:
                hits += _grow(simulation, design, 0, path_seed(seed, number), tally)
        estimates.append(hits / (design.roots * design.leaves))
        if progress is not None:
            progress(replica + 1)
    return _estimate(design, estimates, tally, steps_of_a_path, confidence)


def _grow(simulation: Markov, design: SplittingDesign, level: int, seed: int, tally: _Tally) -> int:
    """Run a path to its next level and its offspring to the end; return how many reach the last level."""
    while simulation.score() < design.levels[level]:
        if simulation.finished:
            return 0
        simulation.step()
        tally.steps += 1
    tally.reached[level] += 1
    if level == len(design.levels) - 1:
        return 1
    resume = simulation.branch()
    hits = 0
    for number in range(design.offspring[level]):
        own = branch_seed(seed, number)
        hits += _grow(resume(own), design, level + 1, own, tally)
    return hits


def _estimate(
    design: SplittingDesign,
    estimates: Sequence[float],
    tally: _Tally,
    steps_of_a_path: int,
    confidence: float,
) -> SplittingEstimate:
    interval = mean_interval(estimates, confidence=confidence)
    replicas, roots = len(estimates), design.roots * design.replicas
    deviation = math.sqrt(sum((value - interval.mean) ** 2 for value in estimates) / (replicas - 1))
    variance = deviation**2 / replicas
    p = interval.mean
    return SplittingEstimate(
        interval=interval,
        replicas=tuple(estimates),
        deviation=deviation,
        reached=tuple(tally.reached),
        roots=roots,
        # A root has a hit among its offspring at least as often as a plain path has the event.
        zero_bound=rule_of_three(roots, confidence=confidence) if p == 0.0 else None,
        steps=tally.steps,
        # A plain path is a Bernoulli trial: n = p (1 - p) / variance of them have the same error.
        naive_steps=p * (1.0 - p) / variance * steps_of_a_path if variance > 0.0 else None,
    )
