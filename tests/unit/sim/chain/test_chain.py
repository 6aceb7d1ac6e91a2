"""The engines must be indistinguishable: results, reasons, logs, storage, block environment."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from sim.chain.abi import ContractAbi, keccak256
from sim.chain.accounts import accounts
from sim.chain.backend import COINBASE, HALT_INVALID, HALT_OUT_OF_GAS
from sim.chain.chain import ENGINES, CallReverted, Chain, Receipt, Transaction, default_engine
from sim.chain.compile import compile_contract
from sim.chain.gas import GasEntry, GasProfile
from sim.core.errors import InputError, RunError

FOLDER = Path(__file__).parent
ARTIFACT = compile_contract(FOLDER / "probe.vy", search_root=FOLDER)
ABI = ContractAbi(ARTIFACT.abi)
OWNER, TRADER, KEEPER = (account.address for account in accounts("probe", 3))
GENESIS = 1_600_000_000
NEEDS_REVM = pytest.mark.skipif(find_spec("pyrevm") is None, reason="pyrevm has no wheel for this Python")


def with_revm_where_it_is(engines):
    """Return engines as parameters of a test; revm is skipped where it cannot be installed."""
    return [pytest.param(engine, marks=NEEDS_REVM if engine == "revm" else ()) for engine in engines]


@pytest.fixture(params=with_revm_where_it_is(ENGINES))
def chain(request):
    return Chain.create(request.param, GENESIS)


def deployed(chain: Chain, start: int = 5) -> str:
    chain.start_block(1, GENESIS + 12)
    probe = chain.deploy(ARTIFACT, ABI.constructor.encode(start), OWNER)
    chain.end_block()
    return probe


def send(chain: Chain, probe: str, name: str, *args, sender: str = TRADER) -> Receipt:
    return chain.execute(Transaction(sender, probe, ABI[name].encode(*args), name))


def scripted_life(engine: str) -> dict[str, object]:
    """Return everything that can be observed of a run which touches every kind of outcome."""
    chain = Chain.create(engine, GENESIS)
    probe = deployed(chain)
    receipts = []
    for number, timestamp in ((2, GENESIS + 24), (3, GENESIS + 40)):
        chain.start_block(number, timestamp)
        receipts.extend(send(chain, probe, "bump") for _ in range(2))
        receipts.append(send(chain, probe, "store", 7, sender=KEEPER))
        receipts.append(send(chain, probe, "fail", "probe: no"))
        receipts.append(send(chain, probe, "overflow", 1))
        receipts.append(send(chain, probe, "unreachable"))
        receipts.append(send(chain, probe, "nested", 3))
        receipts.append(send(chain, probe, "spawn"))
        chain.end_block()
    proxies = [ABI["proxies"].decode(chain.call(probe, ABI["proxies"].encode(i))) for i in range(2)]
    environment = chain.call(probe, ABI["environment"].encode())
    # A second deployment by a sender that has made transactions: its address depends on the true nonce.
    chain.start_block(4, GENESIS + 52)
    second = chain.deploy(ARTIFACT, ABI.constructor.encode(1), KEEPER)
    chain.end_block()
    return {
        "addresses": (probe, second, proxies),
        "receipts": receipts,
        "environment": environment,
        "storage": [chain.storage_at(probe, slot) for slot in range(4)],
        "code": (chain.code_at(probe), chain.code_at(proxies[0]), chain.code_at(TRADER)),
        "owner": ABI["owner"].decode(chain.call(second, ABI["owner"].encode())),
        "sums": chain.call(probe, ABI["sums"].encode(KEEPER)),
    }


@pytest.mark.parametrize("engine", with_revm_where_it_is(["native", "revm", "ethtester"]))
def test_life_on_every_engine_gives_the_same_observations(engine):
    first = scripted_life("pyevm")
    assert first["owner"] == KEEPER
    assert first["code"][0][: len(ARTIFACT.runtime_bytecode)] == ARTIFACT.runtime_bytecode
    other = scripted_life(engine)
    for name, value in first.items():
        assert other[name] == value, name


def test_outcomes_are_what_the_contract_did(chain):
    probe = deployed(chain)
    chain.start_block(2, GENESIS + 24)
    # Transient storage ends with the transaction: the guard would refuse the second call otherwise.
    assert [ABI["bump"].decode(send(chain, probe, "bump").output) for _ in range(3)] == [6, 7, 8]
    stored = send(chain, probe, "store", 7)
    event = ABI.decode_log(stored.logs[0].topics, stored.logs[0].data)
    assert event is not None
    assert event.name == "Seen"
    assert event.args == {"who": TRADER, "label": keccak256(b"store"), "amount": -7, "flag": True}
    assert stored.logs[0].address == probe
    failed = send(chain, probe, "fail", "probe: no")
    assert (failed.status, failed.revert_reason, failed.logs) == (False, "probe: no", [])
    assert send(chain, probe, "overflow", 1).revert_reason == "reverted without a reason"
    assert send(chain, probe, "unreachable").revert_reason == HALT_INVALID
    nested = send(chain, probe, "nested", 3)
    assert nested.status
    assert ABI["nested"].decode(nested.output) is False
    assert len(nested.logs) == 1
    chain.end_block()
    assert ABI["count"].decode(chain.call(probe, ABI["count"].encode())) == 8


def test_environment_seen_by_contracts(chain):
    probe = deployed(chain)
    chain.start_block(2, GENESIS + 1000, base_fee_wei=123)
    chain.end_block()
    number, timestamp, randao, coinbase, _, base_fee, chain_id, gas_price = ABI["environment"].decode(
        chain.call(probe, ABI["environment"].encode())
    )
    assert (number, timestamp, coinbase, chain_id) == (2, GENESIS + 1000, COINBASE, 1337)
    assert (base_fee, gas_price) == (0, 0)
    assert randao != b"\0" * 32


def test_calls_leave_no_trace(chain):
    probe = deployed(chain)
    chain.start_block(2, GENESIS + 24)
    assert ABI["bump"].decode(chain.call(probe, ABI["bump"].encode())) == 6
    assert ABI["bump"].decode(chain.call(probe, ABI["bump"].encode())) == 6
    assert ABI["bump"].decode(send(chain, probe, "bump").output) == 6
    # A call inside the block sees the transactions before it.
    assert ABI["count"].decode(chain.call(probe, ABI["count"].encode())) == 6
    with pytest.raises(CallReverted, match="probe: no") as caught:
        chain.call(probe, ABI["fail"].encode("probe: no"))
    assert caught.value.reason == "probe: no"
    chain.end_block()


def test_snapshot_can_be_restored_twice(chain):
    probe = deployed(chain)
    block = chain.call(probe, ABI["environment"].encode())
    handle = chain.snapshot()
    for _ in range(2):
        chain.start_block(2, GENESIS + 24)
        assert ABI["bump"].decode(send(chain, probe, "bump").output) == 6
        child = ABI["spawn"].decode(send(chain, probe, "spawn").output)
        chain.end_block()
        chain.snapshot()
        chain.restore(handle)
        assert chain.block_number == 1
        assert chain.call(probe, ABI["environment"].encode()) == block  # its number and time too
        assert chain.code_at(child) == b""
        assert ABI["count"].decode(chain.call(probe, ABI["count"].encode())) == 5
    with pytest.raises(RunError, match="no snapshot 1"):
        chain.restore(1)


@pytest.mark.parametrize("engine", with_revm_where_it_is(["native", "revm", "pyevm"]))
def test_runaway_loop_halts_out_of_gas(engine, monkeypatch):
    # The full budget takes a minute on py-evm; the rule is the same with less.
    module = "native.backend" if engine == "native" else engine
    monkeypatch.setattr(f"sim.chain.{module}.TRANSACTION_GAS", 1_000_000)
    chain = Chain.create(engine, GENESIS)
    probe = deployed(chain)
    chain.start_block(2, GENESIS + 24)
    receipt = send(chain, probe, "burn")
    assert (receipt.status, receipt.revert_reason) == (False, HALT_OUT_OF_GAS)
    assert ABI["count"].decode(chain.call(probe, ABI["count"].encode())) == 5


@NEEDS_REVM
def test_exact_gas_equals_mined_receipts():
    figures = []
    for engine in ("native", "pyevm", "ethtester"):
        chain = Chain.create(engine, GENESIS)
        chain.start_block(1, GENESIS + 12)
        probe = chain.deploy(ARTIFACT, ABI.constructor.encode(5), OWNER)
        gas = [chain.exact_gas]
        for name, args in (
            ("store", (7,)),
            ("store", (7,)),
            ("fail", ("probe: no",)),
            ("nested", (1,)),
            ("spawn", ()),
        ):
            send(chain, probe, name, *args)
            gas.append(chain.exact_gas)
        chain.execute(
            Transaction(TRADER, probe, ABI["label"].encode(3) + b"\1" * 3000)
        )  # calldata floor, EIP-7623
        gas.append(chain.exact_gas)
        chain.end_block()
        figures.append(gas)
    assert figures[0] == figures[1] == figures[2]
    assert figures[0][-1] > 21_000 + 40 * 3000
    chain = Chain.create("revm", GENESIS)
    deployed(chain)
    with pytest.raises(RunError, match="does not meter gas"):
        _ = chain.exact_gas


def test_mined_block_hashes_are_deterministic():
    hashes = []
    for _ in range(2):
        chain = Chain.create("ethtester", GENESIS)
        probe = deployed(chain)
        chain.start_block(2, GENESIS + 24)
        send(chain, probe, "store", 7)
        chain.end_block()
        hashes.append(chain._backend.head_hash())
    assert hashes[0] == hashes[1]


def test_fees_and_gas_come_from_the_profile_on_every_engine(chain):
    probe = deployed(chain)
    chain.gas_profile = GasProfile(
        "0" * 64,
        {
            "store": GasEntry(
                success=50_000, per_item=1_000, per_position=9_000, revert=30_000, revert_per_position=4_000
            )
        },
    )
    chain.start_block(2, GENESIS + 24, base_fee_wei=100)
    transaction = Transaction(TRADER, probe, ABI["store"].encode(1), "store", 80_000, 130, 50, items=3)
    receipt = chain.execute(transaction)
    assert (receipt.gas_used, receipt.gas_price_wei, receipt.fee_paid_wei) == (53_000, 130, 53_000 * 130)
    failing = transaction._replace(data=ABI["fail"].encode("no"), priority_fee_wei=7)
    receipt = chain.execute(failing)
    assert (receipt.gas_used, receipt.gas_price_wei) == (30_000, 107)
    assert chain.execute(transaction, 2).gas_used == 71_000
    assert chain.execute(failing, 2).gas_used == 38_000
    assert chain.execute(transaction, 4).gas_used == 80_000  # what it reserved
    with pytest.raises(RunError, match="below the base fee"):
        chain.execute(transaction._replace(max_fee_wei=99))
    with pytest.raises(RunError, match="no entry point 'other'"):
        chain.execute(transaction._replace(entry_point="other"))


def test_misuse_is_refused(chain):
    with pytest.raises(RunError, match="no block is open"):
        chain.execute(Transaction(TRADER, COINBASE, b""))
    with pytest.raises(RunError, match="no block is open"):
        chain.end_block()
    with pytest.raises(RunError, match="block 3 cannot follow block 0"):
        chain.start_block(3, GENESIS + 12)
    with pytest.raises(RunError, match="must be later"):
        chain.start_block(1, GENESIS)
    chain.start_block(1, GENESIS + 12)
    with pytest.raises(RunError, match="still open"):
        chain.start_block(2, GENESIS + 24)
    with pytest.raises(RunError, match="still open"):
        chain.snapshot()
    with pytest.raises(RunError, match="deployment of probe failed: probe: start"):
        chain.deploy(ARTIFACT, ABI.constructor.encode(0), OWNER)


def test_unknown_engine_is_an_input_error():
    with pytest.raises(InputError, match="use one of native, revm, pyevm, ethtester"):
        Chain.create("geth", GENESIS)
    assert default_engine() in ENGINES


@NEEDS_REVM
@pytest.mark.parametrize("messages_between_checks", [3, 4096])  # within a block, and at its end
def test_moving_the_state_of_revm_keeps_every_slot(monkeypatch, messages_between_checks):
    monkeypatch.setattr("sim.chain.revm._MAX_JOURNAL", 30)
    monkeypatch.setattr("sim.chain.revm._MESSAGES_BETWEEN_CHECKS", messages_between_checks)
    moved, untouched = Chain.create("revm", GENESIS), Chain.create("pyevm", GENESIS)
    results = []
    for chain in (moved, untouched):
        probe = deployed(chain)
        children = []
        for block in range(2, 12):
            chain.start_block(block, GENESIS + 12 * block)
            for index in range(10):
                send(
                    chain,
                    probe,
                    "store",
                    block * index,
                    sender=accounts("holder", 40)[(block * 7 + index) % 40].address,
                )
                send(chain, probe, "fail", "no")
            if block % 4 == 2:
                children.append(ABI["spawn"].decode(send(chain, probe, "spawn").output))
            chain.end_block()
        sums = [chain.call(probe, ABI["sums"].encode(item.address)) for item in accounts("holder", 40)]
        codes = [chain.code_at(child) for child in [probe, *children]]
        results.append((sums, codes, children, [chain.storage_at(probe, slot) for slot in range(5)]))
    assert results[0] == results[1]
    assert moved._backend._evm.journal_len <= 31
    # Code must stay analysed: raw code is analysed again in every call.
    assert "state: Raw" not in moved._backend._evm.journal_str


@NEEDS_REVM
def test_revm_bounds_its_journal_while_a_snapshot_is_open(monkeypatch):
    monkeypatch.setattr("sim.chain.revm._MAX_JOURNAL", 3)
    chain = Chain.create("revm", GENESIS)
    probe = deployed(chain)
    sums = ABI["sums"].encode(TRADER)
    outer = chain.snapshot()
    chain.start_block(2, GENESIS + 24)
    send(chain, probe, "store", 5)
    chain.end_block()
    inner = chain.snapshot()
    for handle, expected in ((inner, 5), (inner, 5), (outer, 0), (outer, 0)):
        chain.start_block(chain.block_number + 1, chain.timestamp + 12)
        for _ in range(10):
            send(chain, probe, "store", 1)
        chain.end_block()
        assert chain._backend._evm.journal_len <= 4
        chain.restore(handle)
        assert ABI["sums"].decode(chain.call(probe, sums)) == expected
    with pytest.raises(RunError, match="no snapshot"):
        chain.restore(inner)


def test_ethtester_cannot_sign_for_a_stranger():
    chain = Chain.create("ethtester", GENESIS)
    probe = deployed(chain)
    chain.start_block(2, GENESIS + 24)
    with pytest.raises(RunError, match="no private key"):
        send(chain, probe, "bump", sender="0x" + "12" * 20)
