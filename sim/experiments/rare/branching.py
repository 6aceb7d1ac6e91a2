"""A path that can be branched: stopped after any block and continued several times, each with other draws.

The chain keeps a snapshot and the Python side is copied. What was drawn up to the branch stays; from the next
block on every draw, the price's too, comes from the offspring's own seed. The price goes on from where it is
with the increments of the offspring's path, which is right only where increments are independent of the past.
Scripted shocks stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.run_digest import RunDigest
from sim.engine.blocks.tables import RunTables, TableWriter
from sim.engine.options import RunOptions
from sim.engine.run import world_builder
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.build import WorldBuilder
from sim.engine.worlds.warm import WarmStarts
from sim.market.price_paths import PricePath

"""Processes whose increments are independent: the future is the same in law whatever the past was."""

Score = Callable[[BlockLoop], float]
"""A figure of a path after a block; it must depend on the present state alone."""


class _NoRows(TableWriter[Any]):
    """A table nobody will read."""

    def append(self, row: Any) -> None:
        """Forget a row."""

    def extend(self, rows: Iterable[Any]) -> None:
        """Forget several rows."""


class _NoDigest(RunDigest):
    """A digest nobody will read; one that hashes could not be copied."""

    def __init__(self) -> None:
        """Start without a hash."""

    def block(self, *_: object) -> str:
        """Leave a block out."""
        return ""


class _LightRecorder(Recorder):
    """Keeps what a path needs to go on, its totals and its cascades, but no rows and no digest."""

    def __init__(self, actors: int) -> None:
        super().__init__(actors)
        self.tables = RunTables(_NoRows)
        self._digest = _NoDigest()


class RunningPath:
    """A path between two blocks."""

    def __init__(self, builder: WorldBuilder, loop: BlockLoop, *, blocks: int, score: Score) -> None:
        self._builder = builder
        self._blocks = blocks
        self._score = score
        self.loop = loop
        self.block = 0
        """Blocks done."""

    @property
    def finished(self) -> bool:
        """Whether the last block is done."""
        return self.block >= self._blocks

    def score(self) -> float:
        """Return the figure that the splitting watches."""
        return self._score(self.loop)

    def step(self) -> None:
        """Run the next block.

        Raises
        ------
        InvariantViolation
            At its end.
        """
        self.block += 1
        self.loop.advance(self.block, self._blocks)

    def branch(self) -> Callable[[int], RunningPath]:
        """Stop here; return what continues from here with the draws of a seed, any number of times.

        A continuation is valid until the next one is made, here or at an earlier branch: there is one chain.
        """
        chain = self.loop.world.chain
        handle = chain.snapshot()
        kept = self._copied(self.loop.world.streams)

        def resume(seed: int) -> RunningPath:
            chain.restore(handle)
            streams = Streams(seed)
            offspring = kept._copied(streams)  # noqa: SLF001  (own class)
            offspring._rebase(streams)  # noqa: SLF001
            return offspring

        return resume

    def _copied(self, streams: Streams) -> RunningPath:
        """Return a copy that draws from other streams and shares what no block changes."""
        loop = self.loop
        shared = list(_unchanging(loop))
        memo: dict[int, Any] = {id(item): item for item in shared}
        memo[id(loop.world.streams)] = streams  # whoever holds the streams holds the new ones
        copied = RunningPath(self._builder, deepcopy(loop, memo), blocks=self._blocks, score=self._score)
        copied.block = self.block
        return copied

    def _rebase(self, streams: Streams) -> None:
        """Let every market go on with the increments of the streams' own path."""
        block = self.block
        for market, fresh in zip(self.loop.world.external, self._builder.price_paths(streams), strict=True):
            prices = market.path.prices.copy()
            prices[block + 1 :] = prices[block] * (fresh.prices[block + 1 :] / fresh.prices[block])
            market.follow(PricePath(prices=prices, published_at=market.path.published_at))


