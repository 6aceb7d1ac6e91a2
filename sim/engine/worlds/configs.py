"""From a scenario to the configuration of every part: one function a part, no decisions of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.agents.base import Outage
from sim.agents.kind import Setting
from sim.agents.liquidator import LIQUIDATORS
from sim.agents.oracle_keeper import KEEPERS
from sim.chain.fees import FeeParameters
from sim.chain.mempool import MempoolParameters
from sim.core.units import GWEI
from sim.engine.scenario.market import MarketSection
from sim.engine.scenario.schema import Scenario
from sim.engine.scenario.shocks import (
    DepthShock,
    GasDemand,
    KeeperOutage,
    LiquidatorOutage,
    PriceDrift,
    PriceJump,
    VolatilityShock,
)
from sim.engine.worlds.flows import FlowConfig
from sim.engine.worlds.parameters import protocol_parameters
from sim.engine.worlds.world import GasWindow
from sim.market.impact import ImpactParameters
from sim.market.shocks import MarketShock, ShockSchedule


def impact_parameters(market: MarketSection) -> ImpactParameters:
    """Return the outside market's impact law and depth."""
    return ImpactParameters(**market.impact.model_dump())


def shock_schedule(scenario: Scenario, market: int, *, replayed: bool) -> ShockSchedule:
    """Return the price, volatility and depth shocks of one market; a replayed price is not shocked."""
    seconds = scenario.seconds_per_block
    shocks: list[MarketShock] = []
    for shock in scenario.shocks:
        if (
            not isinstance(shock, PriceJump | PriceDrift | VolatilityShock | DepthShock)
            or shock.market != market
        ):
            continue
        if replayed and not isinstance(shock, DepthShock):
            continue
        duration = 1 if isinstance(shock, PriceJump) else shock.duration_blocks(seconds)
        shocks.append(
            MarketShock(
                kind=shock.kind,
                at_block=shock.start_block(seconds),
                duration_blocks=duration,
                size=shock.size,
            )
        )
    return ShockSchedule(tuple(shocks))


def gas_windows(scenario: Scenario) -> list[GasWindow]:
    """Return the surges of background demand."""
    seconds = scenario.seconds_per_block
    return [
        GasWindow(
            shock.start_block(seconds),
            shock.start_block(seconds) + shock.duration_blocks(seconds),
            shock.size,
            shock.fee_size,
        )
        for shock in scenario.shocks
        if isinstance(shock, GasDemand)
    ]


def setting(scenario: Scenario, initial_prices: Sequence[float], start_timestamp: int) -> Setting:
    """Return what is known of the world before anybody takes part in it."""
    return Setting(
        seconds_per_block=scenario.seconds_per_block,
        start_timestamp=start_timestamp,
        market_names=tuple(market.name for market in scenario.markets),
        prices=tuple(initial_prices),
        protocol=protocol_parameters(scenario, initial_prices),
        vault_deposits={
            "liquidity_pool": scenario.protocol.pool.deposit,
            "insurance_fund": scenario.protocol.insurance_fund.deposit,
        },
        liquidator_share=scenario.flow.liquidator_share,
        outages={
            KEEPERS.name: tuple(_outages(scenario, KeeperOutage)),
            LIQUIDATORS.name: tuple(_outages(scenario, LiquidatorOutage)),
        },
    )


def _outages(scenario: Scenario, kind: type[KeeperOutage] | type[LiquidatorOutage]) -> Iterator[Outage]:
    seconds = scenario.seconds_per_block
    for shock in scenario.shocks:
        if isinstance(shock, kind):
            start = shock.start_block(seconds)
            yield Outage(
                start_block=start,
                end_block=start + shock.duration_blocks(seconds),
                share=shock.size,
                market=shock.market if isinstance(shock, KeeperOutage) else None,
            )


def fee_parameters(scenario: Scenario) -> FeeParameters:
    """Return the market for block space."""
    chain = scenario.chain
    return FeeParameters(
        block_gas_limit=chain.block_gas_limit,
        base_fee_wei=int(chain.base_fee_gwei * GWEI),
        background_gas_share=chain.background_gas_share,
        background_gas_deviation=chain.background_gas_deviation,
        background_fee_wei=int(chain.background_fee_gwei * GWEI),
        background_fee_deviation=chain.background_fee_deviation,
        min_priority_fee_wei=int(chain.min_priority_fee_gwei * GWEI),
    )


def mempool_parameters(scenario: Scenario) -> MempoolParameters:
    """Return the rules of admission to the mempool."""
    chain = scenario.chain
    return MempoolParameters(
        size=chain.mempool_size, expiry_blocks=chain.expiry_blocks, replacement_bump=chain.replacement_bump
    )


def flow_config(scenario: Scenario, *, forced_flow: bool) -> FlowConfig:
    """Return the routes of flow; the twin run has ``forced_flow`` off."""
    flow = scenario.flow
    return FlowConfig(
        forced_flow=flow.forced_flow and forced_flow,
        hedge_share=flow.hedge_share,
        hedge_half_life_seconds=flow.hedge_half_life_seconds,
        liquidator_share=flow.liquidator_share,
        liquidator_half_life_seconds=scenario.section(LIQUIDATORS).unwind_half_life_seconds,
        arbitrage_share=flow.arbitrage_share,
    )
