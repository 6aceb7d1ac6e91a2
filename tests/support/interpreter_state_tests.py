"""The official state tests (Cancun) against our loop for py-evm: state root and hash of logs of every case.

Everything around the loop is py-evm's own: signatures, fees, precompiled contracts, the state. So a case is
refused only where py-evm itself does not do what the transaction is.
"""

from __future__ import annotations

from typing import Any

import rlp
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.cancun.state import CancunState
from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from eth_utils import ValidationError

from sim.chain.interpreter import FastComputation
from tests.support.random_programs import untraced
from tests.support.state_tests import Case

_CHAIN_ID = 1


class _Computation(FastComputation):
    """Our loop, with the instructions and precompiled contracts of the fork the tests are of."""

    opcodes = untraced(CancunComputation.opcodes)
    _precompiles = CancunComputation._precompiles


class _State(CancunState):
    computation_class = _Computation


def verdict(case: Case) -> str:
    """Return ``passed``, ``invalid`` (refused as it must be), ``refused WHAT`` or ``failed: why``.

    ``refused PY-EVM`` is a case that py-evm without our loop ends in the same wrong way: creations at an
    address that has storage but no code, which EIP-7610 forbids.
    """
    if "maxFeePerBlobGas" in case.transaction:
        return "refused BLOBS"
    is_invalid = "expectException" in case.expected
    wanted = (case.expected["logs"][2:], case.expected["hash"][2:])
    found = _ending(case, _State)
    if found != (is_invalid, *wanted):
        if found == _ending(case, _PyevmState):
            return "refused PY-EVM"
        return f"failed: {found} instead of {(is_invalid, *wanted)}"
    return "invalid" if is_invalid else "passed"


class _PyevmComputation(CancunComputation):
    opcodes = untraced(CancunComputation.opcodes)


class _PyevmState(CancunState):
    computation_class = _PyevmComputation


def _ending(case: Case, state_class: type[CancunState]) -> tuple[bool, str, str]:
    """Return whether the transaction is invalid, the hash of the logs and the root of the state."""
    state = state_class(AtomicDB(), _context(case.env), BLANK_ROOT_HASH)
    for text, account in case.pre.items():
        address: Any = _bytes(text)
        state.set_nonce(address, _number(account["nonce"]))
        state.set_balance(address, _number(account["balance"]))
        state.set_code(address, _bytes(account["code"]))
        for key, value in account["storage"].items():
            state.set_storage(address, _number(key), _number(value))
    state.persist()
    is_invalid = False
    logs: list[Any] = []
    try:
        computation = state.apply_transaction(_transaction(case))
    except ValidationError:
        is_invalid = True
    else:
        if computation.is_success:
            logs = [
                [address, [topic.to_bytes(32, "big") for topic in topics], data]
                for address, topics, data in computation.get_log_entries()
            ]
    state.persist()
    return is_invalid, keccak(rlp.encode(logs)).hex(), state.state_root.hex()


def _context(env: dict[str, Any]) -> Any:
    return ExecutionContext(
        coinbase=_bytes(env["currentCoinbase"]),  # type: ignore[arg-type]
        timestamp=_number(env["currentTimestamp"]),
        block_number=_number(env["currentNumber"]),  # type: ignore[arg-type]
        difficulty=0,
        mix_hash=_bytes(env["currentRandom"]),  # type: ignore[arg-type]
        gas_limit=_number(env["currentGasLimit"]),
        # The tests' convention: the hash of a block is that of its number in decimals.
        prev_hashes=[
            keccak(str(number).encode())  # type: ignore[misc]
            for number in range(_number(env["currentNumber"]) - 1, -1, -1)[:256]
        ],
        chain_id=_CHAIN_ID,
        base_fee_per_gas=_number(env["currentBaseFee"]),
        excess_blob_gas=_number(env["currentExcessBlobGas"]),
    )


def _transaction(case: Case) -> Any:
    sent, indexes = case.transaction, case.expected["indexes"]
    fields: dict[str, Any] = {
        "nonce": _number(sent["nonce"]),
        "gas": _number(sent["gasLimit"][indexes["gas"]]),
        "to": _bytes(sent["to"]),
        "value": _number(sent["value"][indexes["value"]]),
        "data": _bytes(sent["data"][indexes["data"]]),
    }
    lists = sent.get("accessLists")
    if lists is not None or "maxFeePerGas" in sent:
        fields["chain_id"] = _CHAIN_ID
        fields["access_list"] = [
            (_bytes(entry["address"]), [_number(key) for key in entry["storageKeys"]])
            for entry in (lists[indexes["data"]] if lists else None) or ()
        ]
    if "maxFeePerGas" in sent:
        unsigned: Any = CancunTransactionBuilder.new_unsigned_dynamic_fee_transaction(
            max_fee_per_gas=_number(sent["maxFeePerGas"]),
            max_priority_fee_per_gas=_number(sent["maxPriorityFeePerGas"]),
            **fields,
        )
    elif lists is not None:
        unsigned = CancunTransactionBuilder.new_unsigned_access_list_transaction(
            gas_price=_number(sent["gasPrice"]), **fields
        )
    else:
        unsigned = CancunTransactionBuilder.create_unsigned_transaction(
            gas_price=_number(sent["gasPrice"]), **fields
        )
    key = PrivateKey(_bytes(sent["secretKey"]))
    if "chain_id" in fields:
        return unsigned.as_signed_transaction(key)
    return unsigned.as_signed_transaction(key, chain_id=_CHAIN_ID)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(text: str) -> int:
    return int(text, 16)
