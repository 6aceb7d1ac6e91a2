# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Ledger
@custom:contract-name Ledger
@license Apache-2.0
@author Seawall contributors
@notice The state of the clearing core: collateral in a quote token of 6 decimals, positions
        in up to eight markets, deficits, exact sums, and the one lock. The liquidity pool is
        the counterparty of every position. Collateral in other tokens is in
        `CollateralRegistry`, which keeps here which of them an account has.
@dev Judges no risk. Registered operators price what they order, so `set_operator` is the key
     to everything: its owner is a time-lock.
@custom:kill Unregister an operator: what it offers stops, all else goes on.
@custom:invariants Token balance times 10**12 = total_collateral + accrued_fees without
             donations; bad_debt = fund_draws + haircuts + socialized_loss.
"""

from .interfaces import ILedger
from .modules import access
from .modules import accounts
from .modules import bookings
from .modules import connections
from .modules import deficits
from .modules import operators
from .modules import settlement


implements: ILedger

initializes: access
initializes: deficits
initializes: accounts[deficits := deficits]
initializes: connections[access := access]
initializes: operators[access := access]
initializes: settlement[
    accounts := accounts,
    connections := connections,
    deficits := deficits,
    operators := operators,
]
initializes: bookings[
    accounts := accounts,
    connections := connections,
    deficits := deficits,
    operators := operators,
    settlement := settlement,
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Connections
    connections.connect,
    connections.quote_token,
    connections.liquidity_pool,
    connections.insurance_fund,
    # The lock
    operators.set_operator,
    operators.is_operator,
    operators.holder,
    operators.lock,
    operators.unlock,
    # Writers
    settlement.settle,
    bookings.deposit,
    bookings.withdraw,
    bookings.set_mode,
    bookings.collect_fees,
    bookings.set_asset,
    bookings.draw_fund,
    bookings.write_off,
    bookings.use_held,
    bookings.release_held,
    bookings.pay_tip,
    # Views
    accounts.account_of,
    accounts.collateral_of,
    accounts.mode_of,
    accounts.assets_of,
    accounts.open_markets_of,
    accounts.position_of,
    accounts.deficit_of,
    accounts.deficit_share_of,
    accounts.held_gain_of,
    accounts.pending_deficit_of,
    accounts.summaries_of,
    accounts.positions_of,
    accounts.aggregates_of,
    accounts.total_debt,
    accounts.pending_deficit,
    accounts.totals,
)


@deploy
def __init__(owner: address, quote_token: address):
    """
    @notice Deploys a ledger without operators; `connect` comes next.
    @param owner Address that registers operators.
    @param quote_token Token of all collateral, 6 decimals.
    """
    access.__init__(owner)
    connections.__init__(quote_token)
