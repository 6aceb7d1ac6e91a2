"""The rows of an asset's parameters are the contract's, to the last unit, and the governor holds to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.core.units import MAX_UINT256, WAD
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GUARDIAN
from sim.protocol.parameters.collateral import ASSET
from sim.protocol.parameters.words import inputs_of
from tests.support.access.world import OTHER
from tests.support.governed import Governed, parameters_of

KEY, POOL_FEE = "collateral_registry", 3 * WAD // 1_000
OUT_OF_BOUNDS = {
    "collateral_assets: out of bounds",
    "collateral_assets: no depth",
    "collateral_assets: sale beyond the haircut",
}


@pytest.fixture(scope="module")
def governed():
    return Governed("static", parameters=replace(parameters_of("static"), assets=[OTHER, OTHER]))


def words(**changes):
    values = {row.name: row.word(row.default) for row in ASSET} | changes
    return tuple(values[name] for name in ASSET.names)


def refusal(governed, **changes):
    data = governed.data(KEY, "set_parameters", 0, words(**changes))
    return governed.refusal(governed.governor, governed.deployment.addresses[KEY], data)


def test_rows_are_the_contracts_words_in_order(governed):
    for function in ("set_parameters", "add_asset"):
        entry = inputs_of(governed.deployment.artifacts[KEY].abi, function)[-1]
        assert tuple(item["name"] for item in entry["components"]) == ASSET.names
        assert {item["type"] for item in entry["components"]} == {"uint256"}
    listed = governed.read(KEY, "parameters", 1)
    assert tuple(listed) == words(deposit_cap=10**6 * WAD)


@pytest.mark.parametrize("row", ASSET, ids=lambda row: row.name)
def test_the_largest_word_is_taken_and_the_next_is_not(governed, row):
    beside = {} if row.name == "haircut_min" else {"haircut_min": WAD}
    if row.name == "sale_band":
        beside["sale_fee_rate"] = 0
    assert refusal(governed, **beside, **{row.name: row.most}) is None
    assert refusal(governed, **beside, **{row.name: row.most + 1}) in OUT_OF_BOUNDS
    assert refusal(governed, **beside, **{row.name: MAX_UINT256}) in OUT_OF_BOUNDS


@pytest.mark.parametrize("row", ASSET, ids=lambda row: row.name)
def test_the_least_word_is_taken(governed, row):
    least = {"sale_band": 2 * POOL_FEE, "haircut_min": 0}.get(row.name, row.least)
    beside = {"sale_fee_rate": 0} if row.name == "haircut_min" else {}
    told = refusal(governed, **beside, **{row.name: least})
    if row.name == "haircut_min":  # a condition of the struct: what a sale may cost is within it
        assert told == "collateral_assets: sale beyond the haircut"
    else:
        assert told is None
    if row.minimum:
        assert refusal(governed, **{row.name: row.least - 1}) in OUT_OF_BOUNDS


def test_the_condition_is_the_contracts(governed):
    (condition,) = ASSET.conditions
    for fee, holds in ((2 * WAD // 100, True), (2 * WAD // 100 + 1, False)):
        changed = {"haircut_min": WAD // 20, "sale_band": 3 * WAD // 100, "sale_fee_rate": fee}
        assert condition.holds(dict(zip(ASSET.names, words(**changed), strict=True))) == holds
        assert (refusal(governed, **changed) is None) == holds


@pytest.mark.parametrize("asset", [0, 1])
def test_the_governor_moves_an_asset_by_steps(governed, asset):
    now = dict(zip(ASSET.names, governed.read(KEY, "parameters", asset), strict=True))

    def data(**changes):
        return governed.data(KEY, "set_parameters", asset, tuple((now | changes).values()))

    for name, rule in rules.ASSET_SETTER.fields.items():
        _, most = rule.words(name).reach(now[name])
        assert governed.proposing(KEY, data(**{name: most})) is None
        assert governed.proposing(KEY, data(**{name: most + 1})) == "governor: step too large"
    assert governed.tightening(KEY, data(haircut_min=6 * WAD // 100)) is None
    assert governed.tightening(KEY, data(haircut_min=4 * WAD // 100)) == "governor: not tighter"
    receipt = governed.send(
        GUARDIAN, "risk_governor", "tighten", governed.deployment.addresses[KEY], data(haircut_min=WAD // 16)
    )
    assert receipt.status, receipt.revert_reason
    assert governed.read(KEY, "parameters", asset)[1] == WAD // 16


def test_the_governor_owns_what_assets_need(governed):
    for key in ("collateral_registry", "collateral_oracle", "spot_pool:0", "spot_pool:1"):
        owner = governed.deployment.abis["ledger"]["owner"]
        answer = governed.chain.call(governed.deployment.addresses[key], owner.encode())
        assert owner.decode(answer) == governed.governor
    add = governed.deployment.abis["spot_pool"]["add_liquidity"].encode(1, 1)
    pool = governed.deployment.addresses["spot_pool:1"]
    assert governed.refusal("0x" + "00" * 19 + "01", pool, add) == "access: not owner"
    propose = governed.data("risk_governor", "propose", pool, add)
    assert governed.refusal(governed.deployment.addresses["token"], governed.governor, propose) is not None
    governed.must("0x" + governed.read("risk_governor", "owner")[2:], "risk_governor", "propose", pool, add)
