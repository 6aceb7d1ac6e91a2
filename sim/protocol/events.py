"""Logs of the protocol's contracts as events with participants instead of addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sim.chain.abi import canonical_type, keccak256
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
    indexed: bool
    decode: Callable[[bytes], int]


class _Layout(NamedTuple):
    name: str
    indexed: tuple[_Field, ...]
    data: tuple[_Field, ...]
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

    def add(self, key: str, address: str, abi: Iterable[Mapping[str, Any]]) -> None:
        """Learn the events of the contract at ``address``."""
        layouts: dict[bytes, _Layout] = {}
        for entry in abi:
            if entry["type"] != "event":
                continue
            fields = [field for item in entry["inputs"] for field in self._fields(item)]
            kinds = ",".join(canonical_type(item) for item in entry["inputs"])
            topic = keccak256(f"{entry['name']}({kinds})".encode("ascii"))
            names = [field.name for field in fields]
            actor = next((name for name in _ACTOR_FIELDS if name in names), None)
            other = next((name for name in _OTHER_FIELDS if name in names and name != actor), None)
            layouts[topic] = _Layout(
                entry["name"],
                tuple(field for field in fields if field.indexed),
                tuple(field for field in fields if not field.indexed),
                actor,
                other,
            )
        self._contracts[address.lower()] = (key, layouts)

    def _fields(self, item: Mapping[str, Any]) -> list[_Field]:
        if item["type"] == "tuple":
            return [
                _Field(inner.name, indexed=False, decode=inner.decode)
                for component in item["components"]
                for inner in self._fields({**component, "indexed": False})
            ]
        kind = item["type"]
        decode: Callable[[bytes], int]
        if kind == "address":
            actor = self._book.actor

            def decode(word: bytes) -> int:
                return actor(word[12:])

        elif kind.startswith("int"):
            decode = _signed
        else:
            decode = _unsigned
        return [_Field(item["name"], bool(item["indexed"]), decode)]

    def decode(self, log: Log, position: int) -> ProtocolEvent:
        """Return the event of one log.

        One that no contract of ours declares keeps its log; its name, and its contract if it is none of ours,
        are empty.
        """
        key, layouts = self._contracts.get(log.address.lower(), _UNKNOWN)
        layout = layouts.get(log.topics[0]) if log.topics else None
        if layout is None:
            return ProtocolEvent(key, "", -1, -1, {}, position, log)
        values: dict[str, int] = {}
        for index, field in enumerate(layout.indexed, 1):
            values[field.name] = field.decode(log.topics[index])
        offset = 0
        for field in layout.data:
            values[field.name] = field.decode(log.data[offset : offset + 32])
            offset += 32
        actor = values[layout.actor] if layout.actor else -1
        other = values[layout.other] if layout.other else -1
        return ProtocolEvent(key, layout.name, actor, other, values, position, log)


_UNKNOWN: tuple[str, dict[bytes, _Layout]] = ("", {})
