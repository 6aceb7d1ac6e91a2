"""Normal jumps: Merton's jump diffusion."""

from typing import ClassVar, Literal

import numpy as np

from sim.core import portable_math
from sim.core.documents.sections import number
from sim.market.price_paths import PricePath, poisson_counts
from sim.market.price_process import PER_YEAR, PRICE_PROCESSES, DiffusionProcess, PathDraw


@PRICE_PROCESSES.add
class MertonJumpDiffusion(DiffusionProcess):
    """Geometric Brownian motion with normal jumps of the log price at Poisson times (Merton 1976).

    The drift is compensated, so E S_t = S_0 exp(drift t) with jumps as without. The jumps of a block are
    drawn together, as one normal with the mean and variance of their number: the same law, one draw.
    Volatility shocks act on the diffusion alone.
    """

    order: ClassVar[int] = 20
    label: ClassVar[str] = "Merton's jump diffusion"
    has_independent_increments: ClassVar[bool] = True

    kind: Literal["merton"]
    jump_intensity: float = number(
        10.0, 0.0, 1e6, PER_YEAR, "Expected jumps a year.",
        source="quant notes 5.4 (assumption, to be refitted)",
    )  # fmt: skip
    jump_mean: float = number(
        -0.03, -3.0, 3.0, "log", "Mean of a jump in the log price.",
        source="assumption: jumps down outweigh jumps up",
    )  # fmt: skip
    jump_deviation: float = number(
        0.07, 0.0, 3.0, "log", "Standard deviation of a jump.",
        source="quant notes 5.4: 7 % mean down jump (assumption)",
    )  # fmt: skip

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return a sampled path."""
        variance = self.jump_deviation * self.jump_deviation
        compensator = portable_math.expm1(self.jump_mean + 0.5 * variance)
        increments = draw.diffusion(self.volatility, self.drift - self.jump_intensity * compensator)
        rate = self.jump_intensity * draw.clock.years_per_block
        counts = poisson_counts(draw.series("jump_count").uniform(0, draw.clock.blocks), rate)
        sizes = draw.series("jump_size").normal(0, draw.clock.blocks)
        increments = increments + (counts * self.jump_mean + np.sqrt(counts) * self.jump_deviation * sizes)
        return draw.from_returns(increments)

    def annual_variance(self) -> float:
        """Return sigma^2 + l (m^2 + s^2)."""
        size = self.jump_mean * self.jump_mean + self.jump_deviation * self.jump_deviation
        return self.volatility * self.volatility + self.jump_intensity * size

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return (
            f"{super().describe()}, {self.jump_intensity:g} jumps a year of {self.jump_mean:g} ± "
            f"{self.jump_deviation:g} in the log price"
        )
