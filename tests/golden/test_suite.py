"""Every scenario that ships meets what it expects of causes, and the demo's first sentence is true.

Its other expectations are held by ``test_scenarios.py``, whose runs have no other world beside them.
"""

from pathlib import Path

import pandas as pd
import pytest

from sim.engine.scenario.load import load_scenario
from sim.experiments.suites.suite import Verdict, run_suite
from sim.metrics.book import worlds_needed
from sim.reporting.findings.run import run_findings
from sim.reporting.formatting import compact, money, percent
from tests.golden.runs import ENGINE, SCENARIOS, names

DEMO = "flash_crash"


def expects_causes(name):
    return worlds_needed(load_scenario(SCENARIOS / f"{name}.toml").expect.expectations()) != "none"


CAUSAL = [name for name in names() if expects_causes(name)]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    pytest.importorskip("pyrevm", reason="no revm for this Python, and the others are too slow")
    runs, found = tmp_path_factory.mktemp("suite"), {}

    def run(name):
        if name not in found:
            found[name] = run_suite([SCENARIOS / f"{name}.toml"], engine=ENGINE, runs=runs).outcomes[0]
        return found[name]

    return run


def test_all_but_the_calm_day_expect_something_of_causes():
    assert set(names()) - set(CAUSAL) == {"calm_market"}


@pytest.mark.parametrize("name", CAUSAL)
def test_a_scenario_meets_what_it_expects(outcome, name):
    met = outcome(name)
    assert met.verdict is Verdict.PASSED, met.failures
    assert any("excess" in item.line for item in met.expectations)


def test_the_first_sentence_of_the_demo_is_true_in_the_world_without_it(outcome):
    folder: Path = outcome(DEMO).folder
    whole = pd.read_parquet(folder / "liquidations.parquet")["notional"].sum()
    worlds = pd.read_parquet(folder / "worlds.parquet")
    alone = worlds[worlds["world"] == "no_price_feedback"]["liquidated_notional"].sum()
    assert alone < whole * 2.0 / 3.0
    sentence = (
        f"{money(whole)} was liquidated, {compact(whole - alone)} of it ({percent(1.0 - alone / whole, 0)}) "
        f"added by forced selling: had that moved no price, it would have been {compact(alone)}."
    )
    verdict = run_findings(folder).verdict
    assert verdict is not None
    assert verdict.headline.startswith(sentence)
