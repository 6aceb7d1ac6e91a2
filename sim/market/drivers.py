"""What the path of one market shares with those of others: the variables that drive it, jumps, moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.core import portable_math, student_t
from sim.core.arrays import FloatArray

OfBlocks = Callable[[int], FloatArray]
"""From a number n to the values of the first n blocks, float64[n]; they are the same whatever n is."""


@dataclass(frozen=True, slots=True)
class Driver:
    """The variables that drive a path, dependent on those of other markets, independent from block to block.

    A copula's variables keep their own law whatever else is asked of them: here they are standard normals, or
    Student variables, and are turned into what a process needs through their probability.
    """

    scores: OfBlocks
    degrees_of_freedom: int | None
    """Of the law of the scores; None says that they are standard normals."""

    def normals(self, n: int) -> FloatArray:
        """Return them as standard normals, float64[n]."""
        scores = self.scores(n)
        nu = self.degrees_of_freedom
        return scores if nu is None else student_t.normal_of(scores, nu)

    def students(self, degrees_of_freedom: int, n: int) -> FloatArray:
        """Return them as Student variables of unit variance, float64[n]; their degrees are above 2."""
        if degrees_of_freedom == self.degrees_of_freedom:
            found = self.scores(n)
        else:
            found = student_t.student_of(self.normals(n), degrees_of_freedom)
        return found * portable_math.sqrt((degrees_of_freedom - 2) / degrees_of_freedom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What a path shares with those of other markets."""

    driver: Driver | None = None
    """Drives it in place of a stream of its own."""
    jumps: OfBlocks | None = None
    """Log returns that come on top of its own."""
    moments: str | None = None
    """Name of the streams that choose the moments of its file, in place of its own."""


NOTHING_SHARED = Shared()
