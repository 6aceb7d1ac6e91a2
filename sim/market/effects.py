"""What scripted shocks do: moves of a price, multiples of volatility and depth, surges of gas, outages.

Effects are functions of the block alone, so the same script hits every path, every seed and every world
alike. A shock of a scenario is a set of them (`sim.market.shock`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that acts from a block on, for some blocks."""

    at_block: int
    """First block it acts in; 0 means the first simulated block, 1."""
    duration_blocks: int = 1
    """Blocks it acts in."""

    def __post_init__(self) -> None:
        """Refuse a time that no run has, and what no market can do."""
        if problems := list(self._problems()):
            raise InputError([f"{type(self).__name__}: {problem}" for problem in problems])

    @property
    def first_block(self) -> int:
        """First block it acts in; block 0 is the state before the run and cannot be shocked."""
        return max(1, self.at_block)

    @property
    def end_block(self) -> int:
        """First block after it, counted from `at_block`."""
        return self.at_block + self.duration_blocks

    def _problems(self) -> Iterator[str]:
        if self.at_block < 0:
            yield f"at_block must not be negative, was {self.at_block}"
        if self.duration_blocks < 1:
            yield f"must last at least one block, was {self.duration_blocks}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMove(Effect):
    """The fundamental price of a market moves for good, in equal log steps over the duration."""

    market: int = 0
    size: float
    """Relative move in total, -0.12 is 12 % down."""

    def _problems(self) -> Iterator[str]:
        yield from Effect._problems(self)  # noqa: SLF001  (slots give the class no cell for super)
        if not -1.0 < self.size <= 1e6:
            yield f"size must be above -1 and at most 1e6, was {self.size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiple(Effect):
    """Something of a market is multiplied while it lasts; where several overlap they multiply."""

    market: int = 0
    size: float
    """The multiple."""

    def _problems(self) -> Iterator[str]:
        yield from Effect._problems(self)  # noqa: SLF001  (slots give the class no cell for super)
        if not 0.0 <= self.size <= 1e6:
            yield f"size must be from 0 to 1e6, was {self.size}"


class VolatilityMultiple(Multiple):
    """Log returns of the path are drawn with `size` times the volatility."""

    __slots__ = ()


class DepthMultiple(Multiple):
    """The depth the book returns to is `size` times the usual."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GasSurge(Effect):
    """Everybody else wants more block space, and pays more for it."""

    demand: float
    """Multiple of background demand."""
    fee: float
    """Multiple of the background's willingness to pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOutage(Effect):
    """A share of the agents of one kind is silent."""

    agents: str
    """Their table in the scenario, for example ``keepers``."""
    market: int | None
    """Market in which they are silent; None means all."""
    share: float


@dataclass(frozen=True, slots=True)
class ShockSchedule:
    """All effects on one market, resolved to arrays over blocks."""

    effects: tuple[Effect, ...] = ()

    def price_factors(self, blocks: int) -> FloatArray:
        """Return the factor on the fundamental price at each block, float64[blocks + 1]."""
        factors = np.ones(blocks + 1)
        for move in self.effects:
            if isinstance(move, PriceMove):
                first = move.first_block
                last = first + move.duration_blocks - 1  # the whole move is done in this block
                log_move = portable_math.log1p(move.size)
                passed = np.arange(1, max(0, min(last, blocks + 1) - first) + 1, dtype=np.float64)
                factors[first : first + passed.size] *= portable_math.exp(
                    log_move * (passed / move.duration_blocks)
                )
                factors[last:] *= 1.0 + move.size
        return factors

    def volatility_multipliers(self, blocks: int) -> FloatArray:
        """Return the multiple of volatility of the return into block i + 1, float64[blocks]."""
        return self._windows(VolatilityMultiple, blocks + 1)[1:]

    def depth_multipliers(self, blocks: int) -> FloatArray:
        """Return the multiple of the depth the book returns to at each block, float64[blocks + 1]."""
        return self._windows(DepthMultiple, blocks + 1)

    def _windows(self, kind: type[Multiple], length: int) -> FloatArray:
        multiples = np.ones(length)
        for effect in self.effects:
            if isinstance(effect, kind):
                multiples[effect.first_block : effect.first_block + effect.duration_blocks] *= effect.size
        return multiples


NO_SHOCKS = ShockSchedule()
