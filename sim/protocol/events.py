"""Logs of the protocol's contracts as events with participants instead of addresses.

What a log says is read off the ABI by `sim.chain.abi`; here addresses become participants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sim.chain.abi import ContractAbi, Event
from sim.chain.backend import Log
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
_OTHER_FIELDS = ("liquidator", "winner", "receiver", "recipient", "spender")


_NO_LOG = Log("", [], b"")


@dataclass(frozen=True, slots=True)
class ProtocolEvent:
    """One event of one of our contracts."""

    contract: str
    """Contract key, e.g. ``margin_engine``."""
    name: str
    actor: int
    """The participant it is about, -1 if none."""
    other: int
    """The second participant (liquidator, winner, receiver), -1 if none."""
    values: dict[str, int]
    """Every argument by name as an integer; address arguments are participant numbers (-1: a contract)."""
    position: int
    """Position of the transaction in its block."""
    log: Log = _NO_LOG
    """The log as it was emitted."""


class _Field(NamedTuple):
    name: str
    decode: Callable[[bytes], int]


class _Layout(NamedTuple):
    event: Event
    topics: tuple[_Field, ...]
    words: tuple[_Field, ...]
    is_static: bool
    """False if an argument is longer than a word: the words are then read by the general codec."""
    actor: str | None
    other: str | None


def _unsigned(word: bytes) -> int:
    return int.from_bytes(word, "big")


def _signed(word: bytes) -> int:
    return int.from_bytes(word, "big", signed=True)


class EventDecoder:
    """Decodes logs of known contracts; topic tables are built once from the ABIs."""

    def __init__(self, book: AddressBook) -> None:
        self._book = book
        self._contracts: dict[str, tuple[str, dict[bytes, _Layout]]] = {}

    def add(self, key: str, address: str, abi: ContractAbi) -> None:
        """Learn the events of the contract at ``address``."""
        self._contracts[address.lower()] = (
            key, {topic: self._layout(event) for topic, event in abi.events.items()}
        )  # fmt: skip

    def _layout(self, event: Event) -> _Layout:
        words = event.words or ()
        names = [word.name for word in words]
        actor = next((name for name in _ACTOR_FIELDS if name in names), None)
        other = next((name for name in _OTHER_FIELDS if name in names and name != actor), None)
        return _Layout(
            event,
            tuple(_Field(word.name, self._reader(word.kind)) for word in words if word.is_indexed),
            tuple(_Field(word.name, self._reader(word.kind)) for word in words if not word.is_indexed),
            event.words is not None,
            actor,
            other,
        )

    def _reader(self, kind: str) -> Callable[[bytes], int]:
        if kind == "address":
            actor = self._book.actor
            return lambda word: actor(word[12:])
        return _signed if kind.startswith("int") else _unsigned

    def decode(self, log: Log, position: int) -> ProtocolEvent:
        """Return the event of one log.

        One that no contract of ours declares keeps its log; its name, and its contract if it is none of ours,
        are empty. Of an event with an argument longer than a word, the integers have values.
        """
        key, layouts = self._contracts.get(log.address.lower(), _UNKNOWN)
        layout = layouts.get(log.topics[0]) if log.topics else None
        if layout is None:
            return ProtocolEvent(key, "", -1, -1, {}, position, log)
        if not layout.is_static:
            arguments = layout.event.decode(log.topics, log.data)
            values = {name: value for name, value in arguments.items() if isinstance(value, int)}
            return ProtocolEvent(key, layout.event.name, -1, -1, values, position, log)
        values = {}
        for index, field in enumerate(layout.topics, 1):
            values[field.name] = field.decode(log.topics[index])
        offset = 0
        for field in layout.words:
            values[field.name] = field.decode(log.data[offset : offset + 32])
            offset += 32
        actor = values[layout.actor] if layout.actor else -1
        other = values[layout.other] if layout.other else -1
        return ProtocolEvent(key, layout.event.name, actor, other, values, position, log)


_UNKNOWN: tuple[str, dict[bytes, _Layout]] = ("", {})
