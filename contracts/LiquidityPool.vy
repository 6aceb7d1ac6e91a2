# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title LiquidityPool
@custom:contract-name LiquidityPool
@license Apache-2.0
@author Seawall contributors
@notice Counterparty of every trade and ERC-4626 vault of its providers.
@dev Fills at the index price plus a premium linear in the traders' skew.
@dev Money comes and goes through queues while anything hangs on a price.
@custom:kill Pause the trading desk: no trade adds risk any more, providers may leave with
             what is not owed to traders.
@custom:invariants In every market: position = -(sum of traders' sizes). Token balance times
                   10**12 >= reserves, equal without donations.
"""

from .interfaces import ILiquidityPool
from .modules import access
from .modules import token
from .modules import exit_queue
from .modules import erc4626_vault
from .modules import pool_connections
from .modules import market_making
from .modules import pool_parameters
from .modules import pool_valuation
from .modules import pool_vault
from .modules import pool_entries


implements: ILiquidityPool

initializes: access
initializes: token
initializes: exit_queue[token := token]
initializes: erc4626_vault[exit_queue := exit_queue, token := token]
initializes: pool_connections[access := access]
initializes: market_making[
    access := access, erc4626_vault := erc4626_vault, pool_connections := pool_connections
]
initializes: pool_parameters[access := access]
initializes: pool_valuation[
    erc4626_vault := erc4626_vault,
    market_making := market_making,
    pool_connections := pool_connections,
    token := token,
]
initializes: pool_vault[
    erc4626_vault := erc4626_vault,
    exit_queue := exit_queue,
    pool_connections := pool_connections,
    pool_parameters := pool_parameters,
    pool_valuation := pool_valuation,
]
initializes: pool_entries[
    erc4626_vault := erc4626_vault,
    pool_connections := pool_connections,
    pool_parameters := pool_parameters,
    pool_valuation := pool_valuation,
    token := token,
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Share token
    token.name,
    token.symbol,
    token.decimals,
    token.totalSupply,
    token.balanceOf,
    token.allowance,
    token.transfer,
    token.transferFrom,
    token.approve,
    token.epoch,
    # Vault
    erc4626_vault.asset,
    erc4626_vault.reserves,
    pool_vault.totalAssets,
    pool_vault.convertToShares,
    pool_vault.convertToAssets,
    pool_vault.maxDeposit,
    pool_vault.maxMint,
    pool_vault.maxWithdraw,
    pool_vault.maxRedeem,
    pool_vault.previewDeposit,
    pool_vault.previewMint,
    pool_vault.previewWithdraw,
    pool_vault.previewRedeem,
    pool_vault.deposit,
    pool_vault.mint,
    pool_vault.withdraw,
    pool_vault.redeem,
    # Queues
    pool_vault.request_exit,
    exit_queue.cancel_exit,
    exit_queue.exit_request,
    pool_entries.request_deposit,
    pool_entries.claim_shares,
    pool_entries.cancel_deposit,
    pool_entries.deposit_request,
    pool_parameters.set_parameters,
    pool_parameters.parameters,
    # Connections
    pool_connections.connect,
    pool_connections.ledger,
    pool_connections.market_registry,
    # Market making
    market_making.add_market,
    market_making.set_pricing_terms,
    market_making.apply_fill,
    market_making.apply_deleverage,
    market_making.collect,
    market_making.pay,
    market_making.quote,
    market_making.pricing_terms,
    market_making.position,
    market_making.market_count,
)


@deploy
def __init__(
    owner: address,
    quote_token: address,
    ledger: address,
    collateral_registry: address,
    parameters: ILiquidityPool.PoolParameters,
):
    """
    @notice Deploys a pool without markets; `connect` comes next.
    @param owner Address that adds markets and sets their pricing.
    @param quote_token Token of the assets, 6 decimals.
    @param ledger Only contract that may trade with the pool.
    @param collateral_registry What knows of whom the pool may get back what it has borne.
    @param parameters Waits of its queues.
    """
    access.__init__(owner)
    token.__init__("Seawall liquidity share", "swLP", 12)
    erc4626_vault.__init__(quote_token)
    pool_connections.__init__(ledger, collateral_registry)
    pool_parameters.__init__(parameters)
