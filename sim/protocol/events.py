"""Logs of the protocol's contracts as events with participants instead of addresses and accounts.

What a log says is read off the ABI by `sim.chain.abi`; here addresses and accounts become participants.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from sim.chain.abi import ContractAbi, Event
from sim.chain.backend import Log
from sim.protocol.account_ids import is_account
from sim.protocol.address_book import AddressBook

_ACTOR_FIELDS = (
    "account",
    "bankrupt",
    "sender",
    "reporter",
    "owner",
    "caller",
    "drawer",
    "contributor",
    "recipient",
)
_OTHER_FIELDS = ("liquidator", "winner", "holder", "receiver", "recipient", "spender")


_NO_LOG = Log("", [], b"")
_ADDRESS_MASK = (1 << 160) - 1
_SIGN = 1 << 255


class ProtocolEvent(NamedTuple):
    """One event of one of our contracts."""

    contract: str
    """Contract key, e.g. ``ledger``."""
    name: str
    actor: int
    """The participant it is about, -1 if none."""
    other: int
    """The second participant (liquidator, winner, receiver), -1 if none."""
    values: dict[str, int]
    """Every argument by name as an integer; addresses and accounts are participant numbers (-1: nobody's)."""
    position: int
    """Position of the transaction in its block."""
    log: Log = _NO_LOG
    """The log as it was emitted."""


class _Layout(NamedTuple):
    event: Event
    topics: int
    """Topics of its logs, the event's own included."""
    names: tuple[str, ...]
    """Of its words: topics first, then data."""
    words: Struct
    """Cuts the data into words."""
    signed: tuple[str, ...]
    addresses: tuple[str, ...]
    accounts: tuple[str, ...]
    is_static: bool
    """False if an argument is longer than a word: the words are then read by the general codec."""
    actor: str | None
    other: str | None


def _layout(event: Event) -> _Layout:
    words = event.words or []
    names = [word.name for word in words]
    actor = next((name for name in _ACTOR_FIELDS if name in names), None)
    other = next((name for name in _OTHER_FIELDS if name in names and name != actor), None)
    indexed = sum(word.is_indexed for word in words)
    return _Layout(
        event,
        1 + indexed,
        tuple(names),
        Struct("32s" * (len(words) - indexed)),
        tuple(word.name for word in words if word.kind.startswith("int")),
        tuple(word.name for word in words if word.kind == "address"),
        tuple(word.name for word in words if is_account(word.name, word.kind)),
        event.words is not None,
        actor,
        other,
    )


class EventDecoder:
    """Decodes logs of known contracts; topic tables are built once from the ABIs."""

    def __init__(self, book: AddressBook) -> None:
        self._contracts: dict[str, tuple[str, dict[bytes, _Layout]]] = {}
        self._actors = {int(address, 16): actor for actor, address in enumerate(book.addresses)}
        self._accounts = {account: actor for actor, account in enumerate(book.account_ids)}

    def add(self, key: str, address: str, abi: ContractAbi) -> None:
        """Learn the events of the contract at ``address``."""
        known = (key, {topic: _layout(event) for topic, event in abi.events.items()})
        self._contracts[address] = self._contracts[address.lower()] = known

    def decode(self, log: Log, position: int) -> ProtocolEvent:
        """Return the event of one log.

        One that no contract of ours declares in this form keeps its log; its name, and its contract if it is
        none of ours, are empty. Of an event with an argument longer than a word, the integers have values.
        """
        address, topics, data = log
        known = self._contracts.get(address) or self._contracts.get(address.lower(), _UNKNOWN)
        layout = known[1].get(topics[0]) if topics else None
        if layout is None:
            return ProtocolEvent(known[0], "", -1, -1, {}, position, log)
        if not layout.is_static:
            arguments = layout.event.decode(topics, data)
            values = {name: value for name, value in arguments.items() if isinstance(value, int)}
            return ProtocolEvent(known[0], layout.event.name, -1, -1, values, position, log)
        if len(topics) != layout.topics or len(data) < layout.words.size:
            return ProtocolEvent(known[0], "", -1, -1, {}, position, log)
        words = (*topics[1:], *layout.words.unpack_from(data))
        values = dict(zip(layout.names, map(int.from_bytes, words), strict=True))
        for name in layout.signed:
            if values[name] >= _SIGN:
                values[name] -= 2 * _SIGN
        for name in layout.addresses:
            values[name] = self._actors.get(values[name] & _ADDRESS_MASK, -1)
        for name in layout.accounts:
            values[name] = self._accounts.get(values[name], -1)
        actor = values[layout.actor] if layout.actor else -1
        other = values[layout.other] if layout.other else -1
        return ProtocolEvent(known[0], layout.event.name, actor, other, values, position, log)


_UNKNOWN: tuple[str, dict[bytes, _Layout]] = ("", {})
