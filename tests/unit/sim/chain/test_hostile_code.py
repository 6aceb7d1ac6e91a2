"""Code written to break the process: it ends as on py-evm or is refused by name, and the engine goes on.

The corpus is what a hostile contract of a scenario could try; a sample of changed contracts stands beside it.
``scripts/fuzz_native.py mutated`` runs as many as one likes, on sanitizers too.
"""

import collections
import ctypes

import pytest

from tests.support.random_programs import ADDRESSES, Program, fresh_state, push, run_pyevm

native = pytest.importorskip("sim.chain.native.library", reason="no library for this machine")
try:
    native.library()
except ImportError as error:
    pytest.skip(f"no library for this machine: {error}", allow_module_level=True)

from sim.chain.backend import TRANSACTION_GAS, BlockEnvironment  # noqa: E402  (needs the library)
from sim.chain.native.backend import NativeBackend  # noqa: E402
from tests.support import mutated_code  # noqa: E402
from tests.support.random_programs import run_native  # noqa: E402

FAR = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 33, 2**64 - 1, 2**64, 2**255, 2**256 - 1)
SELF = push(int.from_bytes(ADDRESSES[0], "big"))
GASES = (100_000, 3_000_000)


def taking(op, *operands):
    """Return an instruction with its operands, the top of the stack first."""
    return b"".join(push(value) for value in reversed(operands)) + bytes([op])


def loop(body):
    """Return code that runs a body for ever; it may use the counter on the stack."""
    return b"\x5f\x5b" + push(1) + b"\x01" + body + push(1) + b"\x56"


def reads_and_writes():
    """Yield every instruction that names a range, with ranges that end beyond anything there is."""
    for far in FAR:
        for near in (0, 1, 33):
            for op, operands in {
                "MLOAD": (0x51, (far,)), "MSTORE": (0x52, (far, 1)), "MSTORE8": (0x53, (far, 1)),
                "KECCAK256 at": (0x20, (far, near)), "KECCAK256 of": (0x20, (near, far)),
                "CALLDATALOAD": (0x35, (far,)),
                "CALLDATACOPY from": (0x37, (0, far, near)), "CALLDATACOPY of": (0x37, (0, near, far)),
                "CALLDATACOPY to": (0x37, (far, 0, near)),
                "CODECOPY from": (0x39, (0, far, near)), "CODECOPY of": (0x39, (0, near, far)),
                "EXTCODECOPY from": (0x3C, (int.from_bytes(ADDRESSES[1], "big"), 0, far, near)),
                "EXTCODECOPY of": (0x3C, (int.from_bytes(ADDRESSES[1], "big"), 0, near, far)),
                "RETURNDATACOPY from": (0x3E, (0, far, near)), "RETURNDATACOPY of": (0x3E, (0, near, far)),
                "MCOPY from": (0x5E, (0, far, near)), "MCOPY to": (0x5E, (far, 0, near)),
                "MCOPY of": (0x5E, (0, 0, far)),
                "LOG0 at": (0xA0, (far, near)), "LOG4 of": (0xA4, (near, far, 1, 2, 3, 4)),
                "CREATE at": (0xF0, (0, far, near)), "CREATE2 of": (0xF5, (0, near, far, 7)),
                "CALL from": (0xF1, (5_000, 0x99, 0, far, near, 0, 0)),
                "CALL into": (0xF1, (5_000, 0x99, 0, 0, 0, near, far)),
                "STATICCALL into": (0xFA, (5_000, 4, 0, 32, far, near)),
                "RETURN at": (0xF3, (far, near)), "RETURN of": (0xF3, (near, far)),
                "REVERT of": (0xFD, (near, far)),
                "BYTE": (0x1A, (far, 1)), "SIGNEXTEND": (0x0B, (far, 255)), "SHL": (0x1B, (far, 1)),
                "SAR": (0x1D, (far, 2**255)), "EXP": (0x0A, (far, far)),
                "JUMP": (0x56, (far,)), "JUMPI": (0x57, (far, 1)),
            }.items():  # fmt: skip
                yield (
                    f"{op} {far:#x} {near}",
                    taking(op, *operands) if isinstance(op, int) else (taking(operands[0], *operands[1])),
                )


