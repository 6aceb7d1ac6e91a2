"""Logs read as events: words, signs, participants, and logs that are none of ours."""

from __future__ import annotations

import eth_abi
from hypothesis import given
from hypothesis import strategies as st

from sim.chain.abi import ContractAbi
from sim.chain.backend import Log
from sim.protocol.address_book import AddressBook
from sim.protocol.events import EventDecoder

BOOK = AddressBook([("traders", 3)])
CONTRACT = "0x" + "Ab" * 20
ENTRY = {
    "type": "event",
    "name": "Moved",
    "inputs": [
        {"name": "account", "type": "address", "indexed": True},
        {"name": "market", "type": "uint256", "indexed": True},
        {"name": "size", "type": "int256", "indexed": False},
        {"name": "price", "type": "uint256", "indexed": False},
        {"name": "receiver", "type": "address", "indexed": False},
        {"name": "tick", "type": "int24", "indexed": False},
    ],
}
ABI = ContractAbi([ENTRY])
(TOPIC,) = ABI.events


def decoder():
    found = EventDecoder(BOOK)
    found.add("engine", CONTRACT, ABI)
    return found


def log(account, market, size, price, receiver, tick, address=CONTRACT):
    topics = [
        TOPIC,
        eth_abi.encode(["address"], [account]),
        eth_abi.encode(["uint256"], [market]),
    ]
    data = eth_abi.encode(["int256", "uint256", "address", "int24"], [size, price, receiver, tick])
    return Log(address, topics, data)


@given(
    account=st.integers(0, 2),
    market=st.integers(0, 2**256 - 1),
    size=st.integers(-(2**255), 2**255 - 1),
    price=st.integers(0, 2**256 - 1),
    tick=st.integers(-(2**23), 2**23 - 1),
)
def test_every_argument_by_name_as_an_integer(account, market, size, price, tick):
    emitted = log(BOOK.addresses[account], market, size, price, CONTRACT, tick)
    event = decoder().decode(emitted, 4)
    assert event.values == {
        "account": account,
        "market": market,
        "size": size,
        "price": price,
        "receiver": -1,
        "tick": tick,
    }
    assert (event.contract, event.name, event.actor, event.other) == ("engine", "Moved", account, -1)
    assert (event.position, event.log) == (4, emitted)


def test_addresses_are_found_in_any_spelling():
    first = log(BOOK.addresses[0], 0, 1, 1, BOOK.addresses[2], 0)
    lower = decoder().decode(first._replace(address=CONTRACT.lower()), 0)
    upper = decoder().decode(first._replace(address="0x" + CONTRACT[2:].upper()), 0)
    assert lower.values == upper.values == decoder().decode(first, 0).values
    assert lower.other == 2


def test_what_is_none_of_ours_keeps_its_log():
    ours = log(BOOK.addresses[0], 0, 1, 1, CONTRACT, 0)
    for emitted, contract in (
        (ours._replace(address="0x" + "11" * 20), ""),
        (ours._replace(topics=[]), "engine"),
        (ours._replace(topics=[b"\1" * 32, *ours.topics[1:]]), "engine"),
        (ours._replace(topics=ours.topics[:2]), "engine"),
        (ours._replace(data=ours.data[:-1]), "engine"),
    ):
        event = decoder().decode(emitted, 0)
        assert (event.contract, event.name, event.actor, event.values) == (contract, "", -1, {})
        assert event.log == emitted
