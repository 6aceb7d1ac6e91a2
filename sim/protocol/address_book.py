"""Participants by number, name and address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.chain.accounts import accounts


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
    """Numbers every participant; the same name always has the same address."""

    def __init__(self, groups: Sequence[tuple[str, int]]) -> None:
        self.groups: dict[str, Group] = {}
        self.addresses: list[str] = []
        for name, count in groups:
            self.groups[name] = Group(name, len(self.addresses), count)
            self.addresses.extend(account.address for account in accounts(name, count))
        self._actors = {bytes.fromhex(address[2:]): actor for actor, address in enumerate(self.addresses)}

    def __len__(self) -> int:
        """Return the number of participants."""
        return len(self.addresses)

    def members(self, name: str) -> range:
        """Return the participants of a group."""
        group = self.groups[name]
        return range(group.start, group.stop)

    def actor(self, address: bytes) -> int:
        """Return the participant with a 20-byte address, or -1."""
        return self._actors.get(address, -1)

    def group_of(self, actor: int) -> str:
        """Return the name of the group a participant belongs to."""
        for group in self.groups.values():
            if group.start <= actor < group.stop:
                return group.name
        raise IndexError(f"no participant {actor}")