EDGES = dict(reads_and_writes()) | {
    **{f"{op:#x} on an empty stack": bytes([op]) for op in range(256) if op != 0xFF},
    **{f"{op:#x} on a full stack": b"\x5f" * 1024 + bytes([op]) for op in range(256) if op != 0xFF},
    **{
        f"{length} bytes from {start} of 32 that were returned": (
            b"\x5f\x5f\x5f\x5f" + push(int.from_bytes(ADDRESSES[3], "big")) + b"\x5a\xfa"
            + taking(0x3E, 0, start, length)
        )
        for start, length in ((0, 32), (0, 33), (1, 31), (1, 32), (31, 1), (32, 0), (32, 1), (33, 0), (96, 1))
    },
    "stack of 1025": b"\x5f" * 1025,
    "PUSH32 cut off": b"\x7f\x01",
    "jump into a push": push(3) + b"\x56\x60\x5b\x5b",
    "only the last byte": b"\x7f",
    "20,000 jump targets": b"\x5b" * 20_000 + push(0) + b"\x56",
}  # fmt: skip
LOOPS = {
    "endless loop": b"\x5b" + push(0) + b"\x56",
    "memory a word at a time": loop(b"\x80\x80\x60\x05\x1b\x52"),
    "slots": loop(b"\x80\x80\x55"),
    "transient slots": loop(b"\x80\x80\x5d"),
    "cold accounts": loop(b"\x80\x3b\x50"),
    "logs": loop(push(1_000) + b"\x5f\xa0"),
    "creations": loop(b"\x5f\x5f\x5f\xf0\x50"),
    "creations of itself": b"\x38\x5f\x5f\x39\x38\x5f\x5f\xf0" + push(1) + b"\x01" + push(0) + b"\x55",
    "calls of itself": b"\x5f\x5f\x5f\x5f\x5f" + SELF + b"\x5a\xf1",
    "delegate calls of itself": b"\x5f\x5f\x5f\x5f" + SELF + b"\x5a\xf4",
    "two calls of itself": (b"\x5f\x5f\x5f\x5f\x5f" + SELF + b"\x5a\xf1") * 2,
    "calls of itself that return much": (
        push(4096) + b"\x5f\x5f\x5f\x5f" + SELF + b"\x5a\xf1" + push(4096) + b"\x5f\xf3"
    ),
}  # fmt: skip


def test_the_corpus_ends_as_on_py_evm():
    different, refused = [], collections.Counter()
    runs = [(name, code, gas) for name, code in LOOPS.items() for gas in GASES]
    runs += [(name, code, GASES[number % 2]) for number, (name, code) in enumerate(EDGES.items())]
    for name, code, gas in runs:
        program = Program((code, b"\x00" * 40, b"\x5f\x5f\xfd", b"\x60\x20\x5f\xf3"), b"\x01" * 40, gas)
        mine = run_native(program)
        if isinstance(mine, str):
            refused[mine] += 1
        elif (theirs := run_pyevm(program, fresh_state())) != mine:
            different.append((name, gas, mine, theirs))
    assert different == []
    assert set(refused) <= {"BLOCKHASH", "BLOBHASH", "BLOBBASEFEE", "SELFDESTRUCT"}


@pytest.mark.parametrize("name", LOOPS)
def test_with_much_gas_it_stays_small_and_goes_on(name):
    """A quarter of what a transaction has: the memory it takes is bounded by it, or by a limit of ours."""
    resource = pytest.importorskip("resource", reason="this system tells no peak of memory")
    backend = NativeBackend(1_700_000_000)
    backend.start_block(BlockEnvironment(number=1, timestamp=1_700_000_012, prevrandao=bytes(32)))
    good, bad = "0x" + "c1" * 20, "0x" + "c0" * 20
    for address, code in ((good, bytes.fromhex("602a5f5260205ff3")), (bad, LOOPS[name])):
        native.library().seawall_set_account(
            backend._world, bytes.fromhex(address[2:]), 1, bytes(32), code, len(code)
        )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = native.Result()
    native.library().seawall_message(
        backend._world, ADDRESSES[1], ADDRESSES[0], bytes(32), b"", 0, TRANSACTION_GAS // 4, bytes(32), None,
        0, 1, 0, 1, ctypes.byref(result),
    )  # fmt: skip
    assert result.status in {native.SUCCESS, native.OUT_OF_GAS, native.INVALID, native.REFUSED}
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 600
    assert int.from_bytes(backend.call(bad, good, b"").output, "big") == 42
    backend.close()


def test_contracts_with_changed_bytes_end_and_end_the_same_again():
    statuses = collections.Counter(status for status, _, _ in mutated_code.outcomes(range(4_000)))
    assert set(statuses) == {1, 2, 3, 4, 5}
    assert statuses[1] > 500
