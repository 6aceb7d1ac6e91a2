"""New paths out of an old one: the stationary block bootstrap of a recorded price series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock, PricePath, path_of_returns
from sim.market.shocks import NO_SHOCKS, ShockSchedule

_FEWEST_RETURNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StationaryBootstrap:
    """Blocks of recorded log returns, strung together at random (Politis and Romano 1994).

    A block begins at a return drawn evenly from the whole series and runs on, past the end to the beginning,
    for a geometric number of returns. Each return is then one of the file's, all equally likely, and
    volatility clusters and autocorrelation survive within a block. The whole file is used however short the
    run is.
    """

    history: PriceHistory
    mean_block_seconds: float
    """Mean length of a block; a return of the clock or less makes the returns independent."""

    def __post_init__(self) -> None:
        """Refuse a block of no length."""
        if not self.mean_block_seconds > 0.0:
            raise InputError(f"mean_block_seconds: must be above 0, was {self.mean_block_seconds:g}")

    def path(
        self,
        clock: BlockClock,
        *,
        initial_price: float,
        streams: Streams,
        name: str,
        shocks: ShockSchedule = NO_SHOCKS,
    ) -> PricePath:
        """Return a sampled path from `initial_price`; see `PriceProcess`.

        A volatility shock multiplies the drawn log returns. Every block is observed: a gap of the file is a
        stretch of zero returns here, not an old price.

        Raises
        ------
        InputError
            The file is shorter than two blocks.
        """
        returns = self.recorded_returns(clock.seconds_per_block)
        chosen = self.chosen_returns(returns.size, clock, streams=streams, name=name)
        increments = returns[chosen] * shocks.volatility_multipliers(clock.blocks)
        return path_of_returns(initial_price, increments, clock, shocks)

    def recorded_returns(self, seconds_per_block: int) -> FloatArray:
        """Return the file's log returns from block to block of a clock that starts with the file."""
        covered = self.history.blocks_covered(seconds_per_block)
        if covered < _FEWEST_RETURNS:
            raise InputError(
                f"{self.history.source}: {covered} whole blocks of {seconds_per_block} s, a bootstrap needs "
                f"at least {_FEWEST_RETURNS}"
            )
        prices = self.history.onto_clock(
            BlockClock(
                start_time=self.history.start_time, seconds_per_block=seconds_per_block, blocks=covered
            )
        ).prices
        return portable_math.log(prices[1:] / prices[:-1])

    def chosen_returns(self, recorded: int, clock: BlockClock, *, streams: Streams, name: str) -> IntArray:
        """Return which recorded return each block of the clock takes, int64[blocks]."""
        blocks = np.arange(clock.blocks, dtype=np.int64)
        restart_chance = min(1.0, clock.seconds_per_block / self.mean_block_seconds)
        restarts = streams.series(f"{name}:bootstrap_restart").uniform(0, clock.blocks) < restart_chance
        restarts[:1] = True
        begun = np.maximum.accumulate(np.where(restarts, blocks, 0))
        starts = streams.series(f"{name}:bootstrap_start").uniform(0, clock.blocks)
        first = (starts * recorded).astype(np.int64)
        return (first[begun] + (blocks - begun)) % recorded
