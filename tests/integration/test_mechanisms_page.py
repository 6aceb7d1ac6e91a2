"""A row of the page of mechanisms that names what is not there is told apart from one that does."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from scripts import mechanisms
from scripts.mechanism_metrics import OWN
from sim.metrics.book import METRICS

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
        ({"metric": "none"}, "no metric none"),
        ({"outcome": "none"}, "no metric none"),
        ({"outcome": "liquidator_profit"}, "no other metric"),
        ({"proof": "shown in docs/none.md"}, "no docs/none.md"),
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
    assert dataclasses.replace(row, outcome="bad_debt").inputs != row.inputs


def test_the_page_says_what_20_paths_do_not_tell_from_none():
    found = {"off": 1.0, "on": 2.0, "difference": 1.0, "low": -1.0, "high": 3.0, "contracts": "another"}
    text = mechanisms.page(ROWS, {"convex_fee": found})
    assert "do not tell from none" in text
    assert "other contracts than today's: `convex_fee`" in text
    assert "do not tell from none" not in mechanisms.page(ROWS, {"convex_fee": {**found, "low": 0.5}})


MEASURED = {row.id: {"inputs": row.inputs} for row in ROWS.values() if row.scenario}


def test_what_is_measured_is_measured_of_what_it_names():
    assert mechanisms.unmeasured(ROWS, MEASURED) == []


@pytest.mark.parametrize("name", ["convex_fee", "requirement_scaling"])
def test_a_row_with_a_scenario_that_nobody_measured_is_a_problem(name):
    stored = {other: found for other, found in MEASURED.items() if other != name}
    assert mechanisms.unmeasured(ROWS, stored) == [f"{name}: not measured: --measure --only {name}"]


def test_a_row_that_was_measured_of_something_else_is_a_problem():
    stored = {**MEASURED, "convex_fee": {"inputs": "0" * 16}}
    (problem,) = mechanisms.unmeasured(ROWS, stored)
    assert problem.startswith("convex_fee: measured of other inputs")


def test_a_measured_row_has_a_switch_whatever_else_it_names_as_proof():
    row = dataclasses.replace(ROWS["convex_fee"], proof="shown in docs/metrics.md", switch="")
    assert "a switch, an agent and a test" in "; ".join(mechanisms.problems(row))


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_paths_that_all_differ_by_the_same_have_no_interval(difference):
    off = [{"bad_debt": 0.0}] * mechanisms.PATHS
    on = [{"bad_debt": difference}] * mechanisms.PATHS
    found = mechanisms._compared(off, on, "bad_debt")
    assert found["low"] == found["difference"] == found["high"] == difference
    said = mechanisms._difference("bad_debt", found)
    assert said == (
        f"`bad_debt` 0 off, {difference:.3g} on; difference {difference:.3g}, the same in all 20 paths: "
        "another difference in at most 0.14 of paths (95%)"
    )


def test_one_path_that_differs_otherwise_is_enough_for_an_interval():
    off = [{"bad_debt": 1.0}] * mechanisms.PATHS
    on = [*off[1:], {"bad_debt": 3.0}]
    found = mechanisms._compared(off, on, "bad_debt")
    assert found["low"] < 0.0 < found["difference"] < found["high"]
    assert "do not tell from none" in mechanisms._difference("bad_debt", found)


def test_the_page_says_that_an_outcome_does_not_follow():
    found = {"off": 1.0, "on": 2.0, "difference": 1.0, "low": 0.5, "high": 1.5, "contracts": "another"}
    row = dataclasses.replace(
        ROWS["convex_fee"], off=("seed=3",), on=("seed=3", "blocks=9"), outcome="bad_debt"
    )
    none = {**found, "low": -1.0}
    text = mechanisms.page({row.id: row}, {row.id: {**found, "outcome": none}})
    assert "with `seed=3`, off: no more, on: `blocks=9`" in text
    assert (
        "`bad_debt` 1 off, 2 on; difference 1 (-1 to 1.5), **which 20 paths do not tell from none**" in text
    )


def test_what_a_mechanism_acts_on_is_read_off_the_tables_of_a_run():
    tables = {
        ("liquidations", "timestamp"): [0, 3_599, 3_600],
        ("liquidations", "notional"): [5.0, 2.0, 4.0],
        ("liquidations", "fee"): [1.0, 0.5, 0.5],
        ("liquidations", "bounty"): [0.5, 0.25, 0.25],
        ("blocks", "block"): [1, 2],
        ("blocks", "market"): [0, 0],
        ("blocks", "long_open_interest"): [3.0, 9.0],
        ("blocks", "short_open_interest"): [2.0, 9.0],
        ("events", "block"): [1, 2, 3, 3, 3, 3],
        ("events", "event"): ["FundingAccrued"] * 3 + ["PositionChanged"] * 2 + ["Withdrawn"],
        ("events", "data"): [
            {"market": 0, "funding_index": 10**18},
            {"market": 0, "funding_index": 3 * 10**18},
            {"market": 0, "funding_index": 2 * 10**18},
            {"cause": 1, "size_delta": -1, "size": 3},
            {"cause": 0, "size_delta": -1, "size": 0},
            {"amount": 7_000_000},
        ],
    }
    run: Any = SimpleNamespace(column=lambda table, name: tables[table, name])
    measured = {name: metric.measure(run) for name, metric in OWN.items() if metric.measure}
    assert measured == {
        "closed_share": 0.25,
        "liquidation_fee_rate": 2.0 / 11.0,
        "bounty_share": 0.5,
        "busiest_hour_notional": 7.0,  # the hour after a close ends before the second at which it began
        "withdrawn": 7.0,
        "funding_accrued": 2.0 * 3.0 + 1.0 * 9.0,
    }


def test_the_book_has_none_of_these_metrics_outside_a_worker():
    assert not [name for name in OWN if name in METRICS]
