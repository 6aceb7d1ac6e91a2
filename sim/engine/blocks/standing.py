"""Who is short of what at block 0: read exactly, account by account, where an estimate cannot exclude it."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import IntArray
from sim.core.units import WAD
from sim.engine.blocks.observation import Reading
from sim.engine.worlds.world import World
from sim.metrics.facts import Shortfall, Standing
from sim.protocol.mirror import SCREEN_MARGIN
from sim.protocol.state import MarketState


def standing_at_start(world: World, reading: Reading) -> Standing:
    """Return which accounts stand below which requirement before the first block."""
    valuation = reading.valuation
    # Estimates are upper bounds and initial ratios the largest of all: nobody else can be short of anything.
    short = valuation.equity < valuation.initial_requirement * (1.0 + SCREEN_MARGIN)
    candidates: IntArray = np.flatnonzero(short & (valuation.notional > 0.0))
    equity, initial, maintenance, notional = world.client.account_columns(
        candidates, ("equity", "initial_requirement", "maintenance_requirement", "notional")
    )
    target = maintenance
    if any(state.ramped_maintenance_ratio < state.maintenance_ratio for state in reading.markets):
        target = _targets(world, reading.markets, candidates)

    def below(requirement: list[int]) -> Shortfall:
        rows = [row for row, needed in enumerate(requirement) if equity[row] < needed]
        return Shortfall(accounts=len(rows), notional=sum(notional[row] for row in rows) / WAD)

    return Standing(liquidatable=below(maintenance), after_ramp=below(target), initial=below(initial))


def _targets(world: World, markets: tuple[MarketState, ...], actors: IntArray) -> list[int]:
    """Return what each account must hold for maintenance once the ramp has let everything through."""
    needed = [0] * len(actors)
    held = world.mirror.open_positions
    several = {row: actor for row, actor in enumerate(actors.tolist()) if held[actor] > 1}
    for row, actor in several.items():
        needed[row] = _target_of_several(world, markets, actor)
    for market, state in enumerate(markets):
        sizes = world.mirror.exact_size[market]
        rows = [row for row, actor in enumerate(actors.tolist()) if sizes[actor] and row not in several]
        notionals = [abs(sizes[actors[row]]) * state.risk_price // WAD for row in rows]
        ratios = world.client.maintenance_ratios(market, notionals)
        for row, size, ratio in zip(rows, notionals, ratios, strict=True):
            needed[row] += -(-size * ratio // WAD)
    return needed


def _target_of_several(world: World, markets: tuple[MarketState, ...], actor: int) -> int:
    """Return what an account with several positions must hold: the formula may look at all of them."""
    held = {
        market: size for market, sizes in enumerate(world.mirror.exact_size) if (size := sizes[actor]) != 0
    }
    notionals = {market: abs(size) * markets[market].risk_price // WAD for market, size in held.items()}
    whole, needed = sum(notionals.values()), 0
    for market, size in held.items():
        ratio = world.client.shared_maintenance_ratio(market, size, notionals[market], whole)
        needed += -(-notionals[market] * ratio // WAD)
    return needed
