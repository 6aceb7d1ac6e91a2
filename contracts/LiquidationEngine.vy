# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title LiquidationEngine
@custom:contract-name LiquidationEngine
@license Apache-2.0
@author Seawall contributors
@notice Who is liquidated, in which market, how much of it, and at what fee.
@dev Holds no token and no account; an operator of the ledger.
@custom:kill None: an unsafe account must stay liquidatable. The oracle's status stops
             liquidations at prices that are not good enough.
@custom:invariants Liquidates only if equity < maintenance requirement; neither the sum of an
             account's notionals nor its net exposure grows; tips are never more than the
             fund's part of the fees of the same liquidation.
"""

from .interfaces import ILiquidationEngine
from .modules import access
from .modules import liquidation
from .modules import liquidation_bounds
from .modules import liquidation_params
from .modules import liquidation_plans


implements: ILiquidationEngine

initializes: access
initializes: liquidation_params[access := access]
initializes: liquidation_bounds[liquidation_params := liquidation_params]
initializes: liquidation_plans[
    liquidation_bounds := liquidation_bounds, liquidation_params := liquidation_params
]
initializes: liquidation[
    liquidation_bounds := liquidation_bounds, liquidation_plans := liquidation_plans
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
)


@deploy
def __init__(
    owner: address,
    ledger: address,
    market_registry: address,
    risk_engine: address,
    loss_waterfall: address,
    liquidity_pool: address,
    insurance_fund: address,
    trading_desk: address,
    parameters: ILiquidationEngine.LiquidationParameters,
):
    """
    @notice Deploys the engine; the ledger must register it as an operator.
    @param owner Address that sets parameters.
    @param ledger Ledger.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param loss_waterfall Loss waterfall.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    @param trading_desk Trading desk, whose fee a trade around a liquidation would pay.
    @param parameters Liquidation parameters.
    """
    access.__init__(owner)
    liquidation_params.__init__(parameters)
    liquidation_bounds.__init__(trading_desk, liquidity_pool)
    liquidation_plans.__init__(liquidity_pool, insurance_fund)
    liquidation.__init__(ledger, market_registry, risk_engine, loss_waterfall)
