"""Opens positions at prices of their own, before block 0, as the contracts do: at an index that is reported.

A position's entry price is what the pool filled it at: the oracle's index times one plus the premium of
the skew. So that a position is opened at a price P, the reporters state the index that P is with the premium
of its turn, the account opens, and the next price follows. All of it happens within the block in which the
market is listed: the oracle's estimators take the last report of a timestamp as their one observation, and
that is the price of block 0 again. Variances, average, risk price, margin ratios and ramp are as if nobody
had moved the index; the initial check sees each position at the worse of its entry and the price of block 0.
What shows is the number of the oracle's rounds, and funding from the block of the listing on.

A reporter states each time of publication once, so that a market has as many entry prices as a report may be
seconds old. More positions than that share prices: neighbours have the index in their middle, and the widest
group says by how much an entry price is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from sim.core.units import WAD
from sim.reference.pool_math import fill_premium

LARGEST_ENTRY_ERROR = 0.0005
"""Farthest that an entry price may be missed, relative to it: 5 basis points, the taker fee of a trade
(assumption: who has a book knows entry prices no better)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """In what order positions are opened, and at which index."""

    order: tuple[int, ...]
    """Places of the positions as they were given, by rising entry price."""
    steps: tuple[tuple[int, int], ...]
    """Index (WAD), and how many of the order are opened at it."""


def plan_entries(
    prices: Sequence[int], sizes: Sequence[int], *, skew: int, scale: int, max_premium: int, most_steps: int
) -> EntryPlan:
    """Return at which index positions are opened, so that each is filled at its price or close to it.

    Parameters
    ----------
    prices, sizes
        Entry prices and signed sizes (WAD) in one market.
    skew, scale, max_premium
        Long minus short before the first, and the pool's pricing terms (WAD).
    most_steps
        How often the index can be moved.
    """
    order = sorted(range(len(prices)), key=lambda place: prices[place])
    wanted = []
    for place in order:
        wanted.append(prices[place] * WAD // (WAD + fill_premium(skew, sizes[place], scale, max_premium)))
        skew += sizes[place]
    counts = _counts(wanted, WAD) if len(wanted) > most_steps else [1] * len(wanted)
    if len(counts) > most_steps:
        # The narrowest that will do, in integers: floats would group otherwise on another machine.
        narrow, wide = WAD, max(wanted) * WAD // min(wanted) + 1
        while wide - narrow > 1:
            middle = (narrow + wide) // 2
            if len(_counts(wanted, middle)) > most_steps:
                narrow = middle
            else:
                wide = middle
        counts = _counts(wanted, wide)
    steps, first = [], 0
    for count in counts:
        group = wanted[first : first + count]
        low, high = min(group), max(group)
        steps.append((low if low == high else isqrt(low * high), count))
        first += count
    return EntryPlan(order=tuple(order), steps=tuple(steps))


def _counts(wanted: Sequence[int], factor: int) -> list[int]:
    """Return how many neighbours share an index: no two of them differ by more than a factor (WAD)."""
    counts: list[int] = []
    low = high = 0
    for price in wanted:
        lower, upper = min(low, price), max(high, price)
        if counts and upper * WAD <= lower * factor:
            counts[-1] += 1
            low, high = lower, upper
        else:
            counts.append(1)
            low = high = price
    return counts
