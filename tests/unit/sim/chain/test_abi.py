"""Coding against eth-abi, which is written and tested by others."""

import runpy
from pathlib import Path

import eth_abi
import numpy as np
import pytest
from eth_keys.backends import NativeECCBackend
from eth_keys.datatypes import PrivateKey
from eth_utils import keccak as reference_keccak
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.chain.abi import (
    NO_REASON,
    ContractAbi,
    Event,
    Function,
    address_word,
    checksum_address,
    decode_floats,
    decode_rows,
    decode_words,
    keccak256,
    revert_reason,
)
from sim.chain.accounts import (
    account,
    accounts,
    point_by_coincurve,
    point_by_eth_keys,
    private_key_of,
)
from sim.core.errors import InputError, RunError

ROOT = Path(__file__).resolve().parents[4]
UINT = st.integers(0, 2**256 - 1)
INT = st.integers(-(2**255), 2**255 - 1)
ADDRESS = st.binary(min_size=20, max_size=20)
WHO = "0x" + "ab" * 20


def entry(inputs, outputs=(), name="f"):
    def parameter(kind):
        if isinstance(kind, tuple):
            return {"name": "", "type": "tuple", "components": [parameter(item) for item in kind]}
        return {"name": "", "type": kind}

    return {
        "type": "function",
        "name": name,
        "inputs": [parameter(kind) for kind in inputs],
        "outputs": [parameter(kind) for kind in outputs],
    }


@given(a=UINT, b=INT, c=ADDRESS, d=st.booleans(), e=st.binary(min_size=32, max_size=32))
def test_static_arguments_match_eth_abi(a, b, c, d, e):
    kinds = ["uint256", "int256", "address", "bool", "bytes32"]
    data = Function(entry(kinds, kinds)).encode(a, b, c, d, e)
    assert data[:4] == reference_keccak(text="f(uint256,int256,address,bool,bytes32)")[:4]
    assert data[4:] == eth_abi.encode(kinds, [a, b, c, d, e])
    assert Function(entry(kinds, kinds)).decode(data[4:]) == (a, b, to_checksum_address(c), d, e)


@given(a=UINT, b=st.lists(ADDRESS, max_size=5), c=st.lists(INT, max_size=5))
def test_arrays_match_eth_abi(a, b, c):
    kinds = ["uint256", "address[]", "int256[]"]
    assert Function(entry(kinds)).encode(a, b, c)[4:] == eth_abi.encode(kinds, [a, b, c])
    assert Function(entry([], ["int256[]"])).decode(eth_abi.encode(["int256[]"], [c])) == c


@given(a=UINT, b=st.tuples(UINT, ADDRESS), c=st.text(max_size=40))
def test_structs_and_text_match_eth_abi(a, b, c):
    static = Function(entry(["uint256", ("uint256", "address")]))
    assert static.signature == "f(uint256,(uint256,address))"
    assert static.encode(a, b)[4:] == eth_abi.encode(["uint256", "(uint256,address)"], [a, b])
    single = Function(entry(["uint256", ("uint256",)]))  # as many words as arguments
    assert single.encode(a, (b[0],))[4:] == eth_abi.encode(["uint256", "uint256"], [a, b[0]])
    dynamic = Function(entry(["string", "(uint256,address)[]"], ["string"]))
    assert dynamic.encode(c, [])[4:] == eth_abi.encode(["string", "(uint256,address)[]"], [c, []])
    assert dynamic.decode(eth_abi.encode(["string"], [c])) == c


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint256", -1),
        ("uint256", 2**256),
        ("uint8", 256),
        ("int256", 2**255),
        ("int256", -(2**255) - 1),
        ("address", "0x12"),
        ("address", b"\0" * 21),
        ("bool", 1),
        ("bytes32", b"\0" * 31),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind, value):
    with pytest.raises(ValueError, match=r"fit|address|bool|bytes"):
        Function(entry([kind])).encode(value)


