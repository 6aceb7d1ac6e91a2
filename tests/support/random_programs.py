"""Random EVM programs with nested calls, reverts and edges of gas; two engines must agree to the unit."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message

from sim.chain.backend import BLOCK_GAS_LIMIT, CHAIN_ID, COINBASE, BlockEnvironment
from sim.chain.native.library import REFUSED, REVERTED, SUCCESS, Result, library
from sim.chain.pyevm import canonical, execution_context

ADDRESSES = tuple(bytes([0xC0 + index]) * 20 for index in range(4))
SENDER = b"\x5e" * 20
OTHERS = (SENDER, b"\x99" * 20, bytes(19) + b"\x02", bytes(19) + b"\x04")
"""The sender, nobody, and the two precompiled contracts that the native engine has."""
SLOTS = 6
ENVIRONMENT = BlockEnvironment(number=7, timestamp=1_700_000_000, prevrandao=b"\x11" * 32)

_ARITHMETIC = (*range(0x01, 0x0C), *range(0x10, 0x1E))
_ENVIRONMENT = (
    0x30,
    0x32,
    0x33,
    0x34,
    0x36,
    0x38,
    0x3D,
    0x41,
    0x42,
    0x43,
    0x44,
    0x46,
    0x47,
    0x48,
    0x58,
    0x59,
    0x5A,
)
_EDGES = (0, 1, 2, 31, 32, 33, 255, 256, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 1, 10**18, 2**255 - 1)


class Program(NamedTuple):
    """Code of each contract, the input, and the gas it gets."""

    codes: tuple[bytes, ...]
    data: bytes
    gas: int


class Ending(NamedTuple):
    """What a program led to."""

    status: str
    output: bytes
    gas: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]
    storage: tuple[int, ...]
    nonces: tuple[int, ...]


def push(value: int) -> bytes:
    """Return the shortest PUSH of a value."""
    if value == 0:
        return b"\x5f"
    size = (value.bit_length() + 7) // 8
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


class Writer:
    """Writes code whose stack it knows, so that most of it runs; now and then it breaks a rule on purpose."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.code = bytearray()
        self.height = 0

    def number(self) -> int:
        """Return a number that something might go wrong with."""
        draw = self.draw.random()
        if draw < 0.35:
            return self.draw.choice(_EDGES)
        if draw < 0.8:
            return self.draw.randrange(300)
        return self.draw.getrandbits(self.draw.choice((8, 64, 65, 128, 192, 256)))

    def put(self, value: int | None = None) -> None:
        """Push a number."""
        self.code += push(self.number() if value is None else value)
        self.height += 1

    def need(self, count: int) -> None:
        """Push until there are so many items."""
        while self.height < count:
            self.put()

    def op(self, code: int, takes: int, gives: int) -> None:
        """Write an instruction."""
        self.need(takes)
        self.code.append(code)
        self.height += gives - takes

    def small(self, count: int) -> None:
        """Push offsets and lengths that fit into memory, rarely ones that do not."""
        for _ in range(count):
            self.put(self.number() if self.draw.random() < 0.02 else self.draw.randrange(0, 130))

    def step(self, depth: int = 0) -> None:
        """Write one random thing."""
        draw = self.draw.random()
        if draw < 0.30:
            code = self.draw.choice(_ARITHMETIC)
            takes = 3 if code in {0x08, 0x09} else 1 if code in {0x15, 0x19} else 2
            self.op(code, takes, 1)
        elif draw < 0.37:
            self.op(self.draw.choice(_ENVIRONMENT), 0, 1)
        elif draw < 0.47:
            self.small(1)
            if self.draw.random() < 0.5:
                self.op(0x51, 1, 1)
            else:
                self.put()
                self.code += b"\x90"
                self.op(self.draw.choice((0x52, 0x53)), 2, 0)
        elif draw < 0.58:
            self.put(self.draw.randrange(SLOTS))
            if self.draw.random() < 0.4:
                self.op(self.draw.choice((0x54, 0x54, 0x5C)), 1, 1)
            else:
                self.put(self.draw.choice((0, 0, 1, 2, 3)))
                self.code += b"\x90"
                self.op(self.draw.choice((0x55, 0x55, 0x55, 0x5D)), 2, 0)
        elif draw < 0.66:
            count = self.draw.randrange(1, 17)
            if self.draw.random() < 0.5:
                self.op(0x7F + count, count, count + 1)
            else:
                self.op(0x8F + count, count + 1, count + 1)
        elif draw < 0.71:
            self.small(2)
            self.op(0x20, 2, 1)
        elif draw < 0.76:
            self.small(3)
            self.op(self.draw.choice((0x37, 0x39, 0x3E, 0x5E)), 3, 0)
        elif draw < 0.79:
            topics = self.draw.randrange(5)
            self.need(topics)
            self.small(2)
            self.op(0xA0 + topics, topics + 2, 0)
        elif draw < 0.83:
            self.put(int.from_bytes(self.draw.choice((*ADDRESSES, *OTHERS)), "big"))
            if self.draw.random() < 0.7:
                self.op(self.draw.choice((0x31, 0x3B, 0x3F)), 1, 1)
            else:
                self.code += b"\x50"
                self.height -= 1
                self.small(3)
                self.put(int.from_bytes(self.draw.choice(ADDRESSES), "big"))
                self.op(0x3C, 4, 0)
        elif draw < 0.91:
            self.call()
        elif draw < 0.93:
            self.create()
        elif draw < 0.96 and depth < 2:
            self.branch(depth)
        elif draw < 0.975:
            self.small(2)
            self.op(self.draw.choice((0xF3, 0xFD)), 2, 0)
        elif draw < 0.985:
            self.code.append(self.draw.choice((0x00, 0xFE, 0x0C, 0x0D, 0x1E, 0x21, 0xB0, 0x5B)))
        else:
            self.code += self.draw.randbytes(self.draw.randrange(1, 6))

    def call(self) -> None:
        """Write a call of another contract, itself, nobody or a precompiled one."""
        code = self.draw.choice((0xF1, 0xF1, 0xF2, 0xF4, 0xFA))
        target = self.draw.choice(
            (*ADDRESSES, *ADDRESSES, b"\x99" * 20, bytes(19) + b"\x02", bytes(19) + b"\x04")
        )
        self.small(4)
        if code in {0xF1, 0xF2}:
            self.put(0 if self.draw.random() < 0.7 else self.draw.randrange(3))
        self.put(int.from_bytes(target, "big"))
        if self.draw.random() < 0.5:
            self.op(0x5A, 0, 1)
        else:
            self.put(self.draw.choice((0, 700, 2_300, 5_000, 30_000, 2**64)))
        self.op(code, 7 if code in {0xF1, 0xF2} else 6, 1)

    def create(self) -> None:
        """Write a creation from initcode in memory that returns some code of its own."""
        inner = Writer(self.draw)
        for _ in range(self.draw.randrange(3)):
            inner.step(depth=2)
        inner.put(self.draw.randrange(40))
        inner.put(self.draw.randrange(8))
        inner.code += b"\xf3"
        code = bytes(inner.code)[:32]
        self.put(int.from_bytes(code.ljust(32, b"\0"), "big"))
        self.put(0)
        self.op(0x52, 2, 0)
        kind = self.draw.choice((0xF0, 0xF5))
        if kind == 0xF5:
            self.put(self.draw.randrange(2))
        self.put(len(code))
        self.put(0)
        self.put(0 if self.draw.random() < 0.8 else self.draw.randrange(3))
        self.op(kind, 4 if kind == 0xF5 else 3, 1)

    def branch(self, depth: int) -> None:
        """Write a conditional jump forward over some code, or a loop that counts down."""
        if self.draw.random() < 0.7:
            self.put(self.draw.randrange(2))
            place = len(self.code)
            self.code += b"\x61\0\0\x57"  # PUSH2 target JUMPI
            self.height -= 1
            before = self.height
            for _ in range(self.draw.randrange(1, 4)):
                self.step(depth + 1)
            while self.height > before:
                self.code.append(0x50)
                self.height -= 1
            while self.height < before:
                self.put()
            target = len(self.code) if self.draw.random() < 0.97 else self.draw.randrange(len(self.code) + 4)
            self.code[place + 1 : place + 3] = target.to_bytes(2, "big")
            self.code.append(0x5B)
            return
        self.put(self.draw.randrange(1, 6))
        start = len(self.code)
        self.code.append(0x5B)
        before = self.height
        for _ in range(self.draw.randrange(1, 3)):
            self.step(2)
        while self.height > before:
            self.code.append(0x50)
            self.height -= 1
        while self.height < before:
            self.put()
        # counter - 1, again while it is not zero
        self.code += push(1) + b"\x90\x03\x80" + b"\x61" + start.to_bytes(2, "big") + b"\x57"


