"""What flow does to the external price, and what stress does to the depth that meets it.

Flow is measured in units of depth: x = sum of flow_i / depth_i over the flow of the past, each part fading
with a half-life, where depth is the quote amount that moves the price by 1 % when the flow arrives. The log
price is moved by

    linear        0.01 x
    square root   0.01 Y sign(x) sqrt|x|    for |x| >= x_0, and its chord 0.01 Y x / sqrt(x_0) below.

The square root acts on the cumulated volume: applied to every child order it would multiply impact by the
square root of their number (quant notes 5.3). It is Y sigma_D sqrt(Q / V_D) with the daily volume V_D implied
by the depth, V_D = depth (sigma_D / 1 %)^2; its slope at 0 is infinite, so below x_0 it is linear. As impact
is a function of x alone, a round trip at equal depth leaves nothing behind, and x splits among the flows that
made it (the Aumann-Shapley share of each is in proportion), which is what attribution asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.units import YEAR_SECONDS

ImpactLaw = Literal["none", "linear", "square_root"]

_ONE_PERCENT = 0.01
_DAYS_PER_YEAR = YEAR_SECONDS / 86_400
_LEAST_SCALE = 1e-100  # contributions are rescaled before their common factor loses precision


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactParameters:
    """Law of impact and behaviour of depth; the defaults' sources are quant notes 5.3 and 5.4."""

    law: ImpactLaw = "linear"
    depth_per_percent: float = 8_000_000.0
    """Quote that moves the price by 1 % in calm times; ETH, CoinDesk Research, November 2025."""
    depth_floor: float = 0.05
    """Share of calm depth that never withdraws; 2-10 % was left on 10 October 2025."""
    depth_withdrawal: float = 1.0
    """c in depth = calm depth * exp(-c (volatility / reference_volatility - 1)); assumption."""
    reference_volatility: float = 0.65
    """Annual volatility at which depth is calm; calm ETH (assumption)."""
    refill_half_life_seconds: int = 900
    """Half-life of the way back, 0 is at once; 5-30 min (assumption). Withdrawal is at once."""
    impact_half_life_seconds: int = 7_200
    """Half-life of impact, 0 is permanent; mechanisms notes 0.3 (assumption)."""
    square_root_coefficient: float = 1.0
    """Y of the square-root law, of order one (arXiv 1412.4503)."""
    linear_below: float = 0.0005
    """Share of daily volume below which the square-root law is linear; 1e-4 to 1e-3 (assumption)."""
    volatility_half_life_seconds: int = 600
    """Half-life of the variance that market makers look at; assumption, the scale of refill times."""

    def __post_init__(self) -> None:
        """Refuse values that no book has."""
        checks = [
            (self.law in ("none", "linear", "square_root"), f"law: unknown law {self.law!r}"),
            (0.0 < self.depth_per_percent < 1e30, "depth_per_percent: must be above 0"),
            (0.0 < self.depth_floor <= 1.0, "depth_floor: must be above 0 and at most 1"),
            (0.0 <= self.depth_withdrawal < 1e6, "depth_withdrawal: must be 0 or more"),
            (0.0 < self.reference_volatility < 1e6, "reference_volatility: must be above 0"),
            (self.refill_half_life_seconds >= 0, "refill_half_life_seconds: must be 0 or more"),
            (self.impact_half_life_seconds >= 0, "impact_half_life_seconds: must be 0 or more"),
            (0.0 <= self.square_root_coefficient < 1e6, "square_root_coefficient: must be 0 or more"),
            (0.0 <= self.linear_below <= 1.0, "linear_below: must be from 0 to 1"),
            (self.volatility_half_life_seconds > 0, "volatility_half_life_seconds: must be above 0"),
        ]
        problems = [text for holds, text in checks if not holds]
        if problems:
            raise InputError(problems)


