# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title CollateralRegistry
@custom:contract-name CollateralRegistry
@license Apache-2.0
@author Seawall contributors
@notice Collateral in up to four other tokens than the quote token: what accounts have, what it
        counts for after haircuts, and its sale when an account owes.
@dev An operator of the ledger, to keep the bits in an account's word; writes under its lock.
@custom:kill Set an asset's cap to zero: nothing more comes in; all else goes on. Unregister it
             at the ledger: no first and no last unit of an asset moves any more.
@custom:invariants Tokens held >= total of an asset = sum of its balances. No forced sale fills
             below the counted price less the band, or takes more than is wanted but for a unit.
             What an amount counts for does not fall as amount or price rise, but for rounding.
"""

from .interfaces import ICollateralRegistry
from .modules import access
from .modules import collateral_assets
from .modules import collateral_balances
from .modules import collateral_exchange


implements: ICollateralRegistry

initializes: access
initializes: collateral_assets[access := access]
initializes: collateral_balances[collateral_assets := collateral_assets]
initializes: collateral_exchange[
    collateral_assets := collateral_assets, collateral_balances := collateral_balances
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Assets
    collateral_assets.add_asset,
    collateral_assets.set_parameters,
    collateral_assets.set_spot_pool,
    collateral_assets.asset_count,
    collateral_assets.parameters,
    # Writers
    collateral_balances.deposit,
    collateral_balances.withdraw,
    collateral_balances.raise_lien,
    collateral_balances.lower_lien,
    collateral_exchange.sell,
    collateral_balances.note_prices,
    # Views
    collateral_balances.asset_info,
    collateral_balances.balance_of,
    collateral_balances.holding_of,
    collateral_balances.lien_of,
    collateral_balances.total_liens,
    collateral_balances.value_of,
    collateral_balances.values_of,
    collateral_balances.sellable_value_of,
    collateral_balances.riskiest_of,
)


@deploy
def __init__(owner: address, ledger: address):
    """
    @notice Deploys a registry without assets.
    @param owner Address that lists assets and sets their parameters.
    @param ledger Ledger, which must register the registry as an operator.
    """
    access.__init__(owner)
    collateral_assets.__init__(ledger)
