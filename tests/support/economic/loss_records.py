"""Rule C10p: whoever won what a bankrupt lost pays for it, as far as it was won."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sim.core.units import WAD
from sim.protocol.codes import PositionCause
from sim.protocol.events import ProtocolEvent
from tests.support.economic.seen import Seen, Step
from tests.support.economic.verbs import PARTICIPANTS

EVERYBODY: Final = range(PARTICIPANTS)
MAINTENANCE: Final = 1
"""Kind of a margin check."""
SHARE_THAT_WINNERS_PAY: Final = 9
"""Tenths of a loss that winners must bear, as far as they won it."""


Book = tuple[int, int]
"""Market, and the side of its winners: 1 longs, -1 shorts."""


@dataclass(slots=True)
class Owed:
    """A deficit beyond the fund, from the moment at which it exists."""

    shares: dict[Book, float]
    """What part of the loss behind it arose where."""
    paid: Counter[Book] = field(default_factory=Counter)
    """What winners have given up for it, WAD."""
    asked: bool = False
    """Whether an honest keeper has named every winner there was."""


class LossRecords:
    """Remembers what winners have while a deficit beyond the fund pends, and looks who has borne it.

    What the bankrupt has lost is added up by market, a later gain making up for an earlier loss in the same
    market only, since it was last without a position. Nobody counts as a winner of more than its equity in
    quote: funding may have eaten a gain, and no other asset is sold for another's debt. Who closes has won
    what the fill price left of it.
    """

    def __init__(self) -> None:
        self._open: dict[int, Owed] = {}
        self._left: dict[Book, int] = {}
        """What winners could still bear, WAD."""
        self._lost: Counter[tuple[int, int]] = Counter()
        """(account, market) -> what it has lost there, positive if as a long, negative if as a short."""

    def problem(self, step: Step) -> str | None:
        """Return what is wrong after a step."""
        found = None
        for event in step.events:
            if event.name == "PositionChanged":
                self._note_close(event)
            elif event.name == "AutoDeleveraged":
                self._note_payment(event, event.values["haircut"])
            elif event.name == "HeldGainUsed" and event.values["holder"] < 0:
                self._note_payment(event, event.values["amount"])  # of all who closed meanwhile
            elif event.name == "LossSocialized":
                found = found or self._settled(event)
        pending = step.after.deficits
        self._open = {account: owed for account, owed in self._open.items() if account in pending}
        for account in pending.keys() - self._open.keys() - step.before.deficits.keys():
            self._open[account] = Owed(self._shares(step.after, account))
        named = step.before.deficits.keys() & self._open.keys() if step.verb == "resolve" else set()
        others = step.world.others
        if others.count:  # while its own assets are to pay nobody can be named
            named = {account for account in named if not others.secured(account)}
        for account in named:
            self._open[account].asked = True
        self._look_at_winners(step, named_now=bool(named))
        for account in EVERYBODY:
            if not step.after.open_markets(account) and account not in pending:
                for market in range(len(step.after.markets)):
                    self._lost.pop((account, market), None)
        return found

    def _note_payment(self, event: ProtocolEvent, amount: int) -> None:
        owed = self._open.get(event.actor)
        if owed is not None:
            for book in owed.shares:
                if book[0] == event.values["market"]:
                    owed.paid[book] += amount
                    self._left[book] = max(self._left.get(book, 0) - amount, 0)

    def _settled(self, event: ProtocolEvent) -> str | None:
        """Return what is wrong with what the pool has just borne."""
        account, written_off = event.actor, event.values["amount"]
        owed = self._open.get(account)
        if owed is None or not owed.asked:
            return None
        whole = written_off + owed.paid.total()
        for book, share in owed.shares.items():
            paid, left = owed.paid[book], self._left.get(book, 0)
            due = min(int(whole * share), paid + left) * SHARE_THAT_WINNERS_PAY // 10
            if paid + WAD < due:
                return (
                    f"the pool bore {written_off} of account {account}; in market {book[0]} winners"
                    f" bore {paid} of {int(whole * share)} and have {left} left"
                )
        return None

    def _note_close(self, event: ProtocolEvent) -> None:
        """Add up what a close has lost, and take off what it leaves nobody of a gain."""
        values = event.values
        market, closed = values["market"], -values["size_delta"]
        before = values["size"] + closed
        if not before or (before > 0) != (closed > 0):
            return  # it grew
        result = values["realized_pnl"] - values["fee"] - values["funding"]
        known = self._lost[event.actor, market]
        if result < 0:
            known = (abs(known) - result) * (1 if closed > 0 else -1)
        else:
            known = (1 if known > 0 else -1) * max(abs(known) - result, 0)
        self._lost[event.actor, market] = known
        if values["cause"] == PositionCause.DELEVERAGE:
            return
        book = market, 1 if closed > 0 else -1
        at_the_index = values["realized_pnl"] + closed * (values["index_price"] - values["fill_price"]) // WAD
        spent = max(at_the_index, 0) - max(result, 0)
        if spent > 0 and book in self._left:
            self._left[book] = max(self._left[book] - spent, 0)

    def _shares(self, seen: Seen, bankrupt: int) -> dict[Book, float]:
        """Return where the loss behind a deficit arose."""
        losses = {market: self._lost[bankrupt, market] for market in range(len(seen.markets))}
        total = sum(abs(lost) for lost in losses.values())
        return {(market, -1 if lost > 0 else 1): abs(lost) / total for market, lost in losses.items() if lost}

    def _look_at_winners(self, step: Step, *, named_now: bool) -> None:
        """See what winners have: where a first deficit pends, when all are named, and at another index price.

        What they win after they were named is asked of nobody until they are named again: anybody may let the
        pool bear a loss once the window is over, and whoever came meanwhile had no part in it.
        """
        books = {book for owed in self._open.values() for book in owed.shares}
        self._left = {book: left for book, left in self._left.items() if book in books}
        moved = any(
            old.index_price != new.index_price
            for old, new in zip(step.before.markets, step.after.markets, strict=True)
        )
        wanted = books if moved or named_now else books - self._left.keys()
        if not wanted:
            return
        seen = step.after
        equities = {account: max(_quote_equity(step, account), 0) for account in EVERYBODY}
        for market, side in sorted(books):
            won = 0
            for account in EVERYBODY:
                if seen.positions[market][account].size * side > 0:
                    gain = seen.gain(account, market, seen.markets[market].index_price)
                    gain = max(min(gain, equities[account]), 0)
                    equities[account] -= gain
                    won += gain
                won += step.world.held(account, market, -side).amount
            if (market, side) in wanted:
                asked = any(owed.asked for owed in self._open.values() if (market, side) in owed.shares)
                known = self._left.get((market, side), won)
                if named_now:
                    won = max(known, won)  # who closed meanwhile has won too
                elif asked:
                    won = min(known, won)
                self._left[market, side] = won


def _quote_equity(step: Step, account: int) -> int:
    """Return an account's equity without what other assets than the quote count for, WAD."""
    others = step.world.others
    counted = others.counted(account, MAINTENANCE) if others.count else 0
    return step.after.accounts[account].equity - counted
