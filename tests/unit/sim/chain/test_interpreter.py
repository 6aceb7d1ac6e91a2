"""The quicker loop must be py-evm to the unit of gas: random programs run on both, side by side."""

import itertools

import pytest
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.chain import pyevm
from sim.chain.backend import BlockEnvironment
from sim.chain.interpreter import FastState
from sim.chain.pyevm import execution_context, run_transaction
from tests.support import interpreter_state_tests
from tests.support.shared_data import SHARED, require
from tests.support.state_tests import SLOW, archive_cases

SENDER, TARGET = b"\x11" * 20, b"\x22" * 20
STOP, JUMP, JUMPI, JUMPDEST, RETURN, REVERT, MSTORE, SSTORE = 0x00, 0x56, 0x57, 0x5B, 0xF3, 0xFD, 0x52, 0x55
KECCAK = 0x20
INLINED = [
    *range(0x01, 0x05), *range(0x10, 0x19), 0x1B, 0x1C, 0x50, 0x51, MSTORE, JUMP, JUMPI, JUMPDEST, 0x5F,
    *range(0x80, 0x84), *range(0x90, 0x94),
]  # fmt: skip
LEFT_TO_PYEVM = [
    0x05, 0x06, 0x0A, 0x0B, 0x19, 0x1A, 0x1D, KECCAK, 0x30, 0x35, 0x36, 0x37, 0x39, 0x53, 0x54, SSTORE,
    0x58, 0x59, 0x5A, 0x5C, 0x5D, 0x5E, 0xA1, RETURN, REVERT, 0xFE, 0x0C, 0xF1,
]  # fmt: skip
INTERESTING = [0, 1, 2, 31, 32, 33, 96, 255, 256, 2**64, 2**255 - 1, 2**255, 2**255 + 1, 2**256 - 1]


def outcome_on(state_class, code: bytes, data: bytes):
    environment = BlockEnvironment(number=1, timestamp=1_700_000_000, prevrandao=bytes(32))
    state = state_class(AtomicDB(), execution_context(environment), BLANK_ROOT_HASH)
    state.set_code(TARGET, code)
    outcome, _ = run_transaction(state, SENDER, TARGET, data)
    return outcome, [state.get_storage(TARGET, slot) for slot in (0, 1, 2, 32)]


@pytest.fixture(autouse=True)
def small_gas_and_plain_instructions(monkeypatch):
    """Let programs run dry within a test's patience, and undo titanoboa's tracing of two instructions."""
    monkeypatch.setattr(pyevm, "TRANSACTION_GAS", 100_000)
    opcodes = dict(PragueComputation.opcodes)
    for op, name in ((KECCAK, "sha3"), (SSTORE, "sstore")):
        while hasattr(opcodes[op], name):
            opcodes[op] = getattr(opcodes[op], name)
    monkeypatch.setattr(PragueComputation, "opcodes", opcodes)


def assert_same(code: bytes, data: bytes = b"") -> object:
    fast, exact = outcome_on(FastState, code, data), outcome_on(PragueState, code, data)
    assert fast == exact
    return fast[0]


def push(value: int) -> bytes:
    raw = value.to_bytes(max((value.bit_length() + 7) // 8, 1), "big")
    return bytes([0x5F + len(raw)]) + raw


instruction = st.one_of(
    st.sampled_from(INLINED).map(lambda op: bytes([op])),
    st.sampled_from(INLINED).map(lambda op: bytes([op])),
    st.sampled_from(LEFT_TO_PYEVM).map(lambda op: bytes([op])),
    st.sampled_from(INTERESTING).map(push),
    st.integers(0, 120).map(push),
    st.integers(0, 2**256 - 1).map(push),
)
full_stack = b"".join(push(value) for value in (3, 64, 2, 2**255, 7, 1, 96, 0))


@given(
    program=st.lists(instruction, max_size=60),
    has_operands=st.booleans(),
    data=st.binary(max_size=40),
    gas=st.integers(21_700, 60_000),
)
@example(
    program=[push(0), bytes([JUMPDEST]), push(1), push(2), bytes([JUMP])],
    has_operands=False,
    data=b"",
    gas=50_000,
)
@settings(max_examples=400, deadline=None)
def test_random_programs_give_the_same_result_and_gas(program, has_operands, data, gas):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyevm, "TRANSACTION_GAS", gas)
        assert_same((full_stack if has_operands else b"") + b"".join(program), data)


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT")
@pytest.mark.parametrize("op", range(256))
def test_every_instruction_with_and_without_operands(op):
    store = push(0) + bytes([MSTORE]) + push(32) + push(0) + bytes([RETURN])
    for operands in (b"", full_stack):
        assert_same(operands + bytes([op]) + store)


@pytest.mark.parametrize("op", [0x01, 0x02, 0x03, 0x04, *range(0x10, 0x15), 0x16, 0x17, 0x18, 0x1B, 0x1C])
def test_two_operand_arithmetic_at_its_edges(op):
    tail = bytes([op]) + push(0) + bytes([MSTORE]) + push(32) + push(0) + bytes([RETURN])
    for left in INTERESTING:
        for right in INTERESTING:
            assert_same(push(right) + push(left) + tail)


@pytest.mark.parametrize("depth", [1022, 1023, 1024, 1025, 1100])
@pytest.mark.parametrize("block", [1, 40, 2000])
def test_stack_overflow_is_found_at_the_same_item(depth, block):
    pieces = [(bytes([JUMPDEST]) if i % block == 0 else b"") + push(1) for i in range(depth)]
    outcome = assert_same(b"".join(pieces))
    assert outcome.status == (depth <= 1024)


def test_endless_loop_runs_out_of_gas_alike():
    outcome = assert_same(bytes([JUMPDEST]) + push(0) + bytes([JUMP]))
    assert outcome.halt == "halted: out of gas"


@pytest.mark.parametrize("target", [0, 3, 4, 5, 6, 7, 200, 2**256 - 1])
def test_jumps_into_data_or_nowhere_are_refused_alike(target):
    assert_same(push(target) + bytes([JUMP, 0x60, JUMPDEST, JUMPDEST, STOP]))
    assert_same(push(1) + push(target) + bytes([JUMPI, 0x60, JUMPDEST, JUMPDEST, STOP]))


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT")
def test_official_state_tests():
    """Every fortieth case but the loops of minutes; ``scripts/fuzz_native.py states`` runs all of them."""
    archive = require(SHARED / "data" / "evm_tests" / "general_state_tests_cancun.tar.xz")
    cases = itertools.islice(archive_cases(archive, without=SLOW), 0, None, 40)
    found = [(case.name, interpreter_state_tests.verdict(case)) for case in cases]
    assert len(found) > 150
    assert [item for item in found if item[1].startswith("failed")] == []
    assert sum(item[1] == "passed" for item in found) > 0.98 * len(found)
