"""The grid of portfolio margin over columns: what accounts require, near enough to find who is close.

The floats of `sim.protocol.mirror` say whom liquidators read exactly. Ratios there are upper bounds, and a
requirement does not rise with the scan of a hedge, so that both sides are taken at the least and at the most
their scans can be; the worst of the four is an upper bound too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sim.core.units import WAD
from sim.protocol.parameters.words import Number
from sim.reference.portfolio_math import pair

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Positions of accounts by market: float64 [market, account]."""

    notional: Floats
    """Negative if short."""
    ratio: Floats
    """That each must hold alone, at most."""
    least_ratio: Floats
    """The same, at least."""


@dataclass(frozen=True, slots=True)
class PortfolioScreen:
    """A portfolio model in floats."""

    parameters: Mapping[str, Number]
    correlations: Sequence[float]
    """By pair: (0, 1), (0, 2), (1, 2), (0, 3) and so on."""
    max_premiums: Sequence[float]
    """By market."""
    estimates: dict[int, tuple[float, int]] = field(default_factory=dict)
    """Pair -> correlation that is estimated, and until when."""

    def learn(self, first: int, second: int, level: int, valid_until: int) -> None:
        """Take over what the volatility oracle has estimated of two markets (WAD)."""
        self.estimates[pair(first, second)] = level / WAD, valid_until

    def requirements(
        self, held: Columns, base: Sequence[float], confidence: Sequence[float], now: int = 0
    ) -> Floats:
        """Return upper bounds of what accounts require, quote.

        Parameters
        ----------
        base
            [market] ratio of a position without size.
        confidence
            [market] half-width of the price over the price.
        now
            Time, from which older estimates are forgotten.
        """
        p = {name: float(value) for name, value in self.parameters.items()}
        amount = np.abs(held.notional)
        bases, unsure = np.array(base)[:, None], np.array(confidence)[:, None]
        premiums = np.array(self.max_premiums)[:, None]
        firm = p["confidence_coefficient"] * unsure + premiums + p["close_out_ratio"]
        scans = [
            amount * np.maximum(np.minimum(ratio, bases) - firm, 0.0)
            for ratio in (held.least_ratio, held.ratio)
        ]
        alone: Floats = (amount * held.ratio).sum(axis=0)
        is_long = held.notional > 0.0
        longs = [np.where(is_long, scan, 0.0).sum(axis=0) for scan in scans]
        shorts = [np.where(is_long, 0.0, scan).sum(axis=0) for scan in scans]
        largest = scans[1].max(axis=0, initial=0.0)
        correlation = self._correlation(held.notional, now) - p["correlation_break"]
        worst = np.zeros(alone.shape)
        for long, short in product(longs, shorts):
            worst = np.maximum(worst, _joint_loss(long, short, largest, np.maximum(correlation, -1.0), p))
        rest = alone - scans[0].sum(axis=0)  # what no offset reduces, at most
        together: Floats = np.minimum(rest + worst, alone)
        return together

    def _correlation(self, notional: Floats, now: int) -> Floats:
        """Return the least correlation between a long and a short of each account; 1 without a pair."""
        least = np.ones(notional.shape[1])
        for second in range(len(notional)):
            for first in range(second):
                against = notional[first] * notional[second] < 0.0
                place = pair(first, second)
                believed = self.correlations[place]
                estimate, valid_until = self.estimates.get(place, (1.0, now))
                if now <= valid_until:
                    believed = min(believed, estimate)
                least = np.where(against, np.minimum(least, believed), least)
        return least


def _joint_loss(
    longs: Floats, shorts: Floats, largest: Floats, correlation: Floats, p: Mapping[str, float]
) -> Floats:
    """Return the requirement of scans together, as ``portfolio_math.joint_loss``."""
    gross, lean = longs + shorts, np.abs(longs - shorts)
    square = longs * longs + shorts * shorts - 2.0 * correlation * longs * shorts
    worst: Floats = np.maximum.reduce(
        (
            lean * max(1.0, p["far_multiple"] * p["far_weight"]),
            np.sqrt(np.maximum(square, 0.0)),
            largest * p["single_share"],
            gross * p["floor_share"],
        )
    )
    return np.where((longs > 0.0) & (shorts > 0.0), np.minimum(worst, gross), gross)
