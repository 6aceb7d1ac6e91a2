"""Where flow goes after it met the pool: which part reaches the outside market, and when.

A trade moves the pool's skew; the pool follows it outside with a share and a half-life. Liquidators
sell a share of what was liquidated, and arbitrageurs do the other leg of their trades outside. What each
liquidation leaves to be sold is an order of its own, sent whole once it is too small to be worked down.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.portable_math import power
from sim.engine.scenario.flow import FlowSection

VOLUNTARY = -1
"""Source of flow that nobody forced."""


@lru_cache(maxsize=64)
def _share_worked(seconds: int, half_life_seconds: int) -> float:
    """Return the share of an order that is worked in some seconds."""
    return 1.0 - power(0.5, seconds / half_life_seconds) if half_life_seconds > 0 else 1.0


class _Orders:
    """Orders worked down with a half-life, one remainder a source."""

    def __init__(self, half_life_seconds: int, least: float) -> None:
        self._half_life = half_life_seconds
        self._least = least
        self._remaining: dict[int, float] = {}

    def add(self, source: int, amount: float) -> None:
        self._remaining[source] = self._remaining.get(source, 0.0) + amount

    def work(self, seconds: int, out: dict[int, float]) -> None:
        share = _share_worked(seconds, self._half_life)
        for source in list(self._remaining):
            left = self._remaining[source]
            sent = left if abs(left) < self._least else left * share
            out[source] = out.get(source, 0.0) + sent
            if sent == left:
                del self._remaining[source]
            else:
                self._remaining[source] = left - sent


class FlowRouter:
    """Turns what happened on chain in a block into flow on one outside market."""

    def __init__(self, routes: FlowSection, *, unwind_half_life_seconds: int) -> None:
        """Start without orders.

        Parameters
        ----------
        routes
            Shares of notional and half-lives, as the scenario states them.
        unwind_half_life_seconds
            Half-life with which liquidators sell what they took over.
        """
        self._routes = routes
        self._hedge = _Orders(routes.hedge_half_life_seconds, routes.least_order)
        self._unwind = _Orders(unwind_half_life_seconds, routes.least_order)
        self._now: dict[int, float] = {}

    def forced(self, source: int, traders_notional: float) -> None:
        """Book a forced close: ``traders_notional`` is what the traders sold (negative) or bought, quote."""
        self._hedge.add(source, traders_notional * self._routes.hedge_share)
        if self._routes.liquidator_share:
            self._unwind.add(source, traders_notional * self._routes.liquidator_share)

    def voluntary(self, traders_notional: float) -> None:
        """Book a trade that nobody forced, quote, positive if the traders bought."""
        self._hedge.add(VOLUNTARY, traders_notional * self._routes.hedge_share)

    def arbitrage(self, traders_notional: float) -> None:
        """Book an arbitrageur's trade: its other leg goes outside at once, the pool hedges its own share."""
        self.voluntary(traders_notional)
        outside = -traders_notional * self._routes.arbitrage_share
        self._now[VOLUNTARY] = self._now.get(VOLUNTARY, 0.0) + outside

    def step(self, seconds: int) -> tuple[IntArray, FloatArray]:
        """Return this block's flow by source, oldest source first: ids and signed quote."""
        flows = self._now
        self._now = {}
        self._hedge.work(seconds, flows)
        self._unwind.work(seconds, flows)
        ordered = sorted(flows.items())
        return (
            np.array([source for source, _ in ordered], dtype=np.int64),
            np.array([flow for _, flow in ordered], dtype=np.float64),
        )
