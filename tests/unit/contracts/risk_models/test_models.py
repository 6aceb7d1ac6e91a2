"""The four shipped risk models: wiring, bounds of parameters, and their promises."""

from __future__ import annotations

from dataclasses import astuple, replace

import boa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.reference import risk_math as twin
from sim.reference.fixed_point import UINT_MAX, WAD
from tests.support.deployers import CONTRACTS, deploy, deployer
from tests.support.risk_parameters import ADAPTIVE, CALM, STATIC, TIERED, VOLATILITY

ZERO = "0x" + "00" * 20
MODELS = {
    "StaticRiskModel": STATIC,
    "VolatilityRiskModel": astuple(VOLATILITY),
    "AdaptiveRiskModel": astuple(ADAPTIVE),
    "TieredRiskModel": astuple(TIERED),
}
ANY = st.one_of(st.integers(0, UINT_MAX), st.integers(0, 10**26), st.sampled_from([0, 1, UINT_MAX]))

SIDE = st.integers(-1, 1)
# In the order of `IRiskModel.RiskInputs`.
INPUTS = st.tuples(*[ANY] * 7, SIDE, st.integers(-(2**255), 2**255 - 1), *[ANY] * 5)


def deploy_model(name, owner, parameters=None):
    return deploy(f"risk_models/{name}", owner, MODELS[name] if parameters is None else parameters)


@pytest.fixture(params=MODELS)
def model(request, owner):
    return deploy_model(request.param, owner)


def test_model_remembers_owner_and_parameters(model, owner):
    assert model.owner() == owner
    assert tuple(model.parameters()) in MODELS.values()
    assert model.collateral_haircut() == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=INPUTS)
def test_ratios_are_ordered_for_every_input(model, inputs):
    ratios = model.margin_ratios(inputs)
    assert 0 < ratios.maintenance < ratios.initial <= WAD


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=INPUTS, positions=st.lists(st.tuples(ANY, SIDE, ANY), max_size=5))
def test_a_batch_is_what_each_position_alone_is(model, inputs, positions):
    answers = model.margin_ratios_batch(inputs, positions)
    alone = [
        model.margin_ratios((notional, *inputs[1:7], side, *inputs[8:12], whole, inputs[13]))
        for notional, side, whole in positions
    ]
    assert [tuple(answer) for answer in answers] == [tuple(one) for one in alone]


@pytest.mark.parametrize("name", MODELS)
def test_owner_of_zero_reverts(name):
    with boa.reverts("risk_model: zero owner"):
        deploy_model(name, ZERO)


@pytest.mark.parametrize("name", MODELS)
def test_model_fits_and_changes_nothing(name):
    compiled = deployer(CONTRACTS / "risk_models" / f"{name}.vy").compiler_data
    assert len(compiled.bytecode_runtime) < 24_576
    assert not any(f.is_mutable for f in compiled.global_ctx.exposed_functions)


