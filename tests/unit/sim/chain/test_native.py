"""The native engine against Python's own integers, py-evm and the official state tests, and at its limits.

What runs here is a sample. ``scripts/fuzz_native.py`` runs as much as one likes, on sanitizers too.
"""

import ctypes
import itertools
import threading

import pytest

from sim.chain.backend import BlockEnvironment, EngineRefused
from sim.chain.chain import Chain, engines_here, on_an_engine
from tests.support.random_programs import (
    ADDRESSES,
    Program,
    compare,
    fresh_state,
    push,
    random_program,
    run_native,
    run_pyevm,
    shuffled_program,
)
from tests.support.shared_data import SHARED, require
from tests.support.state_tests import archive_cases, verdict

native = pytest.importorskip("sim.chain.native.library", reason="no library for this machine")
try:
    native.library()
except ImportError as error:
    pytest.skip(f"no library for this machine: {error}", allow_module_level=True)
from sim.chain.native.backend import NativeBackend  # noqa: E402  (needs the library)

GENESIS = 1_700_000_000
SENDER, TARGET = "0x" + "5e" * 20, "0x" + "c0" * 20
EDGES = (0, 1, 2, 3, 7, 31, 255, 256, 10**18, 2**63, 2**64 - 1, 2**64, 2**127, 2**128 - 1, 2**192 + 5,
         2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1)  # fmt: skip
ALL = 2**256


def signed(value):
    return value - ALL if value >> 255 else value


def truncated(a, b):
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def extended(place, value):
    if place > 30:
        return value
    bits = 8 * (place + 1)
    kept = value & (1 << bits) - 1
    return kept - (1 << bits) if kept >> bits - 1 else kept


TWO = {
    0x01: lambda a, b: a + b, 0x02: lambda a, b: a * b, 0x03: lambda a, b: a - b,
    0x04: lambda a, b: a // b if b else 0, 0x05: lambda a, b: truncated(signed(a), signed(b)),
    0x06: lambda a, b: a % b if b else 0,
    0x07: lambda a, b: abs(signed(a)) % abs(signed(b)) * (-1 if signed(a) < 0 else 1) if b else 0,
    0x0A: lambda a, b: pow(a, b, ALL), 0x0B: extended,
    0x10: lambda a, b: a < b, 0x11: lambda a, b: a > b,
    0x12: lambda a, b: signed(a) < signed(b), 0x13: lambda a, b: signed(a) > signed(b),
    0x14: lambda a, b: a == b, 0x16: lambda a, b: a & b, 0x17: lambda a, b: a | b, 0x18: lambda a, b: a ^ b,
    0x1A: lambda a, b: b >> 8 * (31 - a) & 0xFF if a < 32 else 0,
    0x1B: lambda a, b: b << a if a < 256 else 0, 0x1C: lambda a, b: b >> a if a < 256 else 0,
    0x1D: lambda a, b: signed(b) >> min(a, 255),
}  # fmt: skip
THREE = {0x08: lambda a, b, n: (a + b) % n if n else 0, 0x09: lambda a, b, n: a * b % n if n else 0}


@pytest.fixture
def backend():
    made = NativeBackend(GENESIS)
    made.start_block(BlockEnvironment(number=1, timestamp=GENESIS + 12, prevrandao=b"\x07" * 32))
    yield made
    made.close()


def answers(backend, cases):
    """Return what code that stores each result in memory gives back: one call for all cases."""
    code = bytearray()
    for place, (op, operands) in enumerate(cases):
        for value in reversed(operands):
            code += push(value)
        code += bytes([op]) + push(32 * place) + b"\x52"
    code += push(32 * len(cases)) + push(0) + b"\xf3"
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), bytes(code), len(code)
    )
    output = backend.call(SENDER, TARGET, b"").output
    return [int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32)]