class Shuffler(Writer):
    """Writes code that moves items of the stack about, tests them and jumps, and shows them at the end."""

    def step(self, depth: int = 0) -> None:
        """Write one random thing."""
        draw = self.draw.random()
        if draw < 0.24:
            self.need(1)
            count = self.draw.randrange(1, min(self.height, 16) + 1)
            self.op(0x7F + count, count, count + 1)
        elif draw < 0.46:
            self.need(2)
            count = self.draw.randrange(1, min(self.height - 1, 16) + 1)
            self.op(0x8F + count, count + 1, count + 1)
        elif draw < 0.54:
            self.op(0x50, 1, 0)
        elif draw < 0.64:
            self.put()
        elif draw < 0.78:
            code = self.draw.choice(_ARITHMETIC)
            takes = 3 if code in {0x08, 0x09} else 1 if code in {0x15, 0x19} else 2
            self.op(code, takes, 1)
        elif draw < 0.88:
            self.memory()
        elif draw < 0.90:
            self.put(self.draw.randrange(SLOTS))
            self.op(0x54, 1, 1)
        elif draw < 0.92:
            self.op(self.draw.choice(_ENVIRONMENT), 0, 1)
        elif draw < 0.94:
            self.code.append(0x5B)
        elif depth < 3:
            self.branch(depth)

    def memory(self) -> None:
        """Write something that reads or writes memory at places of one page, known or not."""
        kind = self.draw.randrange(6)
        if kind < 2:
            self.put(self.draw.randrange(96))
            self.op(0x51, 1, 1)
            if self.draw.random() < 0.5:
                self.put(self.draw.randrange(96))
                self.op(0x52, 2, 0)
        elif kind == 2:
            self.need(1)
            self.put(self.draw.randrange(96))
            self.op(0x52, 2, 0)
        elif kind == 3:
            for _ in range(3):
                self.put(self.draw.randrange(96))
            self.op(0x5E, 3, 0)
        elif kind == 4:
            self.put(self.draw.choice((0, 32, 64, 64)))
            self.put(self.draw.randrange(96))
            self.op(0x20, 2, 1)
        else:
            self.put(0x7F)
            self.op(0x16, 2, 1)  # whatever it is, a place in the first bytes
            self.op(0x51, 1, 1)

    def branch(self, depth: int) -> None:
        """Write a jump over some code: on a test, always, or to a place that memory holds."""
        kind = self.draw.random()
        if kind < 0.75:
            code = self.draw.choice((0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x18, 0x51))
            if code == 0x51:
                self.put(self.draw.randrange(96))
                self.op(code, 1, 1)
            else:
                if self.draw.random() < 0.3:
                    self.put()
                self.op(code, 2, 1)
            if self.draw.random() < 0.2:
                self.op(0x80, 1, 2)
            for _ in range(self.draw.choice((0, 0, 1, 1, 2, 3))):
                self.op(0x15, 1, 1)
        place = len(self.code)
        self.code += b"\x61\0\0"  # PUSH2 target
        if kind < 0.75:
            self.code.append(0x57)
            self.height -= 1
        elif kind < 0.9:
            self.code.append(0x56)
        else:
            self.code += b"\x5f\x52\x5f\x51\x56"  # by way of memory
        before = self.height
        for _ in range(self.draw.randrange(1, 5)):
            self.step(depth + 1)
        while self.height > before:
            self.op(0x50, 1, 0)
        while self.height < before:
            self.put()
        self.code[place + 1 : place + 3] = len(self.code).to_bytes(2, "big")
        self.code.append(0x5B)

    def show(self) -> None:
        """Return every item of the stack."""
        count = self.height
        for index in range(count):
            self.code += push(128 + 32 * index) + b"\x52"
        self.code += push(128 + 32 * count) + b"\x5f\xf3"


