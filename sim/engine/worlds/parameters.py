"""From a scenario to what the contracts are deployed with, by struct and field."""

from __future__ import annotations

from collections.abc import Sequence

from sim.engine.scenario.schema import Scenario
from sim.protocol.parameters.values import AssetParameters, MarketParameters, ProtocolParameters


def protocol_parameters(scenario: Scenario, initial_prices: Sequence[float]) -> ProtocolParameters:
    """Return what the contracts are deployed with.

    Quantities in base units follow the price a run starts at, so that depth and caps stay what they
    are in quote when ``--prices`` brings another asset.
    """
    oracle, portfolio = scenario.protocol.oracle, scenario.protocol.portfolio
    names = [market.name for market in scenario.markets]
    return ProtocolParameters(
        **scenario.protocol.structs,
        correlations=() if portfolio is None else portfolio.by_pair(names),
        estimates_correlations=portfolio is not None and portfolio.estimated,
        markets=[
            MarketParameters(
                name=market.name,
                initial_price=price,
                initial_variance_fast=oracle.initial_volatility_fast * oracle.initial_volatility_fast,
                initial_variance_slow=oracle.initial_volatility_slow * oracle.initial_volatility_slow,
                pricing_terms={
                    **market.pool.values("pricing_terms"),
                    "skew_scale": market.pool.skew_scale * market.initial_price / price,
                },
                market={"open_interest_cap": market.pool.open_interest_cap_notional / price},
                risk_model=scenario.risk_parameters(index),
                estimator=market.estimator.values("estimator"),
                performance=market.performance.values("performance"),
            )
            for index, (market, price) in enumerate(zip(scenario.markets, initial_prices, strict=True))
        ],
        assets=[
            AssetParameters(
                name=collateral.name,
                decimals=collateral.decimals,
                initial_price=collateral.initial_price,
                initial_variance_fast=collateral.initial_volatility * collateral.initial_volatility,
                initial_variance_slow=collateral.initial_volatility * collateral.initial_volatility,
                pool_fee_rate=collateral.pool_fee_rate,
                pool_depth=collateral.pool_depth,
                terms=collateral.values("asset"),
            )
            for collateral in scenario.collaterals
        ],
    )
