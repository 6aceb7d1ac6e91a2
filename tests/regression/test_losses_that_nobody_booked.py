"""A path that ended before its losses were booked looked as if there were none.

``flash_crash`` cut off at block 300, within the gas surge, stated no bad debt while accounts still open owed
13,000 beyond their collateral, under a green verdict; and a path counted as insolvent over a few hundred of
dust while its fund held a hundred thousand.
"""

from __future__ import annotations

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.plan import DEFAULT_METRICS
from sim.metrics.book import path_metrics
from sim.reporting.findings.run.verdict import reach_verdict
from sim.reporting.run_folder import load_run
from tests.golden.runs import SCENARIOS

CUT_OFF = ("blocks=280", "shocks_outlive_run=true", "settlement_blocks=0")


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory):
    scenario = load_scenario(SCENARIOS / "flash_crash.toml", overrides=CUT_OFF)
    folder = tmp_path_factory.mktemp("losses") / "run"
    return run_scenario(scenario, RunOptions(out=folder, worlds="none"))


def test_the_loss_is_in_the_numbers_that_a_run_is_judged_by(cut_off):
    found = path_metrics(cut_off.summary)
    assert found["negative_equity_end"] > 5_000.0
    assert found["bad_debt"] < 0.1 * found["negative_equity_end"]
    assert found["negative_equity_max"] >= found["negative_equity_end"]
    assert found["loss_beyond_collateral"] == pytest.approx(
        found["bad_debt"] + found["pending_deficit_end"] + found["negative_equity_end"]
    )
    assert found["unbooked_share"] > 0.9
    assert found[DEFAULT_METRICS[0]] > 1e-4


def test_the_page_is_not_green(cut_off):
    verdict = reach_verdict(load_run(cut_off.folder))
    assert verdict.level == "strained"
    assert "Accounts still open owe" in verdict.headline


def test_a_fund_that_can_pay_what_is_open_is_not_insolvent(cut_off):
    found = path_metrics(cut_off.summary)
    assert found["insurance_fund_end"] > found["negative_equity_end"]
    assert found["insolvent"] == 0.0
    assert path_metrics({**cut_off.summary, "insurance_fund_end": 0.0})["insolvent"] == 1.0