def _unchanging(loop: BlockLoop) -> Iterator[object]:
    """Yield what a copy of a loop may share with it: nothing in a block changes it."""
    world = loop.world
    yield from (world.chain, world.client, world.book, world.openings, world.entry_leverage)
    yield from (world.gas_profile, world.gas)
    yield from (world.frozen_curves, world.gas_surges, world.hedged, world.paid_by_fund)
    yield world.streams
    yield from (loop.first, loop.reading, loop.first_wallets, loop.first_collateral, loop.first_shares)
    yield from loop.remembered()
    yield loop.last_events
    for agent in world.agents:
        for name in ("section", "population"):
            if hasattr(agent, name):
                yield getattr(agent, name)
    yield from (market.path for market in world.external)


@contextmanager
def branching_path(
    scenario: Scenario,
    path: int,
    score: Score,
    *,
    warm: WarmStarts,
    populations: int = 1,
    engine: str | None = None,
) -> Iterator[RunningPath]:
    """Start a path of a scenario before its first block; it and its branches are valid inside the context.

    Left alone it is, block for block, path ``path`` of `sim.engine.paths.run_path`.

    Raises
    ------
    InputError
        A market's process has no independent increments, or correlations depend on past returns.
    """
    if scenario.correlation is not None and scenario.correlation.stress is not None:
        raise InputError(
            "correlation.stress: no path can be branched where correlations follow past returns; leave it out"
        )
    for index, market in enumerate(scenario.markets):
        if not market.price.has_independent_increments:
            raise InputError(
                f"markets.{index}.price: a path of kind {market.price.kind} cannot be branched, its future "
                "depends on its past; use gbm, merton or kou"
            )
    options = RunOptions(
        out=Path(), engine=engine, worlds="none", path=PathChoice(path=path, populations=populations)
    )
    builder = world_builder(scenario, options, {})
    with warm.world(builder) as world:
        loop = BlockLoop(world, _LightRecorder(len(world.book)))
        yield RunningPath(builder, loop, blocks=scenario.blocks, score=score)


# --- scores ---


def fund_lost(loop: BlockLoop) -> float:
    """Return the share of its first reserves that the insurance fund has lost; negative after a gain."""
    first = loop.first.totals.fund_reserves
    return 1.0 - loop.reading.totals.fund_reserves / first if first else 0.0


def price_fall(loop: BlockLoop) -> float:
    """Return by which share the fundamental price of market 0 stands under its first."""
    market = loop.world.external[0]
    return 1.0 - market.state.fundamental_price / float(market.path.prices[0])


def margin_used(loop: BlockLoop) -> float:
    """Return the largest maintenance requirement over equity of any open account; 1 is liquidatable.

    The reciprocal of the minimum margin, capped at 100 for accounts with little or no equity.
    """
    valuation = loop.reading.valuation
    held = valuation.notional > 0.0
    if not bool(held.any()):
        return 0.0
    required = valuation.maintenance_requirement[held]
    equity = np.maximum(valuation.equity[held], required / 100.0)
    return float(np.max(required / equity))


def guided(event: Score, threshold: float, guide: Score, scale: float) -> Score:
    """Return a score that is 1 exactly where ``event`` has reached its threshold, and below follows a guide.

    A fund loses nothing until accounts are liquidated, so its own losses make no early levels: a fall of the
    price on the way there does.

    Parameters
    ----------
    guide, scale
        Below the event the score is ``guide / scale``, short of 1.
    """

    def score(loop: BlockLoop) -> float:
        if event(loop) >= threshold:
            return 1.0
        return min(guide(loop) / scale, _BELOW_THE_EVENT)

    return score


_BELOW_THE_EVENT = 0.999_999

SCORES: dict[str, Score] = {
    "fund_lost": fund_lost,
    "price_fall": price_fall,
    "margin_used": margin_used,
}
"""Scores by name."""
