"""What a formula did instead of answering, told from what the engine says; and words and gas."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sim.chain.backend import HALT_INVALID, HALT_OUT_OF_GAS, Outcome
from sim.core.units import WAD
from sim.protocol.formulas import (
    FORMULA_GAS,
    FaultKind,
    FormulaInputs,
    MarketSnapshot,
    fault_of_haircut,
    fault_of_ratios,
)

CONTRACTS = Path(__file__).parents[4] / "contracts"


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def outcome(output: bytes = b"", *, status: bool = True, halt: str | None = None) -> Outcome:
    return Outcome(status=status, output=output, halt=halt, logs=[], exact_gas=None)


def struct(file: str, name: str) -> list[str]:
    source = (CONTRACTS / "interfaces" / file).read_text()
    body = re.search(rf"^struct {name}:\n((?:    .+\n)+)", source, re.MULTILINE)
    assert body is not None
    return re.findall(r"^    (\w+):", body[1], re.MULTILINE)


def test_the_words_are_those_of_the_interfaces():
    assert [field.name for field in fields(FormulaInputs)] == struct("IRiskModel.vyi", "RiskInputs")
    assert list(MarketSnapshot._fields) == struct("IMarketRegistry.vyi", "MarketSnapshot")


def test_the_gas_is_that_of_the_contracts():
    source = (CONTRACTS / "lib" / "constants.vy").read_text()
    assert re.search(rf"^FORMULA_GAS: constant\(uint256\) = {FORMULA_GAS:_}$", source, re.MULTILINE)


@pytest.mark.parametrize(
    ("initial", "maintenance", "is_good"),
    [
        (WAD, 1, True),
        (2, 1, True),
        (WAD, WAD - 1, True),
        (WAD + 1, 1, False),
        (WAD, WAD, False),
        (1, 1, False),
        (1, 0, False),
        (0, 0, False),
        (2**256 - 1, 2**256 - 2, False),
    ],
)
def test_the_range_is_that_of_the_contracts(initial, maintenance, is_good):
    fault = fault_of_ratios(outcome(words(initial, maintenance)))
    assert (fault is None) == is_good
    if fault is not None:
        assert fault.kind is FaultKind.OUT_OF_RANGE


def test_an_answer_out_of_range_is_told_to_the_last_digit():
    fault = fault_of_ratios(outcome(words(WAD + 1, WAD // 20)))
    assert fault is not None
    assert fault.detail == "initial 1.000000000000000001, maintenance 0.05"
    assert fault.told() == f"answered out of range ({fault.detail})"


@pytest.mark.parametrize(
    ("found", "kind", "told"),
    [
        (outcome(status=False, halt=HALT_OUT_OF_GAS), FaultKind.OUT_OF_GAS, "used up its 150,000 gas"),
        (outcome(status=False, halt=HALT_INVALID), FaultKind.HALTED, f"stopped ({HALT_INVALID})"),
        (outcome(status=False), FaultKind.REVERTED, "reverted (reverted without a reason)"),
        (outcome(), FaultKind.NO_ANSWER, "answered with 0 bytes, not two ratios"),
        (outcome(words(WAD)), FaultKind.NO_ANSWER, "answered with 32 bytes, not two ratios"),
    ],
)
def test_what_is_no_pair_of_ratios_has_a_kind_of_its_own(found, kind, told):
    fault = fault_of_ratios(found)
    assert fault is not None
    assert (fault.kind, fault.told()) == (kind, told)


def test_more_than_two_words_are_read_as_the_contracts_read_them():
    assert fault_of_ratios(outcome(words(WAD, 1, 7))) is None


@pytest.mark.parametrize(("haircut", "is_good"), [(0, True), (WAD, True), (WAD + 1, False)])
def test_a_haircut_is_at_most_everything(haircut, is_good):
    assert (fault_of_haircut(outcome(words(haircut))) is None) == is_good
