# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Loss waterfall
@custom:contract-name loss_waterfall
@license Apache-2.0
@author Seawall contributors
@notice What happens to negative collateral without a position: the fund, then haircuts on
        winners, then the pool. Each part is booked as bad debt when it is resolved, once.
"""

from ..interfaces import IInsuranceFund
from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from . import connections
from . import ledger
from . import settlement

uses: connections
uses: ledger
uses: settlement


@external
def cover_deficit(account: address) -> uint256:
    """
    @notice Draws the insurance fund against an account's pending deficit. Anyone may call.
    @param account Account without a position and with negative collateral.
    @return uint256 Deficit still pending (WAD quote).
    """
    return self._cover(account)


@view
@external
@reentrant
def withdrawals_open() -> bool:
    """
    @notice Whether collateral and pool shares may leave: no deficit beyond the fund pends.
    @return bool True if they may.
    """
    return self._withdrawals_open()


@internal
def _resolve(account: address, market: uint256, size: int256) -> uint256:
    """
    @dev Called after a close: records and covers a deficit if the account is left with one.
    @param account Account.
    @param market Market of the close.
    @param size Closed size, signed as the position was (WAD base).
    @return uint256 Deficit before the fund (WAD quote).
    """
    deficit: uint256 = ledger._pending_deficit(account)
    if deficit == 0:
        return 0
    ledger.deficits[account] = IMarginEngine.PendingDeficit(
        market=market, size=size, recorded_at=block.timestamp
    )
    log IMarginEngine.DeficitRecorded(
        account=account, market=market, size=size, deficit=deficit
    )
    self._cover(account)
    return deficit


@internal
def _cover(account: address) -> uint256:
    """
    @dev Pays the pool from the fund what an account without a position owes.
    @param account Account.
    @return uint256 Deficit still pending (WAD quote).
    """
    deficit: uint256 = ledger._pending_deficit(account)
    if deficit == 0:
        return 0
    pool: address = connections.liquidity_pool
    paid: uint256 = extcall IInsuranceFund(connections.insurance_fund).draw(deficit, pool)
    if paid != 0:
        ledger.sums.bad_debt += paid
        ledger.sums.fund_draws += paid
        settlement._change_collateral(
            account, settlement.REASON_FUND_COVER, convert(paid, int256)
        )
        extcall ILiquidityPool(pool).collect(paid)
    log IMarginEngine.BadDebtCovered(account=account, amount=paid, pending=deficit - paid)
    return deficit - paid


@internal
def _apply_haircut(bankrupt: address, haircut: uint256, size: uint256):
    """
    @dev Uses what a winner's gain was cut by to repay the bankrupt's debt to the pool.
    @param bankrupt Account with the pending deficit.
    @param haircut Amount (WAD quote, whole quanta), at most the deficit.
    @param size Magnitude of the deficit's closed size that is now matched (WAD base).
    """
    assert haircut <= ledger._pending_deficit(bankrupt), "loss_waterfall: over budget"
    record: IMarginEngine.PendingDeficit = ledger.deficits[bankrupt]
    matched: int256 = convert(size, int256)
    record.size -= matched if record.size > 0 else -matched
    ledger.deficits[bankrupt] = record
    ledger.sums.bad_debt += haircut
    ledger.sums.haircuts += haircut
    settlement._change_collateral(
        bankrupt, settlement.REASON_HAIRCUT, convert(haircut, int256)
    )


@internal
def _write_off(account: address) -> uint256:
    """
    @dev Writes the pool's receivable from an account off: its share price falls.
    @param account Account without a position.
    @return uint256 Amount (WAD quote).
    """
    amount: uint256 = ledger._pending_deficit(account)
    ledger.sums.bad_debt += amount
    ledger.sums.socialized_loss += amount
    settlement._change_collateral(
        account, settlement.REASON_SOCIALIZED, convert(amount, int256)
    )
    return amount


@view
@internal
def _withdrawals_open() -> bool:
    """
    @dev Whether the fund could cover every pending deficit.
    @return bool True if nothing pends beyond the fund.
    """
    pending: uint256 = ledger.sums.pending_deficit
    if pending == 0:
        return True
    return pending <= staticcall IInsuranceFund(connections.insurance_fund).reserves()
