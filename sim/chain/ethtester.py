"""The evidence engine: web3 and eth-tester over py-evm, with signed transactions, mined blocks and receipts.

eth-tester reads the wall clock for its genesis and the system's entropy for each block; the backend here
takes both from the chain's own environment, so that block hashes are the same in every process. A
transaction is executed when it is sent, since its receipt is needed at once; its block is sealed over those
executions and read back over JSON-RPC. Instructions are executed by py-evm's own loop, unlike on ``pyevm``.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from eth._utils.address import generate_contract_address
from eth.chains.base import MiningChain
from eth.constants import (
    BLANK_ROOT_HASH,
    GENESIS_PARENT_HASH,
    POST_MERGE_DIFFICULTY,
    POST_MERGE_MIX_HASH,
    POST_MERGE_NONCE,
)
from eth.db import get_db_backend
from eth.vm.forks.prague import PragueVM
from eth_account import Account as EthAccount
from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped]
from eth_tester.exceptions import TransactionFailed  # type: ignore[import-untyped]
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import Web3Exception

from sim.chain.abi import checksum_address
from sim.chain.accounts import private_key_of
from sim.chain.backend import (
    BLOCK_GAS_LIMIT,
    CALL_GAS,
    CHAIN_ID,
    COINBASE,
    TRANSACTION_GAS,
    BlockEnvironment,
    Log,
    Outcome,
)
from sim.chain.pyevm import canonical, outcome_of, run_call
from sim.core.errors import RunError


class _Chain(MiningChain):
    """py-evm's chain of Prague blocks with a constant gas limit."""

    chain_id = CHAIN_ID
    vm_configuration = ((0, PragueVM),)  # type: ignore[assignment]

    def create_header_from_parent(self, parent_header: Any, **header_params: Any) -> Any:
        """Keep the gas limit constant."""
        header_params["gas_limit"] = parent_header.gas_limit
        return super().create_header_from_parent(parent_header, **header_params)


class _Sent(NamedTuple):
    """A transaction of the open block, and what its execution gave."""

    hash: bytes
    transaction: Any
    receipt: Any
    outcome: Outcome


class DeterministicBackend(PyEVMBackend):
    """eth-tester's backend with the block environment given from outside and mining in one pass."""

    def __init__(self, genesis_timestamp: int) -> None:
        self._genesis_timestamp = genesis_timestamp
        self.chain: Any = None
        self._vm: Any = None
        self._header: Any = None
        self.sent: list[_Sent] = []
        self.last_call: Outcome | None = None
        self.call_gas = CALL_GAS
        """Of the next call: JSON-RPC bounds what it may name by the block's limit."""
        super().__init__()

    def reset_to_genesis(self, *_: Any, **__: Any) -> None:
        """Start an empty chain: no funded accounts, since gas is free inside the EVM."""
        genesis: dict[str, Any] = {
            "coinbase": canonical(COINBASE),
            "difficulty": POST_MERGE_DIFFICULTY,
            "extra_data": b"",
            "gas_limit": BLOCK_GAS_LIMIT,
            "mix_hash": POST_MERGE_MIX_HASH,
            "nonce": POST_MERGE_NONCE,
            "receipt_root": BLANK_ROOT_HASH,
            "timestamp": self._genesis_timestamp,
            "transaction_root": BLANK_ROOT_HASH,
            "base_fee_per_gas": 0,  # stays zero: blocks never reach the gas target
        }
        self.account_keys = ()
        self.chain = _Chain.from_genesis(get_db_backend(), genesis, {})

    def open_block(self, environment: BlockEnvironment) -> None:
        """Prepare the header of the next block and the state to execute on."""
        header = self.chain.header.copy(
            timestamp=environment.timestamp, coinbase=canonical(COINBASE), mix_hash=environment.prevrandao
        )
        if header.block_number != environment.number:
            raise RunError(
                f"eth-tester is at block {header.block_number}, was asked for {environment.number}"
            )
        self.chain.header = header
        self._header = header
        self._vm = self.chain.get_vm(header)

    def send_raw_transaction(self, raw_transaction: bytes) -> bytes:
        """Execute a signed transaction on the open block; it is mined with the others."""
        transaction = self._vm.get_transaction_builder().decode(raw_transaction)
        receipt, computation = self._vm.apply_transaction(self._header, transaction)
        gas = receipt.gas_used - self._header.gas_used
        self._header = self._vm.add_receipt_to_header(self._header, receipt)
        self.sent.append(_Sent(transaction.hash, transaction, receipt, outcome_of(computation, gas)))
        return bytes(transaction.hash)

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = b"") -> tuple[bytes, ...]:  # noqa: ARG002
        """Seal the open block over the transactions that were sent."""
        if num_blocks != 1 or self._vm is None:
            raise RunError("exactly the open block can be mined")
        # What MiningChain.mine_all does after executing: the executions are those of send_raw_transaction.
        header = self.chain.header
        filled = self._vm.set_block_transactions_and_withdrawals(
            self._vm.get_block(),
            self._header,
            tuple(sent.transaction for sent in self.sent),
            tuple(sent.receipt for sent in self.sent),
        )
        result = self._vm.mine_block(
            filled, coinbase=header.coinbase, mix_hash=header.mix_hash, blob_gas_used=0
        )
        self.chain.persist_block(result.block)
        self.chain.header = self.chain.create_header_from_parent(result.block.header)
        self.sent = []
        self._vm = self._header = None
        return (bytes(result.block.hash),)

    @property
    def latest_state(self) -> Any:
        """State after the last transaction sent, or the last block mined, in that block's environment."""
        if self._vm is not None:
            return self._vm.state
        head = self.chain.get_canonical_head()
        return self.chain.get_vm(head).state

    def call(self, transaction: dict[str, Any], block_number: Any = "latest") -> bytes:  # noqa: ARG002
        """Execute a message on the latest state and discard its effects."""
        outcome = run_call(
            self.latest_state,
            transaction["from"],
            transaction["to"],
            transaction.get("data", b""),
            self.call_gas,
        )
        self.last_call = outcome
        if not outcome.status:
            raise TransactionFailed("reverted")
        return outcome.output

    def go_back(self, block_hash: bytes) -> None:
        """Make an earlier block the head again."""
        header = self.chain.get_block_header_by_hash(block_hash)
        chaindb = self.chain.chaindb
        chaindb._set_as_canonical_chain_head(chaindb.db, header, GENESIS_PARENT_HASH)  # noqa: SLF001
        self.chain.header = self.chain.create_header_from_parent(header)


