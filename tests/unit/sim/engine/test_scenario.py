"""The frozen scenario: strictness, derived values, canonical form, schema, sources of defaults."""

import json
import typing
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.core.documents.sections import Section
from sim.core.documents.variants import sections_in
from sim.core.errors import InputError
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.compose import json_schema, scenario_class, scenario_of
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.risk import BUILT_IN_MODELS
from sim.engine.scenario.schema import Scenario
from sim.market.shocks.price_drift import PriceDrift

SHIPPED = sorted((Path(__file__).parents[4] / "scenarios").glob("*.toml"))
MARKET = {"name": "ETH", "initial_price": 100.0, "price": {"kind": "gbm"}}
MINIMAL = {
    "schema_version": 1, "title": "t", "question": "q", "blocks": 5, "meant": ["no_accounts"],
    "markets": [MARKET],
}  # fmt: skip


def build(**changes: object) -> Scenario:
    return scenario_class().model_validate({**MINIMAL, **changes})


def all_sections(root: type[Section]) -> set[type[Section]]:
    found: set[type[Section]] = set()

    def visit(annotation: object) -> None:
        for section in sections_in(annotation):
            if section not in found:
                found.add(section)
                for field in section.model_fields.values():
                    for part in (field.annotation, *field.metadata):
                        visit(part)

    visit(root)
    return found


def test_shipped_scenarios_exist():
    assert {path.stem for path in SHIPPED} >= {
        "black_thursday", "calm_market", "custom_risk_model", "flash_crash", "whale_unwind",
    }  # fmt: skip


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenario_loads_and_expects_something(path):
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    assert scenario.expect.expectations()["invariant_violations"] == {"equals": 0}
    for market in range(len(scenario.markets)):
        assert scenario.risk_parameters(market)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_canonical_form_gives_the_same_scenario_back(path):
    scenario = load_scenario(path)
    data = json.loads(json.dumps(scenario.canonical(), allow_nan=False))
    assert scenario_of(data) == scenario.with_files({})


def test_scenario_cannot_be_changed():
    with pytest.raises(ValidationError):
        build().blocks = 6  # type: ignore[misc]


def test_from_canonical_bad_data_is_input_error():
    with pytest.raises(InputError, match="blocks"):
        scenario_of({**MINIMAL, "blocks": -1})


def test_every_number_has_bounds_unit_and_source():
    missing = []
    for section in sorted(
        all_sections(scenario_class()) | set(BUILT_IN_MODELS.values()), key=lambda cls: cls.__name__
    ):
        for name, field in section.model_fields.items():
            kinds = {field.annotation, *typing.get_args(field.annotation)}
            if not kinds & {int, float} or typing.get_origin(field.annotation) is dict:
                continue
            extra = field.json_schema_extra
            bounds = {type(item).__name__ for item in field.metadata}
            if not (
                isinstance(extra, dict) and extra.get("unit") and extra.get("source") and field.description
            ):
                missing.append(f"{section.__name__}.{name}: unit, source or description")
            if not (bounds & {"Ge", "Gt"} and bounds & {"Le", "Lt"}):
                missing.append(f"{section.__name__}.{name}: bounds")
    assert missing == []


def test_defaults_lie_in_their_own_bounds():
    checked = 0
    for section in all_sections(scenario_class()) | set(BUILT_IN_MODELS.values()):
        for field in section.model_fields.values():
            if isinstance(field.default, int | float) and field.metadata:
                adapter = TypeAdapter(Annotated[(field.annotation, *field.metadata)])
                assert adapter.validate_python(field.default) == field.default
                checked += 1
    assert checked > 100


def test_expectations_are_listed_by_key():
    scenario = build(
        expect={"min_liquidations": 1, "max_liquidations": 9, "equals": {"fund_depleted": False}}
    )
    assert scenario.expect.expectations() == {
        "liquidations": {"min": 1, "max": 9},
        "fund_depleted": {"equals": False},
    }


