# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Liquidation
@custom:contract-name liquidation
@license Apache-2.0
@author Seawall contributors
@notice Who may be liquidated, how much of it, at what fee, and for whom. `_plan` decides,
        `liquidate` executes exactly the plan.
"""

from ..interfaces import IInsuranceFund
from ..interfaces import ILedger
from ..interfaces import ILiquidationEngine
from ..interfaces import ILiquidityPool
from ..interfaces import ILossWaterfall
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..lib import constants
from ..lib import fixed_point
from ..lib import liquidation_math
from ..lib import margin_math
from . import liquidation_params

uses: liquidation_params


CAUSE_PRICE: constant(uint256) = 0
CAUSE_PARAMETER: constant(uint256) = 1


# How much of a market's throttle was left at its last use.
struct Bucket:
    available: uint256
    updated_at: uint256


LEDGER: immutable(ILedger)
MARKET_REGISTRY: immutable(IMarketRegistry)
RISK_ENGINE: immutable(IRiskEngine)
LOSS_WATERFALL: immutable(ILossWaterfall)
LIQUIDITY_POOL: immutable(ILiquidityPool)
INSURANCE_FUND: immutable(IInsuranceFund)

# @dev Liquidations so far.
liquidations: public(reentrant(uint256))

buckets: HashMap[uint256, Bucket]


@deploy
def __init__(
    ledger: address,
    market_registry: address,
    risk_engine: address,
    loss_waterfall: address,
    liquidity_pool: address,
    insurance_fund: address,
):
    """
    @notice Fixes the contracts around.
    @param ledger Ledger, which must register the engine as an operator.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param loss_waterfall Loss waterfall.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    """
    for x: address in [
        ledger, market_registry, risk_engine, loss_waterfall, liquidity_pool, insurance_fund
    ]:
        assert x != empty(address), "liquidation: zero address"
    LEDGER = ILedger(ledger)
    MARKET_REGISTRY = IMarketRegistry(market_registry)
    RISK_ENGINE = IRiskEngine(risk_engine)
    LOSS_WATERFALL = ILossWaterfall(loss_waterfall)
    LIQUIDITY_POOL = ILiquidityPool(liquidity_pool)
    INSURANCE_FUND = IInsuranceFund(insurance_fund)


@external
def liquidate(account: uint256, market: uint256):
    """
    @notice Closes as much of a position as restores the buffered maintenance margin, if the
            account's equity is below its requirement. The bounty goes to the caller.
    @param account Account to liquidate.
    @param market Market to close in.
    """
    # CHECKS
    extcall LEDGER.lock()
    inputs: IRiskEngine.LiquidationInputs = extcall RISK_ENGINE.check_maintenance(
        account, market
    )
    assert inputs.size != 0, "liquidation: no position"
    assert inputs.allowed, "liquidation: price not valid"
    plan: ILiquidationEngine.LiquidationPlan = self._plan(market, inputs)
    assert plan.eligible, "liquidation: healthy"
    assert plan.size != 0, "liquidation: throttled"

    # EFFECTS
    self._use_capacity(market, inputs, plan.notional)
    self.liquidations += 1

    # INTERACTIONS
    closed: int256 = convert(plan.size, int256)
    if inputs.size < 0:
        closed = -closed
    order: ILedger.Order = empty(ILedger.Order)
    order.account = account
    order.market = market
    order.cause = constants.CAUSE_LIQUIDATION
    order.size_delta = -closed
    order.index_price = inputs.index_price
    order.funding_index = inputs.funding_index
    order.fee = plan.fee
    order.bounty = plan.bounty
    order.liquidator = msg.sender
    settled: ILedger.Settled = extcall LEDGER.settle(order)
    if settled.deficit != 0:
        extcall LOSS_WATERFALL.resolve(account)
    tip: uint256 = 0
    if plan.tip != 0:
        tip = extcall LEDGER.pay_tip(msg.sender, plan.tip)
    extcall LEDGER.unlock()

    # EVENT
    log ILiquidationEngine.Liquidated(
        account=account,
        market=market,
        liquidator=msg.sender,
        size_closed=closed,
        fill_price=settled.fill_price,
        risk_price=inputs.risk_price,
        equity=plan.equity,
        maintenance_requirement=plan.maintenance_requirement,
        fee=settled.fee,
        bounty=settled.bounty,
        insurance_fee=settled.fee - settled.bounty,
        tip=tip,
        deficit=settled.deficit,
        sigma=plan.volatility,
        breach_cause=plan.breach_cause,
    )


@view
@external
@reentrant
def preview_liquidation(
    account: uint256, market: uint256
) -> ILiquidationEngine.LiquidationPlan:
    """
    @notice What `liquidate` would do now.
    @param account Account.
    @param market Market id.
    @return LiquidationPlan Plan; not eligible: nothing. Eligible with no size: throttled.
    """
    inputs: IRiskEngine.LiquidationInputs = staticcall RISK_ENGINE.liquidation_inputs(
        account, market
    )
    if inputs.size == 0:
        return empty(ILiquidationEngine.LiquidationPlan)
    return self._plan(market, inputs)


@view
@external
@reentrant
def throttle_capacity(market: uint256) -> uint256:
    """
    @notice Notional that may be liquidated now.
    @param market Market id.
    @return uint256 WAD quote, max uint256 if the throttle is off.
    """
    snapshot: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    return self._capacity(market, snapshot.depth)


@view
@internal
def _plan(
    market: uint256, inputs: IRiskEngine.LiquidationInputs
) -> ILiquidationEngine.LiquidationPlan:
    """
    @dev Decides a liquidation.
    @param market Market to close in.
    @param inputs What the decision is made on; its size is not zero.
    @return LiquidationPlan Plan.
    """
    plan: ILiquidationEngine.LiquidationPlan = empty(ILiquidationEngine.LiquidationPlan)
    plan.equity = inputs.equity
    plan.maintenance_requirement = inputs.maintenance_requirement
    plan.volatility = fixed_point._sqrt_wad(inputs.variance)
    plan.eligible = inputs.allowed and inputs.equity < convert(
        inputs.maintenance_requirement, int256
    )
    if not plan.eligible:
        return plan
    if inputs.equity >= convert(inputs.entry_requirement, int256):
        plan.breach_cause = CAUSE_PARAMETER

    # SIZE
    plan.fee_rate = self._fee_rate(inputs, plan.volatility)
    plan.size = self._size_to_close(market, inputs, plan.fee_rate)
    if plan.size == 0:
        return plan
    plan.notional = margin_math._notional(convert(plan.size, int256), inputs.risk_price)

    # FEE
    plan.fee = self._fee(market, inputs, plan.size, plan.fee_rate)
    plan.bounty = margin_math._share(plan.fee, self._bounty_share(plan.volatility))
    least: uint256 = liquidation_params.parameters.min_bounty
    plan.tip = least - plan.bounty if plan.bounty < least else 0
    return plan


@view
@internal
def _fee_rate(inputs: IRiskEngine.LiquidationInputs, volatility: uint256) -> uint256:
    """
    @dev Adaptive fee rate: convex in volatility and in shortfall.
    @param inputs What the decision is made on.
    @param volatility Annualised volatility (WAD).
    @return uint256 Rate (WAD).
    """
    parameters: ILiquidationEngine.LiquidationParameters = liquidation_params.parameters
    # NOTE: rounds down, a lower fee.
    maintenance_cap: uint256 = fixed_point._mul_wad_down(
        inputs.maintenance_ratio, parameters.fee_maintenance_share
    )
    return liquidation_math._fee_rate(
        parameters.fee_base,
        parameters.fee_volatility_coefficient,
        parameters.fee_shortfall_coefficient,
        liquidation_math._excess_volatility(volatility, parameters.volatility_reference),
        liquidation_math._shortfall(inputs.equity, inputs.maintenance_requirement),
        parameters.fee_max,
        maintenance_cap,
    )


@view
@internal
def _size_to_close(
    market: uint256, inputs: IRiskEngine.LiquidationInputs, fee_rate: uint256
) -> uint256:
    """
    @dev Size that restores the buffered margin, or all of it; zero if throttled.
    @param market Market to close in.
    @param inputs What the decision is made on.
    @param fee_rate Fee rate (WAD).
    @return uint256 Magnitude (WAD base).
    """
    held: uint256 = convert(abs(inputs.size), uint256)
    # The impact of closing everything: the impact of a part is not above it.
    fill_price: uint256 = staticcall LIQUIDITY_POOL.quote(
        market, -inputs.size, inputs.index_price
    )
    impact: uint256 = liquidation_math._impact_rate(inputs.size, inputs.risk_price, fill_price)
    wanted: uint256 = liquidation_math._close_notional(
        inputs.equity,
        inputs.maintenance_requirement,
        inputs.notional,
        inputs.maintenance_ratio,
        fee_rate + impact,
        liquidation_params.parameters.buffer,
    )
    # NOTE: rounds up, closes more.
    size: uint256 = fixed_point._div_wad_up(wanted, inputs.risk_price)
    size = self._without_dust(size, held, inputs)
    if self._is_throttled(inputs):
        capacity: uint256 = self._capacity(market, inputs.depth)
        if wanted > capacity:
            if capacity < inputs.min_position_notional or capacity == 0:
                return 0
            # NOTE: rounds down, stays within the throttle unless dust would be left.
            size = self._without_dust(
                fixed_point._div_wad_down(capacity, inputs.risk_price), held, inputs
            )
    return size


@view
@internal
def _without_dust(
    size: uint256, held: uint256, inputs: IRiskEngine.LiquidationInputs
) -> uint256:
    """
    @dev All of a position if less than the smallest position would be left of it.
    @param size Magnitude to close (WAD base).
    @param held Magnitude held (WAD base).
    @param inputs What the decision is made on.
    @return uint256 Magnitude to close (WAD base).
    """
    if size >= held:
        return held
    left: uint256 = margin_math._notional(convert(held - size, int256), inputs.risk_price)
    return held if left < inputs.min_position_notional else size


@view
@internal
def _fee(
    market: uint256,
    inputs: IRiskEngine.LiquidationInputs,
    size: uint256,
    fee_rate: uint256,
) -> uint256:
    """
    @dev Fee of a close, at most a share of the equity before it and after its fill: a fee
         alone never makes an account bankrupt.
    @param market Market to close in.
    @param inputs What the decision is made on.
    @param size Magnitude to close (WAD base).
    @param fee_rate Fee rate (WAD).
    @return uint256 Fee (WAD quote, whole quanta).
    """
    closed: int256 = convert(size, int256) if inputs.size > 0 else -convert(size, int256)
    fill_price: uint256 = staticcall LIQUIDITY_POOL.quote(market, -closed, inputs.index_price)
    # NOTE: rounds down, a lower fee.
    slippage: int256 = fixed_point._mul_wad_signed_floor(
        closed, convert(fill_price, int256) - convert(inputs.risk_price, int256)
    )
    left: int256 = min(inputs.equity, inputs.equity + slippage)
    most: uint256 = margin_math._share(
        convert(max(left, 0), uint256), liquidation_params.parameters.fee_equity_share
    )
    return min(margin_math._fee(margin_math._notional(closed, inputs.risk_price), fee_rate), most)


@view
@internal
def _bounty_share(volatility: uint256) -> uint256:
    """
    @dev Liquidator's share of the fee: more in volatile times, less for an empty fund.
    @param volatility Annualised volatility (WAD).
    @return uint256 Share (WAD).
    """
    parameters: ILiquidationEngine.LiquidationParameters = liquidation_params.parameters
    adequacy: uint256 = liquidation_math._adequacy(
        staticcall INSURANCE_FUND.reserves(), staticcall INSURANCE_FUND.target_reserves()
    )
    return liquidation_math._bounty_share(
        parameters.bounty_share_base,
        parameters.bounty_volatility_coefficient,
        parameters.bounty_adequacy_coefficient,
        parameters.bounty_share_min,
        parameters.bounty_share_max,
        volatility,
        parameters.volatility_reference,
        adequacy,
    )


@view
@internal
def _is_throttled(inputs: IRiskEngine.LiquidationInputs) -> bool:
    """
    @dev Whether the throttle applies: it is on, and the account is not far below.
    @param inputs What the decision is made on.
    @return bool True if it applies.
    """
    if liquidation_params.parameters.throttle_share_per_hour == 0:
        return False
    # NOTE: rounds up, the throttle is lifted earlier.
    backstop: uint256 = fixed_point._mul_wad_up(
        inputs.maintenance_requirement, liquidation_params.parameters.backstop_ratio
    )
    return inputs.equity >= convert(backstop, int256)


@view
@internal
def _capacity(market: uint256, depth: uint256) -> uint256:
    """
    @dev Notional that the throttle lets through now.
    @param market Market id.
    @param depth Depth of the market (WAD quote).
    @return uint256 WAD quote, max uint256 if the throttle is off.
    """
    share: uint256 = liquidation_params.parameters.throttle_share_per_hour
    if share == 0:
        return max_value(uint256)
    bucket: Bucket = self.buckets[market]
    return liquidation_math._available_capacity(
        bucket.available,
        fixed_point._mul_wad_down(depth, share),
        block.timestamp - bucket.updated_at,
    )


@internal
def _use_capacity(
    market: uint256, inputs: IRiskEngine.LiquidationInputs, notional: uint256
):
    """
    @dev Takes a liquidation off the throttle, also one that was not held back by it.
    @param market Market id.
    @param inputs What the decision is made on.
    @param notional Notional closed (WAD quote).
    """
    if liquidation_params.parameters.throttle_share_per_hour == 0:
        return
    capacity: uint256 = self._capacity(market, inputs.depth)
    self.buckets[market] = Bucket(
        available=capacity - min(capacity, notional), updated_at=block.timestamp
    )
