"""From a scenario to the configuration of every part: one function a part, no decisions of its own."""

from __future__ import annotations

from collections.abc import Sequence

from sim.agents.arbitrageur import ArbitrageurConfig
from sim.agents.base import FeePolicy, Outage
from sim.agents.deleverager import DeleveragerConfig
from sim.agents.liquidation_terms import LiquidationTerms
from sim.agents.liquidator import LiquidatorConfig
from sim.agents.liquidity_provider import LiquidityProviderConfig
from sim.agents.oracle_keeper import OracleKeeperConfig
from sim.agents.population import LeverageLaw, PopulationConfig, SizeLaw
from sim.agents.trader_cohort import TopUpBehavior, TraderCohortConfig
from sim.agents.whale import WhaleConfig
from sim.chain.fees import FeeParameters
from sim.chain.mempool import MempoolParameters
from sim.core.units import GWEI
from sim.engine.scenario.agents import FeeSection, TraderSection, WhaleSection
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


def _outages(
    scenario: Scenario, kind: type[KeeperOutage] | type[LiquidatorOutage], market: int
) -> tuple[Outage, ...]:
    seconds = scenario.seconds_per_block
    return tuple(
        Outage(
            start_block=shock.start_block(seconds),
            end_block=shock.start_block(seconds) + shock.duration_blocks(seconds),
            share=shock.size,
        )
        for shock in scenario.shocks
        if isinstance(shock, kind) and getattr(shock, "market", market) == market
    )


def fee_policy(section: FeeSection) -> FeePolicy:
    """Return how a participant bids."""
    return FeePolicy(**section.model_dump())


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
        liquidator_half_life_seconds=scenario.liquidators.unwind_half_life_seconds,
        arbitrage_share=flow.arbitrage_share,
    )


def cohort_config(section: TraderSection) -> TraderCohortConfig:
    """Return one cohort of traders."""
    top_up = section.top_up
    return TraderCohortConfig(
        name=section.name,
        market=section.market,
        population=PopulationConfig(
            count=section.count,
            long_share=section.long_share,
            leverage=LeverageLaw(**section.leverage.model_dump()),
            size=SizeLaw(**section.size.model_dump()),
            wallet_ratio=top_up.wallet_ratio,
            attentive_share=top_up.attentive_share,
            automated_share=top_up.automated_share,
        ),
        top_up=TopUpBehavior(
            trigger_ratio=top_up.trigger_ratio,
            target_ratio=top_up.target_ratio,
            mean_delay_seconds=top_up.mean_delay_seconds,
        ),
        fees=fee_policy(section.fees),
        trades_per_day=section.trades_per_day,
        reduce_share=section.reduce_share,
    )


def whale_config(scenario: Scenario, section: WhaleSection, notional: float) -> WhaleConfig:
    """Return one whale of a given notional (quote)."""
    seconds = scenario.seconds_per_block
    return WhaleConfig(
        name=section.name,
        market=section.market,
        side=section.side,
        notional=notional,
        leverage=section.leverage,
        behavior=section.behavior,
        start_block=int(section.start_minute * 60 // seconds),
        duration_blocks=int(section.duration_minutes * 60 // seconds),
        slices=section.slices,
        withdraw_share=section.withdraw_share,
        withdraw_floor_ratio=scenario.protocol.margin.withdraw_floor_ratio,
        fees=fee_policy(section.fees),
    )


def static_liquidator_fees(scenario: Scenario) -> FeePolicy:
    """Return the bid of the liquidators that never raise it."""
    section = scenario.liquidators
    return FeePolicy(
        policy="static",
        max_fee_gwei=section.static_fee_gwei,
        priority_fee_gwei=min(section.fees.priority_fee_gwei, section.static_fee_gwei),
    )


def liquidator_config(scenario: Scenario) -> LiquidatorConfig:
    """Return the liquidators before they are spread over latencies."""
    section, protocol = scenario.liquidators, scenario.protocol
    terms = protocol.liquidation.model_dump(
        exclude={"throttle_share_per_hour", "backstop_ratio", "adl_window_seconds"}
    )
    return LiquidatorConfig(
        count=section.count,
        min_profit=section.min_profit,
        capital=section.capital,
        inventory_share=scenario.flow.liquidator_share,
        risk_aversion=section.risk_aversion,
        bid_share=section.bid_share,
        max_per_block=section.max_per_block,
        max_status=protocol.oracle.liquidate_status,
        terms=LiquidationTerms(**terms, trade_fee=0.0, fund_target=protocol.insurance_fund.target),
        fees=fee_policy(section.fees),
        outages=_outages(scenario, LiquidatorOutage, 0),
    )


def keeper_config(scenario: Scenario, market: int) -> OracleKeeperConfig:
    """Return the reporters of one market."""
    section = scenario.keepers
    name = scenario.markets[market].name.lower()
    return OracleKeeperConfig(
        name=f"keepers_{name}",
        market=market,
        count=section.count,
        deviation_threshold=section.deviation_threshold,
        heartbeat_seconds=section.heartbeat_seconds,
        price_noise=section.price_noise,
        confidence_ratio=section.confidence_ratio,
        latency_blocks=section.latency_blocks,
        fees=fee_policy(section.fees),
        static_fee_share=section.static_fee_share,
        static_fees=FeePolicy(
            policy="static",
            max_fee_gwei=section.static_fee_gwei,
            priority_fee_gwei=min(section.fees.priority_fee_gwei, section.static_fee_gwei),
        ),
        outages=_outages(scenario, KeeperOutage, market),
    )


def arbitrageur_config(scenario: Scenario, market: int, initial_price: float) -> ArbitrageurConfig:
    """Return the arbitrageurs of one market."""
    section = scenario.arbitrageurs
    described = scenario.markets[market]
    return ArbitrageurConfig(
        name=f"arbitrageurs_{described.name.lower()}",
        market=market,
        skew_scale=skew_scale(described, initial_price),
        max_premium=described.pool.max_premium,
        count=section.count,
        capital=section.capital,
        threshold=section.threshold,
        max_leverage=section.max_leverage,
        max_trade_notional=section.max_trade_notional,
        latency_blocks=section.latency_blocks,
        fees=fee_policy(section.fees),
    )


def provider_configs(scenario: Scenario) -> tuple[LiquidityProviderConfig, LiquidityProviderConfig]:
    """Return the providers of the pool and the backers of the fund."""
    section, protocol = scenario.liquidity_providers, scenario.protocol

    def config(name: str, vault: str, deposit: float) -> LiquidityProviderConfig:
        return LiquidityProviderConfig(
            name=name,
            vault="pool" if vault == "pool" else "fund",
            count=section.count,
            deposit=deposit,
            run_loss_threshold=section.run_loss_threshold,
            run_rate_per_hour=section.run_rate_per_hour,
            fees=fee_policy(section.fees),
        )

    return (
        config("liquidity_providers", "pool", protocol.pool.deposit),
        config("fund_backers", "fund", protocol.insurance_fund.deposit),
    )


def deleverager_config(scenario: Scenario) -> DeleveragerConfig:
    """Return who resolves deficits."""
    section = scenario.deleverager
    return DeleveragerConfig(
        max_winners=section.max_winners,
        window_seconds=scenario.protocol.liquidation.adl_window_seconds,
        latency_blocks=section.latency_blocks,
        fees=fee_policy(section.fees),
    )
