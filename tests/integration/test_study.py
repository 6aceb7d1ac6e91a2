"""The headline study says what the contracts do now: its files, its numbers and its first paths agree."""

import json
from pathlib import Path

import pytest

from scripts.study_pages.appendix import appendix
from scripts.study_pages.page import document
from sim.core.digest import sha256_file
from sim.engine.paths import PathOptions, run_path
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment

STUDY = Path(__file__).parents[2] / "docs" / "study"
NUMBERS = json.loads((STUDY / "numbers.json").read_text())


@pytest.mark.parametrize("name", ["crash", "calm"])
def test_the_numbers_are_of_these_files(name):
    assert sha256_file(STUDY / f"{name}.toml") == NUMBERS["sweeps"][name]["experiment_sha256"]
    assert NUMBERS["crash"]["paths"] >= 1_000


@pytest.mark.parametrize("name", ["crash", "calm"])
def test_first_paths_have_the_digests_of_the_study(name):
    asked = plan_of(load_experiment(STUDY / f"{name}.toml", SweepExperiment), engine=None, confirmed=False)
    found = {}
    for point in asked.points:
        scenario = load_scenario(asked.scenario, overrides=[*point.overrides, *asked.path_overrides(0)])
        found[point.name] = run_path(scenario, PathOptions(path=0, populations=asked.populations)).digest
    assert found == NUMBERS["sweeps"][name]["first_paths"]


def test_the_page_is_made_of_the_numbers():
    assert (STUDY / "README.md").read_text() == document(NUMBERS)
    assert (STUDY / "appendix.md").read_text() == appendix(NUMBERS)
