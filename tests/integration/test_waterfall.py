"""Losses go down the waterfall in order, to the last unit, in a run of the whole simulator."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from sim.core.units import QUANTUM, TOKEN_UNIT, WAD
from sim.engine.options import RunOptions
from sim.engine.run import execute
from tests.support.small_run import CASCADE, LOSERS, small_run, small_scenario

NOBODY = -1
"""Where an event names no participant; 0 is the first."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a run whose fund, and whose winners' gains, are far too small."""
    return small_run(tmp_path_factory.mktemp("waterfall") / "run", *LOSERS)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the same run with its world, for exact integers."""
    options = RunOptions(out=tmp_path_factory.mktemp("unused") / "run")
    return execute(small_scenario(*LOSERS), options, {})


def table(result, name: str) -> dict[str, list]:
    return pq.read_table(result.folder / f"{name}.parquet").to_pydict()


def events(result, name: str) -> list[dict]:
    rows = table(result, "events")
    return [
        {"block": block, "position": position, **json.loads(data)}
        for block, position, event, data in zip(
            rows["block"], rows["position"], rows["event"], rows["data"], strict=True
        )
        if event == name
    ]


def test_every_stage_is_reached(finished):
    summary = finished.summary
    assert summary["fund_depleted"] is True
    assert summary["insurance_fund_min"] == 0.0
    assert summary["fund_draws"] > 0.0
    assert summary["auto_deleverage_haircuts"] > 0.0
    assert summary["auto_deleveraged_notional"] > 0.0
    assert summary["socialized_loss"] > 0.0


def test_bad_debt_is_its_parts_exactly(executed):
    totals = executed.loop.reading.totals
    assert totals.bad_debt > 0
    assert totals.bad_debt == totals.fund_draws + totals.haircuts + totals.socialized_loss
    assert totals.pending_deficit == sum(
        debt
        for actor, debt in executed.world.mirror.debtors.items()
        if not executed.world.mirror.open_positions[actor]
    )


def test_counters_are_what_events_add_up_to(executed, finished):
    """From the log alone: deficits recorded = what debtors, the fund, the winners and the pool paid."""
    assert executed.digest == finished.digest
    totals = executed.loop.reading.totals
    covered, cut, written_off = resolved(finished)
    unpaid = events(finished, "GainUnpaid")
    assert totals.fund_draws == covered + sum(event["fund_draw"] for event in unpaid)
    assert totals.haircuts == cut
    assert totals.socialized_loss == written_off + sum(event["haircut"] for event in unpaid)
    assert recorded(finished) == sum(resolved(finished)) + repaid(finished) + totals.pending_deficit


def test_what_a_debtor_pays_in_too_late_is_no_bad_debt(tmp_path):
    """A margin call met after the close: the deposit makes the deficit smaller, and nobody else pays it."""
    results = [small_run(tmp_path / str(seed), f"seed={seed}") for seed in (3, 4, 5)]
    assert max(map(repaid, results)) > 0
    for result in results:
        assert table(result, "blocks")["pending_deficit"][-1] == 0.0
        assert recorded(result) == sum(resolved(result)) + repaid(result)


def recorded(result) -> int:
    return sum(event["deficit"] for event in events(result, "DeficitRecorded"))


def resolved(result) -> tuple[int, int, int]:
    """Return what the fund, winners (also out of gains that were held) and the pool paid of deficits."""
    # Of all who closed meanwhile: a holder's own stands in the event that names the winner.
    held = sum(event["amount"] for event in events(result, "HeldGainUsed") if event["holder"] == NOBODY)
    return (
        sum(event["amount"] for event in events(result, "BadDebtCovered")),
        sum(event["haircut"] for event in events(result, "AutoDeleveraged")) + held,
        sum(event["amount"] for event in events(result, "LossSocialized")),
    )


def repaid(result) -> int:
    """Return what accounts paid in while they owed a deficit: a margin call may be met too late."""
    owes: set[int] = set()
    total = 0
    rows = table(result, "events")
    for name, data in zip(rows["event"], rows["data"], strict=True):
        event = json.loads(data)
        if name == "DeficitRecorded":
            owes.add(event["account"])
        elif name == "Deposited" and event["account"] in owes:
            added = event["amount"] * QUANTUM
            total += min(added, max(added - event["collateral"], 0))
    return total


def test_a_later_stage_waits_for_the_earlier_one(finished):
    """Winners are closed only when the fund is empty, losses are socialised only after the window."""
    blocks = table(finished, "blocks")
    since: dict[int, int] = {}
    stamps = dict(zip(blocks["block"], blocks["timestamp"], strict=True))
    for event in events(finished, "DeficitRecorded"):
        since[event["account"]] = stamps[event["block"]]
    deleveraged = events(finished, "AutoDeleveraged")
    covered = {
        (event["block"], event["position"]): event["pending"] for event in events(finished, "BadDebtCovered")
    }
    for event in deleveraged:
        # The same transaction drew all the fund had, and something was still missing.
        assert covered[event["block"], event["position"]] > 0
    for event in events(finished, "LossSocialized"):
        assert stamps[event["block"]] >= since[event["account"]] + 60


def test_winners_come_in_the_order_of_their_scores(finished):
    last: dict[tuple[int, int], int] = {}
    for event in events(finished, "AutoDeleveraged"):
        key = (event["block"], event["position"])
        assert event["score"] <= last.get(key, event["score"])
        last[key] = event["score"]


def test_summary_is_what_the_tables_say(finished, executed):
    summary, blocks = finished.summary, table(finished, "blocks")
    liquidations, transactions = table(finished, "liquidations"), table(finished, "transactions")
    assert summary["liquidations"] == len(liquidations["id"]) == sum(blocks["liquidations"])
    assert summary["transactions"] == len(transactions["block"]) == sum(blocks["included"])
    assert summary["reverted"] == transactions["status"].count(False) == sum(blocks["reverted"])
    assert summary["liquidated_notional"] == pytest.approx(sum(liquidations["notional"]), rel=1e-12)
    assert summary["liquidated_notional"] == pytest.approx(sum(blocks["liquidated_notional"]), rel=1e-12)
    assert summary["insurance_fund_end"] == blocks["insurance_fund"][-1]
    assert summary["insurance_fund_min"] == min(blocks["insurance_fund"])
    for key in ("bad_debt", "fund_draws", "socialized_loss"):
        assert summary[key] == blocks[key][-1]
    assert summary["auto_deleverage_haircuts"] == blocks["haircuts"][-1]
    assert summary["price_min"] == min(blocks["external_price"])
    assert summary["price_end"] == blocks["external_price"][-1]
    assert summary["base_fee_max_gwei"] == max(blocks["base_fee_gwei"])
    assert summary["oracle_staleness_max_seconds"] == max(blocks["oracle_age_seconds"])
    assert summary["margin_calls"] == sum(blocks["margin_calls"])
    assert summary["insurance_fund_start"] == executed.loop.first.totals.fund_reserves / WAD


def test_profits_of_all_participants_are_the_money_that_left(finished, executed):
    """What participants lose (before gas) went to the protocol's fees; a debt written off was the pool's."""
    accounts = table(finished, "accounts")
    totals, first = executed.loop.reading.totals, executed.loop.first.totals
    wealth_start = sum(accounts["equity_start"]) + sum(accounts["wallet_start"])
    wealth_end = sum(accounts["equity_end"]) + sum(accounts["wallet_end"])
    fees = (totals.accrued_fees - first.accrued_fees) / WAD
    # Accounts are valued at the risk price, pool shares at the index.
    between = [
        -market.pool_position / WAD * (market.risk_price - market.index_price) / WAD
        for market in (executed.loop.first.markets[0], executed.loop.reading.markets[0])
    ]
    supply = executed.world.token_supply / TOKEN_UNIT
    lost = (wealth_start - between[0]) - (wealth_end - between[1])
    assert lost == pytest.approx(fees, abs=1e-9 * supply)


def test_forced_flow_adds_to_what_is_liquidated(tmp_path):
    """Where the fall alone closes few: after a large one the same accounts go under in both worlds."""
    summary = small_run(tmp_path / "run", *CASCADE, worlds="forced").summary
    assert summary["excess_share"] > 0.0
    assert summary["excess_bad_debt"] > 0.0
    assert summary["price_gap_max"] > 0.0


def test_a_large_fund_spares_everybody_else(tmp_path):
    """Same draws, only the fund differs: no winner is closed, no loss is shared, and the debt is the same."""
    rich = small_run(tmp_path / "run", "protocol.insurance_fund.deposit=5_000_000.0")
    assert rich.summary["bad_debt"] > 0.0
    assert rich.summary["bad_debt"] == rich.summary["fund_draws"]
    assert rich.summary["auto_deleveraged_notional"] == 0.0
    assert rich.summary["socialized_loss"] == 0.0
    assert rich.summary["fund_depleted"] is False
