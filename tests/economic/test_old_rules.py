"""The attacker is worth something: contracts with a rule that once cost somebody money are found out."""

from __future__ import annotations

import pytest

from tests.support.economic.minimise import minimised
from tests.support.economic.old_rules import OLD_RULES


@pytest.mark.slow
@pytest.mark.parametrize("rule", OLD_RULES, ids=lambda rule: rule.name)
def test_an_old_rule_is_found(tmp_path, rule):
    contracts = rule.contracts(tmp_path)
    found = rule.found(contracts)
    assert found is not None, f"not within {rule.histories} histories"
    _, history = found
    short = minimised(history, rule.shows(contracts))
    assert rule.shows(contracts)(short)
    assert len(short.actions) <= 20, short.text()
