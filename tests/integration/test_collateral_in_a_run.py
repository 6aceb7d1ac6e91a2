"""Accounts with other collateral in a run: set-up, a lost peg, forced sales, what is left to others."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.core.errors import InvariantViolation
from sim.core.units import QUANTUM, TOKEN_UNIT, WAD
from sim.engine.options import RunOptions
from sim.engine.run import execute, run_scenario, world_builder
from sim.engine.worlds.feedback import WHOLE
from sim.protocol.codes import OracleStatus
from sim.protocol.counted_assets import counted_assets
from sim.protocol.invariants import INVARIANTS, BlockFacts
from sim.protocol.parameters.collateral import ASSET as ASSET_TERMS
from sim.protocol.reconcile import reconcile
from sim.reference import haircut_math
from sim.reporting.findings.run.collateral import collateral_words
from sim.reporting.run_folder import load_run
from tests.support.fields import ASSET, PLEDGED, scenario_with

QUIET = (
    "shocks=[]",
    "whales=[]",
    "traders.0.trades_per_day=0.0",
    "traders.0.top_up.attentive_share=0.0",
    "markets.0.price.volatility=0.0",
    "blocks=60",
)
STABLE = 'collaterals.0.price={ kind = "gbm", volatility = 0.0 }'
LOST = 'collaterals.0.price={ kind = "bridge", waypoints = [[0.0, 1.0], [1.0, 1.0], [6.0, 0.2]] }'


@cache
def run_of(*overrides):
    """Run in memory; every invariant held in every block, and mirror and chain agreed."""
    run = execute(scenario_with(*overrides), RunOptions(out=Path(), worlds="none"), {})
    run.world.chain.close()
    return run


@cache
def opened(*overrides):
    return world_builder(scenario_with(*overrides), RunOptions(out=Path()), {}, feedback=WHOLE).build()


def events_of(run, name):
    table = run.recorder.tables.named()["events"]
    rows = zip(table.column("event"), table.column("data"), strict=True)
    return [data for event, data in rows if event == name]


def members(world):
    return list(world.book.members("traders:cohort"))


# --- set-up ---


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_accounts_start_with_their_share_in_the_asset(decimals):
    at = f"collaterals.0.decimals={decimals}"
    world = opened(*PLEDGED, at, *QUIET)
    brought = {opening.actor: (opening.assets, opening.collateral) for opening in world.openings}
    for actor in members(world):
        (((asset, worth),), in_quote) = brought[actor]
        assert (asset, worth) == (0, pytest.approx(0.9 * (worth + in_quote)))
        units = world.mirror.exact_assets[0][actor]
        assert units == int(worth * 10**decimals)
        held = world.client.read("collateral_registry", "balance_of", world.book.account_ids[actor], 0)
        assert held == units


def test_equity_is_quote_and_what_the_asset_counts_for():
    world = opened(*PLEDGED, *QUIET)
    actors = members(world)
    counted = world.client.asset_values(dict.fromkeys(actors, 1)).values()
    states = world.client.account_states(actors)
    for actor, value, state in zip(actors, counted, states, strict=True):
        worth = world.mirror.exact_assets[0][actor] / WAD
        assert 0.90 * worth < value / WAD < 0.95 * worth  # the least haircut is 5 %
        assert abs(state.equity - world.mirror.exact_collateral[actor] - value) < state.notional // 50


def test_what_the_asset_counts_for_is_part_of_entry_leverage():
    world = opened(*PLEDGED, *QUIET)
    assert float(np.max(world.entry_leverage)) < 20.0  # over quote alone it would be ten times as much


@pytest.mark.parametrize("share_of_depth", [0.001, 0.3, 400.0], ids=["small", "large", "beyond what counts"])
def test_what_is_screened_is_what_the_registry_counts(share_of_depth):
    world = opened(*PLEDGED, *QUIET, "collaterals.0.initial_volatility=0.9")
    state, mirror = world.client.assets()[0], copy.deepcopy(world.mirror)
    terms = scenario_with(*PLEDGED, *QUIET).collaterals[0].values("asset")
    words = {name: ASSET_TERMS[name].word(value) for name, value in terms.items()}
    units = int(share_of_depth * terms["depth"] / (state.index_price / WAD) * 10**18)
    variance = max(state.variance_fast, state.variance_slow)
    base = haircut_math.base_haircut(
        *(words[name] for name in ("haircut_min", "z", "horizon_seconds", "confidence_coefficient")),
        variance, state.confidence, state.index_price,
    )  # fmt: skip
    worth = haircut_math.value(units, 1, min(state.risk_price, state.ema_price))
    exact = haircut_math.counted_value(worth, base, words["depth"], variance, words["size_coefficient"])
    actor = members(world)[0]
    mirror.assets[0, actor] = units
    counted = mirror.screened_assets(world.client.assets())
    assert counted[actor] == pytest.approx(exact / WAD, rel=1e-12)
    most = haircut_math.largest_counted(base, words["depth"], variance, words["size_coefficient"])
    assert (worth > most) == (share_of_depth > 1.0)
    others = {one: held for one, held in world.mirror.asset_holders().items() if one != actor}
    for one, value in world.client.asset_values(others).items():
        assert counted[one] == pytest.approx(value / WAD, rel=1e-12)


def test_a_lien_is_taken_off_what_is_screened():
    world = opened(*PLEDGED, *QUIET)
    mirror, (actor, other) = copy.deepcopy(world.mirror), members(world)[:2]
    before = mirror.screened_assets(world.client.assets())
    mirror.liens |= {actor: int(before[actor] * WAD) // 2, other: int(before[other] * WAD) * 2}
    after = mirror.screened_assets(world.client.assets())
    assert after[actor] == pytest.approx(before[actor] / 2)
    assert after[other] == 0.0


def test_while_a_price_is_not_valid_the_registry_is_asked():
    world = opened(*PLEDGED, *QUIET)
    states = world.client.assets()
    silent = tuple(replace(state, status=OracleStatus.STALE) for state in states)
    assert world.mirror.screened_assets(silent) is None
    asked = counted_assets(world.client, world.mirror, silent)
    assert asked == pytest.approx(counted_assets(world.client, world.mirror, states), rel=1e-12)


# --- a lost peg ---


def test_a_lost_peg_alone_liquidates_and_a_peg_that_holds_does_not():
    held, lost = run_of(*PLEDGED, *QUIET, STABLE), run_of(*PLEDGED, *QUIET, LOST)
    assert not held.recorder.closes
    assert len(lost.recorder.closes) > 3
    assert held.recorder.totals.collateral_drawdown == 0.0
    assert lost.recorder.totals.collateral_drawdown == pytest.approx(0.8, abs=0.01)


def test_without_an_asset_the_same_fall_of_it_harms_nobody():
    run = run_of(ASSET, *QUIET, LOST)
    assert not run.recorder.closes
    assert not events_of(run, "AssetDeposited")
    assert run.recorder.totals.collateral_drawdown > 0.7


def test_the_pool_follows_the_price_outside():
    run = run_of(*PLEDGED, *QUIET, LOST)
    pool = run.loop.reading.assets[0]
    price = pool.pool_quote * QUANTUM / pool.pool_asset
    assert price == pytest.approx(run.world.assets[0].state.price, rel=0.01)  # fee, and gas
    assert pool.index_price / WAD == pytest.approx(0.2, rel=0.02)


# --- sales ---


def test_sales_repay_what_is_owed_and_nothing_is_lost_on_the_way():
    run = run_of(*PLEDGED)
    sales = events_of(run, "CollateralSold")
    assert sales
    for sale in sales:
        assert sale["proceeds"] == sale["fee"] + sale["repaid"] + sale["lien_repaid"]
        assert sale["fee"] == sale["proceeds"] * 5 // 1_000
    totals = run.recorder.totals
    assert totals.collateral_sales == len(sales)
    assert totals.collateral_sold == sum(sale["proceeds"] for sale in sales)


def test_what_sales_repay_is_nobodys_top_up():
    run = run_of(*PLEDGED, "traders.0.top_up.attentive_share=0.0", "entrants=[]")
    assert any(sale["repaid"] for sale in events_of(run, "CollateralSold"))
    assert sum(run.recorder.topped_up_of) == 0


def test_without_a_seller_others_pay_what_the_assets_would_have():
    deep = "collaterals.0.pool_depth=1e8"
    sold = run_of(*PLEDGED, deep, "blocks=60", "settlement_blocks=20")
    left = run_of(*PLEDGED, deep, "blocks=60", "settlement_blocks=20", "seller.enabled=false")
    assert sold.recorder.totals.collateral_sales
    assert not left.recorder.totals.collateral_sales
    after = [run.loop.reading.totals for run in (sold, left)]
    assert after[0].bad_debt + after[0].pending_deficit < after[1].bad_debt + after[1].pending_deficit


def test_a_debtors_own_assets_come_before_fund_and_winners_for_their_time_only():
    at_once = run_of(*PLEDGED, "collaterals.0.sale_window_seconds=0")
    assert not events_of(at_once, "DeficitSecured")
    assert events_of(at_once, "LienChanged")
    secured = run_of(*PLEDGED)
    assert events_of(secured, "DeficitSecured")
    paid = [run.loop.reading.totals.bad_debt for run in (secured, at_once)]
    assert paid[0] < paid[1]


# --- what holds the numbers together ---


def test_a_quantum_missing_from_a_spot_pool_is_seen():
    run = run_of(*PLEDGED)
    (conserved,) = [one for one in INVARIANTS if one.id == "A1t"]
    reading, world = run.loop.reading, run.world

    def facts(assets):
        return BlockFacts(
            block=1, before=reading.totals, after=reading.totals, markets=reading.markets,
            mirror=world.mirror, events=(), token_supply=world.token_supply,
            wallet_token_units=world.mirror.total_wallet, skew_by_origin=(), assets=assets,
        )  # fmt: skip

    assert conserved.check(facts(reading.assets)) is None
    assert "spot pools" in conserved.check(facts(()))


def test_a_mirror_that_lost_a_unit_of_an_asset_is_seen():
    world = opened(*PLEDGED, *QUIET)
    actor = members(world)[0]
    counted = counted_assets(world.client, world.mirror, world.client.assets())
    valuation = world.mirror.value(world.client.markets(), world.client.curves(), counted)
    actors = np.array(members(world))
    reconcile(world.client, world.mirror, actors, valuation, 0)
    world.mirror.exact_assets[0][actor] -= 1
    with pytest.raises(InvariantViolation, match="asset 0"):
        reconcile(world.client, world.mirror, actors, valuation, 0)
    world.mirror.exact_assets[0][actor] += 1


def test_no_sale_raises_more_at_one_time_than_the_bound():
    run = run_of(*PLEDGED)
    table = run.recorder.tables.named()["events"]
    by_block: dict[int, int] = {}
    rows = zip(table.column("block"), table.column("event"), table.column("data"), strict=True)
    for block, event, data in rows:
        if event == "AssetSold":
            by_block[block] = by_block.get(block, 0) + data["proceeds"]
    assert by_block
    assert max(by_block.values()) < 0.003 * 200_000 * TOKEN_UNIT


def test_a_report_says_what_was_sold(tmp_path):
    run_scenario(scenario_with(*PLEDGED), RunOptions(out=tmp_path / "run", worlds="none"))
    run = load_run(tmp_path / "run")
    (words,) = collateral_words(run)
    assert "USDX (a haircut of 5.0" in words
    assert f"{run.summary['collateral_sales']} forced sales raised" in words
    run_scenario(scenario_with(), RunOptions(out=tmp_path / "plain", worlds="none"))
    assert collateral_words(load_run(tmp_path / "plain")) == []


def test_a_report_says_that_nothing_had_to_be_sold(tmp_path):
    run_scenario(scenario_with(*PLEDGED, *QUIET, STABLE), RunOptions(out=tmp_path / "run", worlds="none"))
    (words,) = collateral_words(load_run(tmp_path / "run"))
    assert words.endswith("None of it was sold by force.")
