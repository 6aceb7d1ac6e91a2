"""Participants by number, name, address and account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.chain.accounts import accounts
from sim.protocol.account_ids import own_account

_WORD = 32


@dataclass(frozen=True, slots=True)
class Group:
    """A contiguous range of participants of one kind."""

    name: str
    start: int
    count: int

    @property
    def stop(self) -> int:
        """First index after the group."""
        return self.start + self.count


class AddressBook:
    """Numbers every participant; the same name always has the same address.

    Attributes
    ----------
    addresses, account_ids : one a participant
        Address, and id of the account that it has in the protocol.
    """

    def __init__(self, groups: Sequence[tuple[str, int]]) -> None:
        self.groups: dict[str, Group] = {}
        self.addresses: list[str] = []
        for name, count in groups:
            self.groups[name] = Group(name, len(self.addresses), count)
            self.addresses.extend(account.address for account in accounts(name, count))
        self.account_ids = [own_account(address) for address in self.addresses]
        words = b"".join(account.to_bytes(_WORD, "big") for account in self.account_ids)
        self._account_words = np.frombuffer(words, dtype=np.uint8).reshape(-1, _WORD)

    def __len__(self) -> int:
        """Return the number of participants."""
        return len(self.addresses)

    def account_words(self, actors: Sequence[int] | NDArray[np.int64]) -> bytes:
        """Return the account ids of some participants as words of calldata, one after the other."""
        return self._account_words[np.asarray(actors, dtype=np.int64)].tobytes()

    def members(self, name: str) -> range:
        """Return the participants of a group."""
        group = self.groups[name]
        return range(group.start, group.stop)

    def group_of(self, actor: int) -> str:
        """Return the name of the group a participant belongs to."""
        for group in self.groups.values():
            if group.start <= actor < group.stop:
                return group.name
        raise IndexError(f"no participant {actor}")
