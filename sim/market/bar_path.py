"""What a bar hides: a path drawn through its open, high, low and close, as rough as the bar says.

A bar states four prices and not the way between them. A straight walk is the calmest way there is: it makes a
crash milder the coarser its bars are. Here the log price is, between two of the four, a Brownian bridge about
that straight walk, with the volatility that the bar's range implies (Parkinson 1980, "The extreme value
method for estimating the variance of the rate of return": variance = ln(high / low)^2 / (4 ln 2)), reflected
at high and low, which it never leaves and does reach. Order and time of the extremes within a bar are the
file reader's (an assumption: the one nearer to the open comes first, after a third of the bar, the other
after two).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.core import portable_math
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.rng import Series
from sim.market.price_history import MICROSECONDS, POINTS_OF_A_BAR, PriceHistory
from sim.market.price_paths import BlockClock

_RANGE_TO_DEVIATION = 0.5 / portable_math.sqrt(portable_math.log(2.0))


def path_through_bars(
    history: PriceHistory, clock: BlockClock, straight: FloatArray, *, at_blocks: Series, at_points: Series
) -> FloatArray:
    """Return a drawn path through the bars of a file.

    Parameters
    ----------
    straight
        What the file says when its price walks straight, float64[blocks + 1].
    at_blocks, at_points
        Normals for the blocks of the clock, and for the known points of the file: the path up to a block is
        the same however many blocks are asked for.

    Returns
    -------
    Prices at each block, float64[blocks + 1]; `straight` itself where a file has no bars.
    """
    if not history.has_bars:
        return straight
    moments = clock.timestamps * MICROSECONDS
    segment = np.searchsorted(history.times, moments, side="right") - 1
    inside = history.walked[segment] & (segment + 1 < history.times.size)
    walk_at = _walk(history, clock, at_blocks, at_points)
    begin, end = history.times[segment], history.times[np.minimum(segment + 1, history.times.size - 1)]
    share = np.where(inside, moments - begin, 0) / np.where(inside, end - begin, 1)
    walked, start, stop = walk_at(moments), walk_at(begin), walk_at(end)
    bridge = (walked - start) - share * (stop - start)
    low, high, deviation = _of_bars(history, segment)
    prices = straight * portable_math.exp(np.where(inside, deviation * bridge, 0.0))
    prices = np.where(inside, _reflected(prices, low, high), straight)
    return _touching(history, moments, segment, inside, prices)


def _walk(
    history: PriceHistory, clock: BlockClock, at_blocks: Series, at_points: Series
) -> Callable[[IntArray], FloatArray]:
    """Return a Brownian path, in root seconds, that can be read at every block and known point of the run."""
    step = clock.seconds_per_block * MICROSECONDS
    start = clock.start_time * MICROSECONDS
    first = int(np.searchsorted(history.times, start, side="right")) - 1
    # To the end of the last segment: where it is pinned must not depend on where the run stops.
    stop = start + step * clock.blocks
    last = min(int(np.searchsorted(history.times, stop, side="right")), history.times.size - 1)
    blocks = max(clock.blocks, -(-(int(history.times[last]) - start) // step))
    times = np.concatenate((history.times[first : last + 1], start + step * np.arange(blocks + 1)))
    normals = np.concatenate((at_points.normal(first, last + 1), at_blocks.normal(0, blocks + 1)))
    order = np.argsort(times, kind="stable")  # a known point comes before a block of the same time
    times = times[order]
    seconds = np.diff(times, prepend=times[:1]) / MICROSECONDS
    walk = portable_math.ordered_cumsum(portable_math.sqrt(seconds) * normals[order])

    def read(moments: IntArray) -> FloatArray:
        """Return the path at times that are those of blocks or known points."""
        values: FloatArray = walk[np.searchsorted(times, moments, side="left")]
        return values

    return read


def _of_bars(history: PriceHistory, segment: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return low, high, and the deviation of log prices per root second of the bars of some segments."""
    points = history.prices.reshape(-1, POINTS_OF_A_BAR)
    times = history.times.reshape(-1, POINTS_OF_A_BAR)
    low, high = points.min(axis=1), points.max(axis=1)
    seconds = np.maximum(times[:, -1] - times[:, 0], 1) / MICROSECONDS
    deviation = portable_math.log(high / low) * (_RANGE_TO_DEVIATION / portable_math.sqrt(seconds))
    bar = segment // POINTS_OF_A_BAR
    return low[bar], high[bar], deviation[bar]


def _reflected(prices: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return prices thrown back into a range, in logs, as often as it takes."""
    while True:  # each turn takes the width of the range off what lies beyond it
        above, below = prices > high, prices < low
        if not bool((above | below).any()):
            return prices
        prices = np.where(above, high * (high / prices), np.where(below, low * (low / prices), prices))


def _touching(
    history: PriceHistory, moments: IntArray, segment: IntArray, inside: BoolArray, prices: FloatArray
) -> FloatArray:
    """Put each bar's extremes on the first block at or after their time, if it is one of the same bar."""
    prices = prices.copy()
    for point in (1, 2):
        times = history.times[point::POINTS_OF_A_BAR]
        block = np.searchsorted(moments, times, side="left")
        reached = (times >= moments[0]) & (block < moments.size)
        block, bar = block[reached], np.flatnonzero(reached)
        same = inside[block] & (segment[block] == POINTS_OF_A_BAR * bar + point)
        prices[block[same]] = history.prices[POINTS_OF_A_BAR * bar[same] + point]
    return prices
