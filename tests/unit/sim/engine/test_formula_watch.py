"""Formula failures as a run finds them: when each begins and ends, of what it is, and what is none."""

from __future__ import annotations

import pytest

from sim.core.units import WAD
from sim.engine.blocks.formula_watch import HAIRCUT, MARKET, NEVER, POSITION
from tests.support.failing_formula import (
    CRASHED,
    OUT_OF_RANGE,
    REVERTS,
    WHOLE,
    execution_of,
    scenario_with,
    within,
)
from tests.support.small_run import small_execution


def failures(run):
    return run.recorder.tables.formula_failures.rows


def test_a_formula_that_answers_leaves_no_row():
    assert failures(small_execution()) == []


def test_a_formula_that_asks_for_less_than_everything_is_asked_nothing_more(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.chain.chain.Chain.answer", lambda *_: pytest.fail("asked again"))
    assert failures(execution_of(scenario_with(tmp_path, when="False"), "blocks=20")) == []


def test_failures_that_end_have_their_blocks_and_their_last_good_ratios(tmp_path):
    when = f"({within(20, 24)}) or ({within(30, 30)})"
    found = failures(execution_of(scenario_with(tmp_path, when=when), "blocks=40"))
    assert [(row.block, row.blocks, row.answered_block) for row in found] == [(20, 5, 25), (30, 1, 31)]
    for row in found:
        assert (row.question, row.account, row.fault) == (MARKET, -1, "reverted")
        assert row.detail == "the price is too low for me"
        assert (row.good_initial_ratio, row.good_maintenance_ratio) == (WAD // 10, WAD // 20)
        assert 0 < row.good_block < row.block
        assert row.inputs.price > 0
        assert (row.inputs.notional, row.inputs.side, row.inputs.account_notional) == (0, 0, 0)


def test_a_formula_that_fails_to_the_end_is_not_answered(tmp_path):
    (row,) = failures(execution_of(scenario_with(tmp_path), "blocks=30"))
    assert (row.block, row.blocks, row.answered_block) == (8, 23, NEVER)
    assert row.refused > 0


def test_refusals_are_counted_while_it_lasts(tmp_path):
    run = execution_of(scenario_with(tmp_path), "blocks=30")
    reasons = run.recorder.tables.transactions.column("revert_reason")
    (row,) = failures(run)
    assert row.refused == reasons.count("formulas: no good answer")


def test_a_formula_that_fails_for_large_positions_names_one(tmp_path):
    path = scenario_with(tmp_path, OUT_OF_RANGE, when=f"{CRASHED} and inputs.notional > 20_000 * 10**18")
    run = execution_of(path, "blocks=20")
    (row,) = failures(run)
    assert (row.question, row.block, row.fault) == (POSITION, 8, "out of range")
    assert row.inputs.notional > 20_000 * WAD
    assert row.inputs.account_notional >= row.inputs.notional
    assert row.inputs.side in (1, -1)
    assert row.account in run.world.book.members("traders:cohort") or run.world.book.group_of(row.account)
    assert row.good_block == row.block  # of the market without a position it answers


def test_a_haircut_that_fails_is_found_when_somebody_is_refused_for_it(tmp_path):
    path = scenario_with(tmp_path, when="False", when_haircut=within(20, 50))
    run = execution_of(path)
    reasons = run.recorder.tables.transactions.column("revert_reason")
    assert "formulas: no haircut" in reasons
    (row,) = failures(run)
    assert (row.question, row.fault, row.detail) == (HAIRCUT, "reverted", "no haircut today")
    assert row.answered_block == 51
    assert row.refused == reasons.count("formulas: no haircut")


def test_to_ask_for_the_whole_notional_is_an_answer(tmp_path):
    path = scenario_with(tmp_path, WHOLE, when=f"{CRASHED} and inputs.notional > 20_000 * 10**18")
    run = execution_of(path, "blocks=20")
    assert failures(run) == []


def test_what_happens_and_its_digest_do_not_depend_on_how_a_formula_fails(tmp_path):
    digests = set()
    for name, ratios in (("reverts", REVERTS), ("range", OUT_OF_RANGE)):
        (tmp_path / name).mkdir()
        digests.add(execution_of(scenario_with(tmp_path / name, ratios), "blocks=20").digest)
    assert len(digests) == 1
