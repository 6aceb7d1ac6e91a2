"""A question with limited gas: every engine gives the code exactly that, from its first instruction on."""

from __future__ import annotations

import pytest

from sim.chain.abi import ContractAbi
from sim.chain.accounts import account
from sim.chain.backend import HALT_OUT_OF_GAS
from sim.chain.chain import ENGINES, Chain
from sim.chain.compile import compile_contract

SOURCE = """# pragma version 0.4.3
# pragma nonreentrancy on


@view
@external
def gas_left(_ignored: uint256) -> uint256:
    return msg.gas


@view
@external
def endless() -> bool:
    success: bool = False
    for index: uint256 in range(2**64): success = not success
    return success


@view
@external
def refuses():
    raise "no"
"""
GAS = 150_000


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    path = tmp_path_factory.mktemp("asked") / "Asked.vy"
    path.write_text(SOURCE)
    return compile_contract(path)


def asked(engine, artifact):
    if engine == "revm":
        pytest.importorskip("pyrevm")
    chain = Chain.create(engine, 1_700_000_000)
    chain.start_block(1, 1_700_000_012)
    address = chain.deploy(artifact, b"", account("owner").address)
    chain.end_block()
    abi = ContractAbi(artifact.abi)
    return lambda name, *values, gas=GAS: chain.answer(address, abi[name].encode(*values), gas)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gas_is_the_same_on_every_engine(engine, artifact):
    ask, native = asked(engine, artifact), asked("native", artifact)
    for word in (0, 2**256 - 1):  # calldata costs what it costs, and the code sees none of it
        outcome = ask("gas_left", word)
        assert outcome == native("gas_left", word)
        assert 0 < GAS - int.from_bytes(outcome.output, "big") < 1_000
    assert ask("endless").halt == HALT_OUT_OF_GAS
    assert not ask("refuses").status
    assert ask("refuses").halt is None


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_that_needs_more_is_none(engine, artifact):
    ask = asked(engine, artifact)
    needed = GAS - int.from_bytes(ask("gas_left", 0).output, "big")
    assert ask("gas_left", 0, gas=needed + 500).status
    assert not ask("gas_left", 0, gas=needed - 1).status
