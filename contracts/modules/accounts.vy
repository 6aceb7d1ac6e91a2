# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Accounts
@custom:contract-name accounts
@license Apache-2.0
@author Seawall contributors
@notice Accounts, positions and their exact sums. Every change goes through the mutators
        here, which keep the sums; there is no risk logic.
@dev What an account may do by its mode is checked here, so that no operator can forget it.
@custom:invariants total_collateral = sum of max(collateral, 0); total_debt = sum of
        max(-collateral, 0); pending_deficit = the latter over accounts without a position;
        open interest = sums of sizes by side; bad_debt = fund_draws + haircuts +
        socialized_loss.
"""

from ..interfaces import ILedger
from ..lib import constants
from ..lib import margin_math
from . import deficits

uses: deficits


# Bits of an account's word: markets in which it has a position, mode, assets of which it has
# some in the collateral registry, and above them its episode: how often it has opened a first
# position.
MARKET_BITS: constant(uint256) = 8
ASSET_BITS: constant(uint256) = 12
EPISODE_BITS: constant(uint256) = 16
MARKETS: constant(uint256) = 2**8 - 1


collateral: HashMap[uint256, int256]
# @dev Open markets, mode, assets and episode: read together, one slot.
words: HashMap[uint256, uint256]
positions: HashMap[uint256, HashMap[uint256, ILedger.Position]]
markets: HashMap[uint256, ILedger.MarketAggregates]
# @dev Of an account whose other assets may cover what its liquidation has left: that market, plus
# one, until others pay of it.
exceptions_due: HashMap[uint256, uint256]
sums: ILedger.Totals


@view
@external
@reentrant
def collateral_of(account: uint256) -> int256:
    """
    @notice Collateral of an account.
    @param account Account.
    @return int256 Signed collateral (WAD quote).
    """
    return self.collateral[account]


@view
@external
@reentrant
def open_markets_of(account: uint256) -> uint256:
    """
    @notice Markets in which an account has a position.
    @param account Account.
    @return uint256 Bit m set: a position in market m.
    """
    return self._open_markets(account)


@view
@external
@reentrant
def assets_of(account: uint256) -> uint256:
    """
    @notice Assets of which an account has some in the collateral registry.
    @param account Account.
    @return uint256 Bit a set: some of asset a.
    """
    return self._assets(self.words[account])


@view
@external
@reentrant
def mode_of(account: uint256) -> uint256:
    """
    @notice Mode of an account.
    @param account Account.
    @return uint256 0 cross, 1 isolated, 2 portfolio.
    """
    return self._mode(self.words[account])


@view
@external
@reentrant
def account_of(account: uint256) -> ILedger.Account:
    """
    @notice Everything that is booked of an account, except a deficit's record.
    @param account Account.
    @return Account State.
    """
    word: uint256 = self.words[account]
    state: ILedger.Account = empty(ILedger.Account)
    state.collateral = self.collateral[account]
    state.mode = self._mode(word)
    state.open_markets = word & MARKETS
    state.assets = self._assets(word)
    for market: uint256 in range(8):
        if (word >> market) & 1 == 1:
            state.positions[market] = self.positions[account][market]
    return state


@view
@external
@reentrant
def summaries_of(
    accounts: DynArray[uint256, 512], prices: uint256[8]
) -> DynArray[ILedger.AccountSummary, 512]:
    """
    @notice Collateral, open markets, assets and notional of many accounts.
    @param accounts Accounts.
    @param prices By market id (WAD).
    @return DynArray One summary per account, in order.
    """
    summaries: DynArray[ILedger.AccountSummary, 512] = []
    for account: uint256 in accounts:
        word: uint256 = self.words[account]
        open_markets: uint256 = word & MARKETS
        notional: uint256 = 0
        for market: uint256 in range(8):
            if open_markets >> market == 0:
                break
            if (open_markets >> market) & 1 == 1:
                notional += margin_math._notional(
                    self.positions[account][market].size, prices[market]
                )
        summaries.append(
            ILedger.AccountSummary(
                collateral=self.collateral[account],
                mode=self._mode(word),
                open_markets=open_markets,
                assets=self._assets(word),
                notional=notional,
            )
        )
    return summaries


@view
@external
@reentrant
def positions_of(
    market: uint256, accounts: DynArray[uint256, 512]
) -> DynArray[ILedger.Position, 512]:
    """
    @notice Positions of many accounts in one market.
    @param market Market id.
    @param accounts Accounts.
    @return DynArray One position per account, in order.
    """
    positions: DynArray[ILedger.Position, 512] = []
    for account: uint256 in accounts:
        positions.append(self.positions[account][market])
    return positions


@view
@external
@reentrant
def position_of(account: uint256, market: uint256) -> ILedger.Position:
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
def deficit_of(account: uint256) -> ILedger.PendingDeficit:
    """
    @notice The record of an account's pending deficit, empty if there is none.
    @param account Account.
    @return PendingDeficit Record; the amount is minus the account's collateral.
    """
    return deficits.records[account]


@view
@external
@reentrant
def deficit_share_of(account: uint256, market: uint256) -> ILedger.DeficitShare:
    """
    @notice What the winners of one market may have to bear of an account's pending deficit.
    @param account Account.
    @param market Market id.
    @return DeficitShare Share, by where the loss arose; empty if there is none.
    """
    return self._deficit_share(account, market)


@view
@external
@reentrant
def held_gain_of(account: uint256, market: uint256, side: int256) -> ILedger.HeldGain:
    """
    @notice A gain that is held while deficits pend.
    @param account Account.
    @param market Market id.
    @param side Side of the losers: 1 longs, -1 shorts.
    @return HeldGain What is at risk and what may be collected.
    """
    return deficits._held(account, deficits._book(market, side))


@view
@external
@reentrant
def pending_deficit_of(account: uint256) -> uint256:
    """
    @notice What an account without a position owes.
    @param account Account.
    @return uint256 Deficit (WAD quote), zero with a position or without a debt.
    """
    return self._pending_deficit(account)


@view
@external
@reentrant
def aggregates_of(market: uint256) -> ILedger.MarketAggregates:
    """
    @notice Exact aggregates of a market.
    @param market Market id.
    @return MarketAggregates Aggregates.
    """
    return self.markets[market]


@view
@external
@reentrant
def total_debt() -> uint256:
    """
    @notice Negative collaterals of all accounts, as a positive number.
    @return uint256 WAD quote.
    """
    return self.sums.total_debt


@view
@external
@reentrant
def pending_deficit() -> uint256:
    """
    @notice What all accounts without a position owe.
    @return uint256 WAD quote.
    """
    return self.sums.pending_deficit


@view
@external
@reentrant
def totals() -> ILedger.Totals:
    """
    @notice Global counters.
    @return Totals Counters (WAD quote).
    """
    return self.sums


@internal
def _set_collateral(account: uint256, collateral: int256):
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
    debt: uint256 = self._negative(collateral)
    debt_before: uint256 = self._negative(before)
    self.sums.total_debt = self.sums.total_debt + debt - debt_before
    if self._open_markets(account) == 0:
        self.sums.pending_deficit = self.sums.pending_deficit + debt - debt_before
        if debt < debt_before:
            deficits._shrink(account, self._episode(account), debt)


@internal
def _set_position(account: uint256, market: uint256, position: ILedger.Position):
    """
    @dev Sets an account's position and keeps the sums.
    @param account Account.
    @param market Market id.
    @param position New position; without size it is stored as nothing.
    """
    old: ILedger.Position = self.positions[account][market]
    info: ILedger.MarketAggregates = self.markets[market]
    new: ILedger.Position = position
    if position.size == 0:
        new = empty(ILedger.Position)

    info.long_open_interest = (
        info.long_open_interest + self._positive(new.size) - self._positive(old.size)
    )
    info.short_open_interest = (
        info.short_open_interest + self._negative(new.size) - self._negative(old.size)
    )
    info.net_entry_notional += new.entry_notional - old.entry_notional
    info.net_funding_index += new.size * new.funding_index - old.size * old.funding_index
    self.positions[account][market] = new
    self.markets[market] = info

    word: uint256 = self.words[account]
    before: uint256 = word & MARKETS
    bit: uint256 = 1 << market
    after: uint256 = before | bit
    if new.size == 0:
        after = before & ~bit
    if after == before:
        return
    if self._mode(word) == constants.MODE_ISOLATED:
        # A market that opens while another is open leaves more than one bit.
        assert after & (after - min(after, 1)) == 0, "accounts: isolated in another market"
    word = (word & ~MARKETS) | after
    if before == 0:
        word += 1 << EPISODE_BITS
    self.words[account] = word
    debt: uint256 = self._negative(self.collateral[account])
    if after == 0:
        self.sums.pending_deficit += debt
    elif before == 0:
        self.sums.pending_deficit -= debt
        deficits._shrink(account, self._episode(account), 0)


@internal
def _set_mode(account: uint256, mode: uint256):
    """
    @dev Changes the mode of an account that has no position.
    @param account Account.
    @param mode 0 cross, 1 isolated, 2 portfolio.
    """
    assert mode <= constants.MODE_PORTFOLIO, "accounts: unknown mode"
    assert self._open_markets(account) == 0, "accounts: position open"
    word: uint256 = self.words[account]
    self.words[account] = (word >> ASSET_BITS << ASSET_BITS) | (mode << MARKET_BITS)
    log ILedger.ModeSet(account=account, mode=mode)


@internal
def _set_asset(account: uint256, asset: uint256, is_held: bool):
    """
    @dev Keeps whether an account has some of an asset.
    @param account Account.
    @param asset Asset id.
    @param is_held Whether it has.
    """
    assert asset < constants.MAX_ASSETS, "accounts: unknown asset"
    bit: uint256 = 1 << (ASSET_BITS + asset)
    word: uint256 = self.words[account]
    self.words[account] = word | bit if is_held else word & ~bit


@internal
def _record_deficit(account: uint256, market: uint256, is_long: bool) -> uint256:
    """
    @dev Called at the end of every settlement: a debt has a record from the moment it exists.
    @param account Account.
    @param market Market of the close.
    @param is_long Whether the closed position was long.
    @return uint256 Deficit (WAD quote), zero if the account is left without one.
    """
    deficit: uint256 = self._pending_deficit(account)
    if deficit != 0:
        deficits._record(account, self._episode(account), market, is_long, deficit)
    return deficit


@view
@internal
def _open_markets(account: uint256) -> uint256:
    """
    @dev Markets in which an account has a position.
    @param account Account.
    @return uint256 Bit m set: a position in market m.
    """
    return self.words[account] & MARKETS


@view
@internal
def _is_bare(account: uint256) -> bool:
    """
    @dev Whether an account has neither a position nor other assets than the quote token.
    @param account Account.
    @return bool True if so.
    """
    word: uint256 = self.words[account]
    return word & MARKETS == 0 and self._assets(word) == 0


@view
@internal
def _deficit_share(account: uint256, market: uint256) -> ILedger.DeficitShare:
    """
    @dev What the winners of one market may have to bear of an account's pending deficit.
    @param account Account.
    @param market Market id.
    @return DeficitShare Share.
    """
    episode: uint256 = self._episode(account)
    return deficits._part(
        account,
        episode,
        market,
        self._pending_deficit(account),
        deficits._losses(account, episode),
    )


@view
@internal
def _episode(account: uint256) -> uint256:
    """
    @dev How often an account has opened a first position: what it lost before the last time
         has nothing to do with what it owes.
    @param account Account.
    @return uint256 Count.
    """
    return self.words[account] >> EPISODE_BITS


@pure
@internal
def _mode(word: uint256) -> uint256:
    """
    @dev Mode in an account's word.
    @param word Word.
    @return uint256 0 cross, 1 isolated, 2 portfolio.
    """
    return (word >> MARKET_BITS) & (2**(ASSET_BITS - MARKET_BITS) - 1)


@pure
@internal
def _assets(word: uint256) -> uint256:
    """
    @dev Assets in an account's word.
    @param word Word.
    @return uint256 Bit a set: some of asset a.
    """
    return (word >> ASSET_BITS) & (2**(EPISODE_BITS - ASSET_BITS) - 1)


@view
@internal
def _pending_deficit(account: uint256) -> uint256:
    """
    @dev What an account without a position owes.
    @param account Account.
    @return uint256 Deficit (WAD quote), zero with a position or without a debt.
    """
    if self._open_markets(account) != 0:
        return 0
    return self._negative(self.collateral[account])


@pure
@internal
def _positive(x: int256) -> uint256:
    """
    @dev max(x, 0).
    @param x Any number above the least int256.
    @return uint256 Its positive part.
    """
    return convert(max(x, 0), uint256)


@pure
@internal
def _negative(x: int256) -> uint256:
    """
    @dev max(-x, 0).
    @param x Any number above the least int256.
    @return uint256 Its negative part.
    """
    return self._positive(-x)
