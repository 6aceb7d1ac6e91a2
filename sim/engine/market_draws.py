"""What the price paths of a scenario are laid from."""

from __future__ import annotations

from collections.abc import Mapping, Set

from sim.core.rng import Streams
from sim.engine.scenario.schema import Scenario
from sim.market.joint_draws import MarketDraw
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock, PricePath
from sim.market.price_process import PathDraw
from sim.market.price_processes.replay import Replay
from sim.market.shock import market_schedule


def market_draws(
    scenario: Scenario,
    clock: BlockClock,
    streams: Streams,
    histories: Mapping[int, PriceHistory],
    *,
    replayed: Set[int] = frozenset(),
) -> list[MarketDraw]:
    """Return process and draws of every market.

    Parameters
    ----------
    histories
        Recorded prices by market.
    replayed
        Markets whose file takes the place of their process.
    """
    found = []
    for index, market in enumerate(scenario.markets):
        history = histories.get(index)
        process = market.price
        if index in replayed and history is not None:
            process = Replay.of(history, like=process)
        draw = PathDraw(
            clock=clock,
            initial_price=market.initial_price,
            streams=streams,
            name=f"price:{market.name}",
            shocks=market_schedule(scenario.shocks, index, scenario.seconds_per_block, replayed=replayed),
            history=history,
        )
        found.append(MarketDraw(market=market.name, process=process, draw=draw))
    return found


def asset_paths(scenario: Scenario, clock: BlockClock, streams: Streams) -> list[PricePath]:
    """Return the price path of every asset of the collateral registry, from streams of their own names."""
    return [
        collateral.price.path(
            clock,
            initial_price=collateral.initial_price,
            streams=streams,
            name=f"collateral:{collateral.name}",
        )
        for collateral in scenario.collaterals
    ]
