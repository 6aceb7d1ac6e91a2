# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Trading
@custom:contract-name trading
@license Apache-2.0
@author Seawall contributors
@notice What account holders do. Adding risk needs a valid price and ends with the initial
        check; deposits are always possible, and reductions but into debt at a bad price.
@dev Every operation of more than one call takes the ledger's lock first. Nothing returns
     between taking it and giving it back.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import ILedger
from ..interfaces import ILossWaterfall
from ..interfaces import IMarketRegistry
from ..interfaces import IPriceOracle
from ..interfaces import IRiskEngine
from ..lib import account_ids
from ..lib import constants
from ..lib import margin_math
from . import access
from . import fee_params
from . import pausable

uses: access
uses: fee_params
uses: pausable


LEDGER: immutable(ILedger)
MARKET_REGISTRY: immutable(IMarketRegistry)
RISK_ENGINE: immutable(IRiskEngine)
LOSS_WATERFALL: immutable(ILossWaterfall)
COLLATERAL_REGISTRY: immutable(ICollateralRegistry)
PRICE_ORACLE: immutable(IPriceOracle)


@deploy
def __init__(
    ledger: address,
    market_registry: address,
    risk_engine: address,
    loss_waterfall: address,
    collateral_registry: address,
):
    """
    @notice Fixes the contracts around.
    @param ledger Ledger, which must register the desk as an operator.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param loss_waterfall Loss waterfall.
    @param collateral_registry Collateral registry.
    """
    for x: address in [
        ledger, market_registry, risk_engine, loss_waterfall, collateral_registry
    ]:
        assert x != empty(address), "trading: zero address"
    LEDGER = ILedger(ledger)
    MARKET_REGISTRY = IMarketRegistry(market_registry)
    RISK_ENGINE = IRiskEngine(risk_engine)
    LOSS_WATERFALL = ILossWaterfall(loss_waterfall)
    COLLATERAL_REGISTRY = ICollateralRegistry(collateral_registry)
    PRICE_ORACLE = IPriceOracle(staticcall IMarketRegistry(market_registry).price_oracle())


@external
def deposit(account: uint256, amount: uint256):
    """
    @notice Adds collateral to any account; a debt is repaid to the pool first. Always
            possible.
    @param account Account to credit, anybody's.
    @param amount Token units, taken from the caller, who has allowed the ledger to.
    """
    owed: uint256 = staticcall LEDGER.pending_deficit_of(account)
    extcall LEDGER.deposit(msg.sender, account, amount)
    if owed != 0:
        # Its own assets must not go on counting for what is repaid.
        extcall LOSS_WATERFALL.refresh_secured(account)


@external
def withdraw(index: uint256, amount: uint256):
    """
    @notice Takes collateral out of an account of the caller, if the withdrawal rule holds
            after.
    @param index Which of the caller's accounts.
    @param amount Token units.
    """
    extcall LEDGER.lock()
    assert staticcall LOSS_WATERFALL.withdrawals_open(), "trading: deficit pending"
    account: uint256 = account_ids._account_id(msg.sender, index)
    extcall RISK_ENGINE.check_withdraw(account, amount * constants.QUANTUM)
    extcall LEDGER.withdraw(account, amount, msg.sender)
    extcall LEDGER.unlock()


@external
def deposit_collateral(account: uint256, asset: uint256, amount: uint256):
    """
    @notice Adds an asset to any account, up to the asset's cap. What comes in while nobody
            stands for its price counts for nothing until somebody does.
    @param account Account to credit, anybody's.
    @param asset Asset id in the collateral registry.
    @param amount Token units, taken from the caller, who has allowed the registry to.
    """
    extcall LEDGER.lock()
    extcall COLLATERAL_REGISTRY.deposit(msg.sender, account, asset, amount)
    extcall LEDGER.unlock()


@external
def withdraw_collateral(index: uint256, asset: uint256, amount: uint256):
    """
    @notice Takes an asset out of an account of the caller that owes no quote, if the withdrawal
            rule holds without it.
    @param index Which of the caller's accounts.
    @param asset Asset id in the collateral registry.
    @param amount Token units.
    """
    extcall LEDGER.lock()
    assert staticcall LOSS_WATERFALL.withdrawals_open(), "trading: deficit pending"
    account: uint256 = account_ids._account_id(msg.sender, index)
    extcall COLLATERAL_REGISTRY.withdraw(account, asset, amount, msg.sender)
    extcall RISK_ENGINE.check_withdraw(account, 0)
    extcall LEDGER.unlock()


