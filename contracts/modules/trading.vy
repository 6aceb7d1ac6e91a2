# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Trading
@custom:contract-name trading
@license Apache-2.0
@author Seawall contributors
@notice What account holders do. Adding risk needs a valid price and ends with the initial
        check; deposits and reductions are always possible.
"""

from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from ..lib import constants
from ..lib import margin_math
from ..lib import ramp_math
from . import access
from . import account_risk
from . import connections
from . import ledger
from . import loss_waterfall
from . import margin_params
from . import market_state
from . import pausable
from . import settlement

uses: access
uses: account_risk
uses: connections
uses: ledger
uses: loss_waterfall
uses: margin_params
uses: market_state
uses: pausable
uses: settlement


@external
def deposit(account: address, amount: uint256):
    """
    @notice Adds collateral to any account; a debt is repaid to the pool first. Always
            possible.
    @param account Account to credit.
    @param amount Token units, taken from the caller.
    """
    # CHECKS
    assert account != empty(address), "trading: zero account"

    # EFFECTS
    before: int256 = ledger.collateral[account]
    booked: uint256 = amount * constants.QUANTUM
    after: int256 = before + convert(booked, int256)
    ledger._set_collateral(account, after)

    # EVENT
    log IMarginEngine.Deposited(account=account, amount=amount, collateral=after)

    # INTERACTIONS
    assert extcall connections.QUOTE_TOKEN.transferFrom(
        msg.sender, self, amount, default_return_value=True
    ), "trading: transfer failed"
    if before < 0:
        connections._send_to_pool(min(booked, convert(-before, uint256)))


@external
def withdraw(amount: uint256):
    """
    @notice Takes collateral out of the caller's account, if the withdrawal rule holds after.
    @param amount Token units.
    """
    # CHECKS
    assert loss_waterfall._withdrawals_open(), "trading: deficit pending"

    # EFFECTS
    booked: uint256 = amount * constants.QUANTUM
    after: int256 = ledger.collateral[msg.sender] - convert(booked, int256)
    assert after >= 0, "trading: collateral too low"
    ledger._set_collateral(msg.sender, after)

    # MARGIN
    markets: uint256 = ledger.open_markets[msg.sender]
    if markets != 0:
        self._check_oracle(markets, constants.ACTION_WITHDRAW)
        self._check_margin(
            msg.sender, account_risk.WITHDRAW, account_risk._snapshots(markets)
        )

    # EVENT
    log IMarginEngine.Withdrawn(account=msg.sender, amount=amount, collateral=after)

    # INTERACTIONS
    connections._send_tokens(msg.sender, booked)


@external
def increase_position(market: uint256, size_delta: int256, limit_price: uint256):
    """
    @notice Opens or adds to the caller's position, if the initial check holds after.
    @param market Market id.
    @param size_delta Signed base units, in the direction of the position (WAD).
    @param limit_price Worst acceptable fill price (WAD), 0 for none.
    """
    # CHECKS
    pausable._check_not_paused()
    snapshot: IMarginEngine.MarketSnapshot = market_state._touch(market)
    position: IMarginEngine.Position = ledger.positions[msg.sender][market]
    assert size_delta != 0, "trading: zero size"
    assert abs(size_delta) <= 10**36, "trading: size out of bounds"
    assert (
        position.size == 0 or (position.size > 0) == (size_delta > 0)
    ), "trading: opposite direction"
    markets: uint256 = ledger.open_markets[msg.sender] | (1 << market)
    self._check_oracle(markets, constants.ACTION_OPEN)

    # FILL
    fill_price: uint256 = extcall ILiquidityPool(connections.liquidity_pool).apply_fill(
        market, size_delta, snapshot.index_price
    )
    self._check_limit(size_delta, fill_price, limit_price)
    size: int256 = position.size + size_delta
    notional: uint256 = margin_math._notional(size, snapshot.index_price)
    assert (
        notional >= margin_params.parameters.min_position_notional
    ), "trading: position too small"
    entry_ratio: uint256 = market_state._ratios(snapshot, notional).maintenance
    if position.size != 0:
        entry_ratio = ramp_math._blended_ratio(
            convert(abs(position.size), uint256),
            account_risk._effective_ratio(position, snapshot),
            convert(abs(size_delta), uint256),
            entry_ratio,
        )

    # EFFECTS AND INTERACTIONS
    self._trade(market, size_delta, fill_price, entry_ratio, snapshot)
    info: IMarginEngine.Market = ledger.markets[market]
    larger_side: uint256 = max(info.long_open_interest, info.short_open_interest)
    own_side: uint256 = info.long_open_interest if size_delta > 0 else info.short_open_interest
    assert own_side <= info.open_interest_cap, "trading: open interest cap"

    # MARGIN
    snapshots: IMarginEngine.MarketSnapshot[8] = account_risk._snapshots(
        markets & ~(1 << market)
    )
    snapshot.open_interest = margin_math._notional(
        convert(larger_side, int256), snapshot.risk_price
    )
    snapshots[market] = snapshot
    self._check_margin(msg.sender, account_risk.INITIAL, snapshots)


@external
def decrease_position(market: uint256, size: uint256, limit_price: uint256):
    """
    @notice Closes part or all of the caller's position at the last good index price; always
            possible. What would be left below the smallest position closes too.
    @param market Market id.
    @param size Magnitude to close (WAD base), max uint256 for all of it.
    @param limit_price Worst acceptable fill price (WAD), 0 for none.
    """
    # CHECKS
    snapshot: IMarginEngine.MarketSnapshot = market_state._touch(market)
    held: int256 = ledger.positions[msg.sender][market].size
    assert held != 0, "trading: no position"
    assert size != 0, "trading: zero size"
    magnitude: uint256 = convert(abs(held), uint256)
    closed: uint256 = min(size, magnitude)
    assert size == max_value(uint256) or size == closed, "trading: size exceeds position"
    left: uint256 = margin_math._notional(
        convert(magnitude - closed, int256), snapshot.index_price
    )
    if left < margin_params.parameters.min_position_notional:
        closed = magnitude
    size_delta: int256 = -convert(closed, int256) if held > 0 else convert(closed, int256)

    # FILL
    fill_price: uint256 = extcall ILiquidityPool(connections.liquidity_pool).apply_fill(
        market, size_delta, snapshot.index_price
    )
    self._check_limit(size_delta, fill_price, limit_price)

    # EFFECTS AND INTERACTIONS
    self._trade(market, size_delta, fill_price, 0, snapshot)
    loss_waterfall._resolve(msg.sender, market, -size_delta)


@external
def collect_fees(recipient: address):
    """
    @notice Sends the protocol's accrued fees. Owner only.
    @param recipient Who gets them.
    """
    access._check_owner()
    amount: uint256 = ledger.sums.accrued_fees
    ledger.sums.accrued_fees = 0
    log IMarginEngine.FeesCollected(recipient=recipient, amount=amount)
    connections._send_tokens(recipient, amount)


@internal
def _trade(
    market: uint256,
    size_delta: int256,
    fill_price: uint256,
    entry_ratio: uint256,
    snapshot: IMarginEngine.MarketSnapshot,
):
    """
    @dev Books a trade of the caller with its fee and moves the tokens.
    @param market Market id.
    @param size_delta Signed base units (WAD).
    @param fill_price Fill price (WAD).
    @param entry_ratio Entry maintenance ratio after, if the trade adds size.
    @param snapshot Market.
    """
    fee: uint256 = margin_math._fee(
        margin_math._notional(size_delta, fill_price), margin_params.parameters.trade_fee_rate
    )
    to_fund: uint256 = margin_math._share(fee, margin_params.parameters.fund_fee_share)
    to_pool: uint256 = margin_math._share(fee, margin_params.parameters.pool_fee_share)
    before: int256 = settlement._book_fill(
        settlement.Fill(
            account=msg.sender,
            market=market,
            cause=settlement.CAUSE_TRADE,
            size_delta=size_delta,
            fill_price=fill_price,
            index_price=snapshot.index_price,
            funding_index=snapshot.funding_index,
            trade_fee=fee,
            entry_ratio=entry_ratio,
        )
    )
    settlement._move_tokens(
        msg.sender,
        before,
        settlement.Payout(
            to_fund=to_fund,
            to_protocol=fee - to_fund - to_pool,
            bounty=0,
            liquidator=empty(address),
        ),
    )


@internal
def _check_margin(
    account: address, kind: uint256, snapshots: IMarginEngine.MarketSnapshot[8]
):
    """
    @dev Guarantees the initial or the withdrawal rule, and logs what it was checked on.
    @param account Account.
    @param kind 0 initial, 2 withdraw.
    @param snapshots Its markets.
    """
    found: account_risk.Assessment = account_risk._assess(account, kind, snapshots)
    assert found.equity >= convert(found.requirement, int256), "trading: margin too low"
    account_risk._log_check(account, kind, found, snapshots)


@view
@internal
def _check_oracle(markets: uint256, action: uint256):
    """
    @dev Guarantees that every one of several markets has a price good enough.
    @param markets Bit m set: market m.
    @param action What the price is for, see `constants.vy`.
    """
    for market: uint256 in range(8):
        if (markets >> market) & 1 == 1:
            assert staticcall connections.PRICE_ORACLE.is_allowed(
                market, action
            ), "trading: price not valid"


@pure
@internal
def _check_limit(size_delta: int256, fill_price: uint256, limit_price: uint256):
    """
    @dev Guarantees that a fill is no worse than its limit.
    @param size_delta Signed size of the trade.
    @param fill_price Fill price (WAD).
    @param limit_price Worst acceptable price (WAD), 0 for none.
    """
    if limit_price == 0:
        return
    if size_delta > 0:
        assert fill_price <= limit_price, "trading: limit price"
    else:
        assert fill_price >= limit_price, "trading: limit price"