def test_wrong_number_of_arguments_is_refused():
    with pytest.raises(ValueError, match="zip"):
        Function(entry(["uint256"])).encode(1, 2)
    with pytest.raises(ValueError, match="zip"):
        Function(entry(["uint256", "uint256"])).encode(1)
    with pytest.raises(ValueError, match="too short"):
        Function(entry([], ["uint256", "uint256"])).decode(b"\0" * 32)


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(UINT, INT, UINT), max_size=8))
def test_batched_structs_match_eth_abi(rows):
    data = eth_abi.encode(["(uint256,int256,uint256)[]"], [rows])
    assert [tuple(row) for row in decode_rows(data, 3, signed=(1,))] == rows
    words = decode_words(data, 3, signed=(1,))
    assert words.shape == (len(rows), 3)
    assert [tuple(row) for row in words.tolist()] == rows
    floats = decode_floats(data, 3, signed=(1,))
    exact = np.array([[float(value) for value in row] for row in rows], dtype=np.float64).reshape(-1, 3)
    assert np.all(np.abs(floats - exact) <= np.abs(exact) * 2.0**-50)


def test_cut_arrays_are_refused():
    data = eth_abi.encode(["(uint256,uint256)[]"], [[(1, 2), (3, 4)]])
    with pytest.raises(ValueError, match="needs"):
        decode_rows(data[:-1], 2)
    with pytest.raises(ValueError, match="at least"):
        decode_floats(b"", 2)


def test_events_decode_indexed_and_plain_arguments():
    event = Event(
        {
            "name": "Moved",
            "inputs": [
                {"name": "who", "type": "address", "indexed": True},
                {"name": "note", "type": "string", "indexed": True},
                {"name": "delta", "type": "int256", "indexed": False},
                {"name": "text", "type": "string", "indexed": False},
            ],
        }
    )
    assert event.topic == reference_keccak(text="Moved(address,string,int256,string)")
    topics = [event.topic, address_word(WHO), keccak256(b"hello")]
    args = event.decode(topics, eth_abi.encode(["int256", "string"], [-5, "x"]))
    assert args == {"who": to_checksum_address(WHO), "note": keccak256(b"hello"), "delta": -5, "text": "x"}
    with pytest.raises(ValueError, match="not Moved"):
        event.decode([b"\0" * 32], b"")


def test_default_arguments_give_the_longest_function_its_name():
    abi = ContractAbi([entry(["uint256"]), entry(["uint256", "uint256"]), entry([], name="g")])
    assert len(abi["f"].inputs) == 2
    assert len(abi["f(uint256)"].inputs) == 1
    assert abi.constructor.encode() == b""
    with pytest.raises(InputError, match="no function h"):
        abi["h"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (b"", NO_REASON),
        (bytes.fromhex("08c379a0") + eth_abi.encode(["string"], ["oracle: stale"]), "oracle: stale"),
        (bytes.fromhex("08c379a0") + eth_abi.encode(["string"], [""]), ""),
        (bytes.fromhex("4e487b71") + eth_abi.encode(["uint256"], [0x11]), "panic 0x11"),
        (b"\x12\x34\x56\x78", "reverted with data 0x12345678"),
    ],
)
def test_revert_reasons(output, reason):
    assert revert_reason(output) == reason


def test_hash_and_checksum_match_the_reference():
    assert keccak256(b"seawall") == reference_keccak(b"seawall")
    for index in range(20):
        raw = keccak256(index.to_bytes(4, "big"))[:20]
        assert checksum_address(raw) == to_checksum_address(raw)


def test_accounts_are_those_of_their_keys_and_do_not_change():
    from eth_account import Account as Reference

    made = accounts("trader", 3)
    assert made[1] == account("trader:1")
    assert len({item.address for item in made}) == 3
    for item in made:
        assert Reference.from_key(item.private_key).address == item.address
        assert private_key_of(item.address) == item.private_key
    # Known answer: addresses are part of every digest.
    assert made[0].address == "0xc983f8cDdFC522Cee7E4DA32618e0c8a5512feC6"
    with pytest.raises(RunError, match="no private key"):
        private_key_of(WHO)


def test_a_point_is_the_same_without_the_fast_library():
    pytest.importorskip("coincurve", reason="coincurve has no wheel for this Python: eth-keys alone is used")
    for item in accounts("trader", 20):
        point = point_by_coincurve(item.private_key)
        assert point == point_by_eth_keys(item.private_key)
        # eth-keys uses coincurve where it finds it, so that its own arithmetic is asked for by name.
        assert point == PrivateKey(item.private_key, backend=NativeECCBackend()).public_key.to_bytes()


def test_what_stands_in_for_a_package_without_a_wheel_says_so():
    stand_in = runpy.run_path(str(ROOT / "scripts" / "stand_ins" / "immutables" / "immutables.py"))
    with pytest.raises(AttributeError, match=r"immutables\.Map is not here"):
        stand_in["__getattr__"]("Map")
