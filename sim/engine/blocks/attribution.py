"""Attributes the liquidations of each block and records them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.portable_math import exp
from sim.core.units import WAD
from sim.engine.blocks.observation import Reading
from sim.engine.blocks.recorder import Recorder
from sim.engine.worlds.world import World
from sim.metrics.cascade import Attribution, Exposure, attribute
from sim.protocol.codes import PositionCause
from sim.protocol.events import ProtocolEvent

IMPACT_MEMORY_BLOCKS = 512
"""Blocks for which the impact an oracle round had seen can be looked up; older rounds use the oldest."""


class _Impact(NamedTuple):
    """Impact on one outside market at a time, and who made it."""

    log: float
    sources: IntArray
    contributions: FloatArray


class BlockLiquidations(NamedTuple):
    """The liquidations of one block."""

    ids: dict[int, int]
    """Position of the transaction in the block -> liquidation id."""
    counts: list[int]
    """[market]"""
    notionals: list[float]
    """[market] quote."""


class Attributor:
    """Remembers what impact the oracle had seen, and finds the cause of every liquidation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._impacts: list[deque[tuple[int, _Impact]]] = [
            deque(maxlen=IMPACT_MEMORY_BLOCKS) for _ in world.external
        ]

    def impacts(self) -> Iterator[object]:
        """Yield every impact kept; they do not change."""
        for history in self._impacts:
            yield from (impact for _, impact in history)

    def remember(self, market: int, timestamp: int, impact_log: float) -> None:
        """Keep the impact of a market and its sources as of a time."""
        impact = _Impact(impact_log, *self._world.external[market].impact.contributions())
        self._impacts[market].append((timestamp, impact))

    def record(
        self,
        block: int,
        before: Reading,
        after: Reading,
        events: Sequence[ProtocolEvent],
        recorder: Recorder,
    ) -> BlockLiquidations:
        """Attribute and record every liquidation of a block, in the order they were executed."""
        world = self._world
        found = BlockLiquidations({}, [0] * len(world.external), [0.0] * len(world.external))
        size_before: dict[int, float] = {}
        for event in events:
            values = event.values
            if event.name == "PositionChanged" and values["cause"] == PositionCause.LIQUIDATION:
                size_before[event.position] = (values["size"] - values["size_delta"]) / WAD
            if event.name != "Liquidated":
                continue
            market = values["market"]
            impact = self._seen(market, after.markets[market].updated_at)
            risk_price = values["risk_price"] / WAD
            found.ids[event.position] = recorder.liquidation(
                block=block,
                timestamp=world.timestamp(block),
                event=event,
                attribution=self._attribute(event, size_before[event.position], impact, before, after),
                fundamental_price=risk_price * exp(-impact.log),
                leverage_at_entry=float(world.entry_leverage[event.actor]),
                is_paid_by_fund=event.other in world.paid_by_fund,
            )
            found.counts[market] += 1
            found.notionals[market] += abs(values["size_closed"]) / WAD * risk_price
        return found

    def _seen(self, market: int, timestamp: int) -> _Impact:
        """Return the impact at the time of an oracle round (the oldest kept if it is older)."""
        history = self._impacts[market]
        for at, impact in reversed(history):
            if at <= timestamp:
                return impact
        return history[0][1]

    def _attribute(
        self, event: ProtocolEvent, size: float, impact: _Impact, before: Reading, after: Reading
    ) -> Attribution:
        """Attribute one liquidation; ``size`` is the signed size before the close."""
        world, values = self._world, event.values
        market, actor = values["market"], event.actor
        price = values["risk_price"] / WAD
        requirement = values["maintenance_requirement"] / WAD
        notional = abs(size) * price
        curve = world.frozen_curves[market]
        # What the account must hold for its other markets, which the counterfactuals leave as they are.
        other = sum(
            float(before.valuation.maintenance_ratio[m, actor])
            * abs(float(world.mirror.size[m, actor]))
            * (after.markets[m].risk_price / WAD)
            for m in range(len(world.external))
            if m != market
        )
        exposure = Exposure(
            size=size,
            price=price,
            equity=values["equity"] / WAD,
            ratio=max(requirement - other, 0.0) / notional,
            frozen_ratio=float(curve.upper(np.array([notional]), curve.maintenance)[0]),
            other_requirement=other,
        )
        return attribute(exposure, impact.log, impact.sources, impact.contributions)
