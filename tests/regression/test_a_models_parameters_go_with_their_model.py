"""Axes and points of an experiment over risk models, and the units of a model's parameters.

An axis over a parameter that came before an axis over the model was dropped without a word: both its values
gave the same result. An axis over what the model of a point does not have was refused with "unknown key".
``atr_period_blocks = 60`` of a designer's own model went on chain as 60e18.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.core.errors import InputError
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.parameters.words import UNCLEAR, WHOLE, fill_struct, is_whole
from tests.support.own_formula import FORMULA_HEAD
from tests.support.small_run import SCENARIO, small_run

HEAD = (
    'schema_version = 1\nkind = "sweep"\ntitle = "x"\nscenario = "small.toml"\npaths = 2\n'
    'metrics = ["bad_debt"]\n'
)
MODEL = '[[parameters]]\nkey = "protocol.risk_model"\nvalues = ["static", "adaptive"]\n'
HAIRCUT = '[[parameters]]\nkey = "protocol.risk_model_parameters.haircut"\nvalues = [0.0, 0.1]\n'
RATIO = '[[parameters]]\nkey = "protocol.risk_model_parameters.initial_ratio"\nvalues = [0.2]\n'
COUNTED = ("s", "sources", "status", "count", "root")
"""Units of whole numbers."""
POINT = '[[points]]\nname = "fixed"\nset = [\'protocol.risk_model="static"\']\n'


def planned(folder: Path, text: str):
    (folder / "small.toml").write_text(SCENARIO.read_text())
    file = folder / "experiment.toml"
    file.write_text(HEAD + text)
    plan = plan_of(load_experiment(file, SweepExperiment))
    return [load_scenario(plan.scenario, overrides=point.overrides) for point in plan.points]


@pytest.mark.parametrize("axes", [MODEL + HAIRCUT, HAIRCUT + MODEL], ids=["model first", "model last"])
def test_axes_over_a_model_and_over_what_models_share_combine_in_any_order(tmp_path, axes):
    found = {(s.protocol.risk_model, s.risk_parameters(0)["haircut"]) for s in planned(tmp_path, axes)}
    assert found == {("static", 0.0), ("static", 0.1), ("adaptive", 0.0), ("adaptive", 0.1)}


def test_a_point_of_another_model_takes_an_axis_over_that_models_parameter(tmp_path):
    (scenario,) = planned(tmp_path, POINT + RATIO)
    assert scenario.risk_parameters(0) == {"initial_ratio": 0.2, "maintenance_ratio": 0.05, "haircut": 0.0}


def test_an_axis_over_what_the_model_of_a_point_does_not_have_says_which_model(tmp_path):
    with pytest.raises(InputError) as told:
        planned(tmp_path, POINT + RATIO + '[[points]]\nname = "as shipped"\n')
    (problem,) = told.value.problems
    line = (tmp_path / "experiment.toml").read_text().splitlines().index("[[parameters]]") + 1
    assert problem.startswith(f"{tmp_path}/experiment.toml:{line}: parameters.0: ")
    assert "initial_ratio: the adaptive model has no such parameter, " in problem


def test_parameters_given_for_one_model_do_not_reach_the_next():
    changes = [
        "protocol.risk_model=static", "protocol.risk_model_parameters.initial_ratio=0.3",
        "protocol.risk_model=adaptive", "protocol.risk_model_parameters.z=5.0",
    ]  # fmt: skip
    scenario = load_scenario(SCENARIO, overrides=changes)
    assert scenario.risk_parameters(0)["z"] == 5.0


def test_parameters_of_a_market_go_with_the_files_model(tmp_path):
    text = SCENARIO.read_text()
    head = "[markets.price]"
    (tmp_path / "own.toml").write_text(
        text.replace(head, "[markets.risk_model_parameters]\nz = 5.0\n\n" + head)
    )
    scenario = load_scenario(tmp_path / "own.toml", overrides=["protocol.risk_model=static"])
    assert "z" not in scenario.risk_parameters(0)


# Units


def test_a_number_of_blocks_is_a_whole_number():
    word = {"name": "atr_period_blocks", "type": "uint256"}
    assert fill_struct([word], {"atr_period_blocks": 60}, "model") == (60,)
    with pytest.raises(InputError, match="must be a whole number"):
        fill_struct([word], {"atr_period_blocks": 60.5}, "model")


@pytest.mark.parametrize("name", ["atr_period", "lookback", "slope_bps", "horizon_days"])
def test_a_name_that_may_mean_either_is_refused_with_what_to_do(name):
    with pytest.raises(InputError) as told:
        fill_struct([{"name": name, "type": "uint256"}], {name: 60}, "risk model of ETH")
    (problem,) = told.value.problems
    assert problem.startswith(f"risk model of ETH: {name}: is it a whole number or one with 18 decimals?")
    assert "_blocks" in problem
    assert "uint64" in problem
    assert fill_struct([{"name": name, "type": "uint64"}], {name: 60}, "risk model of ETH") == (60,)


def test_what_is_no_number_is_refused():
    with pytest.raises(InputError, match="are numbers, and this is address"):
        fill_struct([{"name": "feed", "type": "address"}], {"feed": 1}, "risk model of ETH")


def test_the_rule_is_one_for_models_that_ship_and_for_others():
    """No name of the table is unclear, and those it takes for whole numbers are those counted in units."""
    rows = {row.name: row for struct in STRUCTS for row in struct}
    assert not [name for name in rows if name.rpartition("_")[2] in UNCLEAR]
    counted = {name for name, row in rows.items() if row.unit in COUNTED}
    assert {name for name in rows if is_whole(name)} == counted
    assert not set(WHOLE) & set(UNCLEAR)


MODEL_TEXT = """

PERIOD: immutable(uint256)

@deploy
def __init__({name}: {kind}):
    PERIOD = {value}

@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    return MarginRatios(initial=10**15 * PERIOD, maintenance=10**15 * PERIOD // 2)

@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0
"""


def run_with(folder: Path, name: str, kind: str):
    folder.mkdir()
    model = folder / "atr.vy"
    value = name if kind == "uint256" else f"convert({name}, uint256)"
    model.write_text(FORMULA_HEAD + MODEL_TEXT.format(name=name, kind=kind, value=value))
    return small_run(
        folder / "out", "blocks=3", f"protocol.risk_model={model}",
        f"protocol.risk_model_parameters.{name}=60",
    )  # fmt: skip


def test_a_designers_own_model_takes_blocks_as_blocks(tmp_path):
    result = run_with(tmp_path / "blocks", "atr_period_blocks", "uint256")
    assert result.summary["mean_initial_margin_ratio"] == pytest.approx(0.06)
    assert run_with(tmp_path / "narrow", "atr_period", "uint32").summary == result.summary
    with pytest.raises(InputError, match=r"atr_period: is it a whole number or one with 18 decimals\?"):
        run_with(tmp_path / "unclear", "atr_period", "uint256")
