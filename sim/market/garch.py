"""Volatility that clusters, with fat-tailed returns: GARCH(1,1) with Student-t innovations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.price_paths import BlockClock, PricePath, path_of_returns
from sim.market.shocks import NO_SHOCKS, ShockSchedule

_SMALLEST_DEGREES = 3  # the variance of Student's t is infinite at 2 and below
_LARGEST_DEGREES = 100  # there the kurtosis is within 2.1 % of the normal's; each two cost a draw
_FACTORS = 16  # uniforms are at least 2**-53, so that a product of 16 of them is no denormal number


@dataclass(frozen=True, slots=True, kw_only=True)
class GarchStudentT:
    """GARCH(1,1) in block time with Student-t innovations of unit variance (Bollerslev 1987).

    The log return of block i is ``drift dt - h_i / 2 + e_i`` with ``e_i = sqrt(h_i) t_i`` and
    ``h_i+1 = omega + alpha e_i^2 + beta h_i``. omega is such that the unconditional variance
    omega / (1 - alpha - beta) is volatility^2 dt, and the first block starts from there, so that E e_i^2 is
    the same in every block. A surprise in variance halves in ln(1/2) / ln(alpha + beta) blocks.

    With normal innovations the kurtosis of e is 3 (1 - c^2) / (1 - c^2 - 2 alpha^2), c = alpha + beta; with
    Student's the 3 becomes k = 3 (nu - 2) / (nu - 4) and the 2 becomes k - 1, for nu > 4 and a positive
    denominator; otherwise it is infinite. ``-h/2`` is the correction of the normal law: the expectation of e
    to the power of a Student variable is infinite, so no drift makes the price itself a martingale.
    """

    volatility: float
    """Unconditional, per square root of a year."""
    drift: float = 0.0
    alpha: float
    """Weight of the last squared return in the next variance, from 0."""
    beta: float
    """Weight of the last variance, from 0; alpha + beta is below 1."""
    degrees_of_freedom: int
    """nu of the innovations, a whole number from 3 to 100."""

    def __post_init__(self) -> None:
        """Refuse a variance that is negative, infinite or without a mean."""
        problems = []
        if not self.alpha >= 0.0:
            problems.append(f"alpha: must be at least 0, was {self.alpha:g}")
        if not self.beta >= 0.0:
            problems.append(f"beta: must be at least 0, was {self.beta:g}")
        if not self.alpha + self.beta < 1.0:
            problems.append(f"beta: alpha + beta must be below 1, was {self.alpha + self.beta:g}")
        if not _SMALLEST_DEGREES <= self.degrees_of_freedom <= _LARGEST_DEGREES:
            problems.append(
                f"degrees_of_freedom: must be from {_SMALLEST_DEGREES} to {_LARGEST_DEGREES}, "
                f"was {self.degrees_of_freedom}"
            )
        if problems:
            raise InputError(problems)

    def path(
        self,
        clock: BlockClock,
        *,
        initial_price: float,
        streams: Streams,
        name: str,
        shocks: ShockSchedule = NO_SHOCKS,
    ) -> PricePath:
        """Return a sampled path; see `PriceProcess`.

        A volatility shock scales the return but not what the recursion sees of it, so that the returns after
        it are those of the path without it.
        """
        dt = clock.years_per_block
        innovations = student_t(self.degrees_of_freedom, clock.blocks, streams=streams, name=name)
        multiples = shocks.volatility_multipliers(clock.blocks)
        variances = self._variances(innovations, self.volatility * self.volatility * dt)
        deviations = multiples * portable_math.sqrt(variances)
        increments = self.drift * dt - 0.5 * (deviations * deviations) + deviations * innovations
        return path_of_returns(initial_price, increments, clock, shocks)

    def _variances(self, innovations: FloatArray, unconditional: float) -> FloatArray:
        """Return the conditional variance of each block, float64 like `innovations`."""
        omega = (1.0 - self.alpha - self.beta) * unconditional
        # A loop of plain floats: each variance needs the last, and no library may reorder or fuse the sum.
        growth = (self.beta + self.alpha * (innovations * innovations)).tolist()
        variance = unconditional
        variances = []
        for factor in growth:
            variances.append(variance)
            variance = omega + factor * variance
        return np.array(variances, dtype=np.float64)


def student_t(degrees_of_freedom: int, n: int, *, streams: Streams, name: str) -> FloatArray:
    """Return n Student-t variables scaled to unit variance, float64[n], addressed by position.

    z / sqrt(W / nu) with z normal and W chi-squared of whole nu: W is the sum of nu // 2 exponentials of mean
    2 and, for odd nu, the square of one more normal. That is the exact law from inversion alone, with a fixed
    number of words each and no rejection. The scale to unit variance is sqrt((nu - 2) / nu).
    """
    pairs = degrees_of_freedom // 2
    uniforms = streams.series(f"{name}:t_exponential").uniform(0, n * pairs).reshape(n, pairs)
    chi_squared = np.zeros(n)
    for first in range(0, pairs, _FACTORS):
        product = np.ones(n)
        for column in range(first, min(first + _FACTORS, pairs)):
            product *= uniforms[:, column]
        chi_squared -= 2.0 * portable_math.log(product)  # a sum of exponentials, at one logarithm for 16
    if degrees_of_freedom % 2:
        extra = streams.series(f"{name}:t_normal").normal(0, n)
        chi_squared += extra * extra
    normals = streams.series(f"{name}:diffusion").normal(0, n)
    return normals * portable_math.sqrt((degrees_of_freedom - 2) / chi_squared)
