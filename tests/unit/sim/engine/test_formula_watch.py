"""Formula failures as a run finds them: when each begins and ends, of what it is, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.core.units import WAD
from sim.engine.blocks.formula_watch import HAIRCUT, MARKET, NEVER, POSITION, Refused
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.options import RunOptions
from sim.engine.run import build_world
from sim.engine.scenario.load import load_scenario
from sim.protocol.actions import EntryPoint
from sim.reference import margin_math
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


def test_a_formula_that_fails_for_large_positions_names_the_largest(tmp_path):
    """Before anybody is refused for it: found among the positions that are held."""
    path = scenario_with(
        tmp_path, OUT_OF_RANGE, when=f"{within(3, 60)} and inputs.notional > 20_000 * 10**18"
    )
    run = execution_of(path, "blocks=3")
    (row,) = failures(run)
    assert (row.question, row.block, row.fault, row.refused) == (POSITION, 3, "out of range", 0)
    price = run.loop.reading.markets[0].risk_price
    longs = {
        account: margin_math.notional(size, price)
        for account, size in enumerate(run.world.mirror.exact_size[0])
        if size > 0
    }
    assert (row.inputs.side, row.inputs.notional) == (1, max(longs.values()))
    assert row.inputs.notional == longs[row.account] == row.inputs.account_notional
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


def test_a_failure_within_a_block_is_one_block(tmp_path):
    """An old price makes it fail: for those who come before the report of a block, not after it."""
    run = execution_of(scenario_with(tmp_path, when="inputs.report_age_seconds >= 24"))
    within_block = [row for row in failures(run) if row.fault == "unseen"]
    said = {
        block
        for block, event in zip(
            run.recorder.tables.events.column("block"),
            run.recorder.tables.events.column("event"),
            strict=True,
        )
        if event == "FormulaFailed"
    }
    assert within_block
    for row in within_block:
        assert (row.question, row.blocks, row.answered_block) == (MARKET, 1, row.block)
        assert row.block in said
        assert (row.good_initial_ratio, row.good_maintenance_ratio) == (WAD // 10, WAD // 20)
    begun = {row.block for row in failures(run)}
    lasting = {row.block + more for row in failures(run) for more in range(row.blocks)}
    assert said <= begun | lasting | {row.answered_block for row in failures(run)}  # none is lost


def test_a_position_that_somebody_asks_for_is_asked_about(tmp_path):
    """Nobody holds one as large: only the refusal tells."""
    path = scenario_with(tmp_path, when="inputs.notional > 10**7 * 10**18")
    scenario = load_scenario(path)
    options = RunOptions(out=Path(), worlds="none")
    world = build_world(scenario, options, {})
    loop = BlockLoop(world, Recorder(len(world.book)))
    loop.run(2)
    assert loop.formulas.failures() == []
    size = 10_000 * WAD
    held = world.mirror.exact_size[0][5]
    for kind, expected in ((EntryPoint.WITHDRAW, 0), (EntryPoint.INCREASE_POSITION, 1)):
        refused = [Refused(kind, 5, (0, size, 0), "formulas: no good answer")]
        loop.formulas.observe(3, world.timestamp(3), loop.reading, [], refused)
        assert len(loop.formulas.failures()) == expected
    (row,) = loop.formulas.failures()
    assert (row.question, row.account, row.refused, row.fault) == (POSITION, 5, 1, "reverted")
    assert row.inputs.notional == margin_math.notional(held + size, loop.reading.markets[0].risk_price)
    assert row.inputs.side == (1 if held + size > 0 else -1)
    world.chain.close()


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
