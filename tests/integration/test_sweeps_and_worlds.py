"""A sweep runs the worlds that its metrics need and no other, and says before it starts what they cost."""

import json
from pathlib import Path

import pytest

from sim.cli import entry
from sim.experiments.decision.compare import prepare_comparison
from sim.experiments.decision.plan import EndpointSection, load_plan
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.price_remarks import plan_remarks
from tests.support.small_run import SCENARIO

SCENARIOS = Path(__file__).parents[2] / "scenarios"

HEAD = """
schema_version = 1
kind = "sweep"
title = "Worlds"
scenario = "small_run.toml"
paths = 2
set = ["blocks=10", "traders.0.count=10", "shocks.0.at_block=2"]
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "small_run.toml").write_bytes(SCENARIO.read_bytes())

    def write(*lines):
        file = tmp_path / "e.toml"
        file.write_text("\n".join((HEAD, *lines)))
        return file

    return write


@pytest.mark.parametrize(
    ("lines", "worlds", "remark"),
    [
        ((), "none", None),
        (('metrics = ["bad_debt"]',), "none", None),
        (('metrics = ["bad_debt", "excess_share"]',), "forced", "2 worlds (excess_share): about x 1.8"),
        (('metrics = ["margin_effect"]',), "all", "4 worlds (margin_effect): about x 3.7"),
        (('metrics = ["excess_share"]', 'worlds = "none"'), "none", None),
        (('worlds = "all"',), "all", "4 worlds: about x 3.7"),
    ],
)
def test_the_worlds_follow_from_the_metrics_unless_they_are_named(written, lines, worlds, remark):
    plan = plan_of(load_experiment(written(*lines), SweepExperiment))
    assert plan.worlds == worlds
    said = plan_remarks(plan)
    assert (remark is None) == (said == [])
    if remark:
        assert remark in said[0]


def test_the_stopping_metric_counts_too(written):
    stopping = '[stopping]\nmetric = "excess_share"\nhalf_width = 0.1'
    file = written(stopping)
    file.write_text(file.read_text().replace("paths = 2", "paths = 400"))
    assert plan_of(load_experiment(file, SweepExperiment)).worlds == "forced"


def test_a_sweep_of_a_cause_has_its_values_and_says_what_they_cost(written, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["sweep", str(written('metrics = ["excess_share"]')), "--out", str(out), "--workers", "1"]
    assert entry.main(words) == 0
    assert "every path runs 2 worlds" in " ".join(capsys.readouterr().err.split())
    record = json.loads((out / "sweep.json").read_text())
    assert record["worlds"] == "forced"
    assert "--worlds forced" in record["example_command"]


EXPLORATIONS = {
    "frontier": """
        [frontier]
        efficiency = { metric = "mean_initial_margin_ratio" }
        loss = { metric = "excess_share", statistic = "mean" }
        [[parameters]]
        key = "protocol.risk_model_parameters.z"
        values = [3.0, 5.0]
    """,
    "sensitivity": """
        [sensitivity]
        method = "morris"
        outputs = [{ metric = "excess_share" }]
        trajectories = 20
        [[parameters]]
        key = "protocol.risk_model_parameters.z"
        low = 3.0
        high = 5.0
    """,
    "optimise": """
        [optimise]
        objectives = [{ metric = "excess_share" }, { metric = "mean_initial_margin_ratio" }]
        trials = 8
        batch = 4
        finalists = 1
        fresh_paths = 2
        [[parameters]]
        key = "protocol.risk_model_parameters.z"
        low = 3.0
        high = 5.0
    """,
}


@pytest.mark.parametrize("kind", EXPLORATIONS)
def test_an_exploration_runs_the_worlds_of_what_it_is_judged_by(written, tmp_path, capsys, kind):
    file = written(*map(str.strip, EXPLORATIONS[kind].splitlines()))
    file.write_text(file.read_text().replace('"sweep"', f'"{kind}"').replace("blocks=10", "blocks=4"))
    out = tmp_path / "out"
    assert entry.main([kind, str(file), "--out", str(out), "--workers", "0"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "every path runs 2 worlds (excess_share): about x 1.8 the time of one" in said
    records = [json.loads(found.read_text()) for found in sorted(out.glob("*/sweep.json"))]
    assert {record["worlds"] for record in records} == {"forced"}


def test_the_old_key_says_its_new_name(written, capsys):
    assert entry.main(["sweep", str(written("twin = true"))]) == 2
    assert "twin: is now worlds" in capsys.readouterr().err


def test_a_comparison_runs_the_worlds_of_its_endpoints():
    example = SCENARIOS / "experiments" / "compare"
    plan, _ = load_plan(None)

    def registered(plan):
        prepared = prepare_comparison(
            example / "current.toml", example / "proposed.toml",
            scenario=example / "thin_market.toml", plan=plan, price_file=None,
        )  # fmt: skip
        return prepared.registration

    assert registered(plan).main.worlds == "none"
    cause = EndpointSection(metric="excess_share", role="guardrail", margin=0.1, largest=1.0)
    asked = registered(plan.model_copy(update={"endpoints": (*plan.endpoints, cause)}))
    assert asked.main.worlds == asked.confirmation.worlds == "forced"