class ImpactModel:
    """Impact and depth of one market, one step per block.

    `step` takes the flow of a block against the present depth, `observe` lets market makers see the price
    that results. Flow is signed: buying is positive. Each flow names its source, any integer from 0 (a forced
    sale), or -1 for flow nobody will ask about.
    """

    def __init__(self, parameters: ImpactParameters, *, seconds_per_block: int) -> None:
        """Start calm: no impact, full depth, variance at its reference."""
        self.parameters = parameters
        self._years_per_block = seconds_per_block / YEAR_SECONDS
        half_life = parameters.impact_half_life_seconds
        keep = _share_left(seconds_per_block, half_life) if half_life > 0 else 1.0
        # Square-root impact halves when x falls to a quarter.
        self._keep = keep * keep if parameters.law == "square_root" else keep
        refill = parameters.refill_half_life_seconds
        self._refill = 1.0 - _share_left(seconds_per_block, refill) if refill > 0 else 1.0
        self._variance_keep = _share_left(seconds_per_block, parameters.volatility_half_life_seconds)
        self._variance = parameters.reference_volatility * parameters.reference_volatility
        daily_percent = self._variance / _DAYS_PER_YEAR / (_ONE_PERCENT * _ONE_PERCENT)
        # A start of no length at all would bring the infinite slope back, so x_0 has a least value.
        self._linear_until = max(parameters.linear_below * daily_percent, 1e-9)
        self._depth = parameters.depth_per_percent
        self._last_price: float | None = None
        self._displacement = 0.0
        # Contributions are stored divided by a common factor, so that fading costs one product per block.
        self._scale = 1.0
        self._stored = np.zeros(16)
        self._sources = np.zeros(16, dtype=np.int64)
        self._slots: dict[int, int] = {}

    @property
    def depth(self) -> float:
        """Quote that moves the price by 1 % now."""
        return self._depth

    @property
    def volatility(self) -> float:
        """Annual volatility market makers see: EWMA of squared returns of the external price."""
        return portable_math.sqrt(self._variance)

    @property
    def impact_log(self) -> float:
        """Impact part of the log price now."""
        return self._displacement * self._slope()

    def step(self, flows: Iterable[tuple[int, float]]) -> float:
        """Let one block pass and take its flows at the present depth; return `impact_log` after them.

        Parameters
        ----------
        flows
            (source, signed quote flow), in the order in which they arrived.
        """
        self._fade()
        if self.parameters.law != "none":
            for source, quote in flows:
                moved = quote / self._depth
                self._displacement += moved
                if source >= 0:
                    slot = self._slot(source)
                    self._stored[slot] += moved / self._scale
        return self.impact_log

    def contributions(self) -> tuple[IntArray, FloatArray]:
        """Return the part of the present impact that each earlier flow accounts for.

        Returns
        -------
        sources
            int64[n], in order of first arrival.
        impact
            float64[n], log price. With what source -1 contributes, they add up to `impact_log` up to
            rounding.
        """
        n = len(self._slots)
        return self._sources[:n].copy(), self._stored[:n] * (self._scale * self._slope())

    def observe(self, external_price: float, depth_multiplier: float = 1.0) -> float:
        """Let market makers see the block's external price and return the depth they then offer.

        Parameters
        ----------
        external_price
            Price after impact, in quote.
        depth_multiplier
            Multiple of the depth aimed at, from scripted shocks.
        """
        if self._last_price is not None:
            move = portable_math.log(external_price / self._last_price)
            seen = move * move / self._years_per_block
            self._variance = self._variance_keep * self._variance + (1.0 - self._variance_keep) * seen
        self._last_price = external_price
        p = self.parameters
        excess = max(self.volatility / p.reference_volatility - 1.0, 0.0)  # calm depth is the most there is
        share = max(p.depth_floor, portable_math.exp(-p.depth_withdrawal * excess))
        # Even a scripted shock leaves a trace of depth, or the next flow would move the price without bound.
        aim = p.depth_per_percent * share * max(depth_multiplier, 1e-6)
        self._depth = aim if aim <= self._depth else self._depth + (aim - self._depth) * self._refill
        return self._depth

    def _slope(self) -> float:
        """Return impact per unit of displacement: the chord of the law from 0 to where it stands."""
        if self.parameters.law == "none":
            return 0.0
        if self.parameters.law == "linear":
            return _ONE_PERCENT
        reach = max(abs(self._displacement), self._linear_until)
        return _ONE_PERCENT * self.parameters.square_root_coefficient / portable_math.sqrt(reach)

    def _fade(self) -> None:
        self._displacement *= self._keep
        self._scale *= self._keep
        if self._scale < _LEAST_SCALE:
            self._stored *= self._scale
            self._scale = 1.0

    def _slot(self, source: int) -> int:
        slot = self._slots.get(source)
        if slot is None:
            slot = len(self._slots)
            if slot == self._stored.size:
                self._stored = np.concatenate((self._stored, np.zeros(slot)))
                self._sources = np.concatenate((self._sources, np.zeros(slot, dtype=np.int64)))
            self._slots[source] = slot
            self._sources[slot] = source
        return slot


def _share_left(seconds: float, half_life_seconds: float) -> float:
    """Return 2**-(seconds / half life)."""
    return portable_math.power(0.5, seconds / half_life_seconds)
