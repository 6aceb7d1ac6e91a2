"""The rules of the bench are shown to work: contracts with one fault are reported by the right one."""

from __future__ import annotations

import pytest

from tests.economic.catalogue import FAULTS
from tests.support.economic.checks import statements
from tests.support.economic.old_rules import OLD_RULES


def test_every_fault_is_of_a_rule():
    assert {fault.broken for fault in FAULTS} <= statements().keys()


@pytest.mark.parametrize("change", FAULTS + OLD_RULES, ids=lambda change: change.name)
def test_what_is_changed_stands_in_the_contracts_once(tmp_path, change):
    change.contracts(tmp_path)  # asserts it, without a compiler


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.broken}: {fault.name}")
def test_a_fault_is_reported(tmp_path, fault):
    assert fault.found(fault.contracts(tmp_path)) is not None, f"not within {fault.histories} histories"
