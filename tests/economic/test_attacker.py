"""The attacker of the test bench: what it finds on the contracts that ship, and that it is what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sim.protocol.invariants import INVARIANTS
from tests.support.economic.bounds import BOUNDS
from tests.support.economic.checks import statements
from tests.support.economic.history import FREE, History, read_transcript
from tests.support.economic.minimise import minimised, regression_test, replay
from tests.support.economic.play import ROUNDING_UNITS, Outcome
from tests.support.economic.search import LEAST_ACTIONS, LEAST_SUCCEEDED, Search, Totals

HISTORIES = 1_200
ASSET_HISTORIES = 200
MOVING_HISTORIES = 300
"""About three minutes of one processor together."""
AIMED_HISTORIES = 40
AIMED = (
    (
        ("tips", "thin"),
        {
            "liquidation.fee_base": 0.005,
            "liquidation.fee_max": 0.2,
            "liquidation.fee_maintenance_share": 0.6,
            "liquidation.fee_equity_share": 0.95,
            "liquidation.bounty_share_base": 0.5,
            "liquidation.bounty_share_min": 0.0,
            "liquidation.bounty_share_max": 0.8,
            "liquidation.min_bounty": 10_000.0,
            "liquidation.min_close_share": 0.0,
            "liquidation.max_close_impact": 1.0,
            "liquidation.backstop_close_impact": 1.0,
            "liquidation.average_price_band": 1.0,
        },
    ),
    (("shield", "bankruptcy"), {"waterfall.adl_window_seconds": 3_600}),
)
"""Attacks, and parameters with which they meet bounds that drawn ones meet by chance: a tip needs an account
that is liquidated while it can still pay, the window a deficit that winners are left for."""
KNOWN_OPEN = {}
"""Rules that the contracts break today, each to be mended by its own task; nothing else may break."""


@pytest.mark.slow
def test_no_price_move_no_profit():
    search = Search(1, plain=True)
    for outcome in search.run(HISTORIES):
        assert outcome.best.profit <= ROUNDING_UNITS, search.found[0].history.text()


@pytest.mark.slow
def test_no_price_move_no_profit_with_other_collateral():
    search = Search(1, attacks=("behind_lien", "push", "across_cap", "split"))
    for outcome in search.run(ASSET_HISTORIES):
        assert outcome.best.profit <= ROUNDING_UNITS, search.found[0].history.text()


def held(search: Search, histories: int) -> Totals:
    """Return what histories led to in which no rule broke."""
    for _ in search.run(histories):
        unknown = [found for found in search.found if found.broken and found.broken[0] not in KNOWN_OPEN]
        assert not unknown, f"{unknown[0].broken}\n{unknown[0].history.text()}"
    return search.totals


@pytest.mark.slow
def test_every_rule_holds_after_every_action_at_moving_prices():
    totals = held(Search(1, moving=True), MOVING_HISTORIES)
    aimed = [
        held(Search(1, moving=True, attacks=attacks, given=given, plain=True), AIMED_HISTORIES)
        for attacks, given in AIMED
    ]
    assert len(totals.checked) >= 45
    assert all(
        totals.reached[what] >= 12 for what in ("deficits", "fund payouts", "deleveraging", "socialisation")
    )
    bound = sum((part.bound for part in aimed), totals.bound)
    assert [name for name in BOUNDS if bound[name] < MOVING_HISTORIES // 60] == []
    for verb in {verb for verb, intent, _ in totals.tries if intent == "legal"}:
        worked, failed = totals.tries[verb, "legal", True], totals.tries[verb, "legal", False]
        assert worked >= failed, f"{verb}: {worked} of {worked + failed} tries that ought to work did"
    refused = sum(
        count for (_, intent, done), count in totals.tries.items() if intent == "hostile" and not done
    )
    assert refused >= MOVING_HISTORIES


def test_a_history_is_long_and_mostly_works():
    totals = Search(3)
    for _ in totals.run(4):
        pass
    assert totals.totals.shortest >= LEAST_ACTIONS
    assert totals.totals.fewest >= LEAST_SUCCEEDED


def test_the_same_seed_finds_the_same():
    first, second, other = Search(5), Search(5), Search(6)
    found = [[outcome.checkpoints for outcome in search.run(3)] for search in (first, second, other)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_a_transcript_is_played_again_to_the_unit():
    search = Search(7)
    outcome = search.one(0)
    assert len(outcome.checkpoints) > 1
    again = read_transcript(search.last.text())
    assert again == search.last
    assert replay(again, checks=False).checkpoints == outcome.checkpoints


def test_what_is_found_is_minimised():
    """Of a long history in which somebody closed a position at a profit or not, three actions are needed."""
    history = Search(2, plain=True)
    history.one(0)
    ((_, noisy),) = history.elites
    noisy = replace(noisy, actions=tuple(action._replace(intent=FREE) for action in noisy.actions))

    def somebody_closed(tried: History) -> bool:
        return replay(tried, checks=False).tries["decrease", FREE, True] > 0

    assert somebody_closed(noisy)
    short = minimised(noisy, somebody_closed)
    assert somebody_closed(short)
    assert [action.verb for action in short.actions][-1] == "decrease"
    assert len(short.actions) == 3 < len(noisy.actions)


def test_a_finding_becomes_a_test_that_fails_while_it_is_there(tmp_path):
    search = Search(7)
    search.one(0)
    for broken in (None, "C10p"):
        source = regression_test(replace(search.last, actions=()), "an example", broken)
        names: dict[str, object] = {}
        exec(compile(source, "test_found.py", "exec"), names)  # noqa: S102
        (test,) = [value for name, value in names.items() if name.startswith("test_")]
        test()
    names["replay"] = lambda *_, **__: Outcome(broken=[("C10p", 1, "shown")])
    with pytest.raises(AssertionError):
        test()


def test_the_document_lists_every_rule():
    document = (Path(__file__).resolve().parents[2] / "docs" / "invariants.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", document, re.MULTILINE))
    assert rows == statements()
    assert not rows.keys() & {invariant.id for invariant in INVARIANTS}
