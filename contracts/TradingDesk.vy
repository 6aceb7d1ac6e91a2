# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title TradingDesk
@custom:contract-name TradingDesk
@license Apache-2.0
@author Seawall contributors
@notice Where account holders enter: deposit, withdraw, the same with other assets, trade,
        choose a mode.
@dev Holds no token and no account; an operator of the ledger.
@custom:kill `pause` stops what adds risk; deposits, reductions and withdrawals within the rule
             go on.
@custom:invariants Between transactions the ledger's lock is free.
"""

from .interfaces import ITradingDesk
from .modules import access
from .modules import fee_params
from .modules import pausable
from .modules import trading


implements: ITradingDesk

initializes: access
initializes: fee_params[access := access]
initializes: pausable[access := access]
initializes: trading[access := access, fee_params := fee_params, pausable := pausable]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    pausable.paused,
    pausable.pause,
    pausable.unpause,
    # Fees
    fee_params.parameters,
    fee_params.set_parameters,
    trading.collect_fees,
    # Trading
    trading.deposit,
    trading.withdraw,
    trading.deposit_collateral,
    trading.withdraw_collateral,
    trading.increase_position,
    trading.decrease_position,
    trading.set_mode,
)


@deploy
def __init__(
    owner: address,
    ledger: address,
    market_registry: address,
    risk_engine: address,
    loss_waterfall: address,
    collateral_registry: address,
    parameters: ITradingDesk.FeeParameters,
):
    """
    @notice Deploys a desk; the ledger must register it as an operator.
    @param owner Address that pauses and sets fees.
    @param ledger Ledger.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param loss_waterfall Loss waterfall.
    @param collateral_registry Collateral registry.
    @param parameters Fee parameters.
    """
    access.__init__(owner)
    fee_params.__init__(parameters)
    trading.__init__(
        ledger, market_registry, risk_engine, loss_waterfall, collateral_registry
    )
