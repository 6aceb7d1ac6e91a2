"""Scripted shocks of one market: jumps and drifts of the price, multiples of volatility and of depth.

Shocks are functions of the block alone, so the same script hits every path, every seed and the twin run
alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.errors import InputError

ShockKind = Literal["price_jump", "price_drift", "volatility", "depth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketShock:
    """One shock.

    Attributes
    ----------
    kind
        ``price_jump``: the fundamental price changes by `size` (-0.12 is 12 % down) in `at_block` and stays.
        ``price_drift``: the same total change, in equal log steps over the duration.
        ``volatility``: log returns of the path are drawn with `size` times the volatility.
        ``depth``: the depth the book returns to is `size` times the usual.
    at_block
        First block it acts in; 0 means the first simulated block, 1.
    duration_blocks
        Blocks it acts in; without meaning for a jump.
    size
        Relative move, or multiple.
    """

    kind: ShockKind
    at_block: int
    duration_blocks: int = 1
    size: float

    def __post_init__(self) -> None:
        """Refuse what no market can do."""
        problems = []
        if self.at_block < 0:
            problems.append(f"{self.kind} shock: at_block must not be negative, was {self.at_block}")
        if self.duration_blocks < 1:
            problems.append(
                f"{self.kind} shock: duration must be at least one block, was {self.duration_blocks}"
            )
        is_move = self.kind in ("price_jump", "price_drift")
        if is_move and not -1.0 < self.size <= 1e6:
            problems.append(f"{self.kind} shock: size must be above -1 and at most 1e6, was {self.size}")
        if not is_move and not 0.0 <= self.size <= 1e6:
            problems.append(f"{self.kind} shock: size must be from 0 to 1e6, was {self.size}")
        if problems:
            raise InputError(problems)

    @property
    def first_block(self) -> int:
        """First block it acts in; block 0 is the state before the run and cannot be shocked."""
        return max(1, self.at_block)


@dataclass(frozen=True, slots=True)
class ShockSchedule:
    """All shocks of one market, resolved to arrays over blocks. Overlapping shocks multiply."""

    shocks: tuple[MarketShock, ...] = ()

    def price_factors(self, blocks: int) -> FloatArray:
        """Return the factor on the fundamental price at each block, float64[blocks + 1]."""
        factors = np.ones(blocks + 1)
        for shock in self.shocks:
            first = shock.first_block
            if shock.kind == "price_jump":
                factors[first:] *= 1.0 + shock.size
            elif shock.kind == "price_drift":
                last = first + shock.duration_blocks - 1  # the whole move is done in this block
                log_move = portable_math.log1p(shock.size)
                passed = np.arange(1, max(0, min(last, blocks + 1) - first) + 1, dtype=np.float64)
                factors[first : first + passed.size] *= portable_math.exp(
                    log_move * (passed / shock.duration_blocks)
                )
                factors[last:] *= 1.0 + shock.size
        return factors

    def volatility_multipliers(self, blocks: int) -> FloatArray:
        """Return the multiple of volatility of the return into block i + 1, float64[blocks]."""
        return self._windows("volatility", blocks + 1)[1:]

    def depth_multipliers(self, blocks: int) -> FloatArray:
        """Return the multiple of the depth the book returns to at each block, float64[blocks + 1]."""
        return self._windows("depth", blocks + 1)

    def _windows(self, kind: ShockKind, length: int) -> FloatArray:
        multiples = np.ones(length)
        for shock in self.shocks:
            if shock.kind == kind:
                multiples[shock.first_block : shock.first_block + shock.duration_blocks] *= shock.size
        return multiples


NO_SHOCKS = ShockSchedule()
