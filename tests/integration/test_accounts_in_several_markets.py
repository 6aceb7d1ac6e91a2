"""Accounts that hold two markets: set-up, what they carry from one into the other, tables and pages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cli import entry
from sim.core.errors import InputError
from sim.core.units import WAD
from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.compose import scenario_of
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.feedback import Feedback
from sim.reporting.findings.run.by_market import closed_words, market_table
from sim.reporting.findings.run.verdict import reach_verdict
from sim.reporting.run_folder import load_run
from tests.support.small_run import small_run
from tests.support.two_markets import ALONE, HEDGED, SCENARIO, execution, opened, two_markets

ETH, BTC = 0, 1
NOTIONAL = 20_000.0
NO_WHALE = ("whales=[]",)
TIERS = Path(__file__).parents[2] / "scenarios" / "models" / "LeverageTierRiskModel.vy"
STYLES = pytest.mark.parametrize("style", ["concentrated", "hedged"])


def in_style(style):
    return f'traders.0.several.style="{style}"'


def closed_in(run, market):
    return sum(close.notional for close in run.recorder.closes if close.market == market)


# --- set-up looks at the whole account ---


@STYLES
def test_leverage_is_of_the_whole_account(style):
    world = opened(in_style(style), "traders.0.several.weights=[0.7, 0.3]")
    members = list(world.book.members("traders:cohort"))
    assert world.raised_openings == 0
    for actor, state in zip(members, world.client.account_states(members), strict=True):
        sizes = [column[actor] for column in world.mirror.exact_size]
        worth = [abs(size) / WAD * price for size, price in zip(sizes, (2_000.0, 40_000.0), strict=True)]
        assert worth == pytest.approx([0.7 * NOTIONAL, 0.3 * NOTIONAL])
        assert (sizes[ETH] * sizes[BTC] > 0) == (style == "concentrated")
        assert 5.0 < state.notional / state.collateral < 14.1
        assert world.entry_leverage[actor] == pytest.approx(state.notional / state.collateral)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    weight=st.floats(0.1, 0.9), leverage=st.floats(1.0, 100.0), share=st.floats(0.0, 1.0),
    style=st.sampled_from(["concentrated", "hedged"]), spread=st.sampled_from([0.0, 0.03]),
)  # fmt: skip
def test_every_book_that_is_drawn_can_be_opened_and_is_what_was_drawn(weight, leverage, share, style, spread):
    world = opened(
        in_style(style), f"traders.0.several.weights=[{weight!r}, {1.0 - weight!r}]", "traders.0.count=8",
        f"traders.0.several.share={share!r}", f"traders.0.entry_deviation={spread}",
        f'traders.0.leverage={{ distribution = "fixed", value = {leverage!r} }}',
    )  # fmt: skip
    members = list(world.book.members("traders:cohort"))
    for actor, state in zip(members, world.client.account_states(members), strict=True):
        assert state.equity >= state.initial_requirement
        held = [m for m in (ETH, BTC) if world.mirror.exact_size[m][actor]]
        assert len(held) == world.mirror.open_positions[actor] in (1, 2)
        at_entry = sum(abs(world.mirror.entry_notional[m, actor]) for m in held)
        assert at_entry == pytest.approx(NOTIONAL, rel=2e-3)  # but for the premium of its turn
        assert state.collateral / WAD >= NOTIONAL / leverage - 0.001 * NOTIONAL  # the fee of opening


@STYLES
def test_nobody_is_opened_above_what_initial_margin_allows(style):
    world = opened(
        in_style(style), "traders.0.count=12", 'traders.0.leverage={ distribution = "fixed", value = 60.0 }'
    )
    assert world.raised_openings == 12
    states = world.client.account_states(range(12))
    planned = NOTIONAL / 60.0
    for state in states:
        equity, asked = state.equity / WAD, state.initial_requirement / WAD
        assert asked > planned
        # What lacks for both positions at once, and a few steps of a twentieth of what was planned.
        assert asked <= equity < asked + 8 * 0.05 * planned
    assert world.added_at_set_up == pytest.approx(
        sum(state.collateral for state in states) / WAD - 12 * planned, abs=12 * 0.001 * NOTIONAL
    )


def test_a_position_that_is_refused_is_told_with_what_the_account_holds_beside_it():
    with pytest.raises(InputError) as refused:
        opened("markets.1.pool.open_interest_cap_notional=50_000.0")
    (message,) = refused.value.problems
    assert message.startswith("traders:cohort:")
    assert "of market 1 with" in message
    assert "of collateral beside" in message
    assert "of market 0: the contracts refuse it: trading: open interest cap" in message


def test_positions_of_an_account_are_opened_at_entry_prices_of_their_own():
    world = opened("traders.0.entry_deviation=0.02", "traders.0.count=30")
    entries = np.array(
        [
            [world.mirror.entry_notional[m, a] / world.mirror.size[m, a] for m in (ETH, BTC)]
            for a in world.book.members("traders:cohort")
        ]
    )
    moved = np.log(entries / [2_000.0, 40_000.0])
    assert moved.std(axis=0) == pytest.approx([0.02, 0.02], rel=0.5)
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.9
    states = world.client.account_states(list(world.book.members("traders:cohort")))
    assert all(state.equity >= state.initial_requirement for state in states)


def test_what_a_lone_short_whale_holds():
    world = opened(
        "traders=[]", 'whales=[{ name = "w", side = "short", notional = 90000.0, leverage = 6.0 }]'
    )
    (actor,) = world.book.members("whale:w")
    assert [column[actor] / WAD for column in world.mirror.exact_size] == [pytest.approx(-45.0), 0.0]
    (state,) = world.client.account_states([actor])
    assert state.notional / WAD == pytest.approx(90_000.0, rel=1e-3)


# --- what is carried into the market that does not fall ---


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_accounts_that_are_shared_carry_a_crash_into_the_market_that_does_not_fall(seed):
    together, apart = execution(f"seed={seed}", *NO_WHALE), execution(f"seed={seed}", *ALONE)
    assert closed_in(apart, ETH) > 0.0
    assert closed_in(together, BTC) > closed_in(apart, BTC)
    # What is sold of them moves the price there, which the news left alone.
    end, without = (run.world.external[BTC].state.price for run in (together, apart))
    assert end < without
    calm = execution(f"seed={seed}", *NO_WHALE, "shocks=[]")
    assert closed_in(calm, ETH) == closed_in(calm, BTC) == 0.0


def test_a_hedge_carries_it_the_other_way():
    """Shorts are bought back in the market that does not fall, so that its price rises."""
    hedged, apart = execution(*NO_WHALE, *HEDGED), execution(*ALONE, *HEDGED)
    assert closed_in(apart, BTC) == 0.0
    shorts = [close for close in hedged.recorder.closes if close.market == BTC and close.size < 0]
    assert shorts
    assert hedged.world.external[BTC].state.price > apart.world.external[BTC].state.price


# --- worlds, tables, pages ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("two") / "run"
    return run_scenario(two_markets(), RunOptions(out=out, worlds="all")).folder


def table(folder, name):
    return pq.read_table(folder / f"{name}.parquet").to_pylist()


def test_no_invariant_breaks_in_any_world():
    worlds = [Feedback(price=price, margin=margin) for price in (True, False) for margin in (True, False)]
    for feedback in worlds:
        run = execution(*HEDGED, feedback=feedback)
        assert run.loop.checker.checked > 80 * 8
        assert closed_in(run, ETH) > 0.0 or closed_in(run, BTC) > 0.0


@pytest.mark.parametrize("style", ["concentrated", "hedged"])
def test_losses_go_the_whole_way_through_the_waterfall(style):
    """Winners are asked, what they cannot pay is socialised, and nothing is left that nobody has borne."""
    run = execution(
        *NO_WHALE, in_style(style), "protocol.insurance_fund.deposit=10.0", "blocks=160",
        "settlement_blocks=100",
        "traders.0.long_share=0.8", "closer.patience_blocks=3",
        'shocks=[{ kind = "price_jump", market = 0, at_block = 8, size = -0.3 }]',
    )  # fmt: skip
    totals, events = run.loop.reading.totals, run.recorder.tables.events.rows
    assert run.recorder.totals.auto_deleveraged_notional > 0.0
    assert totals.socialized_loss > 0
    assert totals.bad_debt == totals.fund_draws + totals.haircuts + totals.socialized_loss
    assert totals.pending_deficit == 0
    assert run.loop.reading.valuation.negative_equity() == 0.0
    # A hedged account's loss may arise in both markets, and what one has borne moves on to the other.
    assert any(event.event == "DeficitMoved" for event in events) == (style == "hedged")


def test_worlds_are_matched_by_account_and_market(folder):
    rows = [row for row in table(folder, "counterfactual") if row["world"] == "no_price_feedback"]
    subjects = [(row["account"], row["market"], row["side"]) for row in rows]
    assert len(set(subjects)) == len(subjects)
    both = {row["account"] for row in rows if row["market"] == ETH} & {
        row["account"] for row in rows if row["market"] == BTC
    }
    assert both
    closes = table(folder, "liquidations")
    for market in (ETH, BTC):
        assert sum(row["notional"] for row in rows if row["market"] == market) == pytest.approx(
            sum(row["notional"] for row in closes if row["market"] == market)
        )


def test_an_account_of_both_sides_is_mixed(folder):
    sides = {row["group"]: row["side"] for row in table(folder, "accounts")}
    assert sides["whale:whale"] == "mixed"
    assert sides["traders:cohort"] in ("long", "short")
    assert sides["closer"] == "none"


def test_an_account_is_told_with_all_it_held(folder, capsys):
    assert entry.main(["account", str(folder), "whale:whale", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    held = {one["market"]: (one["size_start"] / WAD, one["size_end"] / WAD) for one in found["holdings"]}
    assert held["BTC"] == (pytest.approx(-75_000.0 / 40_000.0), 0.0)
    assert held["ETH"] == (pytest.approx(25_000.0 / 2_000.0), 0.0)
    assert entry.main(["account", str(folder), "whale:whale"]) == 0
    assert "ETH from 12.5 to 0, BTC from -1.875 to 0" in capsys.readouterr().out


def test_the_page_tells_who_holds_several(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    told = "\n".join(manifest["agents"])
    assert "100% of them in several markets (50% ETH and 50% BTC, on the same side)" in told
    assert (
        "A whale, short 100,000 in several markets (75% BTC and 25% ETH, the first against the other)" in told
    )
    parameters = {one["parameter"]: one["source"] for one in manifest["assumptions"]}
    assert parameters["traders.0.several.share"].startswith("assumption")
    assert parameters["whales.0.several.style"] == "set by the scenario"


# --- what is refused, with file and line ---


@pytest.mark.parametrize(
    ("old", "new", "place", "reason"),
    [
        ('["ETH", "BTC"] }', '["ETH", "DOGE"] }', "traders.0.several.markets.1", "there is no market 'DOGE'"),
        ('["ETH", "BTC"] }', '["ETH"] }', "traders.0.several.markets", "needs at least 2 entries"),
        ('["ETH", "BTC"] }', '["ETH", "ETH"] }', "traders.0.several.markets.1", "'ETH' is named twice"),
        ("[0.75, 0.25]", "[0.75, 0.2]", "whales.0.several.weights", "must sum to 1, was 0.95"),
        ("[0.75, 0.25]", "[1.0]", "whales.0.several.weights.0", "must be below 1, was 1.0"),
        ("[0.75, 0.25]", "[0.5]", "whales.0.several.weights", "must have one for each of the 2 markets"),
        ("[0.75, 0.25]", "[1.25, -0.25]", "whales.0.several.weights.1", "must be above 0, was -0.25"),
        ('"hedged"', '"balanced"', "whales.0.several.style", "must be one of 'concentrated', 'hedged'"),
        ("count = 60", "count = 60\nmarket = 1", "traders.0.market", "leave market out, or several"),
        ("count = 60", 'book = "book.csv"', "traders.0.several", "leave several out, or the book"),
        (
            "notional = 100_",
            "open_interest_share = 0.5\nnotional = 100_",
            "whales.0.open_interest_share",
            "leave one of them out",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_file_and_line(tmp_path, old, new, place, reason):
    text = SCENARIO.read_text()
    assert text.count(old) == 1
    file = tmp_path / "bad.toml"
    (tmp_path / "book.csv").write_text("account,market,size,entry_price,collateral\na,ETH,1,2000,900\n")
    file.write_text(text.replace(old, new))
    with pytest.raises(InputError) as refused:
        load_scenario(file)
    told = [problem for problem in refused.value.problems if f": {place}: " in problem]
    assert told, refused.value.problems
    assert reason in told[0]
    assert told[0].split(":")[1].isdecimal()


def test_a_scenario_survives_its_canonical_form():
    scenario = two_markets()
    assert scenario_of(scenario.canonical()).canonical() == scenario.canonical()
    assert scenario.canonical()["traders"][0]["several"]["markets"] == ["ETH", "BTC"]


def test_the_page_tells_what_was_closed_in_each_market(folder):
    run = load_run(folder)
    told = (
        dict(reach_verdict(run).answers)["Who was liquidated?"].replace("\u00a0", " ").replace("\u202f", " ")
    )
    closes = pd.DataFrame(table(folder, "liquidations"))
    both = set(closes.account[closes.market == ETH]) & set(closes.account[closes.market == BTC])
    assert len(both) > 1
    assert "By market: ETH " in told
    assert f"{len(both)} accounts were closed in more than one market." in told
    part = market_table(run)
    rows = [[getattr(cell, "text", cell) for cell in row] for row in part.rows]
    assert [row[0] for row in rows] == ["ETH", "BTC"]
    assert [int(row[5]) for row in rows] == [len(both)] * 2
    assert [int(row[4]) for row in rows] == [closes.account[closes.market == m].nunique() for m in (ETH, BTC)]
    there = [row for row in table(folder, "counterfactual") if row["world"] == "no_price_feedback"]
    for market, row in enumerate(rows):
        kept = [
            str(row[cell]).replace("\u00a0", "").replace("\u202f", "").replace(",", "") for cell in (2, 3)
        ]
        assert float(kept[0]) == pytest.approx(closes.notional[closes.market == market].sum(), abs=1.0)
        expected = sum(one["notional_there"] for one in there if one["market"] == market)
        assert float(kept[1]) == pytest.approx(expected, abs=1.0)


def test_a_page_of_one_market_says_nothing_of_markets(tmp_path):
    run = load_run(small_run(tmp_path / "run", "blocks=16").folder)
    assert run.liquidations is not None
    assert market_table(run) is None
    assert closed_words(run) == ""
