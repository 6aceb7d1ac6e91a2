"""Codes in Python are those of the contracts: every constant of a family, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.chain.compile import contracts_root
from sim.chain.gas import GasProfile
from sim.core import units
from sim.protocol.actions import EntryPoint
from sim.protocol.codes import (
    AccountMode,
    BreachCause,
    CollateralReason,
    MarginCheck,
    OracleStatus,
    PositionCause,
    Refusal,
)
from sim.protocol.contracts import compile_protocol, contract_of, load_abis
from sim.reference import fixed_point, oracle_math

FAMILIES = {
    AccountMode: ("lib/constants.vy", r"MODE_(\w+)"),
    PositionCause: ("lib/constants.vy", r"CAUSE_(\w+)"),
    CollateralReason: ("modules/settlement.vy", r"REASON_(\w+)"),
    MarginCheck: ("modules/account_risk.vy", r"(\w+)"),
    BreachCause: ("modules/liquidation_plans.vy", r"CAUSE_(\w+)"),
    OracleStatus: ("lib/constants.vy", r"STATUS_(\w+)"),
}
UNNAMED = {AccountMode: {"CROSS": 0}}
"""Zero that no contract asks for by name: an account in neither of the other modes."""


def constants(source: str, name: str) -> dict[str, int]:
    """Return the numeric constants of a contract whose name matches, by what the group captures."""
    text = (contracts_root() / source).read_text(encoding="utf-8")
    found = re.findall(rf"^{name}: constant\(uint256\) = (\d+)(?: |#|$)", text, re.MULTILINE)
    return {code: int(value) for code, value in found}


@pytest.mark.parametrize("codes", FAMILIES, ids=lambda codes: codes.__name__)
def test_codes_are_the_constants_of_the_contracts(codes):
    source, name = FAMILIES[codes]
    expected = constants(source, name) | UNNAMED.get(codes, {})
    assert {member.name: member.value for member in codes} == expected


@pytest.mark.parametrize("refusal", Refusal)
def test_reasons_that_are_acted_on_are_reasons_of_a_contract(refusal):
    sources = {path.stem: path.read_text(encoding="utf-8") for path in contracts_root().rglob("*.vy")}
    assert [name for name, text in sources.items() if f'"{refusal}"' in text] == [refusal.split(":")[0]]


def test_entry_points_are_functions_of_the_contracts_with_a_gas_profile():
    abis = load_abis(compile_protocol("static"))
    for entry in EntryPoint:
        contract, function = entry.split(".")
        assert abis[contract_of(contract)][function].name == function
    assert set(EntryPoint) == set(GasProfile.load().entries)


def test_the_twin_of_the_oracle_has_the_same_statuses():
    found = {name.removeprefix("STATUS_"): value for name, value in vars(oracle_math).items()
             if name.startswith("STATUS_")}  # fmt: skip
    assert found == {member.name: member.value for member in OracleStatus}


def test_there_is_one_token_unit_and_one_quantum():
    text = (contracts_root() / "lib/constants.vy").read_text(encoding="utf-8")
    declared = dict(re.findall(r"^(WAD|QUANTUM): constant\(uint256\) = 10\*\*(\d+)", text, re.MULTILINE))
    assert (10 ** int(declared["WAD"]), 10 ** int(declared["QUANTUM"])) == (units.WAD, units.QUANTUM)
    assert (units.WAD, units.QUANTUM) == (fixed_point.WAD, fixed_point.QUANTUM)
    assert units.TOKEN_UNIT * units.QUANTUM == units.WAD
    sources = sorted((Path(__file__).parents[4] / "sim").rglob("*.py"))
    declaring = [path.name for path in sources if re.search(r"^TOKEN_UNIT\b", path.read_text(), re.MULTILINE)]
    assert declaring == ["units.py"]
