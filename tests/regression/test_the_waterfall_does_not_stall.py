"""The waterfall could stall unseen: nobody is paid to close an account under water when the fund is empty.

Liquidating an account without equity paid nothing once the fund was below the least bounty, and pays nothing
at all since tips cannot be farmed. Liquidators stay away, no deficit is booked, and deleveraging and
socialisation never begin: a book of five times the size in a fall of 30 % within an hour ended with 1.3
million owed by 814 open accounts, and nothing socialised. A closer run by the protocol now liquidates them
for no pay.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import execute, load_histories, summarise
from sim.engine.scenario.load import load_scenario
from sim.metrics.book import path_metrics
from sim.reporting.findings.run.verdict import reach_verdict
from sim.reporting.run_folder import load_run
from tests.golden.runs import SCENARIOS
from tests.support.small_run import small_run

HARSH = (
    "blocks=120",
    'shocks=[{ kind = "price_drift", at_minute = 30, duration_minutes = 60, size = -0.3 }]',
    "traders.0.count=300",
    # Open interest is 71 times the depth of one per cent, where flash_crash has 5.6 ...
    "markets.0.impact.depth_per_percent=50000.0",
    # ... and the price does not come back on its own within the run: the losses stay.
    "markets.0.impact.impact_half_life_seconds=86400",
)
_FALL = '{ kind = "price_drift", at_minute = 30, duration_minutes = 10, size = -0.12 }'
_RETURN = '{ kind = "price_drift", at_minute = 45, duration_minutes = 10, size = 0.4 }'
COMES_BACK = ("markets.0.impact.depth_per_percent=1000000.0", f"shocks=[{_FALL}, {_RETURN}]")
"""A market deep enough for the price to come back after a quarter of an hour."""
NOBODY = "closer.enabled=false"


def harsh(*overrides):
    """Return the metrics of the harsh run, liquidations and calls of the closer."""
    scenario = load_scenario(SCENARIOS / "flash_crash.toml", overrides=[*HARSH, *overrides])
    options = RunOptions(out=Path(), worlds="none")
    run = execute(scenario, options, load_histories(scenario, options))
    run.world.chain.close()
    calls = [row for row in run.recorder.tables.transactions.rows if row.agent == "closer"]
    return path_metrics(summarise(run)), calls, run


def test_without_a_closer_it_stalls():
    found, calls, _ = harsh(NOBODY)
    assert calls == []
    assert found["insurance_fund_end"] > 40.0  # the least bounty: what there is pays nobody for such accounts
    assert found["settlement_blocks"] == 300.0  # all there are, and still
    assert found["unbooked_share"] > 0.5
    assert found["socialized_loss"] == 0.0
    assert found["closer_gas_cost"] == 0.0


def test_with_it_every_loss_is_booked_and_passed_on_to_the_end():
    found, calls, run = harsh()
    assert found["loss_beyond_collateral"] > 100_000.0
    assert found["unbooked_share"] < 0.01
    assert found["fund_draws"] > 100_000.0
    assert found["auto_deleveraged_notional"] > 0.0
    assert found["auto_deleverage_haircuts"] > 0.0
    assert found["socialized_loss"] > 0.0
    assert found["pending_deficit_end"] == 0.0
    borne = found["fund_draws"] + found["auto_deleverage_haircuts"] + found["socialized_loss"]
    assert borne == pytest.approx(found["bad_debt"], rel=0.1)
    gas = sum(row.fee_paid_wei for row in calls) / 1e18
    assert found["closer_gas_cost"] == pytest.approx(gas * run.world.native_price)
    assert gas > 0.0


def test_it_goes_on_while_the_run_settles():
    found, calls, _ = harsh("blocks=91")
    assert found["settlement_blocks"] > 0.0
    assert max(row.block for row in calls) > 91
    assert found["unbooked_share"] < 0.01
    assert found["socialized_loss"] > 0.0


def test_who_recovers_is_left_to_paid_liquidators():
    """With patience it closes fewer when the price comes back, and none before it has waited."""
    _, soon, _ = harsh(*COMES_BACK, "closer.patience_blocks=0")
    _, late, run = harsh(*COMES_BACK, "closer.patience_blocks=30")
    closed_soon, closed_late = (sum(row.status for row in rows) for rows in (soon, late))
    assert 0 < closed_late < closed_soon
    first = next(row.block for row in run.recorder.tables.blocks.rows if row.negative_equity > 0.0)
    assert min(row.block for row in late) > first + 30


def test_it_is_paid_nothing_and_what_it_spends_is_not_the_loss_of_liquidators():
    alone = ("liquidators.count=0", 'meant=["no_liquidators"]')
    found, calls, _ = harsh(*alone)
    assert sum(row.status for row in calls) > 50
    assert found["liquidator_tips"] == 0.0
    assert found["liquidator_profit"] == 0.0
    assert found["closer_gas_cost"] > 0.0


def test_the_page_says_what_it_cost(tmp_path):
    alone = ("liquidators.count=0", 'meant=["no_liquidators"]', "closer.patience_blocks=5")
    run = small_run(tmp_path / "run", *alone)
    assert run.summary["closer_gas_cost"] > 0.0
    told = dict(reach_verdict(load_run(run.folder)).answers)["Did the insurance fund survive?"]
    assert "The protocol's own closer spent" in told
    without = small_run(tmp_path / "without", *alone, NOBODY)
    told = dict(reach_verdict(load_run(without.folder)).answers)["Did the insurance fund survive?"]
    assert "closer" not in told
