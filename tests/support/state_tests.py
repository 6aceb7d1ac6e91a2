"""The official state tests (Cancun) against the native engine: state root and hash of logs of every case."""

from __future__ import annotations

import ctypes
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rlp
from eth_hash.auto import keccak
from trie import HexaryTrie

from sim.chain.native.library import REFUSED, REVERTED, SUCCESS, Result, library

CANCUN = 0
_EMPTY_CODE = keccak(b"")
_EMPTY_ROOT = keccak(rlp.encode(b""))


@dataclass(frozen=True)
class Case:
    """One transaction on one state, and what must come of it."""

    name: str
    env: dict[str, Any]
    pre: dict[str, Any]
    transaction: dict[str, Any]
    expected: dict[str, Any]


def cases_of(content: bytes) -> Iterator[Case]:
    """Yield the Cancun cases of one file."""
    for name, test in json.loads(content).items():
        for number, expected in enumerate(test["post"].get("Cancun", ())):
            yield Case(f"{name}#{number}", test["env"], test["pre"], test["transaction"], expected)


SLOW = "vmPerformance"
"""The folder of loops of millions of instructions: seconds in C, up to a quarter of an hour in Python."""


def archive_cases(archive: Path, *, without: str | None = None) -> Iterator[Case]:
    """Yield the Cancun cases of an archive, in the order of its files, but for those of one folder."""
    with tarfile.open(archive) as opened:
        members = sorted((member for member in opened if member.isfile()), key=lambda member: member.name)
        for member in members:
            if without is not None and f"/{without}/" in member.name:
                continue
            stream = opened.extractfile(member)
            assert stream is not None
            yield from cases_of(stream.read())


def verdict(case: Case) -> str:
    """Return ``passed``, ``refused WHAT``, ``invalid`` (the transaction itself) or ``failed: why``."""
    if "expectException" in case.expected:
        return "invalid"
    sent, indexes = case.transaction, case.expected["indexes"]
    if "maxFeePerBlobGas" in sent:
        return "refused BLOBS"
    native, world = library(), library().seawall_new()
    try:
        return _run(case, sent, indexes, native, world)
    finally:
        native.seawall_free(world)


def _run(case: Case, sent: dict[str, Any], indexes: dict[str, int], native: Any, world: int) -> str:
    env = {key: int(value, 16) for key, value in case.env.items() if value.startswith("0x")}
    if max(env["currentNumber"], env["currentTimestamp"], env["currentGasLimit"]) >> 64:
        return "refused BLOCK"
    base_fee = env["currentBaseFee"]
    native.seawall_block(
        world, env["currentNumber"], env["currentTimestamp"], _word(env["currentRandom"]),
        _address(case.env["currentCoinbase"]), env["currentGasLimit"], 1, base_fee,
    )  # fmt: skip
    for address, account in case.pre.items():
        code = bytes.fromhex(account["code"][2:])
        native.seawall_set_account(
            world, _address(address), int(account["nonce"], 16), _word(int(account["balance"], 16)),
            code, len(code),
        )  # fmt: skip
        for key, value in account["storage"].items():
            native.seawall_set_slot(world, _address(address), _word(int(key, 16)), _word(int(value, 16)))
    sender = _address(sent["sender"])
    gas = int(sent["gasLimit"][indexes["gas"]], 16)
    value = int(sent["value"][indexes["value"]], 16)
    data = bytes.fromhex(sent["data"][indexes["data"]][2:])
    to = _address(sent["to"]) if sent["to"] else None
    if "maxFeePerGas" in sent:
        price = min(int(sent["maxFeePerGas"], 16), base_fee + int(sent["maxPriorityFeePerGas"], 16))
    else:
        price = int(sent["gasPrice"], 16)
    access = b""
    for entry in (sent.get("accessLists") or [None] * (indexes["data"] + 1))[indexes["data"]] or ():
        access += b"\0" + _address(entry["address"]) + bytes(32)
        for key in entry["storageKeys"]:
            access += b"\1" + _address(entry["address"]) + _word(int(key, 16))
    _pay(native, world, sender, -gas * price)
    result = Result()
    native.seawall_message(
        world, sender, to, _word(value), data, len(data), gas, _word(price), access, len(access) // 53,
        CANCUN, 1, 1, ctypes.byref(result),
    )  # fmt: skip
    if result.status == REFUSED:
        return f"refused {result.refusal.decode()}"
    logs = _logs(ctypes.string_at(result.logs, result.log_bytes), result.log_count)
    used = result.gas_used
    is_included = result.status in (SUCCESS, REVERTED)
    _pay(native, world, sender, (gas - used) * price)
    _pay(native, world, _address(case.env["currentCoinbase"]), used * (price - base_fee))
    if keccak(rlp.encode(logs)).hex() != case.expected["logs"][2:]:
        return f"failed: logs (status {result.status}, included {is_included})"
    if _root(native, world).hex() != case.expected["hash"][2:]:
        return f"failed: state (status {result.status}, gas {used})"
    return "passed"


def _address(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x").rjust(40, "0"))


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _pay(native: Any, world: int, address: bytes, amount: int) -> None:
    """Change a balance from outside: fees are not the engine's business."""
    for index in range(native.seawall_account_count(world)):
        found, nonce, balance = _account(native, world, index)
        if found == address:
            break
    else:
        if not amount:
            return
        nonce, balance = 0, 0
    code = ctypes.c_void_p()
    length = native.seawall_code(world, address, ctypes.byref(code))
    kept = ctypes.string_at(code.value, length) if length else b""
    native.seawall_set_account(world, address, nonce, _word(balance + amount), kept, length)


def _account(native: Any, world: int, index: int) -> tuple[bytes, int, int]:
    address, balance = ctypes.create_string_buffer(20), ctypes.create_string_buffer(32)
    nonce = ctypes.c_uint64()
    native.seawall_account(world, index, address, ctypes.byref(nonce), balance)
    return address.raw, nonce.value, int.from_bytes(balance.raw, "big")


def _logs(data: bytes, count: int) -> list[list[Any]]:
    logs, at = [], 0
    for _ in range(count):
        topics = int.from_bytes(data[at + 20 : at + 24], "little")
        length = int.from_bytes(data[at + 24 : at + 32], "little")
        body = at + 32 + 32 * topics
        logs.append([
            data[at : at + 20],
            [data[start : start + 32] for start in range(at + 32, body, 32)],
            data[body : body + length],
        ])  # fmt: skip
        at = body + length
    return logs


def _root(native: Any, world: int) -> bytes:
    """Return the root of the state: Yellow Paper, appendix D."""
    slots: dict[int, dict[bytes, int]] = {}
    key, value = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    for index in range(native.seawall_slot_count(world)):
        owner = native.seawall_slot_at(world, index, key, value)
        number = int.from_bytes(value.raw, "big")
        if number:
            slots.setdefault(owner, {})[key.raw] = number
    state = HexaryTrie({})
    for index in range(native.seawall_account_count(world)):
        address, nonce, balance = _account(native, world, index)
        code = ctypes.c_void_p()
        length = native.seawall_code(world, address, ctypes.byref(code))
        if not (nonce or balance or length):
            continue
        storage = HexaryTrie({})
        for place, word in slots.get(index, {}).items():
            storage[keccak(place)] = rlp.encode(word)
        root = storage.root_hash if index in slots else _EMPTY_ROOT
        hashed = keccak(ctypes.string_at(code.value, length)) if length else _EMPTY_CODE
        state[keccak(address)] = rlp.encode([nonce, balance, root, hashed])
    return state.root_hash
