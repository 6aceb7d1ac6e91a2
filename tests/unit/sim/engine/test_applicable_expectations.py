"""Which of a scenario's expectations are asked of a run that is not the scenario as it ships."""

from pathlib import Path

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import applicable_expectations
from sim.engine.scenario.load import load_scenario

SCENARIO = Path(__file__).parents[4] / "scenarios" / "flash_crash.toml"


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(SCENARIO)


def keys(scenario, **options):
    return set(applicable_expectations(scenario, RunOptions(out=Path("unused"), **options)))


def test_a_whole_run_is_asked_everything(scenario):
    assert keys(scenario) == set(scenario.expect.expectations())
    assert "excess_share" in keys(scenario)


@pytest.mark.parametrize("options", [{"prices": Path("minutes.csv")}, {"keep_blocks": True}])
def test_another_path_or_length_leaves_only_the_invariants(scenario, options):
    assert keys(scenario, **options) == {"invariant_violations"}


def test_without_other_worlds_nothing_is_expected_of_causes(scenario):
    assert keys(scenario) - keys(scenario, worlds="none") == {"excess_share", "excess_bad_debt"}
