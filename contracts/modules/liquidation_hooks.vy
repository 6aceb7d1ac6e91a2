# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Liquidation hooks
@custom:contract-name liquidation_hooks
@license Apache-2.0
@author Seawall contributors
@notice What the liquidation engine, and only it, may do to accounts.
"""

from ..interfaces import IInsuranceFund
from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from ..lib import constants
from . import account_risk
from . import connections
from . import ledger
from . import loss_waterfall
from . import margin_params
from . import market_state
from . import settlement

uses: account_risk
uses: connections
uses: ledger
uses: loss_waterfall
uses: margin_params
uses: market_state
uses: settlement


@external
def check_maintenance(account: address, market: uint256) -> IMarginEngine.LiquidationInputs:
    """
    @notice Touches the market, logs `MarginChecked` per position, returns the inputs.
    @param account Account to check.
    @param market Market that a liquidation would close.
    @return LiquidationInputs What the decision is made on.
    """
    connections._check_liquidation_engine()
    snapshot: IMarginEngine.MarketSnapshot = market_state._touch(market)
    markets: uint256 = ledger.open_markets[account]
    snapshots: IMarginEngine.MarketSnapshot[8] = account_risk._snapshots(
        markets & ~(1 << market)
    )
    snapshots[market] = snapshot
    found: account_risk.Assessment = account_risk._assess(
        account, account_risk.MAINTENANCE, snapshots
    )
    account_risk._log_check(account, account_risk.MAINTENANCE, found, snapshots)
    return self._inputs(account, market, found, snapshot)


@view
@external
@reentrant
def liquidation_inputs(account: address, market: uint256) -> IMarginEngine.LiquidationInputs:
    """
    @notice What a liquidation would be decided on now.
    @param account Account.
    @param market Market id.
    @return LiquidationInputs Inputs.
    """
    snapshots: IMarginEngine.MarketSnapshot[8] = account_risk._snapshots(
        ledger.open_markets[account] | (1 << market)
    )
    found: account_risk.Assessment = account_risk._assess(
        account, account_risk.MAINTENANCE, snapshots
    )
    return self._inputs(account, market, found, snapshots[market])


@external
def liquidate_position(
    order: IMarginEngine.LiquidationOrder
) -> IMarginEngine.LiquidationResult:
    """
    @notice Closes against the pool, charges the fee, pays the bounty, covers a deficit, then
            tops the bounty up. Liquidation engine only.
    @param order What to close and what to charge.
    @return LiquidationResult What was done.
    """
    # CHECKS
    connections._check_liquidation_engine()
    snapshot: IMarginEngine.MarketSnapshot = market_state._touch(order.market)
    size_delta: int256 = self._closing_delta(order.account, order.market, order.size)
    result: IMarginEngine.LiquidationResult = empty(IMarginEngine.LiquidationResult)

    # FILL
    result.fill_price = extcall ILiquidityPool(connections.liquidity_pool).apply_fill(
        order.market, size_delta, snapshot.index_price
    )
    before: int256 = settlement._book_fill(
        settlement.Fill(
            account=order.account,
            market=order.market,
            cause=settlement.CAUSE_LIQUIDATION,
            size_delta=size_delta,
            fill_price=result.fill_price,
            index_price=snapshot.index_price,
            funding_index=snapshot.funding_index,
            trade_fee=0,
            entry_ratio=0,
        )
    )

    # FEE
    result.fee = order.fee
    if ledger.open_markets[order.account] == 0:
        # Rounding of the close must not turn a fee into a deficit.
        result.fee = min(order.fee, ledger._positive(ledger.collateral[order.account]))
    bounty: uint256 = min(order.bounty, result.fee)
    settlement._change_collateral(
        order.account, settlement.REASON_LIQUIDATION_FEE, -convert(result.fee, int256)
    )

    # INTERACTIONS
    result.bounty = settlement._move_tokens(
        order.account,
        before,
        settlement.Payout(
            to_fund=result.fee - bounty,
            to_protocol=0,
            bounty=bounty,
            liquidator=order.liquidator,
        ),
    )
    result.deficit = loss_waterfall._resolve(order.account, order.market, -size_delta)
    if order.tip != 0:
        result.tip = extcall IInsuranceFund(connections.insurance_fund).draw(
            order.tip, order.liquidator
        )
        ledger.sums.tips += result.tip
    return result


@external
def deleverage_position(
    bankrupt: address, winner: address, market: uint256, size: uint256, haircut: uint256
) -> uint256:
    """
    @notice Closes part of a winner at the index price and uses the haircut on its gain to
            repay the bankrupt's debt; a debt that the winner is left with has a record of
            its own. Liquidation engine only.
    @param bankrupt Account with the pending deficit.
    @param winner Account on the opposite side.
    @param market Market of the deficit.
    @param size Magnitude to close (WAD base).
    @param haircut Most that is withheld from the gain (WAD quote, whole quanta).
    @return uint256 Amount withheld: never what its collateral does not hold.
    """
    # CHECKS
    connections._check_liquidation_engine()
    assert haircut % constants.QUANTUM == 0, "liquidation_hooks: not whole quanta"
    snapshot: IMarginEngine.MarketSnapshot = market_state._touch(market)
    size_delta: int256 = self._closing_delta(winner, market, size)

    # EFFECTS
    before: int256 = settlement._book_fill(
        settlement.Fill(
            account=winner,
            market=market,
            cause=settlement.CAUSE_DELEVERAGE,
            size_delta=size_delta,
            fill_price=snapshot.index_price,
            index_price=snapshot.index_price,
            funding_index=snapshot.funding_index,
            trade_fee=0,
            entry_ratio=0,
        )
    )
    # The gain may have gone into a debt or into funding.
    taken: uint256 = min(haircut, ledger._positive(ledger.collateral[winner]))
    settlement._change_collateral(
        winner, settlement.REASON_HAIRCUT, -convert(taken, int256)
    )
    loss_waterfall._apply_haircut(bankrupt, taken, size)

    # INTERACTIONS
    extcall ILiquidityPool(connections.liquidity_pool).apply_deleverage(
        market, size_delta, snapshot.index_price
    )
    settlement._move_tokens(winner, before, empty(settlement.Payout))
    loss_waterfall._resolve(winner, market, -size_delta)
    return taken


@external
def write_off(account: address) -> uint256:
    """
    @notice Writes an account's pending deficit off against the pool. Liquidation engine only.
    @param account Account without a position and with negative collateral.
    @return uint256 Amount written off (WAD quote).
    """
    connections._check_liquidation_engine()
    return loss_waterfall._write_off(account)


@view
@internal
def _closing_delta(account: address, market: uint256, size: uint256) -> int256:
    """
    @dev Signed trade that closes part of a position.
    @param account Account.
    @param market Market id.
    @param size Magnitude (WAD base), not zero and not above the position's.
    @return int256 Signed base units.
    """
    held: int256 = ledger.positions[account][market].size
    assert size != 0 and size <= convert(abs(held), uint256), "liquidation_hooks: invalid size"
    return -convert(size, int256) if held > 0 else convert(size, int256)


@view
@internal
def _inputs(
    account: address,
    market: uint256,
    found: account_risk.Assessment,
    snapshot: IMarginEngine.MarketSnapshot,
) -> IMarginEngine.LiquidationInputs:
    """
    @dev Puts together what a liquidation is decided on.
    @param account Account.
    @param market Market that it would close.
    @param found Maintenance check of the account.
    @param snapshot The market.
    @return LiquidationInputs Inputs.
    """
    return IMarginEngine.LiquidationInputs(
        equity=found.equity,
        maintenance_requirement=found.maintenance_requirement,
        entry_requirement=found.entry_requirement,
        size=ledger.positions[account][market].size,
        notional=found.notionals[market],
        maintenance_ratio=found.ratios[market],
        index_price=snapshot.index_price,
        risk_price=snapshot.risk_price,
        variance=max(snapshot.variance_fast, snapshot.variance_slow),
        depth=snapshot.depth,
        min_position_notional=margin_params.parameters.min_position_notional,
        allowed=staticcall connections.PRICE_ORACLE.is_allowed(
            market, constants.ACTION_LIQUIDATE
        ),
    )
