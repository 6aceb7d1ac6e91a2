# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title LiquidityPool
@custom:contract-name LiquidityPool
@license Apache-2.0
@author Seawall contributors
@notice Counterparty of every trade and ERC-4626 vault of its providers.
@dev Fills at the index price plus a premium linear in the traders' skew.
@custom:kill Pause the trading desk: no trade adds risk any more, providers may leave with
             what is not owed to traders.
@custom:invariants In every market: position = -(sum of traders' sizes). Token balance times
                   10**12 >= reserves, equal without donations.
"""

from .interfaces import ILiquidityPool
from .modules import access
from .modules import token
from .modules import erc4626_vault
from .modules import pool_vault
from .modules import market_making


implements: ILiquidityPool

initializes: access
initializes: token
initializes: erc4626_vault[token := token]
initializes: pool_vault[access := access, erc4626_vault := erc4626_vault, token := token]
initializes: market_making[
    access := access, erc4626_vault := erc4626_vault, pool_vault := pool_vault
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
    pool_vault.connect,
    pool_vault.ledger,
    pool_vault.market_registry,
    pool_vault.loss_waterfall,
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
def __init__(owner: address, quote_token: address, ledger: address):
    """
    @notice Deploys a pool without markets; `connect` comes next.
    @param owner Address that adds markets and sets their pricing.
    @param quote_token Token of the assets, 6 decimals.
    @param ledger Only contract that may trade with the pool.
    """
    access.__init__(owner)
    token.__init__("Seawall liquidity share", "swLP", 12)
    erc4626_vault.__init__(quote_token)
    pool_vault.__init__(ledger)
