"""``liquidator_profit`` left out the gas of refused liquidations.

Somebody else was first, and the call still costs: in ``flash_crash`` 205 lost races were a third of all gas
that liquidators paid, and the summary stated six times what they were left with.
"""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tests.support.small_run import small_run


def test_profit_is_what_liquidators_have_more_than_before(tmp_path):
    run = small_run(tmp_path / "run")
    transactions = pq.read_table(run.folder / "transactions.parquet").to_pylist()
    calls = [row for row in transactions if row["kind"] == "liquidation_engine.liquidate"]
    assert any(not row["status"] for row in calls), "nobody lost a race: this run shows nothing"
    accounts = pq.read_table(run.folder / "accounts.parquet").to_pylist()
    profit = sum(row["profit"] for row in accounts if row["group"].startswith("liquidators"))
    assert run.summary["liquidator_profit"] == pytest.approx(profit, abs=1e-6)
