"""The exact engine: py-evm's state machine called directly, one locked state per transaction.

Runs wherever Python does. Gas follows the rules of the fork to the unit: intrinsic gas, refunds capped at a
fifth (EIP-3529) and the calldata floor (EIP-7623) included.
"""

from __future__ import annotations

from typing import Any, Final

from eth._utils.address import generate_contract_address
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.exceptions import OutOfGas, Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.constants import STANDARD_TOKEN_COST, TOTAL_COST_FLOOR_PER_TOKEN
from eth.vm.message import Message

from sim.chain.abi import checksum_address
from sim.chain.backend import (
    BLOCK_GAS_LIMIT,
    CALL_GAS,
    CHAIN_ID,
    COINBASE,
    HALT_INVALID,
    HALT_OUT_OF_GAS,
    TRANSACTION_BASE,
    TRANSACTION_GAS,
    BlockEnvironment,
    Log,
    Outcome,
    intrinsic_gas,
)
from sim.chain.interpreter import FastState
from sim.core.errors import RunError

_CREATE_BASE: Final = 32_000  # G_txcreate
_REFUND_QUOTIENT: Final = 5  # EIP-3529


def canonical(address: str) -> bytes:
    """Return the 20 bytes of an address."""
    return bytes.fromhex(address[2:])


class PyevmBackend:
    """See `sim.chain.backend.Backend`."""

    def __init__(self, genesis_timestamp: int) -> None:
        self._db: Any = AtomicDB()
        environment = BlockEnvironment(number=0, timestamp=genesis_timestamp, prevrandao=b"\0" * 32)
        self._state: Any = FastState(self._db, execution_context(environment), BLANK_ROOT_HASH)
        self._roots: list[Any] = []

    def start_block(self, environment: BlockEnvironment) -> None:
        """Open a block."""
        self._state.execution_context = execution_context(environment)

    def end_block(self) -> None:
        """Nothing to seal: the state is only given a root when a snapshot asks for it."""

    def deploy(self, sender: str, nonce: int, code: bytes) -> tuple[str, Outcome]:
        """Run creation code."""
        self._state.set_nonce(canonical(sender), nonce)
        outcome, created = run_transaction(self._state, canonical(sender), b"", code)
        return checksum_address(created), outcome

    def transact(self, sender: str, nonce: int, to: str, data: bytes) -> Outcome:  # noqa: ARG002
        """Execute a transaction and keep its effects."""
        return run_transaction(self._state, canonical(sender), canonical(to), data)[0]

    def call(self, sender: str, to: str, data: bytes, gas: int = CALL_GAS) -> Outcome:
        """Execute a message and discard its effects."""
        return run_call(self._state, canonical(sender), canonical(to), data, gas)

    def storage(self, address: str, slot: int) -> int:
        """Return one storage word."""
        return int(self._state.get_storage(canonical(address), slot))

    def code(self, address: str) -> bytes:
        """Return the code at an address."""
        return bytes(self._state.get_code(canonical(address)))

    def snapshot(self) -> int:
        """Write the state to the database and remember its root."""
        self._state.persist()
        self._roots.append((self._state.state_root, self._state.execution_context))
        return len(self._roots) - 1

    def restore(self, handle: int) -> None:
        """Open the state at a remembered root."""
        if not 0 <= handle < len(self._roots):
            raise RunError(f"no snapshot {handle}")
        del self._roots[handle + 1 :]
        root, context = self._roots[handle]
        self._state = FastState(self._db, context, root)

    def close(self) -> None:
        """Drop the state."""
        self._db = AtomicDB()
        self._state = FastState(self._db, self._state.execution_context, BLANK_ROOT_HASH)
        self._roots.clear()


def execution_context(environment: BlockEnvironment) -> Any:
    """Return py-evm's view of a block."""
    return ExecutionContext(
        coinbase=canonical(COINBASE),  # type: ignore[arg-type]
        timestamp=environment.timestamp,
        block_number=environment.number,  # type: ignore[arg-type]
        difficulty=0,
        mix_hash=environment.prevrandao,  # type: ignore[arg-type]
        gas_limit=BLOCK_GAS_LIMIT,
        prev_hashes=(),
        chain_id=CHAIN_ID,
        base_fee_per_gas=0,
        excess_blob_gas=0,
    )


