"""Hostile code and calls for the native engine: contracts with changed bytes, on the state of a real run.

What matters is that the process lives, comes back soon and stays small. On sanitizers it matters too that
nothing is read or written outside its table. Besides, an outcome must not depend on what the memory held
before: the same mutant on another copy of the state ends the same.
"""

from __future__ import annotations

import ctypes
import random
from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import ClassVar, NamedTuple

from sim.chain import chain
from sim.chain.backend import CALL_GAS, Outcome
from sim.chain.native.backend import NativeBackend
from sim.chain.native.library import REVERTED, SUCCESS, Result, library
from tests.support.small_run import small_execution

GAS = (0, 21_000, 30_000, 100_000, 1_000_000, 3_000_000)
KEPT_OF_A_FUNCTION = 6
AGAIN = 0.1
"""Share of the mutants that run twice."""
WORDS = (0, 1, 31, 32, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 1)
CALLS = bytes(
    (
        0xF0,
        0xF1,
        0xF2,
        0xF4,
        0xF5,
        0xFA,
        0x37,
        0x39,
        0x3C,
        0x3E,
        0x5E,
        0x20,
        0x52,
        0x53,
        0xA0,
        0xF3,
        0xFD,
        0x56,
    )
)
"""Instructions that read or write memory, or go elsewhere."""


class Call(NamedTuple):
    """A message of the run."""

    sender: bytes
    to: bytes
    data: bytes


class _Recording(NativeBackend):
    """The engine, which keeps some messages of each function and, when it is closed, its state."""

    calls: ClassVar[dict[tuple[str, bytes], deque[Call]]] = {}
    state: ClassVar[list[int]] = []

    def transact(self, sender: str, nonce: int, to: str, data: bytes) -> Outcome:
        self._keep(sender, to, data)
        return super().transact(sender, nonce, to, data)

    def call(self, sender: str, to: str, data: bytes, gas: int = CALL_GAS) -> Outcome:
        self._keep(sender, to, data)
        return super().call(sender, to, data, gas)

    def _keep(self, sender: str, to: str, data: bytes) -> None:
        kept = self.calls.setdefault((to, data[:4]), deque(maxlen=KEPT_OF_A_FUNCTION))
        kept.append(Call(bytes.fromhex(sender[2:]), bytes.fromhex(to[2:]), data))

    def close(self) -> None:
        self.state.append(self._library.seawall_copy(self._world))
        super().close()


class Recorded(NamedTuple):
    """A state with protocol and accounts on it, and messages that did something there."""

    world: int
    calls: tuple[Call, ...]
    codes: tuple[tuple[bytes, bytes], ...]
    """Address and code of every contract."""


@cache
def recorded() -> Recorded:
    """Run the small scenario once and return where it came to."""
    kept = chain._BACKENDS["native"]
    chain._BACKENDS["native"] = (__name__, _Recording.__name__, "")
    try:
        small_execution("blocks=12", "traders.0.count=20", engine="native")
    finally:
        chain._BACKENDS["native"] = kept
    native, world = library(), _Recording.state[-1]
    codes = []
    address, balance, nonce = (
        ctypes.create_string_buffer(20),
        ctypes.create_string_buffer(32),
        ctypes.c_uint64(),
    )
    for index in range(native.seawall_account_count(world)):
        native.seawall_account(world, index, address, ctypes.byref(nonce), balance)
        pointer = ctypes.c_void_p()
        length = native.seawall_code(world, address.raw, ctypes.byref(pointer))
        if length:
            codes.append((address.raw, ctypes.string_at(pointer.value, length)))
    calls = tuple(call for of_one in _Recording.calls.values() for call in of_one)
    return Recorded(world, calls, tuple(codes))


class Mutant(NamedTuple):
    """Code to put somewhere, and messages to send there."""

    address: bytes
    code: bytes
    calls: tuple[tuple[Call | None, int, int], ...]
    """Message, or None to create from the code; its gas; whether its effects stay."""


