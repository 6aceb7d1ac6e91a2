"""From a scenario to the configuration of every part: one function a part, no decisions of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.agents.base import Outage
from sim.agents.kind import Setting
from sim.chain.fees import FeeParameters
from sim.chain.mempool import MempoolParameters
from sim.core.units import GWEI
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.parameters import protocol_parameters
from sim.market.shock import agent_outages


def setting(
    scenario: Scenario,
    initial_prices: Sequence[float],
    start_timestamp: int,
    *,
    replayed: frozenset[int] = frozenset(),
) -> Setting:
    """Return what is known of the world before anybody takes part in it."""
    return Setting(
        seconds_per_block=scenario.seconds_per_block,
        start_timestamp=start_timestamp,
        market_names=tuple(market.name for market in scenario.markets),
        prices=tuple(initial_prices),
        asset_names=tuple(collateral.name for collateral in scenario.collaterals),
        asset_prices=tuple(collateral.initial_price for collateral in scenario.collaterals),
        protocol=protocol_parameters(scenario, initial_prices),
        vault_deposits={
            "liquidity_pool": scenario.protocol.pool.deposit,
            "insurance_fund": scenario.protocol.insurance_fund.deposit,
        },
        liquidator_share=scenario.flow.liquidator_share,
        outages={kind.name: tuple(_outages(scenario, kind.name, replayed)) for kind in scenario.kinds},
    )


def _outages(scenario: Scenario, kind: str, replayed: frozenset[int]) -> Iterator[Outage]:
    """Yield when agents of a kind are silent."""
    for outage in agent_outages(scenario.shocks, kind, scenario.seconds_per_block, replayed=replayed):
        yield Outage(
            start_block=outage.at_block,
            end_block=outage.end_block,
            share=outage.share,
            market=outage.market,
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
