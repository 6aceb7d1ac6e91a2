# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title InsuranceFund
@custom:contract-name InsuranceFund
@license Apache-2.0
@author Seawall contributors
@notice Reserves that absorb bad debt, and ERC-4626 vault of those who back them.
@dev A draw lowers the price of a share, a contribution raises it.
@custom:kill Unregister the drawer: reserves stay with their backers.
@custom:invariants Token balance times 10**12 >= reserves, equal without donations; only
                   registered drawers lower the reserves without burning shares.
"""

from .interfaces import IInsuranceFund
from .modules import access
from .modules import token
from .modules import exit_queue
from .modules import erc4626_vault
from .modules import fund_draws
from .modules import fund_vault


implements: IInsuranceFund

initializes: access
initializes: token
initializes: exit_queue[token := token]
initializes: erc4626_vault[exit_queue := exit_queue, token := token]
initializes: fund_draws[access := access, erc4626_vault := erc4626_vault]
initializes: fund_vault[
    erc4626_vault := erc4626_vault,
    exit_queue := exit_queue,
    fund_draws := fund_draws,
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
    fund_vault.totalAssets,
    fund_vault.convertToShares,
    fund_vault.convertToAssets,
    fund_vault.maxDeposit,
    fund_vault.maxMint,
    fund_vault.maxWithdraw,
    fund_vault.maxRedeem,
    fund_vault.previewDeposit,
    fund_vault.previewMint,
    fund_vault.previewWithdraw,
    fund_vault.previewRedeem,
    fund_vault.deposit,
    fund_vault.mint,
    fund_vault.withdraw,
    fund_vault.redeem,
    fund_vault.ledger,
    # Queue
    fund_vault.request_exit,
    exit_queue.cancel_exit,
    exit_queue.exit_request,
    # Draws
    fund_draws.set_drawer,
    fund_draws.set_parameters,
    fund_draws.draw,
    fund_vault.contribute,
    fund_draws.is_drawer,
    fund_draws.target_reserves,
    fund_draws.parameters,
)


@deploy
def __init__(
    owner: address,
    quote_token: address,
    ledger: address,
    collateral_registry: address,
    parameters: IInsuranceFund.FundParameters,
):
    """
    @notice Deploys an empty fund.
    @param owner Address that registers drawers and sets the target.
    @param quote_token Token of the assets, 6 decimals.
    @param ledger Ledger whose losses the fund absorbs.
    @param collateral_registry What knows of whom the fund may get back what it has paid.
    @param parameters Target of the reserves and waits of those who back it.
    """
    access.__init__(owner)
    token.__init__("Seawall insurance share", "swIF", 12)
    erc4626_vault.__init__(quote_token)
    fund_vault.__init__(ledger, collateral_registry)
    fund_draws.__init__(parameters)
