"""Replay executes a stored run again and names the first block where its folder says otherwise."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.core.errors import InputError
from sim.engine.blocks.tables import TABLES
from sim.engine.replay import replay_run
from tests.support.sealed import seal
from tests.support.small_run import small_run

SHORT = ("blocks=16",)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return the folder of a finished run with liquidations and another world."""
    result = small_run(tmp_path_factory.mktemp("original") / "run", *SHORT, worlds="forced")
    assert result.summary["liquidations"] > 0
    return result.folder


@pytest.fixture
def folder(original, tmp_path):
    """Return a copy that a test may edit."""
    return shutil.copytree(original, tmp_path / "run")


def change_one_value(folder, table: str, column: str, row: int) -> object:
    """Change one cell of a table, keeping its type, and return what it now says."""
    path = folder / f"{table}.parquet"
    stored = pq.read_table(path)
    values = stored[column].to_pylist()
    old = values[row]
    if isinstance(old, bool):
        values[row] = not old
    elif isinstance(old, str):
        values[row] = old + "x"
    elif isinstance(old, int):
        values[row] = old + 1
    else:
        values[row] = old * (1.0 + 2.0**-52) if old else 5e-324  # the smallest change a double can take
        assert values[row] != old
    position = stored.schema.get_field_index(column)
    changed = stored.set_column(
        position, stored.schema.field(column), pa.array(values, stored.schema.types[position])
    )
    pq.write_table(changed, path)
    seal(folder)
    return values[row]


def test_an_untouched_run_is_confirmed(original):
    result = replay_run(original, None)
    assert result.identical
    assert result.first_difference is None


@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("blocks", "insurance_fund", 9),
        ("blocks", "risk_price", 0),
        ("blocks", "block_digest", 15),
        ("transactions", "fee_paid_eth", -1),
        ("transactions", "status", 5),
        ("transactions", "revert_reason", 7),
        ("liquidations", "size", 0),
        ("liquidations", "breach_cause", -1),
        ("events", "data", 20),
        ("events", "account", -1),
    ],
)
def test_one_changed_value_is_found_with_its_block(folder, table, column, row):
    block = pq.read_table(folder / f"{table}.parquet")["block"].to_pylist()[row]
    now = change_one_value(folder, table, column, row)
    result = replay_run(folder, None)
    assert not result.identical
    assert result.first_difference.startswith(f"block {block}: {table}.parquet row ")
    assert f", {column}: stored {now!r}, recomputed " in result.first_difference


@pytest.mark.parametrize(("column", "row"), [("profit", 0), ("group", -1), ("equity_end", 12)])
def test_a_changed_account_is_found(folder, column, row):
    change_one_value(folder, "accounts", column, row)
    result = replay_run(folder, None)
    assert not result.identical
    assert f"accounts.parquet row {row % pq.read_table(folder / 'accounts.parquet').num_rows}, {column}" in (
        result.first_difference
    )


def test_the_first_of_several_blocks_is_named(folder):
    change_one_value(folder, "events", "data", -1)
    change_one_value(folder, "blocks", "risk_price", 12)
    change_one_value(folder, "transactions", "gas_used", 2)
    block = pq.read_table(folder / "transactions.parquet")["block"].to_pylist()[2]
    assert replay_run(folder, None).first_difference.startswith(f"block {block}: transactions.parquet")


# Removals take ten runs, and no formula fails here: tests/integration/test_removed_flow.py and
# test_formula_failures.py take a row of those away.
@pytest.mark.parametrize(
    "table", [table for table in TABLES if table not in ("removals", "formula_failures")]
)
def test_a_missing_row_is_found(folder, table):
    path = folder / f"{table}.parquet"
    stored = pq.read_table(path)
    pq.write_table(stored.slice(0, stored.num_rows - 1), path)
    seal(folder)
    result = replay_run(folder, None)
    assert not result.identical
    assert (
        f"{table}.parquet has {stored.num_rows - 1} rows, recomputed {stored.num_rows}"
        in result.first_difference
    )


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda table: table.drop_columns(["block_digest"]), id="a column less"),
        pytest.param(
            lambda table: table.append_column("verdict", pa.array(["safe"] * len(table))), id="a column more"
        ),
    ],
)
def test_a_changed_schema_is_refused(folder, edit):
    path = folder / "blocks.parquet"
    pq.write_table(edit(pq.read_table(path)), path)
    seal(folder)
    with pytest.raises(InputError, match=r"blocks\.parquet: has .* column"):
        replay_run(folder, None)


@pytest.mark.parametrize("key", ["liquidations", "bad_debt", "excess_share", "digest", "invariants_checked"])
def test_an_edited_summary_is_found(folder, key):
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    summary[key] = "0" * 64 if key == "digest" else summary[key] + 1
    path.write_text(json.dumps(summary))
    seal(folder)
    result = replay_run(folder, None)
    assert not result.identical
    assert result.first_difference.startswith(f"summary.json: {key}: stored ")


def test_an_edited_digest_is_found(folder):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["digest"] = "0" * 64
    path.write_text(json.dumps(manifest))
    seal(folder)
    result = replay_run(folder, None)
    assert not result.identical
    assert result.first_difference.startswith("manifest.json: digest: stored ")


def test_an_edited_scenario_leads_to_another_run(folder):
    """Changing the stored scenario itself: the recomputed run differs from the tables."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["scenario"]["protocol"]["margin"]["trade_fee_rate"] = 0.001
    path.write_text(json.dumps(manifest))
    seal(folder)
    assert not replay_run(folder, None).identical


@pytest.mark.parametrize("name", ["manifest.json", "summary.json", "events.parquet"])
def test_a_damaged_file_is_an_input_error(folder, name):
    (folder / name).write_bytes(b"\x00 not this")
    with pytest.raises(InputError, match=name):
        replay_run(folder, None)


@pytest.mark.parametrize("name", ["manifest.json", "summary.json", "events.parquet"])
def test_a_missing_file_is_an_input_error(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        replay_run(folder, None)
