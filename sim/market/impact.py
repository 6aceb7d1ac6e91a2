"""The state of impact and depth of one market, block by block, under whichever law it follows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sim.core import portable_math
from sim.core.errors import InputError
from sim.core.units import YEAR_SECONDS
from sim.market.impact_law import ImpactLaw, share_left


class ImpactModel:
    """Impact and depth of one market, one step per block.

    `step` takes the flow of a block against the present depth, `observe` lets market makers see the price
    that results. Flow is signed: buying is positive.
    """

    def __init__(self, law: ImpactLaw, *, seconds_per_block: int) -> None:
        """Start calm: no impact, full depth, variance at its reference."""
        self.law = law
        self._years_per_block = seconds_per_block / YEAR_SECONDS
        self._keep = law.kept(seconds_per_block)
        refill = law.refill_half_life_seconds
        self._refill = 1.0 - share_left(seconds_per_block, refill) if refill > 0 else 1.0
        self._variance_keep = share_left(seconds_per_block, law.volatility_half_life_seconds)
        self._variance = law.reference_volatility * law.reference_volatility
        self._depth = law.depth_per_percent
        self._last_price: float | None = None
        self._displacement = 0.0

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
        return self._displacement * self.law.slope(self._displacement)

    def step(self, flows: Iterable[float]) -> float:
        """Let one block pass and take its flows at the present depth; return `impact_log` after them.

        Parameters
        ----------
        flows
            Signed quote, in the order in which they arrived.

        Raises
        ------
        InputError
            The law gives no finite number.
        """
        self._displacement *= self._keep
        if self.law.takes_flow:
            for quote in flows:
                self._displacement += quote / self._depth
        impact = self.impact_log
        if not math.isfinite(impact):
            raise InputError(
                f"impact law {self.law.law!r}: gives {impact} at {self._displacement:g} depths: not finite"
            )
        return impact

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
        law = self.law
        excess = max(self.volatility / law.reference_volatility - 1.0, 0.0)  # calm depth is the most there is
        share = max(law.depth_floor, portable_math.exp(-law.depth_withdrawal * excess))
        # Even a scripted shock leaves a trace of depth, or the next flow would move the price without bound.
        aim = law.depth_per_percent * share * max(depth_multiplier, 1e-6)
        self._depth = aim if aim <= self._depth else self._depth + (aim - self._depth) * self._refill
        return self._depth
