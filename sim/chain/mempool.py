"""Transactions that wait for block space, and the rule that picks the next block's.

A block is packed greedily by effective priority fee, ours and the background's in one order, each sender's
own transactions in the order they were sent. What does not fit waits; what waited too long, cannot pay, or
is pushed out of a full pool is handed back with the reason.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from sim.chain.fees import FeeMarket, NativeLedger
from sim.chain.transaction import Transaction
from sim.core.rng import Streams

DropStatus = Literal["dropped", "evicted", "expired", "replaced"]
_BASIS: Final = 10_000  # replacement bumps are kept in basis points, so that the comparison is exact


@dataclass(frozen=True, slots=True, kw_only=True)
class MempoolParameters:
    """Rules of admission.

    Attributes
    ----------
    size
        Transactions kept; beyond it the lowest fee cap is evicted.
    expiry_blocks
        Blocks a transaction may wait.
    replacement_bump
        Share by which a replacement must raise both fees.
    """

    size: int = 5_120  # go-ethereum, default global slots
    expiry_blocks: int = 900  # go-ethereum, default lifetime of three hours at 12 s
    replacement_bump: float = 0.10  # go-ethereum, default price bump


class Submission(NamedTuple):
    """A transaction on its way into the pool.

    Attributes
    ----------
    transaction
        What to execute.
    tag
        Anything the sender wants back with the result.
    key
        Names the intent; a later submission of the same sender and key may replace this one.
    replace
        Replace a waiting transaction of the same sender and key, if there is one.
    """

    transaction: Transaction
    tag: Any = None
    key: Hashable = None
    replace: bool = False


class Pending(NamedTuple):
    """A waiting transaction: its submission, when it came, its number, and its place among equal bids."""

    transaction: Transaction
    tag: Any
    key: Hashable
    submitted_block: int
    sequence: int
    tie: int


class Dropped(NamedTuple):
    """A transaction that will never be executed, with what became of it and why."""

    transaction: Transaction
    tag: Any
    submitted_block: int
    status: DropStatus
    reason: str


class Selection(NamedTuple):
    """A packed block.

    Attributes
    ----------
    included
        In order of execution.
    dropped
        Since the last selection: refused, replaced, evicted, expired, underfunded.
    carried
        Number of transactions that wait for a later block.
    """

    included: list[Pending]
    dropped: list[Dropped]
    carried: int


class Mempool:
    """Waiting transactions of the participants. Background demand lives in the fee market."""

    __slots__ = (
        "_bump",
        "_dropped",
        "_keys",
        "_order",
        "_senders",
        "_sequence",
        "_streams",
        "_waiting",
        "parameters",
    )

    def __init__(self, parameters: MempoolParameters, streams: Streams, *, order: int = 0) -> None:
        """Start empty; ``order`` chooses among draws of how equal bids are executed."""
        self.parameters = parameters
        self._order = f"mempool:order:{order}" if order else "mempool:order"
        self._streams = streams
        self._bump = round(parameters.replacement_bump * _BASIS)
        self._waiting: dict[int, Pending] = {}  # by sequence number; insertion order is not relied on
        self._senders: dict[str, list[int]] = {}  # sequence numbers in the order to be executed
        self._keys: dict[tuple[str, Hashable], int] = {}
        self._sequence = 0
        self._dropped: list[Dropped] = []

    def __len__(self) -> int:
        """Return the number of waiting transactions."""
        return len(self._waiting)

    def submit(self, submissions: Sequence[Submission], block: int) -> None:
        """Admit transactions; call it once a block, with everything that was sent in it.

        Equal bids are executed in a random order, drawn here (stream ``mempool:order``, that of
        another order with its number, step `block`).
        """
        ties = self._streams.draw(self._order, block).permutation(len(submissions)).tolist()
        for submission, tie in zip(submissions, ties, strict=True):
            self._admit(submission, block, tie)
        self._evict()

    def _admit(self, submission: Submission, block: int, tie: int) -> None:
        transaction, tag, key, replace = submission
        sender = transaction.sender
        old_sequence = self._keys.get((sender, key)) if replace and key is not None else None
        sequence = self._sequence
        self._sequence += 1
        pending = Pending(transaction, tag, key, block, sequence, tie)
        if old_sequence is None:
            self._senders.setdefault(sender, []).append(sequence)
        else:
            old = self._waiting[old_sequence]
            if not self._outbids(transaction, old.transaction):
                self._dropped.append(Dropped(transaction, tag, block, "dropped", "replacement underpriced"))
                return
            self._forget(old_sequence)
            self._dropped.append(
                Dropped(old.transaction, old.tag, old.submitted_block, "replaced", "replaced")
            )
            # A replacement takes the place of the old one among its sender's transactions (same nonce).
            queue = self._senders.setdefault(sender, [])
            place = sum(1 for other in queue if other < old_sequence)
            queue.insert(place, sequence)
        self._waiting[sequence] = pending
        if key is not None:
            self._keys[sender, key] = sequence

    def _outbids(self, new: Transaction, old: Transaction) -> bool:
        factor = _BASIS + self._bump
        return (
            new.max_fee_wei * _BASIS >= old.max_fee_wei * factor
            and new.priority_fee_wei * _BASIS >= old.priority_fee_wei * factor
        )

    def _forget(self, sequence: int) -> None:
        pending = self._waiting.pop(sequence)
        sender = pending.transaction.sender
        queue = self._senders[sender]
        queue.remove(sequence)
        if not queue:
            del self._senders[sender]
        if pending.key is not None and self._keys.get((sender, pending.key)) == sequence:
            del self._keys[sender, pending.key]

    def _drop(self, sequence: int, status: DropStatus, reason: str) -> None:
        pending = self._waiting[sequence]
        self._forget(sequence)
        self._dropped.append(
            Dropped(pending.transaction, pending.tag, pending.submitted_block, status, reason)
        )

    def _evict(self) -> None:
        excess = len(self._waiting) - self.parameters.size
        if excess <= 0:
            return
        worst = heapq.nsmallest(
            excess,
            self._waiting.values(),
            key=lambda pending: (
                pending.transaction.max_fee_wei,
                pending.transaction.priority_fee_wei,
                -pending.sequence,
            ),
        )
        for pending in worst:
            self._drop(pending.sequence, "evicted", "mempool full")

    def select(self, block: int, market: FeeMarket, ledger: NativeLedger) -> Selection:
        """Pack a block: take out what is executed now, hand back what will never be.

        Parameters
        ----------
        block
            Its number, for expiry.
        market
            Already opened for this block; told which background bids got in.
        ledger
            Balances that must cover ``gas_limit * max_fee_wei`` of a sender's transactions.
        """
        oldest = block - self.parameters.expiry_blocks
        for sequence in sorted(self._waiting):
            if self._waiting[sequence].submitted_block > oldest:
                break  # sequence numbers rise with the block of submission
            self._drop(sequence, "expired", f"waited {self.parameters.expiry_blocks} blocks")
        included, own_demand, bids = self._pack(market, ledger)
        for pending in included:
            self._forget(pending.sequence)
        market.take(bids, own_demand)
        dropped, self._dropped = self._dropped, []
        return Selection(included, dropped, len(self._waiting))

    def _pack(self, market: FeeMarket, ledger: NativeLedger) -> tuple[list[Pending], int, int]:
        """Return the included transactions in order, the gas we wanted, and the background bids included."""
        base_fee = market.base_fee_wei
        minimum = market.parameters.min_priority_fee_wei
        limit = market.parameters.block_gas_limit
        chunk = market.bid_gas
        heads: list[tuple[int, int, int, int]] = []  # minus tip, block, tie, sequence

        def offer(sequence: int) -> None:
            pending = self._waiting[sequence]
            transaction = pending.transaction
            tip = min(transaction.priority_fee_wei, transaction.max_fee_wei - base_fee)
            if tip >= minimum and transaction.max_fee_wei >= base_fee:
                heapq.heappush(heads, (-tip, pending.submitted_block, pending.tie, sequence))

        for queue in self._senders.values():
            offer(queue[0])
        included: list[Pending] = []
        reserved: dict[str, int] = {}  # wei that a sender's included transactions may cost at most
        places: dict[str, int] = {}  # how many of a sender's queue have been settled
        used = bids = seen = own_demand = 0
        while heads:
            negative_tip, _, _, sequence = heapq.heappop(heads)
            pending = self._waiting[sequence]
            transaction = pending.transaction
            sender = transaction.sender
            own_demand += transaction.gas_limit
            ahead = market.bids_above(-negative_tip)
            if ahead > seen:
                room = min(ahead - seen, (limit - used) // chunk)
                bids += room
                used += room * chunk
                seen = ahead
            cost = transaction.gas_limit * transaction.max_fee_wei
            if ledger.balance(sender) - reserved.get(sender, 0) < cost:
                reason = f"underfunded: needs {cost} wei"
                self._drop(sequence, "dropped", reason)
            elif used + transaction.gas_limit <= limit:
                used += transaction.gas_limit
                reserved[sender] = reserved.get(sender, 0) + cost
                included.append(pending)
                places[sender] = places.get(sender, 0) + 1
            else:
                continue  # does not fit: it and its sender's later ones wait
            queue = self._senders.get(sender, [])
            place = places.get(sender, 0)
            if place < len(queue):
                offer(queue[place])
        rest = min(market.offered - seen, (limit - used) // chunk)
        return included, own_demand, bids + rest
