# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Liquidation
@custom:contract-name liquidation
@license Apache-2.0
@author Seawall contributors
@notice Forced closes. `liquidation_plans.vy` decides, `liquidate` executes exactly the plan.
"""

from ..interfaces import IInsuranceFund
from ..interfaces import ILedger
from ..interfaces import ILiquidationEngine
from ..interfaces import ILossWaterfall
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..lib import constants
from . import liquidation_bounds
from . import liquidation_plans

uses: liquidation_bounds
uses: liquidation_plans


LEDGER: immutable(ILedger)
MARKET_REGISTRY: immutable(IMarketRegistry)
RISK_ENGINE: immutable(IRiskEngine)
LOSS_WATERFALL: immutable(ILossWaterfall)

# @dev Forced closes so far.
liquidations: public(reentrant(uint256))


@deploy
def __init__(
    ledger: address, market_registry: address, risk_engine: address, loss_waterfall: address
):
    """
    @notice Fixes the contracts around.
    @param ledger Ledger, which must register the engine as an operator.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param loss_waterfall Loss waterfall.
    """
    for x: address in [ledger, market_registry, risk_engine, loss_waterfall]:
        assert x != empty(address), "liquidation: zero address"
    LEDGER = ILedger(ledger)
    MARKET_REGISTRY = IMarketRegistry(market_registry)
    RISK_ENGINE = IRiskEngine(risk_engine)
    LOSS_WATERFALL = ILossWaterfall(loss_waterfall)


@external
def liquidate(account: uint256, market: uint256):
    """
    @notice Closes as much as restores the buffered maintenance margin, if the account's
            equity is below its requirement, in the market that the protocol chooses. The
            bounty goes to the caller.
    @dev The caller's market is refused only if the account has no position there; one that is
         not the chosen one costs the gas of a second touch.
    @param account Account to liquidate.
    @param market Market that the caller expects.
    """
    # CHECKS
    extcall LEDGER.lock()
    inputs: IRiskEngine.LiquidationAccount = extcall RISK_ENGINE.check_maintenance(
        account, market
    )
    assert inputs.legs[market].size != 0, "liquidation: no position"
    plan: ILiquidationEngine.LiquidationPlan = liquidation_plans._plan(inputs)
    assert plan.obstacle != liquidation_plans.OBSTACLE_HEALTHY, "liquidation: healthy"
    assert plan.obstacle != liquidation_plans.OBSTACLE_PRICE, "liquidation: price not valid"
    assert plan.obstacle != liquidation_plans.OBSTACLE_THROTTLE, "liquidation: throttled"
    assert plan.obstacle == 0, "liquidation: far from average price"

    # EFFECTS AND INTERACTIONS
    reserves: uint256 = staticcall liquidation_plans.INSURANCE_FUND.reserves()
    for planned: ILiquidationEngine.PlannedClose in [plan.hedge, plan.first]:
        if planned.size == 0:
            continue
        if planned.market != market:
            extcall MARKET_REGISTRY.poke(planned.market)
        tip: uint256 = plan.tip if planned.market == plan.first.market else 0
        self._close(account, inputs, plan, planned, tip, reserves)
    extcall LEDGER.unlock()


@view
@external
@reentrant
def preview_liquidation(account: uint256) -> ILiquidationEngine.LiquidationPlan:
    """
    @notice What `liquidate` would do now, and in which market.
    @param account Account.
    @return LiquidationPlan Plan; nothing without a position.
    """
    inputs: IRiskEngine.LiquidationAccount = staticcall RISK_ENGINE.liquidation_account(account)
    if inputs.open_markets == 0:
        return empty(ILiquidationEngine.LiquidationPlan)
    return liquidation_plans._plan(inputs)


@view
@external
@reentrant
def throttle_capacity(market: uint256) -> uint256:
    """
    @notice Notional that the throttle lets through now.
    @param market Market id.
    @return uint256 WAD quote, max uint256 if the throttle is off.
    """
    snapshot: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    return liquidation_bounds._throttle_capacity(market, snapshot.depth)


@internal
def _close(
    account: uint256,
    inputs: IRiskEngine.LiquidationAccount,
    plan: ILiquidationEngine.LiquidationPlan,
    planned: ILiquidationEngine.PlannedClose,
    tip: uint256,
    reserves: uint256,
):
    """
    @dev Closes one position as planned; the last close of a liquidation pays the tip.
    @param account Account.
    @param inputs What the decision was made on.
    @param plan Plan.
    @param planned The close.
    @param tip Tip, zero if another close follows (WAD quote).
    @param reserves The fund's reserves before the liquidation (WAD quote).
    """
    # EFFECTS
    leg: IRiskEngine.LiquidationLeg = inputs.legs[planned.market]
    liquidation_bounds._use_room(planned.market, leg, planned.size, planned.notional)
    self.liquidations += 1

    # INTERACTIONS
    closed: int256 = liquidation_plans._signed(leg, planned.size)
    order: ILedger.Order = empty(ILedger.Order)
    order.account = account
    order.market = planned.market
    order.cause = constants.CAUSE_LIQUIDATION
    order.size_delta = -closed
    order.index_price = leg.index_price
    order.funding_index = leg.funding_index
    order.fee = planned.fee
    order.bounty = planned.bounty
    order.liquidator = msg.sender
    settled: ILedger.Settled = extcall LEDGER.settle(order)
    if settled.deficit != 0:
        extcall LOSS_WATERFALL.resolve(account)
    paid: uint256 = 0
    if tip != 0:
        # What the fund got by this liquidation, if its fee could be paid at all.
        now: uint256 = staticcall liquidation_plans.INSURANCE_FUND.reserves()
        paid = min(tip, now - min(now, reserves))
        if paid != 0:
            paid = extcall LEDGER.pay_tip(msg.sender, paid)

    # EVENT
    log ILiquidationEngine.Liquidated(
        account=account,
        market=planned.market,
        liquidator=msg.sender,
        size_closed=closed,
        fill_price=settled.fill_price,
        risk_price=leg.risk_price,
        equity=plan.equity,
        maintenance_requirement=plan.maintenance_requirement,
        fee=settled.fee,
        bounty=settled.bounty,
        insurance_fee=settled.fee - settled.bounty,
        tip=paid,
        deficit=settled.deficit,
        sigma=planned.volatility,
        breach_cause=plan.breach_cause,
    )
