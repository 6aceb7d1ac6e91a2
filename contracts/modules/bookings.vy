# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bookings
@custom:contract-name bookings
@license Apache-2.0
@author Seawall contributors
@notice Every change of an account besides the settlement of an order: deposits, withdrawals,
        modes, and what the fund or the pool bear of a debt.
"""

from ..interfaces import ILedger
from ..interfaces import ILiquidityPool
from ..lib import account_ids
from ..lib import constants
from . import accounts
from . import connections
from . import deficits
from . import operators
from . import settlement

uses: accounts
uses: connections
uses: deficits
uses: operators
uses: settlement


@external
def deposit(payer: address, account: uint256, amount: uint256):
    """
    @notice Takes tokens and adds them to an account; a debt is repaid to the pool first.
            Operators only, lock free.
    @param payer Who pays; has allowed this contract to take them.
    @param account Account to credit.
    @param amount Token units.
    """
    # CHECKS
    operators._take()
    assert account_ids._owner_of(account) != empty(address), "bookings: account of nobody"

    # EFFECTS
    before: int256 = accounts.collateral[account]
    booked: uint256 = amount * constants.QUANTUM
    after: int256 = before + convert(booked, int256)
    accounts._set_collateral(account, after)

    # EVENT
    log ILedger.Deposited(account=account, amount=amount, collateral=after)

    # INTERACTIONS
    assert extcall connections.QUOTE_TOKEN.transferFrom(
        payer, self, amount, default_return_value=True
    ), "bookings: transfer failed"
    if before < 0:
        connections._send_to_pool(min(booked, accounts._negative(before)))
    operators._give_back()


@external
def withdraw(account: uint256, amount: uint256, receiver: address):
    """
    @notice Takes collateral out of an account, at most what it has. Operators only, lock held.
    @param account Account.
    @param amount Token units.
    @param receiver Who gets the tokens.
    """
    # CHECKS
    operators._check_held()
    booked: uint256 = amount * constants.QUANTUM
    after: int256 = accounts.collateral[account] - convert(booked, int256)
    assert after >= 0, "bookings: collateral too low"

    # EFFECTS
    accounts._set_collateral(account, after)

    # EVENT
    log ILedger.Withdrawn(account=account, amount=amount, collateral=after)

    # INTERACTIONS
    connections._send_tokens(receiver, booked)


@external
def set_mode(account: uint256, mode: uint256):
    """
    @notice Changes the mode of an account without a position. Operators only, lock free.
    @param account Account.
    @param mode 0 cross, 1 isolated, 2 portfolio.
    """
    operators._check_free()
    accounts._set_mode(account, mode)


@external
def collect_fees(recipient: address):
    """
    @notice Sends the protocol's accrued fees. Operators only, lock free.
    @param recipient Who gets them.
    """
    operators._take()
    amount: uint256 = accounts.sums.accrued_fees
    accounts.sums.accrued_fees = 0
    log ILedger.FeesCollected(recipient=recipient, amount=amount)
    connections._send_tokens(recipient, amount)
    operators._give_back()


@external
def set_asset(account: uint256, asset: uint256, is_held: bool):
    """
    @notice Keeps whether an account has some of an asset in the collateral registry. Operators
            only, lock held.
    @param account Account.
    @param asset Asset id.
    @param is_held Whether it has.
    """
    operators._check_held()
    accounts._set_asset(account, asset, is_held)


@external
def draw_fund(account: uint256, most: uint256) -> uint256:
    """
    @notice Repays the pool from the insurance fund what an account without a position owes,
            as far as the fund can. Operators only, lock held.
    @param account Account.
    @param most Most that is drawn (WAD quote, whole quanta).
    @return uint256 Amount paid (WAD quote).
    """
    operators._check_held()
    deficit: uint256 = min(accounts._pending_deficit(account), most)
    if deficit == 0:
        return 0
    pool: address = connections.liquidity_pool
    paid: uint256 = connections._draw_from_fund(deficit, pool)
    if paid != 0:
        accounts.sums.bad_debt += paid
        accounts.sums.fund_draws += paid
        settlement._change_collateral(
            account, settlement.REASON_FUND_COVER, convert(paid, int256)
        )
        extcall ILiquidityPool(pool).collect(paid)
    return paid


@external
def write_off(account: uint256) -> uint256:
    """
    @notice Writes the pool's receivable from an account off: its share price falls. Operators
            only, lock held.
    @param account Account without a position.
    @return uint256 Amount (WAD quote).
    """
    operators._check_held()
    amount: uint256 = accounts._pending_deficit(account)
    accounts.sums.bad_debt += amount
    accounts.sums.socialized_loss += amount
    settlement._change_collateral(
        account, settlement.REASON_SOCIALIZED, convert(amount, int256)
    )
    return amount


@external
def use_held(bankrupt: uint256, market: uint256, holder: uint256, most: uint256) -> uint256:
    """
    @notice Repays a pending deficit with gains that are held against it. The pool has their
            tokens already. Operators only, lock held.
    @param bankrupt Account with the pending deficit.
    @param market Market with a share in it.
    @param holder Whose held gain pays, 0 for all of them alike.
    @param most Most that is taken (WAD quote, whole quanta).
    @return uint256 Amount taken (WAD quote).
    """
    operators._check_held()
    assert most % constants.QUANTUM == 0, "bookings: not whole quanta"
    share: ILedger.DeficitShare = accounts._deficit_share(bankrupt, market)
    book: uint256 = deficits._book(market, share.side)
    if holder != 0:
        # What was freed of its part is its own.
        self._release(holder, book)
    used: uint256 = deficits._use(book, holder, min(most, share.amount))
    if used == 0:
        return 0
    accounts.sums.held_gains -= used
    settlement._bear(bankrupt, market, used)
    log ILedger.HeldGainUsed(bankrupt=bankrupt, holder=holder, market=market, amount=used)
    return used


@external
def release_held(account: uint256, market: uint256) -> uint256:
    """
    @notice Credits an account with what was held of its gains and is freed, and takes the
            tokens from the pool; what it lacks, as for any gain. Operators only, lock held.
    @param account Account.
    @param market Market of the gains.
    @return uint256 Amount credited (WAD quote).
    """
    operators._check_held()
    assert market < constants.MAX_MARKETS, "bookings: unknown market"
    released: uint256 = 0
    for side: int256 in [1, -1]:
        released += self._release(account, deficits._book(market, side))
    return released


@external
def pay_tip(recipient: address, amount: uint256) -> uint256:
    """
    @notice Pays a liquidator's tip from the insurance fund, as far as it can. Operators only,
            lock held.
    @param recipient Who gets it.
    @param amount WAD quote, whole quanta.
    @return uint256 Amount paid (WAD quote).
    """
    operators._check_held()
    paid: uint256 = connections._draw_from_fund(amount, recipient)
    accounts.sums.tips += paid
    return paid


@internal
def _release(account: uint256, book: uint256) -> uint256:
    """
    @dev Credits an account with what was held of its gains and is freed, and takes the tokens
         from the pool.
    @param account Account.
    @param book Market and side of the losers.
    @return uint256 Amount credited (WAD quote).
    """
    before: int256 = accounts.collateral[account]
    released: uint256 = settlement._collect_held(account, book)
    if released != 0:
        settlement._move_tokens(account, before, empty(settlement.Payout))
    return released
