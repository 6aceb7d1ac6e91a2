"""Exogenous price paths: what the outside market would do if nobody were liquidated.

A path is made whole, before the first block, from streams addressed by position: its first n blocks are the
same however many are asked for. Log prices are sums of increments; exp, log and normals come from
`portable_math`, because paths decide liquidations and so stand in the path of the digest. Formulas: quant
notes 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.core.units import YEAR_SECONDS
from sim.market.shocks import NO_SHOCKS, ShockSchedule

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


class PriceProcess(Protocol):
    """Anything that can lay a price path on a clock."""

    def path(
        self, clock: BlockClock, *, initial_price: float, streams: Streams, name: str, shocks: ShockSchedule
    ) -> PricePath:
        """Return the path; `name` addresses its random streams, for example ``price:ETH``."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricBrownianMotion:
    """dS/S = drift dt + volatility dW, both per year; E S_t = S_0 exp(drift t)."""

    volatility: float
    drift: float = 0.0

    def path(
        self,
        clock: BlockClock,
        *,
        initial_price: float,
        streams: Streams,
        name: str,
        shocks: ShockSchedule = NO_SHOCKS,
    ) -> PricePath:
        """Return a sampled path; see `PriceProcess`."""
        increments = diffusion_returns(
            self.volatility, self.drift, clock=clock, streams=streams, name=name, shocks=shocks
        )
        return path_of_returns(initial_price, increments, clock, shocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class MertonJumpDiffusion:
    """Geometric Brownian motion with normal jumps of the log price at Poisson times (Merton 1976).

    The drift is compensated, so E S_t = S_0 exp(drift t) with jumps as without. The jumps of a block are
    drawn together, as one normal with the mean and variance of their number: the same law, one draw.
    """

    volatility: float
    drift: float = 0.0
    jump_intensity: float
    """Expected jumps a year."""
    jump_mean: float
    """Mean of a jump in the log price."""
    jump_deviation: float
    """Standard deviation of a jump in the log price."""

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
        variance = self.jump_deviation * self.jump_deviation
        compensator = portable_math.expm1(self.jump_mean + 0.5 * variance)
        increments = diffusion_returns(
            self.volatility,
            self.drift - self.jump_intensity * compensator,
            clock=clock,
            streams=streams,
            name=name,
            shocks=shocks,
        )
        rate = self.jump_intensity * clock.years_per_block
        counts = poisson_counts(streams.series(f"{name}:jump_count").uniform(0, clock.blocks), rate)
        sizes = streams.series(f"{name}:jump_size").normal(0, clock.blocks)
        increments = increments + (counts * self.jump_mean + np.sqrt(counts) * self.jump_deviation * sizes)
        return path_of_returns(initial_price, increments, clock, shocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrownianBridge:
    """A random path that passes through given prices at given minutes, exactly.

    Between waypoints the log price is a Brownian bridge about the straight line in log price; after the last
    it is a driftless geometric Brownian motion. Waypoints are published prices, the volatility fills what
    lies between.
    """

    waypoints: tuple[tuple[float, float], ...]
    """(minutes from the start, price in quote), minutes increasing.

    If the first is later than minute 0, the path starts from the initial price.
    """
    volatility: float

    def __post_init__(self) -> None:
        """Refuse waypoints that are out of order or not prices."""
        problems = []
        previous = -1.0
        for index, (minute, price) in enumerate(self.waypoints):
            if not minute > previous or not minute < 1e9:
                problems.append(
                    f"waypoint {index}: minutes must increase from 0, {minute:g} follows {previous:g}"
                )
            if not 0.0 < price < 1e15:
                problems.append(f"waypoint {index}: price must be above 0 and below 1e15, was {price:g}")
            previous = minute
        if not self.waypoints:
            problems.append("a bridge needs at least one waypoint")
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

        Raises
        ------
        InputError
            Two waypoints fall into the same block.
        """
        pins = self._pins(clock, initial_price)
        last = pins[-1][0]
        horizon = max(last, clock.blocks)  # drawn to the last waypoint even if the run ends before it
        deviations = shocks.volatility_multipliers(horizon) * (
            self.volatility * portable_math.sqrt(clock.years_per_block)
        )
        steps = deviations * streams.series(f"{name}:diffusion").normal(0, horizon)
        walk = np.concatenate(([0.0], portable_math.ordered_cumsum(steps)))
        clocked_variance = np.concatenate(([0.0], portable_math.ordered_cumsum(deviations * deviations)))
        prices = np.empty(horizon + 1)
        prices[0] = pins[0][1]
        for (begin, start_price), (end, end_price) in pairwise(pins):
            inside = slice(begin + 1, end)
            noise = walk[inside] - walk[begin]
            variance = clocked_variance[end] - clocked_variance[begin]
            if variance > 0.0:
                share = (clocked_variance[inside] - clocked_variance[begin]) / variance
                noise = noise - share * (walk[end] - walk[begin])
            time_share = np.arange(1, end - begin, dtype=np.float64) / (end - begin)
            trend = time_share * portable_math.log(end_price / start_price)
            prices[inside] = start_price * portable_math.exp(trend + noise)
            prices[end] = end_price
        after = steps[last:] - 0.5 * (deviations[last:] * deviations[last:])
        prices[last + 1 :] = pins[-1][1] * portable_math.exp(portable_math.ordered_cumsum(after))
        prices = prices[: clock.blocks + 1] * shocks.price_factors(clock.blocks)
        return PricePath(prices=prices, published_at=clock.timestamps)

    def _pins(self, clock: BlockClock, initial_price: float) -> list[tuple[int, float]]:
        pins = [(round(minute * 60.0 / clock.seconds_per_block), price) for minute, price in self.waypoints]
        if pins[0][0] > 0:
            pins.insert(0, (0, initial_price))
        clashes = [
            f"waypoints at blocks {a} and {b}: closer than one block of {clock.seconds_per_block} s"
            for (a, _), (b, _) in pairwise(pins)
            if b <= a
        ]
        if clashes:
            raise InputError(clashes)
        return pins


def diffusion_returns(
    volatility: float, drift: float, *, clock: BlockClock, streams: Streams, name: str, shocks: ShockSchedule
) -> FloatArray:
    """Return log returns of geometric Brownian motion, float64[blocks]."""
    dt = clock.years_per_block
    sigma = volatility * shocks.volatility_multipliers(clock.blocks)
    normals = streams.series(f"{name}:diffusion").normal(0, clock.blocks)
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
