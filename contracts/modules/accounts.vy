# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Ledger
@custom:contract-name ledger
@license Apache-2.0
@author Seawall contributors
@notice Accounts, positions and their exact sums. Every change goes through the mutators
        here, which keep the sums; there is no risk logic.
@custom:invariants total_collateral = sum of max(collateral, 0); total_debt = sum of
        max(-collateral, 0); pending_deficit = the latter over accounts without a position;
        open interest = sums of sizes by side; bad_debt = fund_draws + haircuts +
        socialized_loss.
"""

from ..interfaces import IMarginEngine
from ..lib import constants


market_count: public(reentrant(uint256))

collateral: HashMap[address, int256]
# @dev Bit m is set while the account has a position in market m.
open_markets: HashMap[address, uint256]
positions: HashMap[address, HashMap[uint256, IMarginEngine.Position]]
deficits: HashMap[address, IMarginEngine.PendingDeficit]
markets: HashMap[uint256, IMarginEngine.Market]
sums: IMarginEngine.Totals


@view
@external
@reentrant
def collateral_of(account: address) -> int256:
    """
    @notice Collateral of an account.
    @param account Account.
    @return int256 Signed collateral (WAD quote).
    """
    return self.collateral[account]


@view
@external
@reentrant
def open_markets_of(account: address) -> uint256:
    """
    @notice Markets in which an account has a position.
    @param account Account.
    @return uint256 Bit m set: a position in market m.
    """
    return self.open_markets[account]


@view
@external
@reentrant
def position_of(account: address, market: uint256) -> IMarginEngine.Position:
    """
    @notice Position of an account.
    @param account Account.
    @param market Market id.
    @return Position Stored position.
    """
    return self.positions[account][market]


@view
@external
@reentrant
def deficit_of(account: address) -> IMarginEngine.PendingDeficit:
    """
    @notice The record of an account's pending deficit, empty if there is none.
    @param account Account.
    @return PendingDeficit Record; the amount is minus the account's collateral.
    """
    return self.deficits[account]


@view
@external
@reentrant
def market_info(market: uint256) -> IMarginEngine.Market:
    """
    @notice Exact aggregates of a market.
    @param market Market id.
    @return Market Aggregates.
    """
    return self.markets[market]


@view
@external
@reentrant
def totals() -> IMarginEngine.Totals:
    """
    @notice Global counters.
    @return Totals Counters (WAD quote).
    """
    return self.sums


@internal
def _set_collateral(account: address, collateral: int256):
    """
    @dev Sets an account's collateral and keeps the sums; a deficit that is gone leaves no
         record.
    @param account Account.
    @param collateral New collateral (WAD quote, whole quanta).
    """
    before: int256 = self.collateral[account]
    self.collateral[account] = collateral
    self.sums.total_collateral = (
        self.sums.total_collateral + self._positive(collateral) - self._positive(before)
    )
    debt: uint256 = self._positive(-collateral)
    debt_before: uint256 = self._positive(-before)
    self.sums.total_debt = self.sums.total_debt + debt - debt_before
    if self.open_markets[account] == 0:
        self.sums.pending_deficit = self.sums.pending_deficit + debt - debt_before
        if debt == 0 and debt_before != 0:
            self.deficits[account] = empty(IMarginEngine.PendingDeficit)


@internal
def _set_position(account: address, market: uint256, position: IMarginEngine.Position):
    """
    @dev Sets an account's position and keeps the sums.
    @param account Account.
    @param market Market id.
    @param position New position; without size it is stored as nothing.
    """
    old: IMarginEngine.Position = self.positions[account][market]
    info: IMarginEngine.Market = self.markets[market]
    new: IMarginEngine.Position = position
    if position.size == 0:
        new = empty(IMarginEngine.Position)

    info.long_open_interest = (
        info.long_open_interest + self._positive(new.size) - self._positive(old.size)
    )
    info.short_open_interest = (
        info.short_open_interest + self._positive(-new.size) - self._positive(-old.size)
    )
    info.net_entry_notional += new.entry_notional - old.entry_notional
    info.net_funding_index += new.size * new.funding_index - old.size * old.funding_index
    self.positions[account][market] = new
    self.markets[market] = info

    before: uint256 = self.open_markets[account]
    bit: uint256 = 1 << market
    after: uint256 = before | bit
    if new.size == 0:
        after = before & ~bit
    if after == before:
        return
    self.open_markets[account] = after
    debt: uint256 = self._positive(-self.collateral[account])
    if after == 0:
        self.sums.pending_deficit += debt
    elif before == 0:
        self.sums.pending_deficit -= debt
        self.deficits[account] = empty(IMarginEngine.PendingDeficit)


@view
@internal
def _net_size(market: uint256) -> int256:
    """
    @dev Skew of a market.
    @param market Market id.
    @return int256 Long minus short open interest (WAD base).
    """
    return convert(self.markets[market].long_open_interest, int256) - convert(
        self.markets[market].short_open_interest, int256
    )


@view
@internal
def _pending_deficit(account: address) -> uint256:
    """
    @dev What an account without a position owes.
    @param account Account.
    @return uint256 Deficit (WAD quote), zero with a position or without a debt.
    """
    if self.open_markets[account] != 0:
        return 0
    return self._positive(-self.collateral[account])


@pure
@internal
def _positive(x: int256) -> uint256:
    """
    @dev max(x, 0).
    @param x Any number above the least int256.
    @return uint256 Its positive part.
    """
    return convert(max(x, 0), uint256)
