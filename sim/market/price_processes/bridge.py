"""A published fall, with noise between its known prices: a pinned Brownian path."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, Strict

from sim.core import portable_math
from sim.core.documents.sections import Problem, number
from sim.core.errors import InputError
from sim.market.price_paths import BlockClock, PricePath
from sim.market.price_process import (
    PER_YEAR,
    PRICE_PROCESSES,
    VOLATILITY_SOURCE,
    PathDraw,
    PriceProcess,
)

Waypoint = Annotated[tuple[float, float], Strict(strict=False)]


@PRICE_PROCESSES.add
class BrownianBridge(PriceProcess):
    """A random path that passes through given prices at given minutes, exactly.

    Between waypoints the log price is a Brownian bridge about the straight line in log price; after the last
    it is a driftless geometric Brownian motion. Waypoints are published prices, the volatility fills what
    lies between.
    """

    order: ClassVar[int] = 50
    label: ClassVar[str] = "Brownian bridge through given prices"
    is_driven: ClassVar[bool] = True
    in_no_other_model: ClassVar[str] = "the bridge's waypoints"

    kind: Literal["bridge"]
    volatility: float = number(
        1.5, 0.0, 10.0, PER_YEAR, "Annual volatility between the waypoints.", source=VOLATILITY_SOURCE
    )
    waypoints: Annotated[tuple[Waypoint, ...], Strict(strict=False)] = Field(
        min_length=2,
        max_length=1_000,
        description="Pairs of minutes from the start and price; the first is minute 0.",
        json_schema_extra={"unit": "[minutes, quote]", "source": "stated by the scenario"},
    )

    def problems(self) -> Iterator[Problem]:
        """Yield waypoints out of order, out of range or without a start."""
        if self.waypoints[0][0] != 0:
            yield ("waypoints", 0), f"the first waypoint must be at minute 0, was {self.waypoints[0][0]:g}"
        previous = -1.0
        for index, (minute, price) in enumerate(self.waypoints):
            if price <= 0 or price > 1e12:
                yield ("waypoints", index), f"price must be above 0 and at most 1e12, was {price:g}"
            if minute <= previous and index > 0:
                yield ("waypoints", index), f"minutes must increase, {minute:g} follows {previous:g}"
            previous = minute

    def start_problems(self, initial_price: float) -> Iterator[Problem]:
        """Yield a bridge that does not start at the initial price."""
        if self.waypoints[0][1] != initial_price:
            yield (
                ("waypoints", 0),
                f"must start at initial_price {initial_price:g}, was {self.waypoints[0][1]:g}",
            )

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return a sampled path.

        Raises
        ------
        InputError
            Two waypoints fall into the same block.
        """
        clock, shocks = draw.clock, draw.shocks
        pins = self._pins(clock)
        last = pins[-1][0]
        horizon = max(last, clock.blocks)  # drawn to the last waypoint even if the run ends before it
        deviations = shocks.volatility_multipliers(horizon) * (
            self.volatility * portable_math.sqrt(clock.years_per_block)
        )
        steps = deviations * draw.normals(horizon)
        walk = np.concatenate(([0.0], portable_math.ordered_cumsum(steps)))
        clocked_variance = np.concatenate(([0.0], portable_math.ordered_cumsum(deviations * deviations)))
        prices = np.empty(horizon + 1)
        prices[0] = pins[0][1]
        for (begin, start_price), (end, end_price) in pairwise(pins):
            inside = slice(begin + 1, end)
            noise = walk[inside] - walk[begin]
            variance = clocked_variance[end] - clocked_variance[begin]
            if variance > 0.0:
                share = (clocked_variance[inside] - clocked_variance[begin]) / variance
                noise = noise - share * (walk[end] - walk[begin])
            time_share = np.arange(1, end - begin, dtype=np.float64) / (end - begin)
            trend = time_share * portable_math.log(end_price / start_price)
            prices[inside] = start_price * portable_math.exp(trend + noise)
            prices[end] = end_price
        after = steps[last:] - 0.5 * (deviations[last:] * deviations[last:])
        prices[last + 1 :] = pins[-1][1] * portable_math.exp(portable_math.ordered_cumsum(after))
        prices = prices[: clock.blocks + 1] * shocks.price_factors(clock.blocks)
        return PricePath(prices=prices, published_at=clock.timestamps)

    def annual_variance(self) -> float:
        """Return the variance about the line between the waypoints; their own moves are not part of it."""
        return self.volatility * self.volatility

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        lowest = min(price for _, price in self.waypoints)
        return (
            f"{self.label}, {len(self.waypoints)} of them from {self.waypoints[0][1]:g} over {lowest:g} to "
            f"{self.waypoints[-1][1]:g}, volatility between them {100 * self.volatility:g} % a year"
        )

    def _pins(self, clock: BlockClock) -> list[tuple[int, float]]:
        pins = [(round(minute * 60.0 / clock.seconds_per_block), price) for minute, price in self.waypoints]
        clashes = [
            f"waypoints at blocks {a} and {b}: closer than one block of {clock.seconds_per_block} s"
            for (a, _), (b, _) in pairwise(pins)
            if b <= a
        ]
        if clashes:
            raise InputError(clashes)
        return pins