@external
def increase_position(index: uint256, market: uint256, size_delta: int256, limit_price: uint256):
    """
    @notice Opens or adds to a position of the caller, if the initial check holds after.
    @param index Which of the caller's accounts.
    @param market Market id.
    @param size_delta Signed base units, in the direction of the position (WAD).
    @param limit_price Worst acceptable fill price (WAD), 0 for none.
    """
    # CHECKS
    pausable._check_not_paused()
    extcall LEDGER.lock()
    snapshot: IMarketRegistry.MarketSnapshot = extcall MARKET_REGISTRY.touch_one(market)
    account: uint256 = account_ids._account_id(msg.sender, index)
    held: int256 = (staticcall LEDGER.position_of(account, market)).size
    assert size_delta != 0, "trading: zero size"
    assert abs(size_delta) <= 10**36, "trading: size out of bounds"
    assert held == 0 or (held > 0) == (size_delta > 0), "trading: opposite direction"
    assert (
        margin_math._notional(held + size_delta, snapshot.index_price)
        >= snapshot.min_position_notional
    ), "trading: position too small"

    # FILL
    entry_ratio: uint256 = staticcall RISK_ENGINE.entry_ratio(
        account, market, size_delta, snapshot
    )
    settled: ILedger.Settled = self._trade(
        account, market, size_delta, limit_price, entry_ratio, snapshot
    )
    own_side: uint256 = settled.short_open_interest
    if size_delta > 0:
        own_side = settled.long_open_interest
    assert own_side <= snapshot.open_interest_cap, "trading: open interest cap"

    # MARGIN
    long: int256 = convert(settled.long_open_interest, int256)
    short: int256 = convert(settled.short_open_interest, int256)
    snapshot.open_interest = margin_math._notional(max(long, short), snapshot.risk_price)
    snapshot.skew = margin_math._skew_notional(long - short, snapshot.risk_price)
    extcall RISK_ENGINE.check_initial(account, market, snapshot)
    extcall LEDGER.unlock()


@external
def decrease_position(index: uint256, market: uint256, size: uint256, limit_price: uint256):
    """
    @notice Closes part or all of a position of the caller, paused or not: at the index price
            while the oracle's status is good enough to settle at, else at the worst side of
            old and new price, if it leaves no debt; else it waits for a good price or for more
            collateral. What would be left below the smallest position closes too.
    @param index Which of the caller's accounts.
    @param market Market id.
    @param size Magnitude to close (WAD base), max uint256 for all of it.
    @param limit_price Worst acceptable fill price (WAD), 0 for none.
    """
    # CHECKS
    extcall LEDGER.lock()
    snapshot: IMarketRegistry.MarketSnapshot = extcall MARKET_REGISTRY.touch_one(market)
    account: uint256 = account_ids._account_id(msg.sender, index)
    held: int256 = (staticcall LEDGER.position_of(account, market)).size
    assert held != 0, "trading: no position"
    assert size != 0, "trading: zero size"
    magnitude: uint256 = convert(abs(held), uint256)
    closed: uint256 = min(size, magnitude)
    assert size == max_value(uint256) or size == closed, "trading: size exceeds position"
    prices: IPriceOracle.SettlementPrices = staticcall PRICE_ORACLE.settlement_prices(market)
    # A bad price must not make dust of what is left, so that it closes at that price.
    left: uint256 = margin_math._notional(
        convert(magnitude - closed, int256), prices.short_price
    )
    if left < snapshot.min_position_notional:
        closed = magnitude
    snapshot.index_price = prices.long_price if held > 0 else prices.short_price

    # FILL
    settled: ILedger.Settled = self._trade(
        account,
        market,
        -convert(closed, int256) if held > 0 else convert(closed, int256),
        limit_price,
        0,
        snapshot,
    )
    if prices.long_price != prices.short_price:
        # Nobody comes to owe at a bad price: who owns the pool would take it from the fund.
        assert settled.deficit == 0, "trading: would owe at a bad price"
        equity: int256 = (staticcall RISK_ENGINE.liquidation_inputs(account, market)).equity
        assert equity >= 0, "trading: would owe at a bad price"
    if settled.deficit != 0:
        extcall LOSS_WATERFALL.resolve(account)
    extcall LEDGER.unlock()


@external
def set_mode(index: uint256, mode: uint256):
    """
    @notice Changes the mode of an account of the caller that has no position.
    @param index Which of the caller's accounts.
    @param mode 0 cross, 1 isolated: at most one market open at a time, 2 portfolio.
    """
    extcall LEDGER.set_mode(account_ids._account_id(msg.sender, index), mode)


@external
def collect_fees(recipient: address):
    """
    @notice Sends the protocol's accrued fees. Owner only.
    @param recipient Who gets them.
    """
    access._check_owner()
    extcall LEDGER.collect_fees(recipient)


@internal
def _trade(
    account: uint256,
    market: uint256,
    size_delta: int256,
    limit_price: uint256,
    entry_ratio: uint256,
    snapshot: IMarketRegistry.MarketSnapshot,
) -> ILedger.Settled:
    """
    @dev Settles a trade with its fee.
    @param account Account.
    @param market Market id.
    @param size_delta Signed base units (WAD).
    @param limit_price Worst acceptable fill price (WAD), 0 for none.
    @param entry_ratio Entry maintenance ratio after, if the trade adds size.
    @param snapshot Market.
    @return Settled What was done.
    """
    order: ILedger.Order = empty(ILedger.Order)
    order.account = account
    order.market = market
    order.cause = constants.CAUSE_TRADE
    order.size_delta = size_delta
    order.index_price = snapshot.index_price
    order.funding_index = snapshot.funding_index
    order.limit_price = limit_price
    order.entry_ratio = entry_ratio
    order.fee_rate = fee_params.parameters.trade_fee_rate
    order.fund_fee_share = fee_params.parameters.fund_fee_share
    order.pool_fee_share = fee_params.parameters.pool_fee_share
    return extcall LEDGER.settle(order)
