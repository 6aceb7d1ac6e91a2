"""The experiments that ship are valid from the first key to the last corner of their ranges."""

from pathlib import Path

import pytest

from sim.experiments.exploration.files import (
    FrontierExperiment,
    OptimiseExperiment,
    SensitivityExperiment,
    base_plan,
    named_point,
)
from sim.experiments.exploration.sections import OptimiseSection
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import load_experiment

FOLDER = Path(__file__).parents[5] / "scenarios" / "experiments"


def test_the_frontier_names_points_it_has():
    loaded = load_experiment(FOLDER / "frontier.toml", FrontierExperiment)
    plan = plan_of(loaded)
    section = loaded.fields.frontier
    assert named_point(plan, section.current, "current") != named_point(plan, section.proposed, "proposed")


@pytest.mark.parametrize(
    ("name", "model", "corners"),
    [("sensitivity", SensitivityExperiment, True), ("optimise", OptimiseExperiment, False)],
)
def test_ranges_hold_at_their_ends(name, model, corners):
    loaded = load_experiment(FOLDER / f"{name}.toml", model)
    assert len(base_plan(loaded, engine=None, every_corner=corners).points) == 1


def test_limits_that_paths_cannot_establish_are_named():
    section = OptimiseSection(
        objectives=[{"metric": "mean_initial_margin_ratio"}, {"metric": "bad_debt_ratio"}],
        constraints=[{"metric": "insolvent", "at_most": 0.01}, {"metric": "insolvent", "at_most": 0.0}],
    )
    assert [message for _, message in section.impossible(299)] == [
        "P(insolvent) <= 0: no number of paths can establish that; give the limit some room"
    ]
    assert "needs at least 299 paths" in next(message for _, message in section.impossible(298))
