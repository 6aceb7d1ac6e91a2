"""One local chain, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeVar, cast

from sim.chain.abi import revert_reason
from sim.chain.backend import Backend, BlockEnvironment, EngineRefused, Log, Outcome, prevrandao
from sim.chain.compile import Artifact
from sim.chain.transaction import Receipt, Transaction
from sim.core.errors import InputError, RunError

if TYPE_CHECKING:
    from sim.chain.gas import GasProfile

__all__ = [
    "ENGINES",
    "CallReverted",
    "Chain",
    "Log",
    "Receipt",
    "Transaction",
    "default_engine",
    "engines_here",
    "on_an_engine",
]

ENGINES: Final = ("native", "revm", "pyevm", "ethtester")
_BACKENDS: Final = {
    "native": ("sim.chain.native.backend", "NativeBackend", "a library for this machine"),
    "revm": ("sim.chain.revm", "RevmBackend", "pyrevm"),
    "pyevm": ("sim.chain.pyevm", "PyevmBackend", "py-evm"),
    "ethtester": ("sim.chain.ethtester", "EthTesterBackend", "eth-tester[py-evm] web3"),
}
_NOBODY: Final = "0x0000000000000000000000000000000000000001"  # sender of calls that name none


class CallReverted(RunError):  # noqa: N818  (an outcome of the contract, not a mishap)
    """A read-only call reverted.

    Attributes
    ----------
    reason
        What the contract said.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"call reverted: {reason}")

    def __reduce__(self) -> tuple[type[CallReverted], tuple[str]]:
        """Keep the reason when the error crosses a process boundary."""
        return (type(self), (self.reason,))


_NEEDS: Final = {"native": "sim.chain.native.backend", "revm": "pyrevm", "pyevm": "eth"}
"""What an engine that is tried unasked must be able to import, fastest first."""


@cache
def engines_here() -> tuple[str, ...]:
    """Return the engines of this machine that a run may use unasked, fastest first."""
    found = []
    for engine, module in _NEEDS.items():
        try:
            import_module(module)
            if engine == "native":
                import_module("sim.chain.native.library").library()
        except ImportError:
            continue
        found.append(engine)
    return tuple(found)


def default_engine() -> str:
    """Return the fastest engine that is installed here."""
    return engines_here()[0]


def other_engines(engine: str) -> tuple[str, ...]:
    """Return the engines of this machine that can check what one of them did, fastest first."""
    return tuple(other for other in engines_here() if other != engine)


Result = TypeVar("Result")


def on_an_engine(chosen: str | None, work: Callable[[str], Result]) -> Result:
    """Do some work on the engine that was chosen, or on the fastest one that does all that the work needs.

    Raises
    ------
    EngineRefused
        The chosen engine, or every one of this machine, refused something.
    """
    if chosen is not None:
        return work(chosen)
    *quicker, last = engines_here()
    for engine in quicker:
        with suppress(EngineRefused):
            return work(engine)
    return work(last)


