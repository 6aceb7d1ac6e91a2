# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Settlement
@custom:contract-name settlement
@license Apache-2.0
@author Seawall contributors
@notice Books a fill into position and collateral, then moves the tokens that this implies:
        the engine holds exactly the positive collateral and its own fees, the pool stands
        on the other side of everything else.
"""

from ..interfaces import IInsuranceFund
from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from ..lib import funding_math
from ..lib import margin_math
from . import connections
from . import ledger

uses: connections
uses: ledger


CAUSE_TRADE: constant(uint256) = 0
CAUSE_LIQUIDATION: constant(uint256) = 1
CAUSE_DELEVERAGE: constant(uint256) = 2

REASON_LIQUIDATION_FEE: constant(uint256) = 1
REASON_FUND_COVER: constant(uint256) = 2
REASON_HAIRCUT: constant(uint256) = 3
REASON_SOCIALIZED: constant(uint256) = 4
REASON_UNPAID_GAIN: constant(uint256) = 6


# A fill that has been priced and is to be booked.
struct Fill:
    account: address
    market: uint256
    cause: uint256
    size_delta: int256
    fill_price: uint256
    index_price: uint256
    funding_index: int256
    trade_fee: uint256
    entry_ratio: uint256  # entry maintenance ratio after the fill, if it adds size


# Who gets what from an account's collateral besides the pool.
struct Payout:
    to_fund: uint256
    to_protocol: uint256
    bounty: uint256
    liquidator: address


@internal
def _book_fill(fill: Fill) -> int256:
    """
    @dev Settles funding, changes the position, realises profit, charges the trade fee. No
         token moves here.
    @param fill Fill to book.
    @return int256 Collateral before.
    """
    position: IMarginEngine.Position = ledger.positions[fill.account][fill.market]
    collateral: int256 = ledger.collateral[fill.account]

    # FUNDING
    paid: int256 = funding_math._funding_payment(
        position.size, fill.funding_index - position.funding_index
    )
    position.funding_index = fill.funding_index

    # POSITION
    pnl: int256 = 0
    if position.size == 0 or (position.size > 0) == (fill.size_delta > 0):
        position.entry_notional += margin_math._entry_cost(fill.size_delta, fill.fill_price)
        position.entry_maintenance_ratio = fill.entry_ratio
    else:
        released: int256 = margin_math._released_entry(
            position.entry_notional, position.size, -fill.size_delta
        )
        pnl = margin_math._realized_pnl(-fill.size_delta, fill.fill_price, released)
        position.entry_notional -= released
    position.size += fill.size_delta

    # EFFECTS
    after: int256 = collateral + pnl - paid - convert(fill.trade_fee, int256)
    ledger._set_position(fill.account, fill.market, position)
    ledger._set_collateral(fill.account, after)

    # EVENT
    stored: IMarginEngine.Position = ledger.positions[fill.account][fill.market]
    log IMarginEngine.PositionChanged(
        account=fill.account,
        market=fill.market,
        cause=fill.cause,
        size_delta=fill.size_delta,
        fill_price=fill.fill_price,
        index_price=fill.index_price,
        size=stored.size,
        entry_notional=stored.entry_notional,
        realized_pnl=pnl,
        fee=fill.trade_fee,
        funding=paid,
        collateral=after,
        entry_maintenance_ratio=stored.entry_maintenance_ratio,
        funding_index=stored.funding_index,
    )
    return collateral


@internal
def _change_collateral(account: address, reason: uint256, delta: int256):
    """
    @dev Changes collateral for a reason other than a fill.
    @param account Account.
    @param reason See `IMarginEngine.CollateralChanged`.
    @param delta Change (WAD quote, whole quanta).
    """
    if delta == 0:
        return
    collateral: int256 = ledger.collateral[account] + delta
    ledger._set_collateral(account, collateral)
    log IMarginEngine.CollateralChanged(
        account=account, reason=reason, delta=delta, collateral=collateral
    )


@internal
def _move_tokens(account: address, before: int256, payout: Payout) -> uint256:
    """
    @dev Moves tokens after an account's collateral changed against the pool. What the pool
         cannot pay is drawn from the fund; the rest is a haircut on the gain. A pool that
         cannot front the payouts of an account in debt keeps them.
    @param account Account, its collateral already changed.
    @param before Its collateral before.
    @param payout Who gets what besides the pool.
    @return uint256 Bounty really paid (WAD quote).
    """
    out: Payout = payout
    growth: int256 = max(ledger.collateral[account], 0) - max(before, 0)
    due: int256 = growth + convert(out.to_fund + out.to_protocol + out.bounty, int256)
    if due > 0:
        due = self._take_from_pool(account, growth, due)
        if due < 0:  # the payouts could not be fronted
            out = empty(Payout)
            due = 0

    # EFFECTS
    ledger.sums.accrued_fees += out.to_protocol

    # INTERACTIONS
    if due < 0:
        connections._send_to_pool(convert(-due, uint256))
    connections._send_to_fund(out.to_fund)
    connections._send_tokens(out.liquidator, out.bounty)
    return out.bounty


@internal
def _take_from_pool(account: address, growth: int256, due: int256) -> int256:
    """
    @dev Takes what is due out of the pool's reserves, and resolves what they lack.
    @param account Account whose collateral grew.
    @param growth Growth of its positive collateral (WAD quote).
    @param due Growth and payouts together (WAD quote), above zero.
    @return int256 Zero, or minus one if the payouts were dropped.
    """
    reserves: uint256 = staticcall ILiquidityPool(connections.liquidity_pool).reserves()
    if convert(due, uint256) <= reserves:
        extcall ILiquidityPool(connections.liquidity_pool).pay(convert(due, uint256))
        return 0
    if growth <= 0:
        connections._send_to_pool(convert(-growth, uint256))
        return -1
    owed: uint256 = convert(growth, uint256)
    payable_now: uint256 = min(owed, reserves)
    if payable_now != 0:
        extcall ILiquidityPool(connections.liquidity_pool).pay(payable_now)
    missing: uint256 = owed - payable_now
    if missing != 0:
        drawn: uint256 = extcall IInsuranceFund(connections.insurance_fund).draw(missing, self)
        haircut: uint256 = missing - drawn
        ledger.sums.bad_debt += missing
        ledger.sums.fund_draws += drawn
        ledger.sums.socialized_loss += haircut
        self._change_collateral(account, REASON_UNPAID_GAIN, -convert(haircut, int256))
        log IMarginEngine.GainUnpaid(account=account, fund_draw=drawn, haircut=haircut)
    return -1
