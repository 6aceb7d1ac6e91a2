"""Jumps with exponential tails on both sides: Kou's double-exponential jump diffusion."""

from typing import ClassVar, Literal, Self

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.documents.sections import number
from sim.market.price_paths import PricePath, poisson_counts
from sim.market.price_process import PER_YEAR, PRICE_PROCESSES, DiffusionProcess, PathDraw


@PRICE_PROCESSES.add
class KouJumpDiffusion(DiffusionProcess):
    """Geometric Brownian motion with exponential jumps of the log price, up or down (Kou 2002).

    With intensity l, share q of jumps down, p = 1 - q, mean sizes u up and d down, a year's log return has
    variance sigma^2 + 2 l (p u^2 + q d^2) and third cumulant 6 l (p u^3 - q d^3) (quant notes 5.1 with
    eta = 1 / mean). The drift is compensated, so E S_t = S_0 exp(drift t) with jumps as without. Volatility
    shocks act on the diffusion alone.

    Jumps up and jumps down are two independent Poisson processes of intensities l p and l q (thinning), each
    with streams of its own: another share or size of jumps down leaves every jump up in its block.
    """

    order: ClassVar[int] = 30
    label: ClassVar[str] = "Kou's jump diffusion"
    has_independent_increments: ClassVar[bool] = True

    kind: Literal["kou"]
    jump_intensity: float = number(
        10.0, 0.0, 1e6, PER_YEAR, "Expected jumps a year, both directions together.",
        source="quant notes 5.4: Kou rate (assumption, to be refitted)",
    )  # fmt: skip
    jump_down_share: float = number(
        0.6, 0.0, 1.0, "1", "Probability that a jump goes down.",
        source="quant notes 5.4: Kou q (assumption, to be refitted)",
    )  # fmt: skip
    jump_mean_up: float = number(
        0.05, 0.0, 0.9, "log", "Mean of a jump up in the log price; at 1 the expected price is infinite.",
        source="assumption: jumps up are smaller than jumps down",
    )  # fmt: skip
    jump_mean_down: float = number(
        0.07, 0.0, 3.0, "log", "Mean size of a jump down in the log price.",
        source="quant notes 5.4: 7 % mean down jump (assumption)",
    )  # fmt: skip

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return a sampled path."""
        down, up = self.jump_down_share, 1.0 - self.jump_down_share
        # E e**J - 1, of which an exponential of mean m upwards gives m / (1 - m), downwards -m / (1 + m).
        compensator = up * self.jump_mean_up / (1.0 - self.jump_mean_up)
        compensator -= down * self.jump_mean_down / (1.0 + self.jump_mean_down)
        increments = draw.diffusion(self.volatility, self.drift - self.jump_intensity * compensator)
        rate = self.jump_intensity * draw.clock.years_per_block
        raised = _jumps(draw, up * rate, "jump_up")
        lowered = _jumps(draw, down * rate, "jump_down")
        increments = increments + (self.jump_mean_up * raised - self.jump_mean_down * lowered)
        return draw.from_returns(increments)

    def annual_variance(self) -> float:
        """Return sigma^2 + 2 l (p u^2 + q d^2)."""
        return self.volatility * self.volatility + self.jump_intensity * self._jump_variance()

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return (
            f"{super().describe()}, {self.jump_intensity:g} jumps a year, {100 * self.jump_down_share:g} %"
            f" of them down, of mean {self.jump_mean_up:g} up and {self.jump_mean_down:g} down in log price"
        )

    @classmethod
    def matched(cls, *, volatility: float, drift: float, jump_share: float) -> Self:
        """Return it with a given volatility; a share of the variance is of jumps of the usual sizes."""
        variance = volatility * volatility
        return cls(
            kind="kou",
            volatility=round(portable_math.sqrt((1.0 - jump_share) * variance), 6),
            drift=drift,
            jump_intensity=round(jump_share * variance / cls(kind="kou")._jump_variance(), 6),  # noqa: SLF001
        )

    def _jump_variance(self) -> float:
        """Return E J^2 of one jump: twice the square of an exponential's mean."""
        up, down = self.jump_mean_up, self.jump_mean_down
        share = self.jump_down_share
        return 2.0 * ((1.0 - share) * up * up + share * down * down)


def _jumps(draw: PathDraw, rate: float, what: str) -> FloatArray:
    """Return the sum of a Poisson number of exponentials of mean 1 in each block, float64[blocks].

    The k-th jump of block i is number i of the k-th sequence, so that no jump depends on how many there were
    before it.
    """
    blocks = draw.clock.blocks
    counts = poisson_counts(draw.series(f"{what}_count").uniform(0, blocks), rate)
    total = np.zeros(blocks)
    for k in range(int(counts.max(initial=0.0))):
        hit = np.flatnonzero(counts > k)
        uniforms = draw.series(f"{what}_size:{k}").uniform(0, int(hit[-1]) + 1)
        total[hit] -= portable_math.log(uniforms[hit])
    return total