@pytest.mark.parametrize("op", sorted({**TWO, **THREE}))
def test_arithmetic_is_that_of_pythons_integers(backend, op):
    if op in TWO:
        operands = list(itertools.product(EDGES, repeat=2))
        wanted = [int(TWO[op](a, b)) % ALL for a, b in operands]
    else:
        few = EDGES[1::2]
        operands = list(itertools.product(few, repeat=3))
        wanted = [int(THREE[op](a, b, n)) % ALL for a, b, n in operands]
    for start in range(0, len(operands), 200):
        part = operands[start : start + 200]
        assert answers(backend, [(op, values) for values in part]) == wanted[start : start + 200]


def test_random_programs_end_as_on_py_evm():
    agreed, refused, different = compare(range(400))
    assert different == []
    assert agreed > 380, refused


def test_the_fee_recipient_is_warm_though_it_has_no_account():
    """Found by 100,000 programs: a delegate call to COINBASE cost 2,500 too much."""
    assert compare([55_167])[2] == []


def test_programs_that_shuffle_their_stack_agree_with_py_evm():
    agreed, refused, different = compare(range(300), shuffled_program)
    assert different == []
    assert agreed == 300
    assert not refused


def test_a_block_may_hold_more_results_aside_than_there_are_places_for():
    # Each round leaves a result whose position another item's place still holds: 100 rounds, 32 places.
    code = b"\x34\x34\x90\x50\x58" * 100
    shown = b"".join(push(32 * index) + b"\x52" for index in range(200)) + push(6_400) + b"\x5f\xf3"
    program = Program(codes=(code + shown,) * len(ADDRESSES), data=b"", gas=1_000_000)
    mine = run_native(program)
    assert mine == run_pyevm(program, fresh_state())
    assert mine.status == "success"
    assert len({mine.output[at : at + 32] for at in range(0, 6_400, 32)}) == 101


@pytest.mark.parametrize("code", [b"\x50" * 65_541 + push(1), b"\x5f" * 65_541], ids=["needed", "added"])
def test_a_block_that_no_stack_lets_in_halts(backend, code):
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), code, len(code)
    )
    assert backend.call(SENDER, TARGET, b"").halt is not None


def test_programs_of_the_sample_end_in_every_way():
    endings = [run_native(random_program(seed)) for seed in range(400)]
    statuses = {ending.status for ending in endings if not isinstance(ending, str)}
    assert statuses == {"success", "reverted", "halted"}
    assert sum(bool(ending.logs) for ending in endings if not isinstance(ending, str)) > 10
    assert any(max(ending.nonces[1:]) > 1 for ending in endings if not isinstance(ending, str))  # creations


def test_official_state_tests():
    """Every fortieth case; passed, or refused by the name of what this engine does not do."""
    archive = require(SHARED / "data" / "evm_tests" / "general_state_tests_cancun.tar.xz")
    found = [(case.name, verdict(case)) for case in itertools.islice(archive_cases(archive), 0, None, 40)]
    assert len(found) > 150
    assert [item for item in found if item[1].startswith("failed")] == []
    assert sum(item[1] == "passed" for item in found) > 0.9 * len(found)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (b"\x5f\x40", "BLOCKHASH"),
        (b"\x5f\x49", "BLOBHASH"),
        (b"\x4a", "BLOBBASEFEE"),
        (b"\x5f\xff", "SELFDESTRUCT"),
        (b"\x5f\x5f\x5f\x5f\x60\x01\x61\xff\xff\xfa", "ECRECOVER"),
        (b"\x5f\x5f\x5f\x5f\x60\x05\x61\xff\xff\xfa", "MODEXP"),
    ],
)
def test_what_it_does_not_do_is_refused_by_name_and_leaves_nothing(backend, code, what):
    code = push(1) + push(3) + b"\x55" + code  # a change of storage first, which must not stay
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), code, len(code)
    )
    with pytest.raises(EngineRefused, match=f"does not do {what}"):
        backend.transact(SENDER, 0, TARGET, b"")
    assert backend.storage(TARGET, 3) == 0