def test_static_model_ignores_the_market(owner):
    model = deploy_model("StaticRiskModel", owner)
    for inputs in ([0] * 14, [*[UINT_MAX] * 7, 1, 2**255 - 1, *[UINT_MAX] * 5], astuple(CALM)):
        assert tuple(model.margin_ratios(inputs)) == (WAD // 20, WAD // 40)


def test_volatility_model_deploys_its_twin_and_ignores_size(owner):
    model = deploy_model("VolatilityRiskModel", owner)
    for variance in (0, WAD // 100, WAD, 25 * WAD, UINT_MAX):
        inputs = replace(CALM, variance_fast=variance)
        assert tuple(model.margin_ratios(astuple(inputs))) == astuple(
            twin.volatility_ratios(inputs, VOLATILITY)
        )
        assert model.margin_ratios(astuple(inputs)) == model.margin_ratios(
            astuple(replace(inputs, notional=UINT_MAX))
        )


def test_adaptive_model_deploys_its_twin(owner):
    model = deploy_model("AdaptiveRiskModel", owner)
    for changes in (
        {},
        {"variance_fast": 9 * WAD},
        {"notional": 50_000_000 * WAD},
        {"depth": 0},
        {"open_interest": 35_000_000 * WAD},
        {"confidence": 40 * WAD},
    ):
        inputs = replace(CALM, **changes)
        assert tuple(model.margin_ratios(astuple(inputs))) == astuple(twin.adaptive_ratios(inputs, ADAPTIVE))


@pytest.mark.parametrize("root", range(4))
def test_adaptive_model_takes_every_root_of_size(owner, root):
    parameters = replace(ADAPTIVE, size_root=root)
    model = deploy_model("AdaptiveRiskModel", owner, astuple(parameters))
    for notional in (0, 1, 5_000_000 * WAD, 80_000_000 * WAD):
        inputs = replace(CALM, notional=notional)
        assert tuple(model.margin_ratios(astuple(inputs))) == astuple(
            twin.adaptive_ratios(inputs, parameters)
        )


def test_tiered_model_deploys_its_twin(owner):
    model = deploy_model("TieredRiskModel", owner)
    for changes in (
        {},
        {"notional": 0},
        *({"notional": n * WAD + d} for n in (10**6, 10**7, 2 * 10**7) for d in (-1, 0, 1)),
        {"notional": UINT_MAX},
        {"variance_fast": 9 * WAD},
        {"open_interest": 35_000_000 * WAD},
        {"confidence": 40 * WAD},
    ):
        inputs = replace(CALM, **changes)
        assert tuple(model.margin_ratios(astuple(inputs))) == astuple(twin.tiered_ratios(inputs, TIERED))


def test_haircut_is_the_parameter(owner):
    assert deploy_model("StaticRiskModel", owner, (2, 1, WAD - 1)).collateral_haircut() == WAD - 1
    parameters = astuple(replace(ADAPTIVE, haircut=WAD // 50))
    assert deploy_model("AdaptiveRiskModel", owner, parameters).collateral_haircut() == WAD // 50


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"z": 10**21 + 1}, "risk_model: z above 1000"),
        ({"initial_horizon_seconds": 31_536_001}, "risk_model: horizon above a year"),
        ({"maintenance_horizon_seconds": 4 * 3_600 + 1}, "risk_model: maintenance horizon above initial"),
        ({"fast_weight": WAD + 1}, "risk_model: fast weight above 1"),
        ({"open_interest_lower": 50_000_000 * WAD}, "risk_model: open interest bounds"),
        ({"open_interest_upper": 10**38 + 1}, "risk_model: open interest too large"),
        ({"confidence_coefficient": 10**21 + 1}, "risk_model: confidence coefficient above 1000"),
        ({"haircut": WAD}, "risk_model: haircut not below 1"),
        # The order of ratios in each tier, hence at every size.
        ({"tier_1_maintenance": 0}, "risk_model: zero maintenance ratio"),
        *(
            (
                {f"tier_{i}_maintenance": getattr(TIERED, f"tier_{i}_initial")},
                "risk_model: maintenance not below initial",
            )
            for i in (1, 2, 3, 4)
        ),
        ({"tier_4_initial": WAD + 1}, "risk_model: initial ratio above 1"),
        # A table without a gap: each tier begins above the one before, and asks no less.
        ({"tier_2_notional": 0}, "risk_model: gap between tiers"),
        ({"tier_3_notional": TIERED.tier_2_notional}, "risk_model: gap between tiers"),
        ({"tier_4_notional": TIERED.tier_3_notional - 1}, "risk_model: gap between tiers"),
        ({"tier_4_notional": 10**38 + 1}, "risk_model: tier too large"),
        (
            {"tier_3_initial": 5 * WAD // 100 - 1, "tier_3_maintenance": 4 * WAD // 100},
            "risk_model: tier below the one before",
        ),
        ({"tier_3_maintenance": 25 * WAD // 1_000 - 1}, "risk_model: tier below the one before"),
    ],
)
def test_tiered_parameters_out_of_bounds_revert(owner, changes, reason):
    with boa.reverts(reason):
        deploy_model("TieredRiskModel", owner, astuple(replace(TIERED, **changes)))


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ((WAD // 20, 0, 0), "risk_model: zero maintenance ratio"),
        ((WAD // 20, WAD // 20, 0), "risk_model: maintenance not below initial"),
        ((WAD + 1, WAD // 20, 0), "risk_model: initial ratio above 1"),
        ((WAD // 20, WAD // 40, WAD), "risk_model: haircut not below 1"),
    ],
)
def test_static_parameters_out_of_bounds_revert(owner, parameters, reason):
    with boa.reverts(reason):
        deploy_model("StaticRiskModel", owner, parameters)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"z": 10**21 + 1}, "risk_model: z above 1000"),
        ({"initial_horizon_seconds": 31_536_001}, "risk_model: horizon above a year"),
        ({"maintenance_horizon_seconds": 4 * 3_600 + 1}, "risk_model: maintenance horizon above initial"),
        ({"maintenance_min": 0}, "risk_model: zero maintenance ratio"),
        ({"maintenance_min": WAD // 100}, "risk_model: maintenance not below initial"),
        ({"initial_min": WAD + 1}, "risk_model: initial ratio above 1"),
        ({"haircut": WAD}, "risk_model: haircut not below 1"),
    ],
)
def test_volatility_parameters_out_of_bounds_revert(owner, changes, reason):
    with boa.reverts(reason):
        deploy_model("VolatilityRiskModel", owner, astuple(replace(VOLATILITY, **changes)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"z": 10**21 + 1}, "risk_model: z above 1000"),
        ({"initial_horizon_seconds": 31_536_001}, "risk_model: horizon above a year"),
        ({"maintenance_horizon_seconds": 4 * 3_600 + 1}, "risk_model: maintenance horizon above initial"),
        ({"maintenance_floor": 0}, "risk_model: zero maintenance ratio"),
        ({"maintenance_floor": 2 * WAD // 100}, "risk_model: maintenance not below initial"),
        ({"initial_floor": WAD + 1}, "risk_model: initial ratio above 1"),
        ({"haircut": WAD}, "risk_model: haircut not below 1"),
        ({"fast_weight": WAD + 1}, "risk_model: fast weight above 1"),
        ({"variance_floor": 10**26 + 1}, "risk_model: variance too large"),
        ({"variance_stress": 10**26 + 1}, "risk_model: variance too large"),
        ({"stress_weight": WAD + 1}, "risk_model: stress weight above 1"),
        ({"size_coefficient": 10**21 + 1}, "risk_model: size coefficient above 1000"),
        ({"size_root": 4}, "risk_model: size root above 3"),
        ({"liquidity_floor": 0}, "risk_model: liquidity floor below 1"),
        ({"liquidity_floor": WAD - 1}, "risk_model: liquidity floor below 1"),
        ({"liquidity_floor": 10**38 + 1}, "risk_model: liquidity floor too large"),
        ({"open_interest_lower": 50_000_000 * WAD}, "risk_model: open interest bounds"),
        ({"open_interest_upper": 10**38 + 1}, "risk_model: open interest too large"),
        ({"confidence_coefficient": 10**21 + 1}, "risk_model: confidence coefficient above 1000"),
    ],
)
def test_adaptive_parameters_out_of_bounds_revert(owner, changes, reason):
    with boa.reverts(reason):
        deploy_model("AdaptiveRiskModel", owner, astuple(replace(ADAPTIVE, **changes)))
