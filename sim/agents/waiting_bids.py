"""Bids of a group that wait in the mempool, as columns."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.core.arrays import BoolArray, IntArray, positions_in

_ACCOUNTS: Final = 1 << 32  # more than a scenario can have; a key is member * this + account


class WaitingBids:
    """What each member of a group has bid for which account, and when: one row a bid, no object.

    Rows are in order of member and account.

    Attributes
    ----------
    max_fee_wei, priority_fee_wei : int64 [bids]
        Offer per gas.
    gas : int64 [bids]
        Gas it must be able to pay for.
    block : int64 [bids]
        State block in which it was last raised.
    """

    __slots__ = ("_keys", "block", "gas", "max_fee_wei", "priority_fee_wei")

    def __init__(self) -> None:
        self._keys: IntArray = np.zeros(0, dtype=np.int64)
        self.max_fee_wei: IntArray = np.zeros(0, dtype=np.int64)
        self.priority_fee_wei: IntArray = np.zeros(0, dtype=np.int64)
        self.gas: IntArray = np.zeros(0, dtype=np.int64)
        self.block: IntArray = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        """Return the number of bids."""
        return len(self._keys)

    def of(self, member: int) -> slice:
        """Return the rows of a member."""
        first, last = self._keys.searchsorted((member * _ACCOUNTS, (member + 1) * _ACCOUNTS)).tolist()
        return slice(first, last)

    def find(self, member: int, accounts: IntArray) -> IntArray:
        """Return the row of a member's bid for each account, -1 where it has none."""
        return positions_in(self._keys, member * _ACCOUNTS + accounts)

    def reserved_wei(self, member: int) -> int:
        """Return what a member's bids cost if all were included at their maximum."""
        rows = self.of(member)
        fees, gas = self.max_fee_wei[rows].tolist(), self.gas[rows].tolist()
        return sum(fee * units for fee, units in zip(fees, gas, strict=True))

    def put(
        self,
        members: IntArray,
        accounts: IntArray,
        max_fee_wei: IntArray,
        priority_fee_wei: IntArray,
        gas: int,
        block: int,
    ) -> None:
        """Add bids, each in place of the one its member had for the account."""
        keys = members * _ACCOUNTS + accounts
        kept = self._without(keys)
        every = np.concatenate([self._keys[kept], keys])
        order = np.argsort(every, kind="stable")
        self._keys = every[order]
        self.max_fee_wei = np.concatenate([self.max_fee_wei[kept], max_fee_wei])[order]
        self.priority_fee_wei = np.concatenate([self.priority_fee_wei[kept], priority_fee_wei])[order]
        self.gas = np.concatenate([self.gas[kept], np.full(len(keys), gas, dtype=np.int64)])[order]
        self.block = np.concatenate([self.block[kept], np.full(len(keys), block, dtype=np.int64)])[order]

    def remove(self, members: IntArray, accounts: IntArray) -> None:
        """Forget bids; those that are not there are none."""
        kept = self._without(members * _ACCOUNTS + accounts)
        self._keys = self._keys[kept]
        self.max_fee_wei = self.max_fee_wei[kept]
        self.priority_fee_wei = self.priority_fee_wei[kept]
        self.gas = self.gas[kept]
        self.block = self.block[kept]

    def _without(self, keys: IntArray) -> BoolArray:
        """Return which rows have none of these keys."""
        rows = positions_in(self._keys, keys)
        kept = np.ones(len(self._keys), dtype=np.bool_)
        kept[rows[rows >= 0]] = False
        return kept