def test_memory_beyond_its_limit_is_refused_and_not_allocated(backend):
    code = push(1) + push(1 << 28) + b"\x52"  # a word at 256 MiB: the gas of a call would pay for it
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), code, len(code)
    )
    backend._run(backend._world, backend._route(SENDER, TARGET), b"", 0, 1 << 40, 0, backend._pointer)
    with pytest.raises(EngineRefused, match="does not do MEMORY"):
        backend._outcome(keeps=False)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        # counter += 1, TSTORE(counter, counter), for ever; and TSTORE(0, counter)
        (b"\x5f\x5b\x60\x01\x01\x80\x80\x5d\x60\x01\x56", "TRANSIENTS"),
        (b"\x5f\x5b\x60\x01\x01\x80\x5f\x5d\x60\x01\x56", "JOURNAL"),
    ],
)
def test_what_gas_pays_for_and_memory_does_not_is_refused(backend, code, what):
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), code, len(code)
    )
    with pytest.raises(EngineRefused, match=f"does not do {what}"):
        backend.call(SENDER, TARGET, b"")


def test_calls_nest_to_the_depth_the_rules_allow(backend):
    # Calls itself with all its gas, and returns the depth that was reached: 1 + what the callee returned.
    code = bytes.fromhex("60205f5f5f305afa505f516001015f5260205ff3")
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), code, len(code)
    )
    outcome = backend.call(SENDER, TARGET, b"")
    assert outcome.status
    assert 300 < int.from_bytes(outcome.output, "big") <= 1025


def test_a_refused_run_goes_on_with_another_engine():
    tried = []

    def work(engine):
        tried.append(engine)
        if engine == "native":
            raise EngineRefused("SELFDESTRUCT")
        return engine

    assert on_an_engine(None, work) == tried[-1] != "native"
    assert tried == list(engines_here())[: len(tried)]
    with pytest.raises(EngineRefused, match="SELFDESTRUCT"):
        on_an_engine("native", work)


def test_copies_share_nothing(backend):
    counter = bytes.fromhex("5f54600101805f555f5260205ff3")  # storage[0] += 1; return it
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), counter, len(counter)
    )
    seen = [int.from_bytes(backend.transact(SENDER, 0, TARGET, b"").output, "big")]
    first = backend.snapshot()
    seen += [int.from_bytes(backend.transact(SENDER, 0, TARGET, b"").output, "big") for _ in range(2)]
    backend.restore(first)
    seen.append(int.from_bytes(backend.transact(SENDER, 0, TARGET, b"").output, "big"))
    backend.restore(first)
    assert (*seen, backend.storage(TARGET, 0)) == (1, 2, 3, 2, 1)


def test_worlds_of_two_threads_do_not_meet():
    wanted = [run_native(random_program(seed)) for seed in range(120)]
    found = {}

    def run(name):
        found[name] = [run_native(random_program(seed)) for seed in range(120)]

    threads = [threading.Thread(target=run, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: wanted, 1: wanted}


def test_it_is_what_a_run_uses_unasked():
    assert engines_here()[0] == "native"
    assert Chain.create(engines_here()[0], GENESIS).engine == "native"


def test_an_address_has_twenty_bytes():
    assert all(len(address) == 20 for address in ADDRESSES)
    assert ctypes.sizeof(native.Result) == 88


def test_routes_of_many_senders_are_bounded_and_the_sender_stays_the_callers(backend, monkeypatch):
    monkeypatch.setattr("sim.chain.native.backend._ROUTES_KEPT", 3)
    caller = bytes.fromhex("335f5260205ff3")  # return msg.sender
    native.library().seawall_set_account(
        backend._world, bytes.fromhex(TARGET[2:]), 1, bytes(32), caller, len(caller)
    )
    for number in (*range(1, 9), 1):
        sender = f"0x{number:040x}"
        assert int.from_bytes(backend.call(sender, TARGET, b"").output, "big") == number
        assert len(backend._routes) <= 3
