"""R11: transactions.parquet had no arguments, so a finding could not be carried to another tool.

Another tool has the deployed state and the tables: it sends each calldata from its sender's address to its
target, in order, and must see the statuses and the logs of the tables.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq

from sim.chain.transaction import Transaction
from sim.engine.options import RunOptions
from sim.engine.run import build_world
from sim.protocol.actions import EntryPoint
from tests.support.small_run import small_run, small_scenario

BLOCKS = "blocks=20"


def by_block(folder: Path, table: str) -> dict[int, list[dict[str, object]]]:
    found = defaultdict(list)
    for row in pq.read_table(folder / f"{table}.parquet").to_pylist():
        found[row["block"]].append(row)
    return found


def test_tables_alone_lead_to_the_same_statuses_and_logs(tmp_path):
    folder = small_run(tmp_path / "run", BLOCKS).folder
    addresses = pq.read_table(folder / "accounts.parquet")["address"].to_pylist()
    sent, logged, blocks = (by_block(folder, name) for name in ("transactions", "events", "blocks"))
    world = build_world(small_scenario(BLOCKS), RunOptions(out=tmp_path), {})
    calls = reverts = 0
    for block in sorted(blocks):
        world.chain.start_block(world.first_block_number + block, blocks[block][0]["timestamp"])
        found = []
        for row in sent[block]:
            data = bytes.fromhex(row["calldata"][2:])
            receipt = world.chain.execute(Transaction(addresses[row["sender"]], row["target"], data))
            assert (receipt.status, receipt.revert_reason or "") == (row["status"], row["revert_reason"])
            found += [(row["position"], log) for log in receipt.logs]
            calls, reverts = calls + 1, reverts + (not receipt.status)
        world.chain.end_block()
        assert [
            (position, log.address, [f"0x{topic.hex()}" for topic in log.topics], f"0x{log.data.hex()}")
            for position, log in found
        ] == [(row["position"], row["address"], row["topics"], row["raw_data"]) for row in logged[block]]
    assert calls > 50
    assert reverts > 0


def test_arguments_read_as_the_calldata_says(tmp_path):
    folder = small_run(tmp_path / "run", BLOCKS).folder
    rows = pq.read_table(folder / "transactions.parquet").to_pylist()
    addresses = pq.read_table(folder / "accounts.parquet")["address"].to_pylist()
    liquidations = [row for row in rows if row["kind"] == EntryPoint.LIQUIDATE]
    assert liquidations
    for row in liquidations:
        account, market = (int(value) for value in row["arguments"])
        words = bytes.fromhex(row["calldata"][10:])
        assert words[:20].hex() == addresses[account][2:].lower()  # then the index, 0
        assert not any(words[20:32])
        assert int.from_bytes(words[32:64], "big") == market
        assert account == row["account"]