def mutant(seed: int) -> Mutant:
    """Return the mutant of a seed."""
    draw = random.Random(seed)
    known = recorded()
    address, original = draw.choice(known.codes)
    kind = draw.random()
    if kind < 0.8:
        code = _changed(draw, original)
    elif kind < 0.9:
        code = draw.randbytes(draw.randrange(1, 600))
    else:  # mostly pushes of edges, and what reads or writes memory with them
        code = b"".join(
            bytes([0x7F]) + draw.choice(WORDS).to_bytes(32, "big") if draw.random() < 0.75 else
            bytes([draw.choice(CALLS)]) for _ in range(draw.randrange(4, 80))
        )  # fmt: skip
    calls: list[tuple[Call | None, int, int]] = []
    there = [call for call in known.calls if call.to == address]
    for _ in range(draw.randrange(1, 4)):
        chosen = draw.choice(there if there and draw.random() < 0.7 else known.calls)
        if kind >= 0.8 and draw.random() < 0.5:
            chosen = chosen._replace(to=address)
        if draw.random() < 0.5:
            chosen = chosen._replace(data=_changed_call(draw, chosen.data))
        calls.append((chosen, draw.choice(GAS), draw.randrange(2)))
    if draw.random() < 0.1:
        calls.append((None, draw.choice(GAS), draw.randrange(2)))
    return Mutant(address, code, tuple(calls))


def _changed(draw: random.Random, original: bytes) -> bytes:
    code = bytearray(original)
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        place = draw.randrange(len(code))
        how = draw.random()
        if how < 0.6:
            code[place] = draw.randrange(256)
        elif how < 0.8:
            code[place] = draw.choice(CALLS)
        else:  # a constant, with its PUSH32
            code[place : place + 33] = b"\x7f" + draw.choice(WORDS).to_bytes(32, "big")
    if draw.random() < 0.05:
        del code[draw.randrange(len(code)) :]
    return bytes(code)


def _changed_call(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        words = (len(changed) - 4) // 32
        if words > 0 and draw.random() < 0.6:
            place = 4 + 32 * draw.randrange(words)
            changed[place : place + 32] = draw.choice(WORDS).to_bytes(32, "big")
        elif changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    if draw.random() < 0.1:
        del changed[draw.randrange(len(changed) + 1) :]
    return bytes(changed)


def run(seed: int) -> list[tuple[int, int, bytes]]:
    """Run a mutant and return status, gas used and output of its messages.

    Raises
    ------
    AssertionError
        It used more gas than it had, or ended otherwise when it was run again.
    """
    made = mutant(seed)
    outcome = _run(made)
    for (status, used, _), (_, gas, _) in zip(outcome, made.calls, strict=True):
        assert 0 <= used <= gas or status not in (SUCCESS, REVERTED), (seed, status, used, gas)
    if seed % round(1 / AGAIN) == 0:
        assert _run(made) == outcome, seed
    return outcome


def _run(made: Mutant) -> list[tuple[int, int, bytes]]:
    native, result = library(), Result()
    world = native.seawall_copy(recorded().world)
    outcome = []
    try:
        native.seawall_set_account(world, made.address, 1, bytes(32), made.code, len(made.code))
        for call, gas, keeps in made.calls:
            sender, to, data = call or Call(made.address, b"", made.code)
            native.seawall_message(
                world, sender, to or None, bytes(32), data, len(data), gas, bytes(32), None, 0, 1, keeps,
                keeps, ctypes.byref(result),
            )  # fmt: skip
            output = ctypes.string_at(result.output, result.output_length) if result.output_length else b""
            outcome.append((result.status, result.gas_used, output))
    finally:
        native.seawall_free(world)
    return outcome


def outcomes(seeds: range) -> Iterator[tuple[int, int, bytes]]:
    """Yield what the messages of many mutants ended as."""
    for seed in seeds:
        yield from run(seed)
