# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Settlement
@custom:contract-name settlement
@license Apache-2.0
@author Seawall contributors
@notice Books a fill into position and collateral, then moves the tokens that this implies:
        the ledger holds exactly the positive collateral and its own fees, the pool stands
        on the other side of everything else.
"""

from ..interfaces import ILedger
from ..interfaces import ILiquidityPool
from ..lib import constants
from ..lib import funding_math
from ..lib import margin_math
from . import accounts
from . import connections
from . import deficits
from . import operators

uses: accounts
uses: connections
uses: deficits
uses: operators


REASON_LIQUIDATION_FEE: constant(uint256) = 1
REASON_FUND_COVER: constant(uint256) = 2
REASON_HAIRCUT: constant(uint256) = 3
REASON_SOCIALIZED: constant(uint256) = 4
REASON_UNPAID_GAIN: constant(uint256) = 6
REASON_GAIN_HELD: constant(uint256) = 7
REASON_GAIN_COLLECTED: constant(uint256) = 8


# Who gets what from an account's collateral besides the pool.
struct Payout:
    to_fund: uint256
    to_protocol: uint256
    bounty: uint256
    liquidator: address


@external
def settle(order: ILedger.Order) -> ILedger.Settled:
    """
    @notice Fills an order against the pool, books it with fee, bounty or haircut, moves the
            tokens and records a deficit that it leaves. Operators only, lock held.
    @param order What to change and what to charge.
    @return Settled What was done.
    """
    # CHECKS
    operators._check_held()
    self._check_size(order)
    before: int256 = accounts.collateral[order.account]
    settled: ILedger.Settled = empty(ILedger.Settled)
    payout: Payout = empty(Payout)

    # FILL
    settled.fill_price = self._fill(order)
    self._check_limit(order.size_delta, settled.fill_price, order.limit_price)

    # EFFECTS
    if order.cause == constants.CAUSE_TRADE:
        settled.fee = margin_math._fee(
            margin_math._notional(order.size_delta, settled.fill_price), order.fee_rate
        )
        payout.to_fund = margin_math._share(settled.fee, order.fund_fee_share)
        payout.to_protocol = (
            settled.fee
            - payout.to_fund
            - margin_math._share(settled.fee, order.pool_fee_share)
        )
        self._book_fill(order, settled.fill_price, settled.fee)
    elif order.cause == constants.CAUSE_LIQUIDATION:
        self._book_fill(order, settled.fill_price, 0)
        settled.fee = order.fee
        if accounts._is_bare(order.account):
            # Rounding of the close must not turn a fee into a deficit; of an account with other
            # assets it is taken out of what they are sold for.
            settled.fee = min(
                order.fee, accounts._positive(accounts.collateral[order.account])
            )
        payout.bounty = min(order.bounty, settled.fee)
        payout.to_fund = settled.fee - payout.bounty
        payout.liquidator = order.liquidator
        self._change_collateral(
            order.account, REASON_LIQUIDATION_FEE, -convert(settled.fee, int256)
        )
    else:
        self._book_fill(order, settled.fill_price, 0)
        settled.haircut = self._withhold(order)

    # INTERACTIONS
    settled.bounty = self._move_tokens(order.account, before, payout)

    # DEFICIT
    settled.deficit = accounts._record_deficit(
        order.account, order.market, order.size_delta < 0
    )
    if settled.deficit != 0:
        self._book_exception(order)
    settled.long_open_interest = accounts.markets[order.market].long_open_interest
    settled.short_open_interest = accounts.markets[order.market].short_open_interest
    return settled


@internal
def _book_exception(order: ILedger.Order):
    """
    @dev A liquidation that leaves a debt is an exception of its market; of who has other assets
         only once others pay of it, else nobody has lost.
    @param order Order that has left a debt without a position.
    """
    due: uint256 = 0
    if order.cause == constants.CAUSE_LIQUIDATION:
        if accounts._is_bare(order.account):
            accounts.markets[order.market].exceptions += 1
        else:
            due = order.market + 1
    accounts.exceptions_due[order.account] = due


@internal
def _fill(order: ILedger.Order) -> uint256:
    """
    @dev Lets the pool take the other side: at the skew price, or at the index price if a
         winner is deleveraged.
    @param order Order.
    @return uint256 Fill price (WAD).
    """
    pool: ILiquidityPool = ILiquidityPool(connections.liquidity_pool)
    if order.cause == constants.CAUSE_DELEVERAGE:
        extcall pool.apply_deleverage(order.market, order.size_delta, order.index_price)
        return order.index_price
    return extcall pool.apply_fill(order.market, order.size_delta, order.index_price)


@internal
def _withhold(order: ILedger.Order) -> uint256:
    """
    @dev Uses part of a winner's gain to repay the bankrupt's debt to the pool.
    @param order Order that has closed part of the winner.
    @return uint256 Amount (WAD quote): never what the winner's collateral does not hold.
    """
    assert order.haircut % constants.QUANTUM == 0, "settlement: not whole quanta"
    share: ILedger.DeficitShare = accounts._deficit_share(order.bankrupt, order.market)
    assert share.side != 0 and (share.side > 0) == (
        order.size_delta > 0
    ), "settlement: wrong side"
    # The gain may have gone into a debt or into funding.
    taken: uint256 = min(
        min(order.haircut, share.amount),
        accounts._positive(accounts.collateral[order.account]),
    )
    self._change_collateral(order.account, REASON_HAIRCUT, -convert(taken, int256))
    self._bear(order.bankrupt, order.market, taken)
    return taken


@internal
def _bear(bankrupt: uint256, market: uint256, amount: uint256):
    """
    @dev Repays a deficit with what winners of a market have given up.
    @param bankrupt Account with the pending deficit.
    @param market Market of the winners.
    @param amount Amount (WAD quote, whole quanta), at most the market's share.
    """
    if amount == 0:
        return
    episode: uint256 = accounts._episode(bankrupt)
    deficits._bear(bankrupt, episode, market, amount, accounts._pending_deficit(bankrupt))
    accounts.sums.bad_debt += amount
    accounts.sums.haircuts += amount
    self._change_collateral(bankrupt, REASON_HAIRCUT, convert(amount, int256))
    deficits._move(bankrupt, episode, accounts._pending_deficit(bankrupt))


@internal
def _hold_gain(order: ILedger.Order, result: int256, entry_notional: int256):
    """
    @dev Holds the gain of a close while a deficit of the other side pends that no other gain
         is held against. A forced close that leaves positions open holds nothing: it must not
         make the account riskier.
    @param order Order that has closed something.
    @param result What the close did to the collateral (WAD quote).
    @param entry_notional Signed cost of what closed (WAD quote).
    """
    if order.cause == constants.CAUSE_DELEVERAGE:
        return
    if order.cause == constants.CAUSE_LIQUIDATION and accounts._open_markets(order.account) != 0:
        return
    # Who closes a short has won against longs.
    book: uint256 = deficits._book(order.market, order.size_delta)
    collateral: int256 = accounts.collateral[order.account]
    if min(result, collateral) <= 0 or deficits.pending[book] == 0:
        return
    self._collect_held(order.account, book)
    held: uint256 = deficits._hold(
        order.account,
        book,
        convert(result, uint256),
        convert(min(result, collateral), uint256),
        deficits._magnitude(entry_notional),
    )
    accounts.sums.held_gains += held
    self._change_collateral(order.account, REASON_GAIN_HELD, -convert(held, int256))


@internal
def _collect_held(account: uint256, book: uint256) -> uint256:
    """
    @dev Credits an account with what was held of its gains and is freed. No token moves here.
    @param account Account.
    @param book Market and side of the losers.
    @return uint256 Amount credited (WAD quote).
    """
    freed: uint256 = deficits._collect(account, book)
    accounts.sums.held_gains -= freed
    self._change_collateral(account, REASON_GAIN_COLLECTED, convert(freed, int256))
    return freed


@internal
def _book_fill(order: ILedger.Order, fill_price: uint256, trade_fee: uint256):
    """
    @dev Settles funding, changes the position, realises profit, charges the trade fee. No
         token moves here.
    @param order Order.
    @param fill_price Its price (WAD).
    @param trade_fee Its fee (WAD quote).
    """
    position: ILedger.Position = accounts.positions[order.account][order.market]

    # FUNDING
    paid: int256 = funding_math._funding_payment(
        position.size, order.funding_index - position.funding_index
    )
    position.funding_index = order.funding_index

    # POSITION
    pnl: int256 = 0
    released: int256 = 0
    is_close: bool = position.size != 0 and (position.size > 0) != (order.size_delta > 0)
    if not is_close:
        position.entry_notional += margin_math._entry_cost(order.size_delta, fill_price)
        position.entry_maintenance_ratio = order.entry_ratio
    else:
        released = margin_math._released_entry(
            position.entry_notional, position.size, -order.size_delta
        )
        pnl = margin_math._realized_pnl(-order.size_delta, fill_price, released)
        position.entry_notional -= released
    position.size += order.size_delta

    # EFFECTS
    result: int256 = pnl - paid - convert(trade_fee, int256)
    after: int256 = accounts.collateral[order.account] + result
    accounts._set_position(order.account, order.market, position)
    accounts._set_collateral(order.account, after)
    # Whoever leaves without a debt will never be asked where it came from.
    if is_close and (after < 0 or accounts._open_markets(order.account) != 0):
        deficits._book_result(
            order.account,
            accounts._episode(order.account),
            order.market,
            order.size_delta < 0,
            result,
        )

    # EVENT
    stored: ILedger.Position = accounts.positions[order.account][order.market]
    log ILedger.PositionChanged(
        account=order.account,
        market=order.market,
        cause=order.cause,
        size_delta=order.size_delta,
        fill_price=fill_price,
        index_price=order.index_price,
        size=stored.size,
        entry_notional=stored.entry_notional,
        realized_pnl=pnl,
        fee=trade_fee,
        funding=paid,
        collateral=after,
        entry_maintenance_ratio=stored.entry_maintenance_ratio,
        funding_index=stored.funding_index,
    )
    if is_close:
        self._hold_gain(order, result, released)


@internal
def _change_collateral(account: uint256, reason: uint256, delta: int256):
    """
    @dev Changes collateral for a reason other than a fill.
    @param account Account.
    @param reason See `ILedger.CollateralChanged`.
    @param delta Change (WAD quote, whole quanta).
    """
    if delta == 0:
        return
    collateral: int256 = accounts.collateral[account] + delta
    accounts._set_collateral(account, collateral)
    log ILedger.CollateralChanged(
        account=account, reason=reason, delta=delta, collateral=collateral
    )
    if delta > 0 and reason <= REASON_SOCIALIZED:  # others have paid of a debt
        due: uint256 = accounts.exceptions_due[account]
        if due != 0:
            accounts.markets[due - 1].exceptions += 1
            accounts.exceptions_due[account] = 0


@internal
def _move_tokens(account: uint256, before: int256, payout: Payout) -> uint256:
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
    if out.to_fund != 0 and not connections._has_fund():
        out.to_fund = 0  # stays with the pool, which bears what the fund would
    growth: int256 = max(accounts.collateral[account], 0) - max(before, 0)
    due: int256 = growth + convert(out.to_fund + out.to_protocol + out.bounty, int256)
    if due > 0:
        due = self._take_from_pool(account, growth, due)
        if due < 0:  # the payouts could not be fronted
            out = empty(Payout)
            due = 0

    # EFFECTS
    accounts.sums.accrued_fees += out.to_protocol

    # INTERACTIONS
    if due < 0:
        connections._send_to_pool(accounts._negative(due))
    connections._send_to_fund(out.to_fund)
    connections._send_tokens(out.liquidator, out.bounty)
    return out.bounty


@internal
def _take_from_pool(account: uint256, growth: int256, due: int256) -> int256:
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
        connections._send_to_pool(accounts._negative(growth))
        return -1
    owed: uint256 = convert(growth, uint256)
    payable_now: uint256 = min(owed, reserves)
    if payable_now != 0:
        extcall ILiquidityPool(connections.liquidity_pool).pay(payable_now)
    missing: uint256 = owed - payable_now
    if missing != 0:
        drawn: uint256 = connections._draw_from_fund(missing, self)
        haircut: uint256 = missing - drawn
        accounts.sums.bad_debt += missing
        accounts.sums.fund_draws += drawn
        accounts.sums.socialized_loss += haircut
        self._change_collateral(account, REASON_UNPAID_GAIN, -convert(haircut, int256))
        log ILedger.GainUnpaid(account=account, fund_draw=drawn, haircut=haircut)
    return -1


@view
@internal
def _check_size(order: ILedger.Order):
    """
    @dev Guarantees that an order opens, adds to or reduces a position and never turns it; any
         cause but a trade only reduces.
    @param order Order.
    """
    assert order.market < constants.MAX_MARKETS, "settlement: unknown market"
    assert order.cause <= constants.CAUSE_DELEVERAGE, "settlement: unknown cause"
    assert order.size_delta != 0, "settlement: zero size"
    held: int256 = accounts.positions[order.account][order.market].size
    if order.cause == constants.CAUSE_TRADE and (held == 0 or (held > 0) == (order.size_delta > 0)):
        return
    assert (held > 0) != (order.size_delta > 0) and deficits._magnitude(
        order.size_delta
    ) <= deficits._magnitude(held), "settlement: invalid size"


@pure
@internal
def _check_limit(size_delta: int256, fill_price: uint256, limit_price: uint256):
    """
    @dev Guarantees that a fill is no worse than its limit.
    @param size_delta Signed size of the order.
    @param fill_price Fill price (WAD).
    @param limit_price Worst acceptable price (WAD), 0 for none.
    """
    if limit_price == 0:
        return
    if size_delta > 0:
        assert fill_price <= limit_price, "settlement: limit price"
    else:
        assert fill_price >= limit_price, "settlement: limit price"
