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
from sim.engine.worlds.world import GasWindow
from sim.market.impact import ImpactParameters
from sim.market.shocks import MarketShock, ShockSchedule
from sim.protocol.parameters import UNLIMITED, MarketParameters, ProtocolParameters

_HOURS_OF_FUNDING_CAP = 8.0
"""dYdX bounds the eight-hour rate; the contract's cap is hourly."""


def protocol_parameters(scenario: Scenario, initial_prices: Sequence[float]) -> ProtocolParameters:
    """Return what the contracts are deployed with, by the contracts' own names.

    Quantities in base units follow the price a run starts at, so that depth and caps stay what they
    are in quote when ``--prices`` brings another asset.
    """
    margin, oracle = scenario.protocol.margin, scenario.protocol.oracle
    fund = scenario.protocol.insurance_fund
    liquidation = scenario.protocol.liquidation
    oracle_values = {
        name: value
        for name, value in oracle.model_dump().items()
        if name not in ("heartbeat_seconds", "initial_volatility_fast", "initial_volatility_slow")
    }
    markets = [
        MarketParameters(
            name=market.name,
            initial_price=price,
            initial_variance_fast=oracle.initial_volatility_fast * oracle.initial_volatility_fast,
            initial_variance_slow=oracle.initial_volatility_slow * oracle.initial_volatility_slow,
            skew_scale=skew_scale(market, price),
            max_premium=market.pool.max_premium,
            open_interest_cap=market.pool.open_interest_cap / price,
            risk_model=scenario.risk_parameters(index),
        )
        for index, (market, price) in enumerate(zip(scenario.markets, initial_prices, strict=True))
    ]
    return ProtocolParameters(
        margin={
            "trade_fee_rate": margin.fee_rate,
            "pool_fee_share": margin.pool_fee_share,
            "fund_fee_share": margin.fund_fee_share,
            "upnl_weight": margin.unrealized_profit_weight,
            "upnl_cap": margin.unrealized_profit_cap,
            "withdraw_margin_ratio": margin.withdraw_floor_ratio,
            "ramp_per_hour": margin.ramp_per_hour if margin.maintenance_ramp else UNLIMITED,
            "funding_coefficient": margin.funding_coefficient,
            "funding_margin_coefficient": margin.funding_margin_multiple / _HOURS_OF_FUNDING_CAP,
            "max_funding_rate_per_hour": margin.funding_cap_per_hour,
            "min_position_notional": liquidation.min_position_notional,
        },
        liquidation={
            "buffer": liquidation.buffer,
            "fee_base": liquidation.base_fee,
            "fee_volatility_coefficient": liquidation.volatility_convexity,
            "fee_shortfall_coefficient": liquidation.shortfall_convexity,
            "fee_max": liquidation.max_fee,
            "fee_maintenance_share": liquidation.maintenance_fee_cap,
            "fee_equity_share": liquidation.equity_fee_cap,
            "volatility_reference": liquidation.reference_volatility,
            "bounty_share_base": liquidation.bounty_share,
            "bounty_volatility_coefficient": liquidation.bounty_volatility_slope,
            "bounty_adequacy_coefficient": liquidation.bounty_adequacy_slope,
            "bounty_share_min": liquidation.bounty_share_min,
            "bounty_share_max": liquidation.bounty_share_max,
            "min_bounty": liquidation.min_bounty,
            "throttle_share_per_hour": liquidation.throttle_share_per_hour,
            "backstop_ratio": liquidation.backstop_ratio,
            "adl_window_seconds": liquidation.adl_window_seconds,
        },
        oracle=oracle_values,
        fund={"target_reserves": fund.target},
        markets=markets,
        reporter_heartbeat_seconds=oracle.heartbeat_seconds,
    )


def skew_scale(market: MarketSection, initial_price: float) -> float:
    """Return the pool's skew scale in base units at the price the run starts at."""
    return market.pool.skew_scale * market.initial_price / initial_price


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
