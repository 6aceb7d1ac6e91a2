"""What an engine must do, and the constants that make all engines show contracts the same world.

Inside every EVM the base fee and the gas price are zero: fees are charged outside, by `sim.chain.fees`, in
exact integers (pyrevm cannot show another base fee). Contracts must not read `tx.gasprice`,
`block.basefee`, `blockhash`, native balances or the gas left: those are the engine's own. Everything else
they can read is the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from sim.core.errors import RunError

CHAIN_ID: Final = 1337  # customary for local chains
COINBASE: Final = "0x00000000000000000000000000000000000Ba5E5"  # a fee recipient without code or key
BLOCK_GAS_LIMIT: Final = 1 << 40  # of the EVM only; agents compete for the fee market's limit
TRANSACTION_GAS: Final = 1 << 30  # enough for any entry point, small enough to stop a runaway loop in seconds
TRANSACTION_BASE: Final = 21_000  # Yellow Paper, G_transaction
ZERO_BYTE: Final = 4  # G_txdatazero
OTHER_BYTE: Final = 16  # EIP-2028
CALL_GAS: Final = 1 << 36  # batched views read hundreds of accounts

HALT_OUT_OF_GAS: Final = "halted: out of gas"
HALT_INVALID: Final = "halted: invalid instruction"


class EngineRefused(RunError):  # noqa: N818  (a limit of an engine, not a mishap)
    """An engine met an instruction, a precompiled contract or a size that it does not do; another one may."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"this engine does not do {what}; use --engine pyevm")

    def __reduce__(self) -> tuple[type[EngineRefused], tuple[str]]:
        """Keep the name when the error crosses a process boundary."""
        return (type(self), (self.what,))


class Log(NamedTuple):
    """One event as the EVM emitted it."""

    address: str
    topics: list[bytes]
    data: bytes


class Outcome(NamedTuple):
    """What executing a message led to.

    Attributes
    ----------
    status
        True unless reverted or halted.
    output
        Return data, revert data, or nothing after a halt.
    halt
        Why the EVM stopped without a revert, in the same words on every engine; None otherwise.
    logs
        Events in order; empty unless `status`.
    exact_gas
        Gas by the rules of the fork, intrinsic gas included; None on an engine that cannot tell.
    """

    status: bool
    output: bytes
    halt: str | None
    logs: list[Log]
    exact_gas: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEnvironment:
    """What contracts see of a block."""

    number: int
    timestamp: int
    prevrandao: bytes


def intrinsic_gas(data: bytes) -> int:
    """Return what a message that creates nothing pays before its first instruction (EIP-2028)."""
    zeros = data.count(0)
    return TRANSACTION_BASE + ZERO_BYTE * zeros + OTHER_BYTE * (len(data) - zeros)


def prevrandao(genesis_timestamp: int, number: int) -> bytes:
    """Return the 32 random-looking bytes of a block; a function of the chain and the number alone."""
    return hashlib.sha256(b"seawall prevrandao\0%d\0%d" % (genesis_timestamp, number)).digest()


class Backend(Protocol):
    """An EVM with one chain. Addresses are text with "0x"; a deployment or transaction is final at once."""

    def start_block(self, environment: BlockEnvironment) -> None:
        """Open a block."""

    def end_block(self) -> None:
        """Seal the open block."""

    def deploy(self, sender: str, nonce: int, code: bytes) -> tuple[str, Outcome]:
        """Run creation code; return the address (of no meaning if it failed) and the outcome."""

    def transact(self, sender: str, nonce: int, to: str, data: bytes) -> Outcome:
        """Execute a transaction and keep its effects."""

    def call(self, sender: str, to: str, data: bytes, gas: int = CALL_GAS) -> Outcome:
        """Execute a message and discard its effects. Logs are not reported.

        Parameters
        ----------
        gas
            From the first instruction on, whatever sending a message costs.
        """

    def storage(self, address: str, slot: int) -> int:
        """Return one storage word."""

    def code(self, address: str) -> bytes:
        """Return the code at an address."""

    def snapshot(self) -> int:
        """Remember the state between two blocks; return a handle that can be restored any number of times."""

    def restore(self, handle: int) -> None:
        """Go back to a remembered state; handles made after it become invalid."""

    def close(self) -> None:
        """Release the memory."""
