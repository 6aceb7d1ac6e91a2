"""Volatility that clusters, with fat-tailed returns: GARCH(1,1) with Student-t innovations."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.documents.sections import Problem, number
from sim.market.price_paths import PricePath
from sim.market.price_process import (
    PER_YEAR,
    PRICE_PROCESSES,
    VOLATILITY_SOURCE,
    DiffusionProcess,
    PathDraw,
)
from sim.market.student_draws import student_t


@PRICE_PROCESSES.add
class GarchStudentT(DiffusionProcess):
    """GARCH(1,1) in block time with Student-t innovations of unit variance (Bollerslev 1987).

    The log return of block i is ``drift dt - h_i / 2 + e_i`` with ``e_i = sqrt(h_i) t_i`` and
    ``h_i+1 = omega + alpha e_i^2 + beta h_i``. omega is such that the unconditional variance
    omega / (1 - alpha - beta) is volatility^2 dt, and the first block starts from there, so that E e_i^2 is
    the same in every block. A surprise in variance halves in ln(1/2) / ln(alpha + beta) blocks.

    With normal innovations the kurtosis of e is 3 (1 - c^2) / (1 - c^2 - 2 alpha^2), c = alpha + beta; with
    Student's the 3 becomes k = 3 (nu - 2) / (nu - 4) and the 2 becomes k - 1, for nu > 4 and a positive
    denominator; otherwise it is infinite. ``-h/2`` is the correction of the normal law: the expectation of e
    to the power of a Student variable is infinite, so no drift makes the price itself a martingale.

    A volatility shock scales the return but not what the recursion sees of it, so that the returns after it
    are those of the path without it.
    """

    order: ClassVar[int] = 40
    label: ClassVar[str] = "GARCH(1,1) with Student-t innovations"

    kind: Literal["garch_t"]
    volatility: float = number(
        0.65, 0.0, 10.0, PER_YEAR, "Annual unconditional volatility; the path starts at it.",
        source=VOLATILITY_SOURCE,
    )  # fmt: skip
    alpha: float = number(
        0.10, 0.0, 1.0, "1", "Weight of the last block's squared return in the next block's variance.",
        source="quant notes 5.4: GARCH a (daily, 0.05 to 0.15); taken for a block: assumption",
    )  # fmt: skip
    beta: float = number(
        0.88, 0.0, 1.0, "1", "Weight of the last block's variance; alpha + beta must be below 1.",
        source="quant notes 5.4: GARCH b (daily); taken for a block: assumption",
    )  # fmt: skip
    # At nu of 2 and below the variance is infinite; at 100 the kurtosis is within 2.1 % of the normal's.
    degrees_of_freedom: int = number(
        4, 3, 100, "1", "nu of the Student-t innovations; the variance is infinite at 2.",
        source="quant notes 5.4: nu of 4; 5.1: t innovations with nu 3 to 5",
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield a variance that never comes back."""
        if self.alpha + self.beta >= 1.0:
            yield ("beta",), f"alpha + beta must be below 1, was {self.alpha + self.beta:g}"

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return a sampled path."""
        dt = draw.clock.years_per_block
        innovations = self._innovations(draw)
        multiples = draw.shocks.volatility_multipliers(draw.clock.blocks)
        variances = self._variances(innovations, self.volatility * self.volatility * dt)
        deviations = multiples * portable_math.sqrt(variances)
        increments = self.drift * dt - 0.5 * (deviations * deviations) + deviations * innovations
        return draw.from_returns(increments)

    @classmethod
    def matched(cls, *, volatility: float, drift: float, jump_share: float) -> Self:  # noqa: ARG003
        """Return it with a given unconditional volatility; it has no jumps."""
        return cls(kind="garch_t", volatility=volatility, drift=drift)

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return (
            f"{super().describe()}, alpha {self.alpha:g}, beta {self.beta:g}, "
            f"{self.degrees_of_freedom} degrees of freedom"
        )

    def _innovations(self, draw: PathDraw) -> FloatArray:
        """Return Student variables of unit variance, float64[blocks]: the path's own, or those driving it."""
        blocks, driver = draw.clock.blocks, draw.shared.driver
        if driver is not None:
            return driver.students(self.degrees_of_freedom, blocks)
        return student_t(self.degrees_of_freedom, blocks, streams=draw.streams, name=draw.name)

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