@pytest.mark.parametrize(("seconds", "start", "length"), [(12, 15, 10), (60, 3, 2), (90, 2, 1)])
def test_shock_minutes_fall_on_blocks(seconds, start, length):
    shock = PriceDrift(kind="price_drift", at_minute=3.0, duration_minutes=2.0, size=-0.1)
    assert shock.start_block(seconds) == start
    assert shock.duration_blocks(seconds) == length


def test_risk_parameters_market_overrides_shared_ones_and_keeps_seconds_whole():
    scenario = build(
        protocol={"risk_model_parameters": {"z": 3.0, "initial_horizon_seconds": 7200}},
        markets=[MARKET, {**MARKET, "name": "BTC", "risk_model_parameters": {"z": 5.0}}],
    )
    assert scenario.risk_parameters(0)["z"] == 3.0
    assert scenario.risk_parameters(1)["z"] == 5.0
    horizon = scenario.risk_parameters(1)["initial_horizon_seconds"]
    assert horizon == 7200
    assert isinstance(horizon, int)


def test_risk_parameters_of_a_market_are_checked_together_with_the_shared_ones():
    with pytest.raises(ValidationError, match="maintenance_ratio: must be below initial_ratio"):
        build(
            protocol={"risk_model": "static", "risk_model_parameters": {"initial_ratio": 0.1}},
            markets=[{**MARKET, "risk_model_parameters": {"maintenance_ratio": 0.2}}],
        )


def test_duplicate_names_are_refused():
    with pytest.raises(ValidationError, match=r"traders.1.name: 'a' is already the name of traders.0"):
        build(traders=[{"name": "a", "count": 1}, {"name": "a", "count": 1}])


def test_work_beyond_any_machine_is_refused():
    with pytest.raises(ValidationError, match="accounts x blocks"):
        build(blocks=1_000_000, traders=[{"name": "a", "count": 100_000}])


@pytest.mark.parametrize(
    "moment", ["2024-01-01T00:00:00", "2024-01-01T00:00:00+02:00", "1999-01-01T00:00:00Z"]
)
def test_start_time_must_be_utc_and_plausible(moment):
    with pytest.raises(ValidationError, match="start_time"):
        scenario_class().model_validate_json(json.dumps({**MINIMAL, "start_time": moment}))


def test_schema_refuses_unknown_keys_everywhere_and_names_units():
    schema = json_schema()
    json.dumps(schema, allow_nan=False)
    for name, definition in schema["$defs"].items():
        assert definition["additionalProperties"] is False, name
    assert schema["properties"]["seconds_per_block"]["unit"] == "s"
    assert "AdaptiveParameters" in schema["$defs"]


def test_assumptions_list_every_number_and_mark_the_changed_ones():
    scenario = build(protocol={"risk_model_parameters": {"z": 3.0}})
    listed = {entry["parameter"]: entry for entry in assumptions(scenario)}
    assert listed["seconds_per_block"]["value"] == 12
    assert listed["seconds_per_block"]["unit"] == "s"
    assert listed["seconds_per_block"]["source"] == "Ethereum slot time"
    assert listed["markets.0.initial_price"]["source"] == "set by the scenario"
    assert listed["markets.0.risk_model_parameters.z"]["value"] == 3
    assert listed["markets.0.risk_model_parameters.z"]["source"] == "set by the scenario"
    assert "EMIR" in listed["markets.0.risk_model_parameters.stress_weight"]["source"]


def test_defaults_of_a_table_of_its_own_are_not_taken_for_the_scenarios():
    """Liquidators pay up to 2,000 gwei, where others pay 500: a default too, with a source of its own."""
    scenario = build(liquidators={"fees": {"priority_fee_gwei": 3.0, "max_fee_gwei": 2_000.0}})
    listed = {entry["parameter"]: entry for entry in assumptions(scenario)}
    assert listed["liquidators.fees.max_fee_gwei"]["value"] == 2_000.0
    assert "lives by being included" in listed["liquidators.fees.max_fee_gwei"]["source"]
    assert listed["liquidators.fees.priority_fee_gwei"]["source"] == "set by the scenario"
    assert listed["keepers.fees.max_fee_gwei"]["source"] == "assumption: above March 2020's 200"
    assert listed["deleverager.active"]["value"] is True