def shuffled_program(seed: int) -> Program:
    """Return the program of a seed that shuffles its stack."""
    draw = random.Random(seed)
    codes = []
    for _ in ADDRESSES:
        writer = Shuffler(draw)
        for _ in range(draw.randrange(1, 120)):
            writer.step()
        writer.show()
        codes.append(bytes(writer.code))
    gas = 21_000 + 40 * 40 + draw.choice((50, 700, 1_000_000, 1_000_000, 1_000_000)) + draw.randrange(1_000)
    return Program(codes=tuple(codes), data=draw.randbytes(draw.randrange(0, 40)), gas=gas)


def random_program(seed: int) -> Program:
    """Return the program of a seed."""
    draw = random.Random(seed)
    codes = []
    for _ in ADDRESSES:
        writer = Writer(draw)
        for _ in range(draw.randrange(1, 40)):
            writer.step()
        codes.append(bytes(writer.code))
    gas = 21_000 + 40 * 64 + draw.choice((0, 1, 50, 700, 2_300, 5_000, 25_000, 100_000, 1_000_000, 3_000_000))
    gas += draw.randrange(1_000)
    return Program(tuple(codes), draw.randbytes(draw.randrange(64)), gas)


def run_native(program: Program) -> Ending | str:
    """Return what the native engine makes of a program, or what it refused."""
    native = library()
    world = native.seawall_new()
    try:
        native.seawall_block(
            world, ENVIRONMENT.number, ENVIRONMENT.timestamp, ENVIRONMENT.prevrandao, canonical(COINBASE),
            BLOCK_GAS_LIMIT, CHAIN_ID, 0,
        )  # fmt: skip
        for address, code in zip(ADDRESSES, program.codes, strict=True):
            native.seawall_set_account(world, address, 1, (2).to_bytes(32, "big"), code, len(code))
            for slot in range(0, SLOTS, 2):
                native.seawall_set_slot(
                    world, address, slot.to_bytes(32, "big"), (slot + 1).to_bytes(32, "big")
                )
        result = Result()
        native.seawall_message(
            world, SENDER, ADDRESSES[0], bytes(32), program.data, len(program.data), program.gas, bytes(32),
            None, 0, 1, 1, 1, ctypes.byref(result),
        )  # fmt: skip
        if result.status == REFUSED:
            return str(result.refusal.decode())
        status = {SUCCESS: "success", REVERTED: "reverted"}.get(result.status, "halted")
        output = ctypes.string_at(result.output, result.output_length) if result.output_length else b""
        logs = _logs(ctypes.string_at(result.logs, result.log_bytes), result.log_count)
        word, nonce, balance = (ctypes.create_string_buffer(32) for _ in range(3))
        address = ctypes.create_string_buffer(20)
        number = ctypes.c_uint64()
        nonces: dict[bytes, int] = {}
        for index in range(native.seawall_account_count(world)):
            native.seawall_account(world, index, address, ctypes.byref(number), balance)
            nonces[address.raw] = number.value
        storage = []
        for owner in ADDRESSES:
            for slot in range(SLOTS):
                native.seawall_slot(world, owner, slot.to_bytes(32, "big"), word)
                storage.append(int.from_bytes(word.raw, "big"))
        del nonce
        return Ending(
            status, output if status != "halted" else b"", result.gas_used, logs, tuple(storage),
            tuple(nonces.get(owner, 0) for owner in (SENDER, *ADDRESSES)),
        )  # fmt: skip
    finally:
        native.seawall_free(world)


