"""Compiling: what is cached, when the cache must not answer, and how errors read."""

import json
from pathlib import Path

import pytest

from sim.chain import compile as compiler
from sim.chain.compile import compile_contract, contracts_root
from sim.core.errors import InputError

MAIN = """# pragma version 0.4.3
from lib import rates
from . import local

@external
@view
def f() -> uint256:
    return rates._rate() + local._local()
"""
RATES = """# pragma version 0.4.3
@internal
@pure
def _rate() -> uint256:
    return {}
"""
LOCAL = """# pragma version 0.4.3
@internal
@pure
def _local() -> uint256:
    return 2
"""


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("SEAWALL_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "rates.vy").write_text(RATES.format(1))
    (root / "local.vy").write_text(LOCAL)
    (root / "Main.vy").write_text(MAIN)
    return root


@pytest.fixture
def compilations(monkeypatch):
    """Count how often the compiler really ran."""
    count = []
    original = compiler._compile

    def counting(*args):
        count.append(args[0])
        return original(*args)

    monkeypatch.setattr(compiler, "_compile", counting)
    return count


def test_same_sources_are_compiled_once(tree, compilations):
    first = compile_contract(tree / "Main.vy", search_root=tree)
    second = compile_contract(tree / "Main.vy", search_root=tree)
    assert first == second
    assert len(compilations) == 1
    assert first.name == "Main"
    assert len(first.runtime_bytecode) < len(first.bytecode)
    assert [entry["name"] for entry in first.abi] == ["f"]


def test_a_change_in_an_import_of_an_import_is_seen(tree, compilations):
    (tree / "lib" / "rates.vy").write_text(
        "# pragma version 0.4.3\nfrom lib import base\n@internal\n@pure\ndef _rate() -> uint256:\n"
        "    return base.BASE\n"
    )
    (tree / "lib" / "base.vy").write_text("# pragma version 0.4.3\nBASE: constant(uint256) = 7\n")
    first = compile_contract(tree / "Main.vy", search_root=tree)
    (tree / "lib" / "base.vy").write_text("# pragma version 0.4.3\nBASE: constant(uint256) = 8\n")
    second = compile_contract(tree / "Main.vy", search_root=tree)
    assert len(compilations) == 2
    assert first.source_hash != second.source_hash
    assert first.runtime_bytecode != second.runtime_bytecode


def test_a_new_file_that_could_shadow_an_import_is_seen(tree, compilations):
    compile_contract(tree / "Main.vy", search_root=tree)
    (tree / "local.vyi").write_text("# pragma version 0.4.3\n")
    compile_contract(tree / "Main.vy", search_root=tree)
    assert len(compilations) == 2


def test_sources_moved_to_another_folder_keep_their_hash(tree, tmp_path):
    first = compile_contract(tree / "Main.vy", search_root=tree)
    moved = tmp_path / "elsewhere"
    tree.rename(moved)
    assert compile_contract(moved / "Main.vy", search_root=moved).source_hash == first.source_hash


@pytest.mark.parametrize("damage", ["cut", "edited"])
def test_a_damaged_cache_entry_is_not_believed(tree, compilations, tmp_path, damage):
    first = compile_contract(tree / "Main.vy", search_root=tree)
    (entry,) = (tmp_path / "cache" / "artifacts").iterdir()
    if damage == "cut":
        entry.write_bytes(entry.read_bytes()[:100])
    else:
        stored = json.loads(entry.read_bytes())
        stored["artifact"]["runtime_bytecode"] = "00"
        entry.write_text(json.dumps(stored))
    assert compile_contract(tree / "Main.vy", search_root=tree) == first
    assert len(compilations) == 2


def test_without_a_cache_folder_it_compiles_every_time(tree, compilations, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEAWALL_CACHE", str(tmp_path / "file"))
    compile_contract(tree / "Main.vy", search_root=tree)
    compile_contract(tree / "Main.vy", search_root=tree)
    assert len(compilations) == 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "# pragma version 0.4.3\n@external\ndef f():\n    self.y = 1\n",
            "Bad.vy:4: does not compile: UndeclaredDefinition",
        ),
        (
            "# pragma version 0.4.3\n@external\ndef f()\n    pass\n",
            "Bad.vy:3: does not compile: SyntaxException",
        ),
        ("# pragma version 0.5.0\n", 'is not compatible with compiler version "0.4.3"'),
        ("import nowhere\n", "Bad.vy:1: does not compile: ModuleNotFound: nowhere"),
        ("# pragma evm-version london\n", "does not compile"),
    ],
)
def test_an_error_is_one_line_with_file_and_line(tree, source, expected):
    (tree / "Bad.vy").write_text(source)
    with pytest.raises(InputError) as caught:
        compile_contract(tree / "Bad.vy", search_root=tree)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_in_an_import_names_the_import(tree):
    (tree / "lib" / "rates.vy").write_text(RATES.format("undefined"))
    with pytest.raises(InputError, match=r"rates\.vy:5"):
        compile_contract(tree / "Main.vy", search_root=tree)


def test_missing_or_huge_files_are_refused(tree):
    with pytest.raises(InputError, match="cannot read"):
        compile_contract(tree / "None.vy", search_root=tree)
    (tree / "Huge.vy").write_text("#" * (1 << 20) + "\n")
    with pytest.raises(InputError, match="larger than"):
        compile_contract(tree / "Huge.vy", search_root=tree)


def test_our_contracts_folder_is_found():
    assert (contracts_root() / "interfaces").is_dir()
    assert contracts_root() in (
        Path(compiler.__file__).parents[2] / "contracts",
        Path(compiler.__file__).parents[1] / "_contracts",
    )