def run_transaction(state: Any, sender: bytes, to: bytes, data: bytes) -> tuple[Outcome, bytes]:
    """Execute a message as a transaction of gas price 0; return the outcome and the address created, if any.

    The steps are those of py-evm's own executor, without signature, balances and its per-call logging.
    """
    state.lock_changes()  # what came before is final: EIP-2200 counts gas from here, EIP-2929 starts cold
    zeros = data.count(0)
    tokens = zeros + STANDARD_TOKEN_COST * (len(data) - zeros)
    intrinsic = intrinsic_gas(data)
    state.increment_nonce(sender)
    if to:
        created = b""
        message = _message(state, sender, to, data, TRANSACTION_GAS - intrinsic)
    else:
        intrinsic += _CREATE_BASE  # py-evm charges for initcode (EIP-3860) when it runs the message
        created = bytes(generate_contract_address(sender, state.get_nonce(sender) - 1))  # type: ignore[arg-type]
        message = Message(
            gas=TRANSACTION_GAS - intrinsic,
            to=b"",  # type: ignore[arg-type]
            sender=sender,  # type: ignore[arg-type]
            value=0,
            data=b"",
            code=data,
            create_address=created,  # type: ignore[arg-type]
        )
    state.mark_address_warm(sender)
    state.mark_address_warm(message.storage_address)
    context = state.get_transaction_context_class()(gas_price=0, origin=sender)
    apply = state.computation_class.apply_message if to else state.computation_class.apply_create_message
    computation = apply(state, message, context)
    used = TRANSACTION_GAS - computation.get_gas_remaining()
    if not computation.is_error:
        used -= min(computation.get_gas_refund(), used // _REFUND_QUOTIENT)
    exact_gas = max(used, TRANSACTION_BASE + TOTAL_COST_FLOOR_PER_TOKEN * tokens)
    for account in computation.get_accounts_for_deletion():
        state.delete_account(account)
    state.clear_transient_storage()
    return outcome_of(computation, exact_gas), created


def run_call(state: Any, sender: bytes, to: bytes, data: bytes, gas: int = CALL_GAS) -> Outcome:
    """Execute a message and revert the state."""
    snapshot = state.snapshot()
    state.mark_address_warm(sender)
    state.mark_address_warm(to)
    context = state.get_transaction_context_class()(gas_price=0, origin=sender)
    computation = state.computation_class.apply_message(
        state, _message(state, sender, to, data, gas), context
    )
    state.revert(snapshot)
    state.clear_transient_storage()
    return outcome_of(computation, None)._replace(logs=[])


def outcome_of(computation: Any, exact_gas: int | None) -> Outcome:
    """Return what a finished computation led to."""
    if computation.is_success:
        logs = [
            Log(
                checksum_address(bytes(address)), [topic.to_bytes(32, "big") for topic in topics], bytes(data)
            )
            for address, topics, data in computation.get_log_entries()
        ]
        return Outcome(
            status=True, output=bytes(computation.output), halt=None, logs=logs, exact_gas=exact_gas
        )
    error = computation.error
    if isinstance(error, Revert):
        output = bytes(computation.output)
        return Outcome(status=False, output=output, halt=None, logs=[], exact_gas=exact_gas)
    halt = HALT_OUT_OF_GAS if isinstance(error, OutOfGas) else HALT_INVALID
    return Outcome(status=False, output=b"", halt=halt, logs=[], exact_gas=exact_gas)


def _message(state: Any, sender: bytes, to: bytes, data: bytes, gas: int) -> Any:
    return Message(
        gas=gas,
        to=to,  # type: ignore[arg-type]
        sender=sender,  # type: ignore[arg-type]
        value=0,
        data=data,
        code=state.get_code(to),
    )
