"""What a run reached, against tables counted another way and tables written by hand."""

import json

import pandas as pd
import pytest

from sim.chain.gas import GasProfile
from sim.core.errors import InputError
from sim.experiments.suites import coverage as module
from sim.experiments.suites.coverage import (
    NO_REASON,
    STAGES,
    Coverage,
    coverage_of,
    declared_revert_reasons,
    total_coverage,
    unreached,
)
from sim.protocol.invariants import INVARIANTS
from tests.support.sealed import seal_as_run, write_conforming


def write_tables(folder, *, transactions=(), events=(), blocks=((0, 0, 0.0, 0.0),)):
    """Write the three tables with the columns that coverage reads."""
    write_conforming(
        pd.DataFrame(list(transactions), columns=["kind", "status", "revert_reason"]), folder, "transactions"
    )
    rows = [(contract, event, json.dumps(values)) for contract, event, values in events]
    write_conforming(pd.DataFrame(rows, columns=["contract", "event", "data"]), folder, "events")
    columns = ["market", "accounts_open", "bad_debt", "pending_deficit"]
    write_conforming(pd.DataFrame(list(blocks), columns=columns), folder, "blocks")
    return seal_as_run(folder)


def test_coverage_of_a_run_agrees_with_its_tables_and_summary(mixed):
    outcome = mixed[2].outcomes[2]
    folder, found = outcome.folder, outcome.coverage
    rows = pd.read_parquet(folder / "transactions.parquet")
    assert found.entry_points == rows[rows.status].groupby("kind").size().to_dict()
    assert found.revert_reasons == rows[~rows.status].groupby("revert_reason").size().to_dict()
    summary = outcome.summary
    assert found.stages["liquidation"] == summary["liquidations"] > 0
    assert set(found.stages) == set(STAGES)
    assert min(summary[key] for key in ("fund_draws", "auto_deleverage_haircuts", "socialized_loss")) > 0
    assert found.invariant_checks == summary["invariants_checked"] >= 40 * len(INVARIANTS)
    assert set(found.invariants) == {invariant.id for invariant in INVARIANTS}


def test_coverage_of_a_short_run_has_no_stage_the_summary_denies(mixed):
    outcome = mixed[2].outcomes[3]
    assert outcome.summary["bad_debt"] == 0.0
    assert "fund_draw" not in outcome.coverage.stages
    assert not {"C7", "C8"} & set(outcome.coverage.invariants)


def test_reverts_are_not_calls_and_keep_their_reason(tmp_path):
    write_tables(
        tmp_path,
        transactions=[
            ("a.f", True, ""),
            ("a.f", False, "a: no"),
            ("a.g", False, "a: no"),
            ("a.g", False, ""),
        ],
    )
    found = coverage_of(tmp_path, 7)
    assert found.entry_points == {"a.f": 1}
    assert found.revert_reasons == {NO_REASON: 1, "a: no": 2}
    assert found.invariant_checks == 7
    assert not found.exercised_nothing


def test_only_reverts_exercise_nothing(tmp_path):
    write_tables(tmp_path, transactions=[("a.f", False, "a: no")])
    assert coverage_of(tmp_path, 7).exercised_nothing


@pytest.mark.parametrize(
    ("event", "values", "stages"),
    [
        ("BadDebtCovered", {"amount": 0}, {}),
        ("BadDebtCovered", {"amount": 1}, {"fund_draw": 1}),
        ("LossSocialized", {"amount": 0}, {}),
        ("LossSocialized", {"amount": 10**30}, {"socialized_loss": 1}),
        ("GainUnpaid", {"fund_draw": 1, "haircut": 0}, {"fund_draw": 1}),
        ("GainUnpaid", {"fund_draw": 0, "haircut": 1}, {"socialized_loss": 1}),
        ("AutoDeleveraged", {}, {"auto_deleverage": 1}),
        ("Deposited", {"amount": 5}, {}),
    ],
)
def test_stage_is_reached_when_money_passes_through_it(tmp_path, event, values, stages):
    write_tables(tmp_path, events=[("loss_waterfall", event, values)])
    assert coverage_of(tmp_path, 0).stages == stages


def test_invariants_need_their_subject(tmp_path):
    events = [("risk_engine", "MarginChecked", {"kind": kind}) for kind in (1, 1, 0)]
    blocks = [(0, 0, 0.0, 0.0), (0, 3, 0.0, 0.0), (0, 3, 5.0, 0.0), (0, 2, 5.0, 1.0)]
    write_tables(tmp_path, events=events, blocks=blocks)
    found = coverage_of(tmp_path, 0).invariants
    assert found == {
        "A1": 4, "A1c": 4, "A1t": 4, "A1v": 4, "A2": 3, "A2o": 3, "A2s": 3, "A3": 3, "B1": 1, "B5": 4,
        "C7": 2, "C8": 1,
    }  # fmt: skip


def test_conditional_invariants_exist():
    assert {invariant.id for invariant in INVARIANTS} >= module._ON_OCCASION


def test_unreadable_table_is_bad_input(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "transactions.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match=r"transactions\.parquet: is not what was written"):
        coverage_of(tmp_path, 0)


def test_total_adds_and_sorts():
    first = Coverage(entry_points={"b": 1}, stages={"fund_draw": 2}, invariant_checks=3)
    second = Coverage(entry_points={"a": 4, "b": 5}, revert_reasons={"x: y": 1}, invariant_checks=4)
    total = total_coverage([first, second])
    assert list(total.entry_points.items()) == [("a", 4), ("b", 6)]
    assert (total.stages, total.revert_reasons, total.invariant_checks) == ({"fund_draw": 2}, {"x: y": 1}, 7)
    assert total_coverage([]) == Coverage()


def test_unreached_is_everything_less_what_was_reached():
    nothing = unreached(Coverage())
    assert set(nothing.entry_points) == set(GasProfile.load().entries)
    assert nothing.stages == STAGES
    assert nothing.revert_reasons == declared_revert_reasons()
    some = unreached(
        Coverage(
            entry_points={"market_registry.poke": 1},
            stages={"fund_draw": 1},
            revert_reasons={"liquidation: healthy": 3, "a custom model's own": 1},
        )
    )
    assert set(nothing.entry_points) - set(some.entry_points) == {"market_registry.poke"}
    assert set(nothing.revert_reasons) - set(some.revert_reasons) == {"liquidation: healthy"}
    assert "fund_draw" not in some.stages


def test_declared_reasons_are_those_in_code(tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "a.vy").write_text(
        'assert x > 0, "a: zero"\n# assert y, "a: old"\nassert z, "a: zero"\nraise "b: not 1"  # "a: said"\n'
    )
    (tmp_path / "a.vyi").write_text('"a: interface"\n')
    assert declared_revert_reasons(tmp_path) == ("a: zero", "b: not 1")


def test_reasons_of_runs_are_among_the_declared(mixed):
    seen = set(mixed[2].coverage.revert_reasons) - {NO_REASON}
    assert len(seen) >= 4
    assert seen <= set(declared_revert_reasons())
