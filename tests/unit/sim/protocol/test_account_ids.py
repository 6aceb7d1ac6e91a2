"""Participants become account ids in calls and come back out of logs, at the border and nowhere else."""

from __future__ import annotations

import eth_abi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.chain.abi import ContractAbi, Function
from sim.chain.backend import Log
from sim.chain.chain import Chain, default_engine
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, EntryPoint, Fees
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient
from sim.protocol.contracts import SOURCES, compile_protocol, load_abis
from sim.protocol.deployed import Deployment
from sim.protocol.events import EventDecoder
from sim.reference.account_ids import account_id

BOOK = AddressBook([("traders", 5), ("keepers", 2)])
FREE = Fees(0, 0)
LEDGER = "0x" + "1e" * 20


@pytest.fixture(scope="module")
def client():
    """A client that only encodes: no contract is deployed."""
    abis = load_abis(compile_protocol("static"))
    addresses = {key: f"0x{number:040x}" for number, key in enumerate(SOURCES, 1)}
    deployment = Deployment(addresses=addresses, abis=abis, artifacts={}, markets=1)
    return ProtocolClient(Chain.create(default_engine(), 0), deployment, BOOK)


def own(actor: int) -> int:
    return account_id(int(BOOK.addresses[actor], 16), 0)


CALLS = {
    "deposit": (
        actions.deposit("a", [1], [2], [7], FREE),
        "trading_desk",
        ("deposit(uint256,uint256)", own(2), 7),
    ),
    "withdraw": (actions.withdraw("a", [3], [9], FREE), "trading_desk", ("withdraw(uint256,uint256)", 0, 9)),
    "increase": (
        actions.increase_position("a", [3], 1, [-5], [6], FREE),
        "trading_desk",
        ("increase_position(uint256,uint256,int256,uint256)", 0, 1, -5, 6),
    ),
    "decrease": (
        actions.decrease_position("a", [3], 1, [CLOSE_ALL], [6], FREE),
        "trading_desk",
        ("decrease_position(uint256,uint256,uint256,uint256)", 0, 1, CLOSE_ALL, 6),
    ),
    "poke": (actions.poke("a", 0, 4, FREE), "market_registry", ("poke(uint256)", 4)),
    "liquidate": (
        actions.liquidate("a", [0], [4], [1], FREE),
        "liquidation_engine",
        ("liquidate(uint256,uint256)", own(4), 1),
    ),
    "deleverage": (
        actions.auto_deleverage("a", 0, 2, 1, [4, 3], FREE),
        "loss_waterfall",
        ("auto_deleverage(uint256,uint256,uint256[])", own(2), 1, [own(4), own(3)]),
    ),
    "socialize": (
        actions.socialize_loss("a", 0, 2, FREE),
        "loss_waterfall",
        ("socialize_loss(uint256)", own(2)),
    ),
    "pool deposit": (
        actions.pool_deposit("a", [1], [8], FREE),
        "liquidity_pool",
        ("deposit(uint256,address)", 8, BOOK.addresses[1]),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_name_accounts_by_id_and_their_senders_by_index(client, name):
    batch, contract, (signature, *arguments) = CALLS[name]
    (call,) = client.encode(batch)
    function = ContractAbi([_entry(signature)])[signature]
    assert call.to == client.deployment.addresses[contract]
    assert call.data[:4] == function.selector
    types = signature.partition("(")[2].removesuffix(")").split(",")
    assert call.data[4:] == eth_abi.encode(types, arguments)
    # What a replacement replaces is told apart by what the participant gave, not by the index before it.
    assert call.key == (batch.args[0][0] if batch.args else 0)


def _entry(signature: str) -> dict[str, object]:
    name, _, types = signature.removesuffix(")").partition("(")
    inputs = [{"name": "x", "type": kind} for kind in types.split(",")]
    return {"type": "function", "name": name, "inputs": inputs, "outputs": []}


def test_which_arguments_are_participants(client):
    accounts = {kind: sorted(client.account_arguments(kind)) for kind in EntryPoint}
    assert {kind for kind in EntryPoint if client.names_account(kind)} == {
        EntryPoint.DEPOSIT, EntryPoint.LIQUIDATE, EntryPoint.AUTO_DELEVERAGE, EntryPoint.SOCIALIZE_LOSS,
        EntryPoint.SELL_COLLATERAL,
    }  # fmt: skip
    assert accounts[EntryPoint.WITHDRAW] == accounts[EntryPoint.INCREASE_POSITION] == []
    assert accounts[EntryPoint.POOL_REDEEM] == [1, 2]
    assert accounts[EntryPoint.SWAP] == [4]  # the first says which pool


@given(st.lists(st.integers(0, len(BOOK) - 1), max_size=9), st.integers(0, 7))
def test_batched_reads_are_packed_as_the_codec_packs_them(chosen, market):
    entry = {
        "type": "function",
        "name": "positions",
        "inputs": [{"name": "market", "type": "uint256"}, {"name": "accounts", "type": "uint256[]"}],
        "outputs": [],
    }
    function = Function(entry)
    words = BOOK.account_words(np.array(chosen, dtype=np.int64))
    assert function.encode_words(words, market) == function.encode(market, [own(actor) for actor in chosen])


EVENT = {
    "type": "event",
    "name": "Closed",
    "inputs": [
        {"name": "account", "type": "uint256", "indexed": True},
        {"name": "winner", "type": "uint256", "indexed": False},
        {"name": "amount", "type": "uint256", "indexed": False},
    ],
}


@given(st.integers(0, len(BOOK) - 1), st.integers(0, len(BOOK) - 1), st.integers(0, 2**96 - 1))
def test_logs_name_participants_and_nobody_for_other_accounts_of_theirs(account, winner, index):
    abi = ContractAbi([EVENT])
    decoder = EventDecoder(BOOK)
    decoder.add("ledger", LEDGER, abi)
    (topic,) = abi.events
    other = account_id(int(BOOK.addresses[winner], 16), index)
    log = Log(
        LEDGER,
        [topic, own(account).to_bytes(32, "big")],
        eth_abi.encode(["uint256", "uint256"], [other, own(account)]),
    )
    event = decoder.decode(log, 0)
    found = winner if index == 0 else -1
    # An amount stays an amount, whatever number it is.
    assert event.values == {"account": account, "winner": found, "amount": own(account)}
    assert (event.actor, event.other) == (account, found)
