"""Anybody can recompute the digest of a run from its folder, and sees it if the folder was changed."""

from __future__ import annotations

import ast
import json
import os
import runpy
import shutil
import sys
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.engine.blocks.run_digest import SCHEMA_VERSION
from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from sim.protocol.contracts import compile_protocol
from sim.protocol.state import MarketState, ProtocolState
from tests.golden.runs import SCENARIOS, expected, names
from tests.support.recomputed import SCRIPT, recomputed
from tests.support.small_run import small_run

BLOCKS = "blocks=20"
EXPORTS = runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return the folder of a run with liquidations and reverted transactions."""
    result = small_run(tmp_path_factory.mktemp("original") / "run", BLOCKS)
    assert min(result.summary["liquidations"], result.summary["reverted"]) > 0
    assert recomputed(result.folder) == result.digest
    return result.folder


@pytest.fixture
def folder(original, tmp_path):
    """Return a copy that a test may edit."""
    return shutil.copytree(original, tmp_path / "run")


@pytest.mark.parametrize("name", names())
def test_the_start_of_every_shipped_scenario(name, tmp_path):
    """Whole runs are recomputed by tests/golden."""
    scenario = load_scenario(SCENARIOS / f"{name}.toml", overrides=[BLOCKS])
    result = run_scenario(scenario, RunOptions(out=tmp_path / name, worlds="none"))
    assert recomputed(result.folder) == result.digest


def test_the_script_needs_nothing_of_seawall():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.split(".")[0] for name in imported}
    assert roots - set(sys.stdlib_module_names) == {"pyarrow"}


def test_script_tables_and_contracts_agree_on_the_words():
    lens = compile_protocol("static")["lens"].abi
    outputs = {entry["name"]: entry["outputs"][0] for entry in lens if entry["type"] == "function"}
    for function, words, state in (
        ("market_states", "MARKET_WORDS", MarketState),
        ("protocol_state", "PROTOCOL_WORDS", ProtocolState),
    ):
        declared = tuple(component["name"] for component in outputs[function]["components"])
        assert declared == EXPORTS[words] == state.__slots__
    assert EXPORTS["SCHEMA_VERSION"] == SCHEMA_VERSION


def test_the_digest_that_the_specification_quotes_is_the_golden_one():
    text = (SCRIPT.parents[1] / "docs" / "digest.md").read_text(encoding="utf-8")
    assert f"equal: {expected('flash_crash')['digest']}\n" in text


def test_the_examples_of_the_specification():
    integer = EXPORTS["integer"]
    assert [integer(value).hex(" ") for value in (0, 127, 128, -128)] == [
        "01 00", "01 7f", "02 00 80", "02 ff 80",
    ]  # fmt: skip
    assert integer(2**256 - 1).hex() == "21" + "00" + "ff" * 32
    assert integer(-(2**255)).hex() == "21" + "ff80" + "00" * 31


class Finished(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def check(capsys):
    """Return the script as a function, without the seconds a process takes to start."""

    def run(folder) -> Finished:
        capsys.readouterr()
        return Finished(EXPORTS["main"]([str(folder)]), *capsys.readouterr())

    return run


def change(folder, table: str, column: str, row: int) -> None:
    """Change one cell, keeping its type and what it is made of."""
    path = folder / f"{table}.parquet"
    stored = pq.read_table(path)
    values = stored[column].to_pylist()
    values[row] = _other(values[row])
    index = stored.schema.get_field_index(column)
    changed = stored.set_column(
        index, stored.schema.field(column), pa.array(values, stored.schema.types[index])
    )
    pq.write_table(changed, path)


def _other(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [_other(value[0]), *value[1:]] if value else ["1"]
    if isinstance(value, str):
        if value.startswith("0x"):
            return f"0x{int(value[2:3], 16) ^ 1:x}{value[3:]}" if len(value) > 2 else "0x00"
        return str(int(value) + 1) if value.lstrip("-").isdigit() else value + "x"
    return value + 1


HASHED = [
    *(("transactions", name) for name in EXPORTS["TRANSACTIONS"] if name not in ("block", "position")),
    *(("events", name) for name in EXPORTS["EVENTS"] if name not in ("block", "position")),
    *(("market_states", name) for name in EXPORTS["MARKET_WORDS"]),
    *(("protocol_states", name) for name in EXPORTS["PROTOCOL_WORDS"]),
]


@pytest.mark.parametrize(("table", "column"), HASHED)
def test_a_changed_cell_changes_the_digest_from_its_block_on(check, folder, table, column):
    row = pq.read_table(folder / f"{table}.parquet").num_rows // 2
    block = pq.read_table(folder / f"{table}.parquet")["block"][row].as_py()
    change(folder, table, column, row)
    finished = check(folder)
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout.startswith(f"different: block {block}: blocks.parquet states ")


@pytest.mark.parametrize("column", [name for name in EXPORTS["ACCOUNTS"] if name != "account"])
def test_a_changed_account_changes_the_digest_of_the_run(check, folder, column):
    change(folder, "accounts", column, 3)
    finished = check(folder)
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout.startswith("different: manifest.json states ")


def test_a_changed_block_digest_is_found(check, folder):
    path = folder / "blocks.parquet"
    stored = pq.read_table(path)
    values = stored["block_digest"].to_pylist()
    values[4] = "0" * 64
    index = stored.schema.get_field_index("block_digest")
    pq.write_table(stored.set_column(index, "block_digest", pa.array(values)), path)
    finished = check(folder)
    assert (finished.returncode, finished.stdout[:19]) == (1, "different: block 5:")


def test_readings_are_not_in_the_digest(check, folder):
    """The page says so: replay compares them."""
    change(folder, "transactions", "fee_paid_eth", 0)
    assert check(folder).returncode == 0


def _without_a_column(path):
    table = pq.read_table(path)
    pq.write_table(table.drop_columns([table.schema.names[-1]]), path)


def _with_a_row_twice(path):
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table.slice(table.num_rows - 1)]), path)


def _with_a_number_as_text(path):
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, table.schema.names[0], table[0].cast(pa.string())), path)


def _with_a_gap(path):
    table = pq.read_table(path)
    pq.write_table(
        table.set_column(0, table.schema.names[0], pa.array([None] * len(table), pa.int64())), path
    )


def _as_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def _as_an_endless_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


EDITS = {
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": _as_a_pipe,
    "an endless device": _as_an_endless_device,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "larger than any": lambda path: os.truncate(path, (1 << 30) + 1),
    "not a table": lambda path: path.write_bytes(b"\x00 not this" * 50),
}
TABLE_EDITS = {
    "a column less": _without_a_column,
    "a row twice": _with_a_row_twice,
    "a number as text": _with_a_number_as_text,
    "a value missing": _with_a_gap,
}
READ = ("transactions", "events", "market_states", "protocol_states", "accounts", "blocks")
CASES = [
    *((f"{table}.parquet", edit) for table in READ for edit in (*EDITS, *TABLE_EDITS)
      if (table, edit) not in {("events", "a row twice"), ("blocks", "a row twice")}),
    *(("manifest.json", edit) for edit in EDITS),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit"), CASES)
def test_a_damaged_folder_is_refused_with_the_name_of_the_file(check, folder, name, edit):
    (EDITS | TABLE_EDITS)[edit](folder / name)
    finished = check(folder)
    assert finished.returncode == 2, finished.stdout
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1
    assert name in finished.stderr


@pytest.mark.parametrize(
    ("key", "value"), [("schema_version", 1), ("schema_version", None), ("digest", 7), ("digest", "ab" * 31)]
)
def test_a_manifest_of_another_kind_is_refused(check, folder, key, value):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {key: value}))
    finished = check(folder)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "manifest.json" in finished.stderr


def test_a_log_more_changes_the_digest(check, folder):
    _with_a_row_twice(folder / "events.parquet")
    assert check(folder).returncode == 1


def test_a_log_of_no_transaction_is_refused(check, folder):
    path = folder / "events.parquet"
    table = pq.read_table(path)
    blocks = table["block"].to_pylist()
    blocks[-1] += 1
    pq.write_table(table.set_column(0, "block", pa.array(blocks)), path)
    finished = check(folder)
    assert finished.returncode == 2
    assert "events.parquet: a row is out of its place" in finished.stderr


def test_no_folder_and_no_argument(check, tmp_path):
    assert check(tmp_path / "nowhere").returncode == 2
    assert check("--help").returncode == 2
