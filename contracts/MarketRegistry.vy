# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title MarketRegistry
@custom:contract-name MarketRegistry
@license Apache-2.0
@author Seawall contributors
@notice Up to eight markets: margin formulas, open-interest caps, funding and maintenance ramp.
@dev Holds no token and no account. What it says of a market, everything else is decided on.
@custom:kill None of its own: pause the desk. A formula that does not answer is replaced by
             `set_market`, which does not ask the old one.
@custom:invariants A market's ramped maintenance ratio is never above its formula's.
"""

from .interfaces import IMarketRegistry
from .modules import access
from .modules import funding
from .modules import market_params
from .modules import markets
from .modules import ramp


implements: IMarketRegistry

initializes: access
initializes: market_params
initializes: funding[market_params := market_params]
initializes: ramp[market_params := market_params]
initializes: markets[
    access := access, funding := funding, market_params := market_params, ramp := ramp
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Configuration
    market_params.parameters,
    markets.set_parameters,
    markets.add_market,
    markets.set_market,
    markets.market_count,
    markets.market_info,
    markets.price_oracle,
    markets.volatility_oracle,
    markets.largest_premium,
    # Snapshots
    markets.poke,
    markets.touch_one,
    markets.touch,
    markets.market_snapshot,
    markets.snapshots,
    markets.pool_claims,
    funding.funding_index,
)


@deploy
def __init__(
    owner: address,
    price_oracle: address,
    volatility_oracle: address,
    ledger: address,
    liquidity_pool: address,
    parameters: IMarketRegistry.MarketParameters,
):
    """
    @notice Deploys a registry without markets.
    @param owner Address that adds markets and sets parameters.
    @param price_oracle Price oracle; its asset ids are the market ids.
    @param volatility_oracle Estimators of the same markets, zero for none.
    @param ledger Ledger.
    @param liquidity_pool Liquidity pool.
    @param parameters Market parameters.
    """
    access.__init__(owner)
    market_params.__init__(parameters)
    markets.__init__(price_oracle, volatility_oracle, ledger, liquidity_pool)
