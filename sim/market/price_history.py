"""A recorded price: observations in time, and how they go onto the block clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.errors import InputError
from sim.market.price_paths import BlockClock, PricePath

MICROSECONDS = 1_000_000
POINTS_OF_A_BAR = 4  # open, two extremes, close


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLiquidations:
    """Liquidations that really happened, as recorded beside the prices; for the report, never for the run."""

    timestamps: IntArray
    """Time of each row, seconds since 1970, int64[rows]."""
    long: FloatArray
    """Longs liquidated in that row, in the file's own unit, float64[rows]."""
    short: FloatArray
    """Shorts liquidated in that row, in the file's own unit, float64[rows]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceHistory:
    """A recorded price series.

    A price holds until the next observation. Inside a bar, which says that there was trade all along, the
    price walks straight from each known point to the next, and every block observes it.
    """

    source: Path
    """File it was read from."""
    rows: int
    times: IntArray
    """Times of the known points, microseconds since 1970, int64[n], not decreasing."""
    prices: FloatArray
    """Prices there, float64[n]."""
    walked: BoolArray
    """Whether the price walks from point i to i + 1 (inside a bar) or stands still until it, bool[n]."""
    observed_liquidations: ObservedLiquidations | None = None
    notes: tuple[str, ...] = ()
    """What a reader of the results must know of the file: what was done to it, and what looks wrong in it."""

    @property
    def row_seconds(self) -> int:
        """Most common distance of the file's rows in whole seconds, at least 1."""
        rows = self.times[:: POINTS_OF_A_BAR if self.has_bars else 1]
        return max(1, round(usual_spacing(rows.tolist()) / MICROSECONDS))

    @property
    def has_bars(self) -> bool:
        """Whether its rows are bars, which say between which prices there was trade all along."""
        return bool(self.walked.any())

    @property
    def start_time(self) -> int:
        """First whole second at which a price is known, since 1970."""
        return -(-int(self.times[0]) // MICROSECONDS)

    @property
    def end_time(self) -> int:
        """Last whole second not after the last known point, since 1970."""
        return int(self.times[-1]) // MICROSECONDS

    @property
    def _span(self) -> str:
        return f"{self.source}: prices from {_utc(self.start_time)} to {_utc(self.end_time)}"

    def blocks_covered(self, seconds_per_block: int) -> int:
        """Return how many blocks after block 0 the series reaches, counted from its own start."""
        return max(0, (self.end_time - self.start_time) // seconds_per_block)

    def onto_clock(self, clock: BlockClock) -> PricePath:
        """Return the series on a block clock: at each block the last observation not after it.

        Raises
        ------
        InputError
            Block 0 lies before the first observation or not before the last, or no block sees a new one: a
            run in which the price cannot move and the oracle goes stale says nothing.
        """
        if clock.start_time < self.start_time:
            raise InputError(f"{self._span}: the run starts before them, at {_utc(clock.start_time)}")
        if clock.start_time >= self.end_time:
            raise InputError(
                f"{self._span}: the run starts after them, at {_utc(clock.start_time)}; set start_time"
            )
        moments = clock.timestamps * MICROSECONDS
        index = np.searchsorted(self.times, moments, side="right") - 1
        following = np.minimum(index + 1, self.times.size - 1)
        walks = self.walked[index] & (following > index)
        length = np.where(walks, self.times[following] - self.times[index], 1)
        passed = (moments - self.times[index]) / length
        here = self.prices[index]
        prices = np.where(walks, here + (self.prices[following] - here) * passed, here)
        if not bool(walks.any()) and index[-1] == index[0]:
            raise InputError(
                f"{self._span}: none of them lies within the run, {_utc(clock.start_time)} to "
                f"{_utc(int(clock.timestamps[-1]))}; ask for more blocks, or for a start nearer to a price"
            )
        seen = np.where(walks, clock.timestamps, self.times[index] // MICROSECONDS)
        return PricePath(prices=prices, published_at=seen.astype(np.int64))


def usual_spacing(times: Sequence[int]) -> int:
    """Return the most common distance between neighbours, the smaller of two equally common ones."""
    counts = Counter(later - earlier for earlier, later in pairwise(times))
    return min(counts, key=lambda spacing: (-counts[spacing], spacing))


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
