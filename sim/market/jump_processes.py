"""Jumps with exponential tails on both sides: Kou's double-exponential jump diffusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.price_paths import (
    BlockClock,
    PricePath,
    diffusion_returns,
    path_of_returns,
    poisson_counts,
)
from sim.market.shocks import NO_SHOCKS, ShockSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class KouJumpDiffusion:
    """Geometric Brownian motion with exponential jumps of the log price, up or down (Kou 2002).

    With intensity l, share q of jumps down, p = 1 - q, mean sizes u up and d down, a year's log return has
    variance sigma^2 + 2 l (p u^2 + q d^2) and third cumulant 6 l (p u^3 - q d^3) (quant notes 5.1 with
    eta = 1 / mean). The drift is compensated, so E S_t = S_0 exp(drift t) with jumps as without.

    Jumps up and jumps down are two independent Poisson processes of intensities l p and l q (thinning), each
    with streams of its own: another share or size of jumps down leaves every jump up in its block.
    """

    volatility: float
    drift: float = 0.0
    jump_intensity: float
    """Expected jumps a year, both directions together."""
    jump_down_share: float
    """Probability that a jump goes down, 0 to 1."""
    jump_mean_up: float
    """Mean of a jump up in the log price, 0 to below 1: from 1 on the expected price is infinite."""
    jump_mean_down: float
    """Mean size of a jump down in the log price, positive."""

    def __post_init__(self) -> None:
        """Refuse what is no probability or has no expected price."""
        problems = []
        if not self.jump_intensity >= 0.0:
            problems.append(f"jump_intensity: must be at least 0, was {self.jump_intensity:g}")
        if not 0.0 <= self.jump_down_share <= 1.0:
            problems.append(f"jump_down_share: must be from 0 to 1, was {self.jump_down_share:g}")
        if not 0.0 <= self.jump_mean_up < 1.0:
            problems.append(f"jump_mean_up: must be from 0 to below 1, was {self.jump_mean_up:g}")
        if not self.jump_mean_down >= 0.0:
            problems.append(f"jump_mean_down: must be at least 0, was {self.jump_mean_down:g}")
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
        """Return a sampled path; see `PriceProcess`. Volatility shocks act on the diffusion alone."""
        down, up = self.jump_down_share, 1.0 - self.jump_down_share
        # E e**J - 1, of which an exponential of mean m upwards gives m / (1 - m), downwards -m / (1 + m).
        compensator = up * self.jump_mean_up / (1.0 - self.jump_mean_up)
        compensator -= down * self.jump_mean_down / (1.0 + self.jump_mean_down)
        increments = diffusion_returns(
            self.volatility,
            self.drift - self.jump_intensity * compensator,
            clock=clock,
            streams=streams,
            name=name,
            shocks=shocks,
        )
        rate = self.jump_intensity * clock.years_per_block
        raised = _jumps(up * rate, clock.blocks, streams=streams, name=f"{name}:jump_up")
        lowered = _jumps(down * rate, clock.blocks, streams=streams, name=f"{name}:jump_down")
        increments = increments + (self.jump_mean_up * raised - self.jump_mean_down * lowered)
        return path_of_returns(initial_price, increments, clock, shocks)


def _jumps(rate: float, blocks: int, *, streams: Streams, name: str) -> FloatArray:
    """Return the sum of a Poisson number of exponentials of mean 1 in each block, float64[blocks].

    The k-th jump of block i is number i of the k-th sequence, so that no jump depends on how many there were
    before it.
    """
    counts = poisson_counts(streams.series(f"{name}_count").uniform(0, blocks), rate)
    total = np.zeros(blocks)
    for k in range(int(counts.max(initial=0.0))):
        hit = np.flatnonzero(counts > k)
        uniforms = streams.series(f"{name}_size:{k}").uniform(0, int(hit[-1]) + 1)
        total[hit] -= portable_math.log(uniforms[hit])
    return total
