# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title LiquidationEngine
@custom:contract-name LiquidationEngine
@license Apache-2.0
@author Seawall contributors
@notice Liquidations, and the loss waterfall behind them: account, fund, auto-deleveraging,
        socialised loss.
@dev Holds no token: the margin engine moves everything.
@custom:kill None: an unsafe account must stay liquidatable. The oracle's status stops
             liquidations at prices that are not good enough.
@custom:invariants Liquidates if and only if equity < maintenance requirement.
"""

from .interfaces import ILiquidationEngine
from .modules import access
from .modules import liquidation_params
from .modules import liquidation
from .modules import deleveraging


implements: ILiquidationEngine

initializes: access
initializes: liquidation_params[access := access]
initializes: liquidation[liquidation_params := liquidation_params]
initializes: deleveraging[
    liquidation := liquidation, liquidation_params := liquidation_params
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Parameters
    liquidation_params.parameters,
    liquidation_params.set_parameters,
    # Liquidation
    liquidation.liquidate,
    liquidation.preview_liquidation,
    liquidation.throttle_capacity,
    liquidation.liquidations,
    liquidation.exceptions,
    # Losses
    deleveraging.auto_deleverage,
    deleveraging.socialize_loss,
    deleveraging.deleverage_score,
)


@deploy
def __init__(
    owner: address,
    margin_engine: address,
    liquidity_pool: address,
    insurance_fund: address,
    parameters: ILiquidationEngine.LiquidationParameters,
):
    """
    @notice Deploys the engine; the margin engine must be connected to it.
    @param owner Address that sets parameters.
    @param margin_engine Margin engine.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    @param parameters Liquidation parameters.
    """
    access.__init__(owner)
    liquidation_params.__init__(parameters)
    liquidation.__init__(margin_engine, liquidity_pool, insurance_fund)
