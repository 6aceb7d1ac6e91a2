"""Rules about Vyper files: header, licence, size of what is deployed."""

import re
from pathlib import Path

import pytest

from scripts.contract_costs import immutable_bytes
from sim.chain.compile import compile_contract

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
SOURCES = sorted([*CONTRACTS.rglob("*.vy"), *(ROOT / "scenarios").rglob("*.vy")])
INTERFACES = sorted(CONTRACTS.rglob("*.vyi"))
DEPLOYABLE = [
    path for path in SOURCES if path.parent.name not in {"lib", "modules"} and path.stem[0].isupper()
]
MAX_RUNTIME_BYTES = 24_576  # EIP-170
ROOM_BYTES = 1_500  # a contract that cannot take one more rule is a design fault


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_contracts_exist():
    assert len(DEPLOYABLE) >= 8


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_source_fixes_compiler_and_locks(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# pragma version 0.4.3"
    assert "# pragma nonreentrancy on" in lines[:3]


@pytest.mark.parametrize("path", INTERFACES, ids=named)
def test_interface_fixes_compiler(path):
    assert path.read_text().splitlines()[0] == "# pragma version 0.4.3"


@pytest.mark.parametrize("path", [*SOURCES, *INTERFACES], ids=named)
def test_source_states_title_and_licence(path):
    text = path.read_text()
    assert "@license Apache-2.0" in text
    assert re.search(r"^@title \S", text, re.MULTILINE)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_name_says_what_the_file_is(path):
    if path.parent.name in {"lib", "modules"}:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", path.stem)
    else:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", path.stem)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_getters_can_be_read_during_a_transaction(path):
    bare = [
        line.strip()
        for line in path.read_text().splitlines()
        if re.match(r"^[a-z_]\w*: *public\((?!reentrant\(|constant\(|immutable\()", line)
    ]
    assert bare == []


@pytest.mark.parametrize("path", DEPLOYABLE, ids=named)
def test_deployable_fits_the_code_size_limit(path):
    artifact = compile_contract(path, search_root=CONTRACTS)
    deployed = len(artifact.runtime_bytecode) + immutable_bytes(artifact.bytecode)
    assert 0 < deployed <= MAX_RUNTIME_BYTES - ROOM_BYTES
