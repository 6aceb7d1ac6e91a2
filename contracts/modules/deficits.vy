# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Deficits
@custom:contract-name deficits
@license Apache-2.0
@author Seawall contributors
@notice What accounts owe that their collateral does not cover: where the loss arose, and the
        gains of winners that are held until it is resolved.
@dev A deficit is charged to the markets and sides where the loss arose, and recorded under the
     largest loss not borne yet. Winners of the other sides that close meanwhile leave their
     gain in a pot, up to what is charged there: by shares, so that no call loops over
     accounts. What no deficit needs any more is freed at once.
@custom:invariants pending = sum of what is charged to a market and side; a pot holds at most
        what pends there; held_gains = pots + what is freed and not collected, to the quantum.
"""

from ..interfaces import ILedger
from ..lib import constants
from ..lib import fixed_point
from ..lib import liquidation_math


# A pot with less than this fraction of its shares left is closed before it takes more, so
# that shares cannot outgrow their words.
LEAST_WORTH: constant(uint256) = 10**6
SCALE: constant(uint256) = 10**36


# Gains held against the deficits of one market and side.
struct Pot:
    amount: uint256  # at risk (WAD quote, whole quanta)
    shares: uint256
    freed: uint256  # per share, ever growing (10**36)


# One account's part of a pot.
struct Hold:
    epoch: uint256
    shares: uint256
    freed: uint256  # of the pot, when this part last collected
    gain: uint256  # held in this epoch (WAD quote)
    entry_notional: uint256  # what that gain was made on (WAD quote)


records: HashMap[uint256, ILedger.PendingDeficit]
# @dev By account, then by `episode * 8 + market`: realised since the account was last without
# a position, positive if longs lost it, negative if shorts did (WAD quote).
losses: HashMap[uint256, HashMap[uint256, int256]]
# @dev Of an account with a record: bit m set, a part of the loss arose in market m.
arose: HashMap[uint256, uint256]
# @dev By account and market: its part of the deficit, positive if longs lost it (WAD quote).
charges: HashMap[uint256, int256[8]]
# @dev By `market * 2 + side`; then by epoch: a pot is left for a new one when it is empty.
pending: HashMap[uint256, uint256]
epochs: HashMap[uint256, uint256]
pots: HashMap[uint256, HashMap[uint256, Pot]]
holds: HashMap[uint256, HashMap[uint256, Hold]]


@internal
def _book_result(
    account: uint256, episode: uint256, market: uint256, is_long: bool, result: int256
):
    """
    @dev Keeps what an account has lost by market; a gain makes up for an earlier loss only.
    @param account Account.
    @param episode Its episode.
    @param market Market of a close.
    @param is_long Whether the closed position was long.
    @param result What the close did to the collateral (WAD quote).
    """
    key: uint256 = episode * 8 + market
    before: int256 = self.losses[account][key]
    if result >= 0:
        if before > 0:
            self.losses[account][key] = max(before - result, 0)
        elif before < 0:
            self.losses[account][key] = min(before + result, 0)
        return
    loss: int256 = abs(before) - result
    self.losses[account][key] = loss if is_long else -loss


@internal
def _record(
    account: uint256, episode: uint256, market: uint256, is_long: bool, deficit: uint256
):
    """
    @dev Records a deficit that has just come into being.
    @param account Account.
    @param episode Its episode.
    @param market Market of the last close, which counts if no loss is known.
    @param is_long Whether the position closed last was long.
    @param deficit What the account owes (WAD quote).
    """
    record: ILedger.PendingDeficit = self._largest(
        account, episode, market, 1 if is_long else -1
    )
    record.recorded_at = block.timestamp
    self.records[account] = record
    markets: uint256 = 1 << record.market
    for other: uint256 in range(8):
        if self.losses[account][episode * 8 + other] != 0:
            markets |= 1 << other
    self.arose[account] = markets
    self._charge(account, episode, deficit)
    log ILedger.DeficitRecorded(
        account=account, market=record.market, side=record.side, deficit=deficit
    )


@internal
def _shrink(account: uint256, episode: uint256, left: uint256):
    """
    @dev Takes note that a recorded deficit has become smaller.
    @param account Account.
    @param episode Its episode.
    @param left What it owes still (WAD quote).
    """
    if self.records[account].recorded_at == 0:
        return
    self._charge(account, episode, left)
    if left == 0:
        self.records[account] = empty(ILedger.PendingDeficit)


@internal
def _bear(account: uint256, episode: uint256, market: uint256, amount: uint256, deficit: uint256):
    """
    @dev Takes note that winners of a market have borne a part of a deficit.
    @param account Account.
    @param episode Its episode.
    @param market Market of the winners.
    @param amount What they bore (WAD quote).
    @param deficit Deficit before (WAD quote).
    """
    key: uint256 = episode * 8 + market
    loss: int256 = self.losses[account][key]
    borne: int256 = convert(
        fixed_point._mul_div_up(amount, self._losses(account, episode), deficit), int256
    )
    self.losses[account][key] = max(loss - borne, 0) if loss > 0 else min(loss + borne, 0)


@internal
def _move(account: uint256, episode: uint256, left: uint256):
    """
    @dev Records the rest of a deficit under the largest loss not borne yet.
    @param account Account.
    @param episode Its episode.
    @param left What it owes (WAD quote).
    """
    old: ILedger.PendingDeficit = self.records[account]
    if old.recorded_at == 0:
        return
    new: ILedger.PendingDeficit = self._largest(account, episode, old.market, old.side)
    if new.market == old.market and new.side == old.side:
        return
    new.recorded_at = old.recorded_at
    self.records[account] = new
    log ILedger.DeficitMoved(account=account, market=new.market, side=new.side, deficit=left)


@internal
def _hold(
    account: uint256, book: uint256, gain: uint256, most: uint256, entry_notional: uint256
) -> uint256:
    """
    @dev Holds a gain, as far as a deficit pends that no other gain is held against. What was
         freed of an earlier part must have been collected.
    @param account Winner.
    @param book Market and side of the losers.
    @param gain Gain that was realised (WAD quote), not zero.
    @param most Most that may be held (WAD quote, whole quanta).
    @param entry_notional What the gain was made on (WAD quote).
    @return uint256 Amount held (WAD quote, whole quanta).
    """
    epoch: uint256 = self.epochs[book]
    pot: Pot = self.pots[book][epoch]
    amount: uint256 = min(most, self.pending[book] - pot.amount)
    if amount == 0:
        return 0
    shares: uint256 = amount
    if pot.shares != 0:
        shares = fixed_point._mul_div_down(amount, pot.shares, pot.amount)
    hold: Hold = self.holds[account][book]
    if hold.epoch != epoch:
        hold = empty(Hold)
        hold.epoch = epoch
    hold.shares += shares
    hold.freed = pot.freed
    hold.gain += amount
    hold.entry_notional += fixed_point._mul_div_down(entry_notional, amount, gain)
    pot.amount += amount
    pot.shares += shares
    self.holds[account][book] = hold
    self.pots[book][epoch] = pot
    return amount


@internal
def _use(book: uint256, holder: uint256, most: uint256) -> uint256:
    """
    @dev Takes out of a pot what repays a deficit.
    @param book Market and side of the losers.
    @param holder Whose part pays, 0 for all of them alike.
    @param most Most that is taken (WAD quote, whole quanta).
    @return uint256 Amount taken (WAD quote, whole quanta).
    """
    epoch: uint256 = self.epochs[book]
    pot: Pot = self.pots[book][epoch]
    used: uint256 = min(most, pot.amount)
    burned: uint256 = 0
    if holder != 0:
        used = min(most, self._at_risk(holder, book))
    if used == 0:
        return 0
    if holder != 0:
        hold: Hold = self.holds[holder][book]
        burned = min(
            fixed_point._mul_div_up(used, pot.shares, pot.amount), hold.shares
        )
        hold.shares -= burned
        self.holds[holder][book] = hold
    pot.amount -= used
    pot.shares -= burned
    self.pots[book][epoch] = pot
    if pot.amount == 0:
        self.epochs[book] = epoch + 1
    return used


@internal
def _collect(account: uint256, book: uint256) -> uint256:
    """
    @dev Takes what has been freed of an account's part. Collect before a part changes.
    @param account Account.
    @param book Market and side of the losers.
    @return uint256 Amount (WAD quote, whole quanta).
    """
    pot: Pot = self.pots[book][self.epochs[book]]
    if pot.amount < pot.shares // LEAST_WORTH:
        self._free(book, pot.amount)
    amount: uint256 = self._freed(account, book)
    hold: Hold = self.holds[account][book]
    self.holds[account][book].freed = self.pots[book][hold.epoch].freed
    return amount


@internal
def _charge(account: uint256, episode: uint256, deficit: uint256):
    """
    @dev Charges what an account owes to where its losses arose, and frees what is held beyond.
    @param account Account with a record.
    @param episode Its episode.
    @param deficit What it owes (WAD quote).
    """
    losses: uint256 = self._losses(account, episode)
    markets: uint256 = self.arose[account]
    for market: uint256 in range(8):
        if markets >> market == 0:
            break
        if (markets >> market) & 1 == 0:
            continue
        before: int256 = self.charges[account][market]
        part: ILedger.DeficitShare = self._part(account, episode, market, deficit, losses)
        after: int256 = convert(part.amount, int256) * part.side
        if after == before:
            continue
        self.charges[account][market] = after
        # No loss changes its side while a deficit pends: that takes a position.
        book: uint256 = self._book(market, before + after)
        left: uint256 = self.pending[book] + part.amount - self._magnitude(before)
        self.pending[book] = left
        held: uint256 = self.pots[book][self.epochs[book]].amount
        if held > left:
            self._free(book, held - left)


@internal
def _free(book: uint256, amount: uint256):
    """
    @dev Gives a part of a pot back to those whose gains are in it; an empty pot is left.
    @param book Market and side of the losers.
    @param amount What is freed (WAD quote, whole quanta).
    """
    epoch: uint256 = self.epochs[book]
    pot: Pot = self.pots[book][epoch]
    if pot.shares != 0:
        # NOTE: rounds down, what cannot be shared stays with the pool.
        pot.freed += fixed_point._mul_div_down(amount, SCALE, pot.shares)
    pot.amount -= amount
    self.pots[book][epoch] = pot
    if pot.amount == 0:
        self.epochs[book] = epoch + 1


@view
@internal
def _part(
    account: uint256, episode: uint256, market: uint256, deficit: uint256, losses: uint256
) -> ILedger.DeficitShare:
    """
    @dev What the winners of one market may have to bear of a deficit: its share of the losses.
    @param account Account.
    @param episode Its episode.
    @param market Market.
    @param deficit What the account owes (WAD quote).
    @param losses What it has lost in all markets (WAD quote).
    @return DeficitShare Share and the side that lost, nothing without a deficit; if no loss is
            known, all is the record's.
    """
    part: ILedger.DeficitShare = empty(ILedger.DeficitShare)
    if deficit == 0:
        return part
    if losses == 0:
        record: ILedger.PendingDeficit = self.records[account]
        if market == record.market:
            part = ILedger.DeficitShare(amount=deficit, side=record.side)
        return part
    loss: int256 = self.losses[account][episode * 8 + market]
    if loss == 0:
        return part
    part.side = 1 if loss > 0 else -1
    part.amount = liquidation_math._deficit_share(deficit, self._magnitude(loss), losses)
    return part


@view
@internal
def _held(account: uint256, book: uint256) -> ILedger.HeldGain:
    """
    @dev An account's part of a pot.
    @param account Account.
    @param book Market and side of the losers.
    @return HeldGain What is at risk, what it was made on, and what may be collected.
    """
    held: ILedger.HeldGain = empty(ILedger.HeldGain)
    held.freed = self._freed(account, book)
    held.amount = self._at_risk(account, book)
    if held.amount != 0:
        hold: Hold = self.holds[account][book]
        held.entry_notional = fixed_point._mul_div_down(
            hold.entry_notional, held.amount, hold.gain
        )
    return held


@view
@internal
def _at_risk(account: uint256, book: uint256) -> uint256:
    """
    @dev What deficits may still take of an account's part.
    @param account Account.
    @param book Market and side of the losers.
    @return uint256 Amount (WAD quote, whole quanta).
    """
    hold: Hold = self.holds[account][book]
    if hold.shares == 0 or hold.epoch != self.epochs[book]:
        return 0
    pot: Pot = self.pots[book][hold.epoch]
    amount: uint256 = fixed_point._mul_div_down(pot.amount, hold.shares, pot.shares)
    return amount - amount % constants.QUANTUM


@view
@internal
def _freed(account: uint256, book: uint256) -> uint256:
    """
    @dev What an account may collect of its part.
    @param account Account.
    @param book Market and side of the losers.
    @return uint256 Amount (WAD quote, whole quanta).
    """
    hold: Hold = self.holds[account][book]
    per_share: uint256 = self.pots[book][hold.epoch].freed - hold.freed
    # NOTE: rounds down, against the account.
    amount: uint256 = fixed_point._mul_div_down(hold.shares, per_share, SCALE)
    return amount - amount % constants.QUANTUM


@view
@internal
def _largest(
    account: uint256, episode: uint256, market: uint256, side: int256
) -> ILedger.PendingDeficit:
    """
    @dev Where the largest loss not borne yet arose: a tie goes to the lower market, so that no
         order of closes chooses.
    @param account Account.
    @param episode Its episode.
    @param market What is answered if no loss is known.
    @param side What is answered if no loss is known: 1 longs lost, -1 shorts lost.
    @return PendingDeficit Market and side.
    """
    found: ILedger.PendingDeficit = ILedger.PendingDeficit(
        market=market, side=side, recorded_at=0
    )
    largest: uint256 = 0
    for other: uint256 in range(8):
        loss: int256 = self.losses[account][episode * 8 + other]
        if self._magnitude(loss) > largest:
            largest = self._magnitude(loss)
            found.market = other
            found.side = 1 if loss > 0 else -1
    return found


@view
@internal
def _losses(account: uint256, episode: uint256) -> uint256:
    """
    @dev What an account has lost in all markets and nobody has borne yet.
    @param account Account with a record.
    @param episode Its episode.
    @return uint256 Sum (WAD quote).
    """
    total: uint256 = 0
    markets: uint256 = self.arose[account]
    for market: uint256 in range(8):
        if markets >> market == 0:
            break
        total += self._magnitude(self.losses[account][episode * 8 + market])
    return total


@pure
@internal
def _book(market: uint256, side: int256) -> uint256:
    """
    @dev Key of a market and the side that lost in it.
    @param market Market id.
    @param side 1 longs lost, -1 shorts lost.
    @return uint256 Key.
    """
    return market * 2 + (0 if side > 0 else 1)


@pure
@internal
def _magnitude(x: int256) -> uint256:
    """
    @dev abs(x).
    @param x Any number above the least int256.
    @return uint256 Its magnitude.
    """
    return convert(abs(x), uint256)
