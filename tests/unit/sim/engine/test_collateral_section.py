"""Collateral that the contracts would refuse is refused before deployment, with file and line."""

from __future__ import annotations

import pytest

from sim.core.errors import InputError
from sim.engine.scenario.collateral import MAX_ASSETS, CollateralSection
from sim.engine.scenario.load import load_scenario
from sim.protocol.parameters.collateral import ASSET
from tests.support.small_run import SCENARIO

SOUND = {"name": '"USDX"', "initial_price": "1.0", "price": '{ kind = "gbm" }'}


def problems(tmp_path, rows, *, after=""):
    """Write one key a line below the scenario; return the path, the line of each key, and what is refused."""
    text = SCENARIO.read_text()
    table = "".join(f"{key} = {value}\n" for key, value in rows.items())
    path = tmp_path / "bad.toml"
    path.write_text(f"{text}\n[[collaterals]]\n{table}{after}")
    first = text.count("\n") + 3
    with pytest.raises(InputError) as error:
        load_scenario(path)
    return path, {key: first + place for place, key in enumerate(rows)}, "\n".join(error.value.problems)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"decimals": "19"}, "decimals", "must be at most 18, was 19"),
        ({"decimals": "5"}, "decimals", "must be at least 6, was 5"),
        ({"depth": "0.0"}, "depth", "must be at least 1, was 0"),
        ({"pool_depth": "0.0"}, "pool_depth", "must be at least 1, was 0"),
        ({"pool_fee_rate": "0.0"}, "pool_fee_rate", "must be above 0, was 0"),
        ({"haircut_min": "1.2"}, "haircut_min", "must be at most 1, was 1.2"),
        ({"initial_price": "0.0"}, "initial_price", "must be at least 1e-06, was 0"),
        # Band and fee of a sale must lie within the haircut, or a sale would make an account poorer.
        (
            {"sale_band": "0.047"},
            "sale_fee_rate",
            "sale_band + sale_fee_rate must be at most haircut_min 0.05",
        ),
        ({"pool_fee_rate": "0.02"}, "sale_band", "must be at least 2 times pool_fee_rate 0.02"),
        ({"price": '{ kind = "replay", file = "x.csv" }'}, "price", "only a market repeats a file"),
    ],
)
def test_a_bad_asset_names_its_line(tmp_path, changes, field, message):
    rows = {**SOUND, "sale_band": "0.03", "sale_fee_rate": "0.005", **changes}
    path, lines, told = problems(tmp_path, rows)
    assert f"{path}:{lines[field]}: collaterals.0.{field}" in told
    assert message in told


def test_a_price_that_no_oracle_takes_is_refused(tmp_path):
    path, lines, told = problems(tmp_path, {**SOUND, "initial_price": "2e9"})
    assert f"{path}:{lines['initial_price']}: collaterals.0.initial_price: must be between" in told


def test_names_are_told_apart(tmp_path):
    again = "".join(f"{key} = {value}\n" for key, value in SOUND.items())
    _, _, told = problems(tmp_path, SOUND, after=f"[[collaterals]]\n{again}")
    assert "collaterals.1.name: 'USDX' is already the name of collaterals.0" in told


def test_accounts_bring_assets_that_there_are():
    with pytest.raises(InputError, match="no asset 'USDX': there is none in collaterals"):
        load_scenario(SCENARIO, overrides=['traders.0.collateral={ asset = "USDX" }'])
    one = ", ".join(f"{key} = {value}" for key, value in SOUND.items())
    with pytest.raises(InputError, match="no asset 'USDY', the assets are USDX"):
        load_scenario(
            SCENARIO, overrides=[f"collaterals=[{{ {one} }}]", 'traders.0.collateral={ asset = "USDY" }']
        )


def test_there_are_no_more_than_the_contracts_take():
    one = ", ".join(f"{key} = {value}" for key, value in SOUND.items())
    many = ", ".join(f"{{ {one.replace('USDX', f'USDX{place}')} }}" for place in range(MAX_ASSETS + 1))
    with pytest.raises(InputError, match="collaterals"):
        load_scenario(SCENARIO, overrides=[f"collaterals=[{many}]"])


def test_a_section_has_every_parameter_of_the_contract():
    section = CollateralSection.model_validate(
        {"name": "USDX", "initial_price": 1.0, "price": {"kind": "gbm"}, "haircut_min": 0.07}
    )
    assert section.values("asset") == {**ASSET.defaults, "haircut_min": 0.07}
