"""Nobody was ever auto-deleveraged in a scenario whose block stands for a minute.

The deleverager sees a deficit one block after it was booked. There the window of a minute, which says from
when a loss may be socialised, was over, and it went straight to the pool: in ``flash_crash`` with a fall of
40 % and a small fund, 1.17 of 1.17 million, while shorts kept their gains. It also asked once more for every
write-off, since its state was older than the result.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def test_a_run_of_one_minute_blocks_asks_winners_before_the_pool(tmp_path):
    scenario = load_scenario(
        SCENARIOS / "flash_crash.toml",
        overrides=[
            "protocol.risk_model=static",
            "protocol.insurance_fund.deposit=1000",
            "shocks.0.size=-0.4",
            "shocks.0.at_minute=10",
            "blocks=90",
        ],
    )
    run = run_scenario(scenario, RunOptions(out=tmp_path / "run", worlds="none"))
    assert scenario.seconds_per_block >= scenario.protocol.liquidation.adl_window_seconds
    assert run.summary["auto_deleverage_haircuts"] > 0.0
    assert run.summary["invariant_violations"] == 0
    events = pq.read_table(run.folder / "events.parquet", columns=["block", "event"]).to_pylist()
    first = {row["event"]: row["block"] for row in reversed(events)}
    assert (
        first["BadDebtCovered"]
        <= first["AutoDeleveraged"]
        <= first.get("LossSocialized", run.summary["blocks"])
    )
    calls = pq.read_table(run.folder / "transactions.parquet").to_pylist()
    reasons = {row["revert_reason"] for row in calls if row["agent"] == "deleverager"}
    assert "deleveraging: no deficit" not in reasons
