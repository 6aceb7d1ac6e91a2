"""The files of a sweep: copied under the results folder, found there again, and part of what a plan is."""

from dataclasses import replace

import pytest

from sim.core.errors import InputError
from sim.engine.scenario.load import load_scenario
from sim.experiments.shipped import shipped_folder
from sim.experiments.sweep.design import Draw
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.inputs import (
    INPUTS,
    PLAN_FILE,
    gather,
    localised,
    plan_content,
    point_identities,
    read_plan,
)
from sim.experiments.sweep.plan import Point, Stopping
from tests.support.small_sweep import CHEAP, small_experiment, small_plan

MODEL = shipped_folder() / "models"
PRICES = "timestamp,open,high,low,close\n" + "\n".join(
    f"{1_700_000_000 + 60 * minute},100,101,99,{100 - minute % 7}" for minute in range(60)
)


def own_point(folder, name="own"):
    """Return a point with a risk model and prices of its own, from outside the scenario's folder."""
    prices = folder / "prices.csv"
    prices.write_text(PRICES)
    model = next(MODEL.glob("*.vy"))
    return Point(
        index=0,
        name=name,
        overrides=(
            *CHEAP,
            "shocks=[]",
            f'protocol.risk_model="{model}"',
            "markets.0.price={kind='replay', file='" + str(prices) + "'}",
        ),
    )


@pytest.fixture
def plan(tmp_path):
    draws = (Draw(key="traders.0.long_share", low=0.4, high=0.6),)
    stopping = Stopping(metric="insolvent", relative=0.5)
    return replace(small_plan(points=1), points=(own_point(tmp_path),), draws=draws, stopping=stopping)


def test_every_file_is_copied_and_the_copies_are_what_runs(plan, tmp_path):
    out = tmp_path / "out"
    inputs = gather(plan)
    inputs.copy(out)
    for target, source in inputs.files.items():
        assert (out / target).read_bytes() == source.read_bytes()
        assert target.parts[0] == "inputs"
    assert len(inputs.files) == 3
    local = localised(plan, inputs, out)
    loaded = load_scenario(local.scenario, overrides=local.points[0].overrides)
    original = load_scenario(plan.scenario, overrides=plan.points[0].overrides)
    for reference, _ in loaded.file_references():
        assert loaded.file(reference).is_relative_to(out)
        assert loaded.file(reference).read_bytes() == original.file(reference).read_bytes()
    assert len(list(loaded.file_references())) == 2


def test_a_plan_read_back_from_its_folder_is_the_same_plan(plan, tmp_path):
    out = tmp_path / "out"
    inputs = gather(plan)
    inputs.copy(out)
    (out / INPUTS / PLAN_FILE).write_bytes(plan_content(plan, inputs))
    again = read_plan(out)
    read = gather(again)
    assert point_identities(again, read) == point_identities(plan, inputs)
    for name in ("seed", "paths", "draws", "stopping", "sobol_points", "metrics", "worlds", "populations"):
        assert getattr(again, name) == getattr(plan, name)


def test_other_content_makes_another_point(plan, tmp_path):
    before = point_identities(plan, gather(plan))
    (tmp_path / "prices.csv").write_text(PRICES.replace("101", "102"))
    assert point_identities(plan, gather(plan)) != before


def test_a_folder_without_a_plan_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no sweep"):
        read_plan(tmp_path)


def test_files_of_an_experiment_are_relative_to_it(tmp_path, monkeypatch):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "mine.vy").write_text(next(MODEL.glob("*.vy")).read_text())
    own = '[[points]]\nname = "own"\nset = ["protocol.risk_model=mine.vy"]\n'
    file = small_experiment(tmp_path / "e", extra=own)
    monkeypatch.chdir(tmp_path)
    plan = plan_of(load_experiment(file, SweepExperiment))
    loaded = load_scenario(plan.scenario, overrides=plan.points[0].overrides)
    assert loaded.file("protocol.risk_model") == tmp_path / "e" / "mine.vy"