def _logs(data: bytes, count: int) -> tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]:
    logs, at = [], 0
    for _ in range(count):
        topics = int.from_bytes(data[at + 20 : at + 24], "little")
        length = int.from_bytes(data[at + 24 : at + 32], "little")
        body = at + 32 + 32 * topics
        logs.append((
            data[at : at + 20],
            tuple(data[start : start + 32] for start in range(at + 32, body, 32)),
            data[body : body + length],
        ))  # fmt: skip
        at = body + length
    return tuple(logs)


def untraced(opcodes: Any) -> dict[int, Any]:
    """Return py-evm's own instructions: titanoboa, where it is loaded, wraps two of them for its tracing."""
    return {
        code: getattr(function, "sha3", None) or getattr(function, "sstore", None) or function
        for code, function in opcodes.items()
    }


class _Computation(PragueComputation):
    """py-evm's own computation."""

    opcodes = untraced(PragueComputation.opcodes)


class _State(PragueState):
    computation_class = _Computation


def fresh_state() -> Any:
    """Return an empty state of py-evm's own, without our loop."""
    return _State(AtomicDB(), execution_context(ENVIRONMENT), BLANK_ROOT_HASH)


def run_pyevm(program: Program, state: Any) -> Ending:
    """Return what py-evm makes of a program; the steps around it are those of its executor."""
    for address, code in zip(ADDRESSES, program.codes, strict=True):
        state.set_nonce(address, 1)
        state.set_balance(address, 2)
        state.set_code(address, code)
        for slot in range(0, SLOTS, 2):
            state.set_storage(address, slot, slot + 1)
    state.lock_changes()
    zeros = program.data.count(0)
    tokens = zeros + 4 * (len(program.data) - zeros)
    intrinsic = 21_000 + 4 * tokens
    state.increment_nonce(SENDER)
    message = Message(
        gas=program.gas - intrinsic, to=ADDRESSES[0], sender=SENDER, value=0, data=program.data,
        code=program.codes[0],
    )  # fmt: skip
    context = state.get_transaction_context_class()(gas_price=0, origin=SENDER)
    for warm in (SENDER, ADDRESSES[0], canonical(COINBASE), *state.computation_class._precompiles):
        state.mark_address_warm(warm)
    computation = state.computation_class.apply_message(state, message, context)
    used = program.gas - computation.get_gas_remaining()
    if computation.is_success:
        used -= min(max(computation.get_gas_refund(), 0), used // 5)
    used = max(used, 21_000 + 10 * tokens)
    status = "success" if computation.is_success else "halted"
    if computation.is_error and isinstance(computation.error, Revert):
        status = "reverted"
    logs = (
        ()
        if not computation.is_success
        else tuple(
            (address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
            for address, topics, data in computation.get_log_entries()
        )
    )
    storage = tuple(int(state.get_storage(owner, slot)) for owner in ADDRESSES for slot in range(SLOTS))
    nonces = tuple(state.get_nonce(owner) for owner in (SENDER, *ADDRESSES))
    output = computation.output if status != "halted" else b""
    return Ending(status, bytes(output), used, logs, storage, nonces)


def compare(
    seeds: Sequence[int], program_of: Callable[[int], Program] = random_program
) -> tuple[int, dict[str, int], list[tuple[int, Ending, Ending]]]:
    """Run programs on both engines; return how many agreed, what was refused, and what differs."""
    agreed, refused, different = 0, {}, []
    for seed in seeds:
        program = program_of(seed)
        mine = run_native(program)
        if isinstance(mine, str):
            refused[mine] = refused.get(mine, 0) + 1
            continue
        theirs = run_pyevm(program, fresh_state())
        if mine == theirs:
            agreed += 1
        else:
            different.append((seed, mine, theirs))
    return agreed, refused, different
