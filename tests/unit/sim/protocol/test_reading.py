"""What the chain returns and logs is read by its ABI, or not at all."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from sim.chain.abi import ContractAbi, Function, StructRows
from sim.chain.backend import Log
from sim.core.errors import InputError
from sim.protocol.address_book import AddressBook
from sim.protocol.client import curve_rows, market_rows
from sim.protocol.contracts import compile_protocol, load_abis
from sim.protocol.events import EventDecoder

CONTRACT = "0x00000000000000000000000000000000000000aA"
ABI = ContractAbi(
    [
        {
            "type": "event",
            "name": "Plain",
            "inputs": [
                {"name": "change", "type": "int256", "indexed": False},
                {"name": "account", "type": "address", "indexed": True},
                {
                    "name": "terms",
                    "type": "tuple",
                    "indexed": False,
                    "components": [{"name": "rate", "type": "uint256"}, {"name": "isOpen", "type": "bool"}],
                },
            ],
        },
        {
            "type": "event",
            "name": "Long",
            "inputs": [
                {"name": "market", "type": "uint256", "indexed": True},
                {"name": "words", "type": "uint256[]", "indexed": False},
                {"name": "total", "type": "uint256", "indexed": False},
            ],
        },
    ]
)
PLAIN, LONG = ABI.events.values()


def word(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=value < 0)


@pytest.fixture
def book():
    return AddressBook([("traders", 3)])


@pytest.fixture
def decoder(book):
    decoder = EventDecoder(book)
    decoder.add("some_contract", CONTRACT, ABI)
    return decoder


def test_words_are_named_and_signed_by_the_abi(book, decoder):
    topic = b"\0" * 12 + bytes.fromhex(book.addresses[2][2:])
    event = decoder.decode(Log(CONTRACT, [PLAIN.topic, topic], word(-5) + word(7) + word(1)), 4)
    assert (event.contract, event.name, event.actor, event.position) == ("some_contract", "Plain", 2, 4)
    assert event.values == {"account": 2, "change": -5, "rate": 7, "isOpen": 1}


def test_an_argument_longer_than_a_word_is_not_read_as_one(decoder):
    data = encode(["uint256[]", "uint256"], [[11, 12], 13])
    event = decoder.decode(Log(CONTRACT, [LONG.topic, word(3)], data), 0)
    assert (event.name, event.values) == ("Long", {"market": 3, "total": 13})
    assert event.log.data == data


@pytest.mark.parametrize(
    ("address", "topics", "contract"),
    [
        pytest.param(CONTRACT, [b"\1" * 32], "some_contract", id="an event it does not declare"),
        pytest.param(CONTRACT, [], "some_contract", id="no topic"),
        pytest.param("0x" + "bb" * 20, [PLAIN.topic], "", id="a contract of nobody's"),
    ],
)
def test_a_log_that_nobody_declares_is_kept_without_a_name(decoder, address, topics, contract):
    log = Log(address, topics, b"raw")
    event = decoder.decode(log, 1)
    assert (event.contract, event.name, event.actor, event.values, event.log) == (contract, "", -1, {}, log)


def function(kind: str, *words: tuple[str, str]) -> Function:
    components = [{"name": name, "type": of} for name, of in words]
    return Function(
        {"type": "function", "name": "look", "outputs": [{"type": kind, "components": components}]}
    )


WORDS = (("size", "int256"), ("price", "uint256"))


def test_a_struct_and_an_array_of_them_are_read_alike():
    one, many = (StructRows(function(kind, *WORDS), ("size", "price")) for kind in ("tuple", "tuple[]"))
    assert one.rows(word(-1) + word(2**255)) == [[-1, 2**255]]
    assert many.rows(encode(["(int256,uint256)[]"], [[(-1, 2), (3, 4)]])) == [[-1, 2], [3, 4]]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(function("tuple", *reversed(WORDS)), id="another order"),
        pytest.param(function("tuple", *WORDS, ("more", "uint256")), id="a word more"),
        pytest.param(function("tuple", *WORDS[:1]), id="a word less"),
        pytest.param(function("uint256"), id="no struct"),
    ],
)
def test_another_struct_is_refused(other):
    with pytest.raises(InputError, match=r"look returns \(.*\), not \(size, price\)"):
        StructRows(other, ("size", "price"))


def test_the_lens_returns_what_the_client_reads():
    lens = load_abis(compile_protocol("static"))["lens"]
    assert market_rows(lens)
    assert curve_rows(lens)
