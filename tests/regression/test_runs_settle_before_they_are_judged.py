"""Runs ended before their losses were booked, and optima reversed.

While blocks are full nobody is liquidated. ``flash_crash`` cut off in its surge of gas stated bad debt of 9
instead of 10,339, and a search recommended the opposite at 60 blocks of what it did at 180. A run now goes on
after its last block, prices outside held still, until nobody is under water or a stated time has passed; and
a shock that the end cuts off is refused unless it is meant.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.core.errors import InputError
from sim.engine.options import RunOptions
from sim.engine.run import execute, load_histories, run_scenario, summarise
from sim.engine.scenario.load import load_scenario
from sim.metrics.book import path_metrics
from sim.reporting.findings.run.verdict import reach_verdict
from sim.reporting.run_folder import load_run
from tests.golden.runs import SCENARIOS
from tests.support.small_run import small_execution

CRASH = SCENARIOS / "flash_crash.toml"
MEANT = "shocks_outlive_run=true"
NOISE = 13_800.0
"""Standard deviation of the loss over seeds (docs/exploration.md)."""


def crashed(folder, *overrides):
    scenario = load_scenario(CRASH, overrides=overrides)
    return run_scenario(scenario, RunOptions(out=folder, worlds="none"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the crash in full, and cut off in and after its surge."""
    folder = tmp_path_factory.mktemp("settled")
    return {blocks: crashed(folder / str(blocks), f"blocks={blocks}", MEANT) for blocks in (300, 360, 720)}


def test_losses_do_not_depend_on_when_the_run_ends(runs):
    losses = {blocks: path_metrics(run.summary)["loss_beyond_collateral"] for blocks, run in runs.items()}
    whole = losses[720]
    assert whole > 5_000.0
    for loss in losses.values():
        assert loss == pytest.approx(whole, abs=NOISE)


def test_what_was_open_is_booked(runs):
    for run in runs.values():
        assert run.summary["negative_equity_end"] == 0.0
    assert runs[300].summary["settlement_blocks"] > 0


def test_the_page_and_the_manifest_say_how_long_it_took(runs):
    run = load_run(runs[300].folder)
    blocks = runs[300].summary["settlement_blocks"]
    assert run.manifest["settlement_blocks"] == blocks
    assert run.manifest["blocks"] == 300
    assert runs[300].summary["blocks"] == 300 + blocks == len(run.protocol_blocks)
    told = dict(reach_verdict(run).answers)["What happened?"].replace("\u00a0", " ")
    assert f"The last {blocks} blocks settle it" in told
    assert "until nobody was" in told


def test_prices_stand_still_while_it_settles(runs):
    rows = load_run(runs[300].folder).protocol_blocks
    settling = rows[rows["block"] > 300]
    assert settling["fundamental_price"].nunique() == 1
    assert settling["oracle_age_seconds"].max() < 900
    before = rows[rows["block"] == 300]["fundamental_price"].iloc[0]
    assert settling["fundamental_price"].iloc[0] == before


def test_margin_is_judged_on_the_path_alone(runs, tmp_path):
    as_it_stands = crashed(tmp_path / "run", "blocks=300", MEANT, "settlement_blocks=0")
    assert as_it_stands.summary["settlement_blocks"] == 0
    assert as_it_stands.summary["negative_equity_end"] > 5_000.0
    for name in ("margin_coverage_pairs", "breaches", "peak_to_trough_margin", "mean_initial_margin_ratio"):
        assert as_it_stands.summary[name] == runs[300].summary[name]


def test_a_run_in_which_nobody_is_under_water_ends_with_its_last_block():
    run = small_execution("settlement_blocks=50", "shocks=[]", "blocks=6")
    assert (run.settlement_blocks, run.blocks) == (0, 6)


def test_a_run_that_cannot_settle_ends_after_the_stated_time():
    silent = (
        'shocks=[{kind="price_jump",at_block=5,size=-0.5}]',
        "liquidators.count=0",
        'meant=["no_liquidators"]',
        "blocks=8",
    )
    run = small_execution(*silent, "settlement_blocks=7")
    assert run.settlement_blocks == 7
    assert summarise(run)["negative_equity_end"] > 0.0


def test_a_shock_that_outlives_the_run_is_refused():
    with pytest.raises(InputError, match="until block 304 and the run ends at block 303"):
        load_scenario(CRASH, overrides=["blocks=303"])
    load_scenario(CRASH, overrides=["blocks=304"])
    load_scenario(CRASH, overrides=["blocks=303", MEANT])


def test_worlds_beside_it_settle_too():
    scenario = load_scenario(CRASH, overrides=["blocks=300", MEANT, "traders.0.count=200"])
    options = RunOptions(out=CRASH, worlds="none")
    run = execute(scenario, options, load_histories(scenario, options))
    other = replace(run, blocks=run.blocks)
    assert summarise(run, {"no_price_feedback": other})["price_gap_max"] == 0.0