class Chain:
    """Blocks, contracts, calls and transactions; the same results on every engine.

    A block is opened, receives deployments and transactions, each final at once, and is ended. Block
    numbers rise by one, timestamps strictly. Calls may be made at any time and see the latest state.
    """

    __slots__ = (
        "_backend",
        "_genesis_timestamp",
        "_is_open",
        "_last_exact_gas",
        "_nonces",
        "_saved",
        "base_fee_wei",
        "block_number",
        "engine",
        "gas_profile",
        "timestamp",
    )

    def __init__(self, backend: Backend, engine: str, genesis_timestamp: int) -> None:
        """Use `Chain.create`."""
        self._backend = backend
        self._genesis_timestamp = genesis_timestamp
        self._nonces: dict[str, int] = {}
        self._saved: dict[int, tuple[int, int, dict[str, int]]] = {}
        self._is_open = False
        self._last_exact_gas: int | None = None
        self.engine = engine
        self.block_number = 0
        self.timestamp = genesis_timestamp
        self.base_fee_wei = 0
        self.gas_profile: GasProfile | None = None

    @classmethod
    def create(cls, engine: str, genesis_timestamp: int, *, gas_profile: GasProfile | None = None) -> Chain:
        """Return an empty chain at block 0.

        Parameters
        ----------
        engine
            One of `ENGINES`.
        genesis_timestamp
            Seconds since 1970 of block 0.
        gas_profile
            Gives receipts their gas; can be set later, zero gas without it.

        Raises
        ------
        InputError
            Unknown engine.
        RunError
            The engine's library is not installed.
        """
        if engine not in _BACKENDS:
            raise InputError(f"unknown engine {engine!r}, use one of {', '.join(ENGINES)}")
        module, name, package = _BACKENDS[engine]
        try:
            backend = getattr(import_module(module), name)(genesis_timestamp)
        except ImportError as error:
            raise RunError(f"engine {engine} needs {package} ({error}); try --engine pyevm") from error
        chain = cls(cast(Backend, backend), engine, genesis_timestamp)
        chain.gas_profile = gas_profile
        return chain

    def start_block(self, number: int, timestamp: int, base_fee_wei: int = 0) -> None:
        """Open the next block.

        Parameters
        ----------
        number
            Must be the last block's number plus one.
        timestamp
            Seconds; later than the last block's.
        base_fee_wei
            Base fee per gas that transactions of this block pay.
        """
        if self._is_open:
            raise RunError(f"block {self.block_number} is still open")
        if number != self.block_number + 1:
            raise RunError(f"block {number} cannot follow block {self.block_number}")
        if timestamp <= self.timestamp:
            raise RunError(f"block {number}: timestamp {timestamp} must be later than {self.timestamp}")
        self._backend.start_block(
            BlockEnvironment(
                number=number, timestamp=timestamp, prevrandao=prevrandao(self._genesis_timestamp, number)
            )
        )
        self._is_open = True
        self.block_number = number
        self.timestamp = timestamp
        self.base_fee_wei = base_fee_wei

    def end_block(self) -> None:
        """Seal the open block."""
        self._require_open()
        self._backend.end_block()
        self._is_open = False

    def deploy(self, artifact: Artifact, args: bytes, sender: str) -> str:
        """Create a contract and return its address, which depends on sender and nonce alone.

        Parameters
        ----------
        artifact
            From `compile_contract`.
        args
            Packed constructor arguments: ``ContractAbi(artifact.abi).constructor.encode(...)``.
        sender
            Address of the deployer.

        Raises
        ------
        RunError
            The constructor reverted, or the code exceeds the size limit.
        """
        self._require_open()
        nonce = self._nonces.get(sender, 0)
        address, outcome = self._backend.deploy(sender, nonce, artifact.bytecode + args)
        self._nonces[sender] = nonce + 1
        self._last_exact_gas = outcome.exact_gas
        if not outcome.status:
            raise RunError(f"deployment of {artifact.name} failed: {_reason(outcome)}")
        return address

    def call(self, to: str, data: bytes, sender: str | None = None) -> bytes:
        """Return what a function returns, without keeping its effects.

        Raises
        ------
        CallReverted
            With the contract's reason.
        """
        outcome = self._backend.call(_NOBODY if sender is None else sender, to, data)
        if not outcome.status:
            raise CallReverted(_reason(outcome))
        return outcome.output

    def answer(self, to: str, data: bytes, gas: int) -> Outcome:
        """Return what becomes of a question asked with limited gas; its effects are discarded.

        Parameters
        ----------
        gas
            From the first instruction on. The outcome states none: engines count that of a call differently.
        """
        return self._backend.call(_NOBODY, to, data, gas)._replace(exact_gas=None)

    def execute(self, transaction: Transaction, further_positions: int = 0) -> Receipt:
        """Execute a transaction in the open block; a revert is a receipt, not an error.

        Parameters
        ----------
        transaction
            What to execute.
        further_positions
            Positions that the call values beside one of each account, for the gas profile. Positions that
            came after it was sent are not charged: gas is at most what it reserved, if it reserved some.

        Raises
        ------
        RunError
            No block is open, or the fee cap is below the block's base fee.
        """
        if not self._is_open:
            self._require_open()
        sender, to, data, entry_point, gas_limit, max_fee, priority_fee, items = transaction
        base_fee = self.base_fee_wei
        if max_fee < base_fee:
            raise RunError(f"{entry_point}: fee cap {max_fee} wei is below the base fee {base_fee} wei")
        nonces = self._nonces
        nonce = nonces.get(sender, 0)
        outcome = self._backend.transact(sender, nonce, to, data)
        nonces[sender] = nonce + 1
        status = outcome.status
        self._last_exact_gas = outcome.exact_gas
        profile = self.gas_profile
        gas_used = 0
        if profile is not None and entry_point:  # set-up transactions name no entry point: they are free
            gas_used = profile.gas(
                entry_point, success=status, items=items, further_positions=further_positions
            )
            if 0 < gas_limit < gas_used:
                gas_used = gas_limit
        gas_price = min(max_fee, base_fee + priority_fee)
        return Receipt(
            status,
            None if status else _reason(outcome),
            outcome.logs,
            outcome.output,
            gas_used,
            gas_price,
            gas_used * gas_price,
        )

    def execute_many(self, transactions: Iterable[Transaction]) -> list[Receipt]:
        """Execute transactions in order; see `execute`."""
        execute = self.execute
        return [execute(transaction) for transaction in transactions]

    def storage_at(self, address: str, slot: int) -> int:
        """Return one storage word."""
        return self._backend.storage(address, slot)

    def code_at(self, address: str) -> bytes:
        """Return the code at an address, empty if there is none."""
        return self._backend.code(address)

    @property
    def exact_gas(self) -> int:
        """Gas of the last deployment or transaction by the fork's rules.

        Raises
        ------
        RunError
            The engine cannot tell (revm).
        """
        if self._last_exact_gas is None:
            raise RunError("this engine does not meter gas exactly; use pyevm")
        return self._last_exact_gas

    def snapshot(self) -> int:
        """Remember the state between two blocks; the handle can be restored any number of times."""
        self._require_closed()
        handle = self._backend.snapshot()
        self._saved[handle] = (self.block_number, self.timestamp, dict(self._nonces))
        return handle

    def restore(self, handle: int) -> None:
        """Go back to a snapshot; handles taken after it become invalid."""
        self._require_closed()
        if handle not in self._saved:
            raise RunError(f"no snapshot {handle}")
        self._backend.restore(handle)
        self._saved = {key: value for key, value in self._saved.items() if key <= handle}
        self.block_number, self.timestamp, nonces = self._saved[handle]
        self._nonces = dict(nonces)

    def close(self) -> None:
        """Release the engine's memory; the chain cannot be used afterwards."""
        self._backend.close()

    def _require_open(self) -> None:
        if not self._is_open:
            raise RunError("no block is open")

    def _require_closed(self) -> None:
        if self._is_open:
            raise RunError(f"block {self.block_number} is still open")


def _reason(outcome: Outcome) -> str:
    return outcome.halt if outcome.halt is not None else revert_reason(outcome.output)
