"""Exogenous price paths: what the outside market would do if nobody were liquidated.

A path is made whole, before the first block, from streams addressed by position: its first n blocks are the
same however many are asked for. Log prices are sums of increments; exp, log and normals come from
`portable_math`, because paths decide liquidations and so stand in the path of the digest. Formulas: quant
notes 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.units import YEAR_SECONDS
from sim.market.effects import ShockSchedule

LARGEST_PRICE = 1e15
"""Prices above this, and below its inverse, are no prices (assumption: nothing traded comes near)."""

_LARGEST_JUMP_RATE = 500.0  # expected jumps in one block; beyond it e**-rate leaves the range of doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockClock:
    """The times of a run's blocks. Block 0 is the state before the run."""

    start_time: int
    """Timestamp of block 0, seconds since 1970."""
    seconds_per_block: int
    blocks: int

    @property
    def timestamps(self) -> IntArray:
        """Timestamp of each block, int64[blocks + 1]."""
        return self.start_time + self.seconds_per_block * np.arange(self.blocks + 1, dtype=np.int64)

    @property
    def years_per_block(self) -> float:
        """Length of a block in years of 31,536,000 s."""
        return self.seconds_per_block / YEAR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePath:
    """A fundamental price on the block clock."""

    prices: FloatArray
    """Price in quote at each block, float64[blocks + 1]."""
    published_at: IntArray
    """When that price was last observed, seconds since 1970, int64[blocks + 1]; old in a gap."""

    def __post_init__(self) -> None:
        """Refuse a price that has left every market's range: a drift or volatility too large for the run."""
        sound = (self.prices >= 1.0 / LARGEST_PRICE) & (self.prices <= LARGEST_PRICE)
        if not bool(sound.all()):
            block = int(np.argmin(sound))
            raise InputError(
                f"the price path reaches {self.prices[block]:g} at block {block}, outside "
                f"{1.0 / LARGEST_PRICE:g} to {LARGEST_PRICE:g}: check drift, volatility, jumps and shocks"
            )

    def held(self, blocks: int, clock: BlockClock) -> PricePath:
        """Return the path with its last price standing for some more blocks, observed afresh in each."""
        later = clock.timestamps[-1] + clock.seconds_per_block * np.arange(1, blocks + 1, dtype=np.int64)
        return PricePath(
            prices=np.concatenate((self.prices, np.full(blocks, self.prices[-1]))),
            published_at=np.concatenate((self.published_at, later)),
        )


def diffusion_returns(
    volatility: float, drift: float, normals: FloatArray, *, clock: BlockClock, shocks: ShockSchedule
) -> FloatArray:
    """Return log returns of geometric Brownian motion from the normals of its blocks, float64[blocks]."""
    dt = clock.years_per_block
    sigma = volatility * shocks.volatility_multipliers(clock.blocks)
    return (drift - 0.5 * (sigma * sigma)) * dt + (sigma * portable_math.sqrt(dt)) * normals


def path_of_returns(
    initial_price: float, increments: FloatArray, clock: BlockClock, shocks: ShockSchedule
) -> PricePath:
    """Return the path with given log returns, float64[blocks], and the price shocks on top."""
    logs = np.concatenate(([0.0], portable_math.ordered_cumsum(increments)))
    with np.errstate(over="ignore"):  # `PricePath` refuses infinite prices with words
        prices = initial_price * portable_math.exp(logs) * shocks.price_factors(clock.blocks)
    return PricePath(prices=prices, published_at=clock.timestamps)


def poisson_counts(uniforms: FloatArray, rate: float) -> FloatArray:
    """Return Poisson counts by inversion, float64 like `uniforms`.

    Raises
    ------
    InputError
        More than 500 jumps expected in a block.
    """
    if rate > _LARGEST_JUMP_RATE:
        raise InputError(f"jump_intensity: {rate:.0f} jumps expected in one block, at most 500 are possible")
    counts = np.zeros_like(uniforms)
    probability = cumulated = portable_math.exp(-rate)
    k = 0
    above = uniforms > cumulated
    while bool(above.any()) and probability > 0.0:
        counts[above] += 1.0
        k += 1
        probability = probability * rate / k
        cumulated += probability
        above = uniforms > cumulated
    return counts
