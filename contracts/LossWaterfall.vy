# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title LossWaterfall
@custom:contract-name LossWaterfall
@license Apache-2.0
@author Seawall contributors
@notice What follows when an account's quote collateral does not suffice: its other assets, the
        fund, then winners as the policy ranks them, then the pool.
@dev Holds no account, and tokens only in the middle of a forced sale; an operator of the ledger.
@custom:kill None: a loss must stay resolvable.
@custom:invariants No haircut is larger than the deficit's share of a market, the winner's
             gain, equity or collateral, whatever the policy says; nobody is closed by more
             than its haircut takes, except to leave no dust.
"""

from .interfaces import ILossWaterfall
from .modules import access
from .modules import deleveraging
from .modules import forced_sales
from .modules import loss_waterfall
from .modules import waterfall_params


implements: ILossWaterfall

initializes: access
initializes: waterfall_params[access := access]
initializes: loss_waterfall[waterfall_params := waterfall_params]
initializes: deleveraging[access := access, loss_waterfall := loss_waterfall]
initializes: forced_sales[loss_waterfall := loss_waterfall]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Parameters
    waterfall_params.parameters,
    waterfall_params.set_parameters,
    deleveraging.deleverage_policy,
    deleveraging.set_deleverage_policy,
    # Losses
    loss_waterfall.resolve,
    loss_waterfall.cover_deficit,
    loss_waterfall.socialize_loss,
    loss_waterfall.release_held,
    loss_waterfall.withdrawals_open,
    loss_waterfall.refresh_secured,
    loss_waterfall.secured_of,
    loss_waterfall.total_secured,
    forced_sales.sell_collateral,
    forced_sales.repay_lien,
    deleveraging.auto_deleverage,
    deleveraging.deleverage_score,
)


@deploy
def __init__(
    owner: address,
    ledger: address,
    market_registry: address,
    risk_engine: address,
    insurance_fund: address,
    collateral_registry: address,
    deleverage_policy: address,
    parameters: ILossWaterfall.WaterfallParameters,
):
    """
    @notice Deploys a waterfall; the ledger must register it as an operator.
    @param owner Address that sets parameters.
    @param ledger Ledger.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param insurance_fund Insurance fund.
    @param collateral_registry Collateral registry.
    @param deleverage_policy Who pays first and how much.
    @param parameters Waterfall parameters.
    """
    access.__init__(owner)
    waterfall_params.__init__(parameters)
    loss_waterfall.__init__(
        ledger, market_registry, risk_engine, insurance_fund, collateral_registry
    )
    deleveraging.__init__(deleverage_policy)
    forced_sales.__init__()
