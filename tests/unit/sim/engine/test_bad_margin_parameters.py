"""Margin parameters that the contract would refuse are refused before deployment, with file and line."""

from __future__ import annotations

import pytest

from sim.core.errors import InputError
from sim.engine.scenario.load import load_scenario
from sim.protocol.parameters.table import STRUCTS
from tests.support.small_run import SCENARIO, text_with_model

TABLE = {
    name: STRUCTS["tiered"][name].default for name in STRUCTS["tiered"].names if name.startswith("tier_")
}


def problems(tmp_path, model, parameters):
    """Write one parameter a line; return what is refused and the line of each."""
    text = text_with_model(model).replace(
        "risk_model_parameters = {}\n", "[protocol.risk_model_parameters]\n"
    )
    begin = text.index("[protocol.risk_model_parameters]\n")
    head = text[:begin].count("\n") + 1
    rows = "".join(f"{name} = {value}\n" for name, value in parameters.items())
    at = begin + len("[protocol.risk_model_parameters]\n")
    path = tmp_path / "bad.toml"
    path.write_text(text[:at] + rows + text[at:])
    lines = {name: head + 1 + place for place, name in enumerate(parameters)}
    with pytest.raises(InputError) as error:
        load_scenario(path)
    return path, lines, "\n".join(error.value.problems)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        # The order of ratios, in each tier and so at every size.
        ({"tier_1_maintenance": 0.02}, "tier_1_maintenance", "must be below tier_1_initial 0.02"),
        ({"tier_2_maintenance": 0.05}, "tier_2_maintenance", "must be below tier_2_initial 0.05"),
        ({"tier_3_maintenance": 0.1}, "tier_3_maintenance", "must be below tier_3_initial 0.1"),
        ({"tier_4_maintenance": 0.2}, "tier_4_maintenance", "must be below tier_4_initial 0.2"),
        ({"tier_4_initial": 1.01}, "tier_4_initial", "must be at most 1"),
        ({"tier_1_maintenance": 0.0}, "tier_1_maintenance", "must be above 0"),
        # A gap: a tier that ends before it begins, or one that asks less than the one before.
        ({"tier_2_notional": 0.0}, "tier_2_notional", "must be above 0"),
        ({"tier_2_notional": 1e7}, "tier_2_notional", "must be below tier_3_notional 1e+07"),
        ({"tier_4_notional": 1e7}, "tier_3_notional", "must be below tier_4_notional 1e+07"),
        ({"tier_2_initial": 0.11}, "tier_2_initial", "must be at most tier_3_initial 0.1"),
        ({"tier_1_maintenance": 0.018, "tier_2_maintenance": 0.017}, "tier_1_maintenance", "must be at most"),
    ],
)
def test_a_bad_table_of_tiers_names_its_line(tmp_path, changes, field, message):
    path, lines, told = problems(tmp_path, "tiered", TABLE | changes)
    assert f"{path}:{lines[field]}: protocol.risk_model_parameters.{field}: {message}" in told


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"liquidity_floor": 0.0}, "liquidity_floor", "must be at least 1"),
        ({"size_root": 4}, "size_root", "must be at most 3"),
        ({"size_root": 0.5}, "size_root", "must be a whole number"),
        ({"maintenance_floor": 0.02}, "maintenance_floor", "must be below initial_floor 0.02"),
    ],
)
def test_bad_words_of_the_adaptive_formula_name_their_line(tmp_path, parameters, field, message):
    path, lines, told = problems(tmp_path, "adaptive", parameters)
    assert f"{path}:{lines[field]}: protocol.risk_model_parameters.{field}: {message}" in told


def test_a_penalty_that_may_reach_the_maintenance_ratio_names_its_line(tmp_path):
    path = tmp_path / "bad.toml"
    lines = SCENARIO.read_text().splitlines()
    at = lines.index("[protocol.margin]")
    lines[at:at] = ["[protocol.liquidation]", "fee_maintenance_share = 1.0", ""]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as error:
        load_scenario(path)
    assert f"{path}:{at + 2}: protocol.liquidation.fee_maintenance_share: must be below 1" in str(error.value)
