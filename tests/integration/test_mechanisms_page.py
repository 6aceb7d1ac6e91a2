"""A row of the page of mechanisms that names what is not there is told apart from one that does."""

from __future__ import annotations

import dataclasses

import pytest

from scripts import mechanisms

ROWS = mechanisms.read_rows()


def test_rows_name_what_is_there():
    assert [problem for row in ROWS.values() for problem in mechanisms.problems(row)] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"function": "contracts/lib/risk_math.vy:_no_such"}, "no function"),
        ({"function": "contracts/lib/none.vy:_fee_rate"}, "no function"),
        ({"switch": "protocol.none"}, "no scenario has the key"),
        ({"agent": "nobody"}, "no agent"),
        ({"test": "tests/none.py"}, "no test"),
        ({"metric": "none"}, "no metric"),
        ({"scenario": ""}, "neither measured nor proven"),
        ({"switch": ""}, "a switch, an agent and a test"),
        ({"off": ()}, "both arms are the same"),
        ({"state": "part"}, "says what it lacks"),
        ({"lacks": "something"}, "what works lacks nothing"),
    ],
)
def test_a_row_that_names_something_else_is_reported(change, words):
    row = dataclasses.replace(ROWS["convex_fee"], **change)
    assert words in "; ".join(mechanisms.problems(row))


def test_another_arm_is_another_measurement():
    row = ROWS["convex_fee"]
    assert dataclasses.replace(row, off=("seed=3",)).inputs != row.inputs
    assert dataclasses.replace(row, metric="bad_debt").inputs != row.inputs


def test_the_page_says_what_20_paths_do_not_tell_from_none():
    found = {"off": 1.0, "on": 2.0, "difference": 1.0, "low": -1.0, "high": 3.0, "contracts": "another"}
    text = mechanisms.page(ROWS, {"convex_fee": found})
    assert "do not tell from none" in text
    assert "other contracts than today's: `convex_fee`" in text
    assert "do not tell from none" not in mechanisms.page(ROWS, {"convex_fee": {**found, "low": 0.5}})
