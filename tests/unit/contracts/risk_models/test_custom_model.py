"""The example of a stranger's model: it stands alone and keeps a risk model's promises."""

from __future__ import annotations

import shutil
import warnings

import boa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import UINT_MAX, WAD
from tests.support.deployers import CONTRACTS, ROOT, deployer
from tests.support.risk_parameters import STATIC

SOURCE = ROOT / "scenarios" / "models" / "LeverageTierRiskModel.vy"


@pytest.fixture(scope="module")
def model():
    return deployer(SOURCE).deploy(20 * WAD, 50_000 * WAD, WAD // 2)


def ratios(model, notional):
    return tuple(model.margin_ratios((notional, *[0] * 13)))


@pytest.mark.parametrize(
    ("notional", "leverage"),
    [
        (0, 20),
        (50_000 * WAD - 1, 20),
        (50_000 * WAD, 10),
        (100_000 * WAD, 20 / 3),
        (950_000 * WAD, 1),
        (UINT_MAX, 1),
    ],
)
def test_leverage_falls_tier_by_tier(model, notional, leverage):
    initial, maintenance = ratios(model, notional)
    assert WAD / initial == pytest.approx(leverage, rel=1e-15)
    assert maintenance == initial // 2


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    notional=st.one_of(st.integers(0, UINT_MAX), st.integers(0, 10**25)),
    top=st.integers(WAD, 1_000 * WAD),
    tier=st.integers(1, UINT_MAX),
    share=st.integers(10**15, WAD - 1),
)
def test_ratios_are_ordered_for_every_input_and_parameter(notional, top, tier, share):
    initial, maintenance = ratios(deployer(SOURCE).deploy(top, tier, share), notional)
    assert 0 < maintenance < initial <= WAD


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((WAD - 1, WAD, WAD // 2), "leverage_tier: top leverage"),
        ((1_000 * WAD + 1, WAD, WAD // 2), "leverage_tier: top leverage"),
        ((20 * WAD, 0, WAD // 2), "leverage_tier: zero tier"),
        ((20 * WAD, WAD, WAD), "leverage_tier: share"),
        ((20 * WAD, WAD, 10**15 - 1), "leverage_tier: share"),
    ],
)
def test_parameters_out_of_bounds_revert(args, reason):
    with boa.reverts(reason):
        deployer(SOURCE).deploy(*args)


def test_model_compiles_from_any_folder(tmp_path):
    copy = tmp_path / "somewhere" / "MyModel.vy"
    copy.parent.mkdir()
    shutil.copy(SOURCE, copy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deployed = boa.load(str(copy), 20 * WAD, 50_000 * WAD, WAD // 2)
    assert deployed.collateral_haircut() == 0


def shape(parameter):
    """ABI type of one parameter with its struct's fields, names included."""
    return parameter["type"], parameter["name"], [shape(part) for part in parameter.get("components", [])]


def test_model_answers_the_same_calls_as_the_interface(model, owner):
    shipped = deployer(CONTRACTS / "risk_models" / "StaticRiskModel.vy").deploy(owner, STATIC)

    def functions(contract):
        return {
            entry["name"]: [shape(p) for p in (*entry["inputs"], *entry["outputs"])]
            for entry in contract.abi
            if entry.get("name") in {"margin_ratios", "collateral_haircut"}
        }

    assert len(functions(model)) == 2
    assert functions(model) == functions(shipped)