class _Tester(EthereumTester):
    """eth-tester that leaves mining to the block loop."""

    def send_raw_transaction(self, raw_transaction_hex: str) -> Any:
        """Send without mining a block for each transaction and without its snapshot-and-replay queue."""
        return EthereumTester.send_raw_transaction.__wrapped__(self, raw_transaction_hex)


class EthTesterBackend:
    """See `sim.chain.backend.Backend`; speaks JSON-RPC through web3."""

    def __init__(self, genesis_timestamp: int) -> None:
        self._chain = DeterministicBackend(genesis_timestamp)
        self._tester = _Tester(backend=self._chain)
        self._web3 = Web3(EthereumTesterProvider(self._tester))
        self._heads: list[bytes] = []

    def start_block(self, environment: BlockEnvironment) -> None:
        """Open a block."""
        self._chain.open_block(environment)

    def end_block(self) -> None:
        """Mine the open block and read back what JSON-RPC says of it."""
        sent = list(self._chain.sent)
        self._tester.mine_block()
        block = self._web3.eth.get_block("latest")
        hashes = [bytes(item) for item in block["transactions"]]  # type: ignore[arg-type]
        if hashes != [item.hash for item in sent]:
            raise RunError(f"block {block['number']} does not hold the transactions that were sent")
        if sent:
            self._check_receipt(sent[-1])

    def _check_receipt(self, sent: _Sent) -> None:
        # eth-tester reads a whole block's receipts for each one asked, so only the last goes over JSON-RPC;
        # all of them are compared when the block is mined.
        receipt = self._web3.eth.get_transaction_receipt(sent.hash)  # type: ignore[arg-type]
        logs = [
            Log(item["address"], [bytes(topic) for topic in item["topics"]], bytes(item["data"]))
            for item in receipt["logs"]
        ]
        outcome = sent.outcome
        if (receipt["status"] == 1, receipt["gasUsed"], logs) != (
            outcome.status,
            outcome.exact_gas,
            outcome.logs,
        ):
            raise RunError(f"receipt of {sent.hash.hex()} differs from its execution")

    def deploy(self, sender: str, nonce: int, code: bytes) -> tuple[str, Outcome]:
        """Send creation code."""
        outcome = self._send(sender, nonce, None, code)
        return checksum_address(bytes(generate_contract_address(canonical(sender), nonce))), outcome  # type: ignore[arg-type]

    def transact(self, sender: str, nonce: int, to: str, data: bytes) -> Outcome:
        """Sign and send a transaction."""
        return self._send(sender, nonce, to, data)

    def _send(self, sender: str, nonce: int, to: str | None, data: bytes) -> Outcome:
        fields: dict[str, Any] = {
            "chainId": CHAIN_ID,
            "data": data,
            "gas": TRANSACTION_GAS,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "nonce": nonce,
            "value": 0,
        }
        if to is not None:
            fields["to"] = to
        signed = EthAccount.sign_transaction(fields, private_key_of(sender))
        transaction_hash = bytes(self._web3.eth.send_raw_transaction(signed.raw_transaction))
        sent = self._chain.sent[-1]
        if sent.hash != transaction_hash:
            raise RunError(f"transaction {transaction_hash.hex()} was not executed")
        return sent.outcome

    def call(self, sender: str, to: str, data: bytes, gas: int = CALL_GAS) -> Outcome:
        """Ask for ``eth_call``."""
        self._chain.last_call = None
        self._chain.call_gas = gas
        fields: Any = {"from": sender, "to": to, "data": data, "gas": TRANSACTION_GAS, "gasPrice": 0}
        try:
            self._web3.eth.call(fields)
        except (TransactionFailed, Web3Exception) as error:
            if self._chain.last_call is None:
                raise RunError(f"eth_call was refused: {error}") from error
        return cast(Outcome, self._chain.last_call)

    def storage(self, address: str, slot: int) -> int:
        """Return one storage word."""
        return int(self._chain.latest_state.get_storage(canonical(address), slot))

    def code(self, address: str) -> bytes:
        """Return the code at an address."""
        return bytes(self._chain.latest_state.get_code(canonical(address)))

    def snapshot(self) -> int:
        """Remember the head."""
        self._heads.append(bytes(self._chain.chain.get_canonical_head().hash))
        return len(self._heads) - 1

    def restore(self, handle: int) -> None:
        """Go back to a remembered head."""
        if not 0 <= handle < len(self._heads):
            raise RunError(f"no snapshot {handle}")
        del self._heads[handle + 1 :]
        self._chain.go_back(self._heads[handle])

    def close(self) -> None:
        """Drop the chain."""
        self._chain.reset_to_genesis()
        self._heads.clear()

    def head_hash(self) -> bytes:
        """Return the hash of the last mined block: equal in two processes that ran the same transactions."""
        return bytes(self._chain.chain.get_canonical_head().hash)
