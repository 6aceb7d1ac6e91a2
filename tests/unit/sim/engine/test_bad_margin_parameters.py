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


SHARED = "[protocol.risk_model_parameters]"
MARKET = "[markets.risk_model_parameters]"
PREMIUM = "markets.0.pool.max_premium"


def scenario_with(tmp_path, model, ratio, table=SHARED, premium=None):
    """Write a maintenance ratio, and a premium if it is given; return the file and the line of each."""
    name, value = ratio
    lines = text_with_model(model).replace("risk_model_parameters = {}\n", "").splitlines()
    at = lines.index("[protocol]") if table == MARKET else lines.index("[protocol.margin]")
    lines[at:at] = [table, f"{name} = {value}", ""]
    if premium is not None:
        pool = lines.index("[markets.pool]")
        lines[pool + 1 : pool + 1] = [f"max_premium = {premium}"]
    path = tmp_path / "bad.toml"
    path.write_text("\n".join(lines))
    places = {line.partition(" = ")[0]: number for number, line in enumerate(lines, 1)}
    return path, places[name], places.get("max_premium")


def refusal(path, overrides=()):
    with pytest.raises(InputError) as error:
        load_scenario(path, overrides=list(overrides))
    (problem,) = error.value.problems
    return problem


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("static", "maintenance_ratio"),
        ("volatility", "maintenance_min"),
        ("adaptive", "maintenance_floor"),
        ("tiered", "tier_1_maintenance"),
    ],
)
@pytest.mark.parametrize(
    ("table", "field"),
    [(SHARED, "protocol.risk_model_parameters"), (MARKET, "markets.0.risk_model_parameters")],
)
def test_a_ratio_that_is_lowered_below_the_premium_names_its_own_line(tmp_path, model, name, table, field):
    path, line, _ = scenario_with(tmp_path, model, (name, 0.0071), table)
    overrides = ["protocol.risk_model_parameters.z=0.0"] if model == "adaptive" else []
    told = refusal(path, overrides)
    assert told.startswith(
        f"{path}:{line}: {field}.{name}: the maintenance ratio of a market at rest is 0.0071"
    )
    assert f"({field}.{name} = 0.0071)" in told
    assert f"not {PREMIUM} = 0.009: " in told


def test_a_ratio_below_the_fee_alone_names_its_own_line(tmp_path):
    path, line, _ = scenario_with(tmp_path, "static", ("maintenance_ratio", 0.0004))
    told = refusal(path)
    assert told.startswith(f"{path}:{line}: protocol.risk_model_parameters.maintenance_ratio: ")
    assert "does not carry protocol.margin.trade_fee_rate = 0.0005: " in told


def test_of_two_that_are_given_the_one_whose_default_would_do_is_named_and_both_are_told(tmp_path):
    field = "protocol.risk_model_parameters.maintenance_ratio"
    path, line, premium_line = scenario_with(tmp_path, "static", ("maintenance_ratio", 0.05), premium=0.06)
    told = refusal(path)
    assert told.startswith(f"{path}:{premium_line}: {PREMIUM}: ")
    assert f"({field} = 0.05)" in told
    assert f"not {PREMIUM} = 0.06: " in told
    path, line, _ = scenario_with(tmp_path, "static", ("maintenance_ratio", 0.02), premium=0.03)
    told = refusal(path)
    assert told.startswith(f"{path}:{line}: {field}: ")
    assert f"not {PREMIUM} = 0.03: " in told
    path, *_ = scenario_with(tmp_path, "static", ("maintenance_ratio", 0.05))
    assert refusal(path, [f"{PREMIUM}=0.06"]).startswith(f"--set {PREMIUM}=0.06: {PREMIUM}: ")
    overrides = [f"{field}=0.0001", "protocol.margin.trade_fee_rate=0.06"]
    assert refusal(path, overrides).startswith(f"--set {field}=0.0001: {field}: ")
