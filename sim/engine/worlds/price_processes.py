"""From the price section of a market to the process that draws its path."""

from __future__ import annotations

from typing import assert_never

from sim.engine.scenario.market import (
    BootstrapPrice,
    BridgePrice,
    GarchPrice,
    GbmPrice,
    KouPrice,
    MarketSection,
    MertonPrice,
    ReplayPrice,
)
from sim.market.bootstrap import StationaryBootstrap
from sim.market.garch import GarchStudentT
from sim.market.jump_processes import KouJumpDiffusion
from sim.market.price_history import PriceHistory, Replay
from sim.market.price_paths import BrownianBridge, GeometricBrownianMotion, MertonJumpDiffusion, PriceProcess


def price_process(market: MarketSection, history: PriceHistory | None, *, replayed: bool) -> PriceProcess:
    """Return the exogenous price process of one market.

    Parameters
    ----------
    market
        Section of the scenario.
    history
        Recorded series: the file the section names, or that of the command line.
    replayed
        Whether the series came from the command line: it is then repeated as it is, whatever the section
        says.
    """
    price = market.price
    if replayed or isinstance(price, ReplayPrice):
        return Replay(history=_needed(history))
    if isinstance(price, BootstrapPrice):
        return StationaryBootstrap(
            history=_needed(history), mean_block_seconds=float(price.mean_block_seconds)
        )
    if isinstance(price, BridgePrice):
        return BrownianBridge(volatility=price.volatility, waypoints=price.waypoints)
    values = price.model_dump(exclude={"kind"})  # sections and processes share the names of their parameters
    if isinstance(price, GbmPrice):
        return GeometricBrownianMotion(**values)
    if isinstance(price, MertonPrice):
        return MertonJumpDiffusion(**values)
    if isinstance(price, KouPrice):
        return KouJumpDiffusion(**values)
    if isinstance(price, GarchPrice):
        return GarchStudentT(**values)
    assert_never(price)


def _needed(history: PriceHistory | None) -> PriceHistory:
    if history is None:
        raise AssertionError("a market with a price file always has its history loaded")
    return history
