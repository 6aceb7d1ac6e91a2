"""The external market of one asset, block by block: exogenous path, then shocks, then the impact of flow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.core import portable_math
from sim.core.errors import RunError
from sim.market.effects import NO_SHOCKS, ShockSchedule
from sim.market.impact import ImpactModel
from sim.market.price_paths import PricePath


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalState:
    """The external market in one block."""

    block: int
    price: float
    """fundamental_price * exp(impact_log), in quote."""
    fundamental_price: float
    """What the price would be without any flow of ours, in quote."""
    impact_log: float
    """Part of the log price that flow accounts for."""
    depth: float
    """Quote that moves the price by 1 % now."""
    volatility: float
    """Annual volatility market makers see."""
    published_at: int
    """When the fundamental price was last observed, seconds since 1970."""


class ExternalMarket:
    """One asset outside the protocol.

    The fundamental path is fixed from the start and the impact is kept apart, so that the same path can be
    run with other flow.
    """

    def __init__(self, path: PricePath, impact: ImpactModel, *, shocks: ShockSchedule = NO_SHOCKS) -> None:
        """Stand at block 0, without impact. Price and volatility shocks are part of `path` already."""
        self.path = path
        self.impact = impact
        # Plain numbers: the loop reads one a block, and a Python float is several times quicker to use.
        self._fundamental: list[float] = path.prices.tolist()
        self._published: list[int] = path.published_at.tolist()
        self._depth_multiples: list[float] = shocks.depth_multipliers(len(self._fundamental) - 1).tolist()
        self._block = 0
        self.state = self._observe(0.0)

    def advance(self, flows: Iterable[float] = ()) -> ExternalState:
        """Move to the next block and return its state.

        Parameters
        ----------
        flows
            Signed quote that reached this market in the block before; see `ImpactModel`.

        Raises
        ------
        RunError
            The path ends here.
        """
        if self._block + 1 >= len(self._fundamental):
            raise RunError(f"the price path ends at block {self._block}")
        self._block += 1
        self.state = self._observe(self.impact.step(flows))
        return self.state

    def follow(self, path: PricePath) -> None:
        """Take another fundamental path from the next block on; the present block stays as it is.

        Raises
        ------
        RunError
            The path has another length, or another price in this block.
        """
        prices: list[float] = path.prices.tolist()
        if len(prices) != len(self._fundamental) or prices[self._block] != self.state.fundamental_price:
            raise RunError(f"a path that is followed must go through the price of block {self._block}")
        self.path = path
        self._fundamental = prices
        self._published = path.published_at.tolist()

    def _observe(self, impact_log: float) -> ExternalState:
        fundamental = self._fundamental[self._block]
        price = fundamental * portable_math.exp(impact_log)
        depth = self.impact.observe(price, self._depth_multiples[self._block])
        return ExternalState(
            block=self._block,
            price=price,
            fundamental_price=fundamental,
            impact_log=impact_log,
            depth=depth,
            volatility=self.impact.volatility,
            published_at=self._published[self._block],
        )
