from dataclasses import replace

import numpy as np
import pytest

from sim.agents.base import Outage
from sim.agents.fees import FeePolicy, raise_bid
from sim.agents.liquidator import Liquidators, LiquidatorsSection, Team, teams
from sim.agents.waiting_bids import WaitingBids
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD
from tests.support.terms import TERMS

MIN_PROFIT = LiquidatorsSection().min_profit
MEMBERS = range(5, 8)
GAS = 400_000


def group(outages=(), inventory_share=0.0, **changes):
    section = LiquidatorsSection(**({"count": 3} | changes))
    team = Team(
        name="liquidators", count=section.count, latency_blocks=0, is_static=False, outages=tuple(outages)
    )
    return Liquidators(
        section,
        team,
        range(5, 5 + section.count),
        terms=TERMS,
        max_status=2,
        inventory_share=inventory_share,
    )


def big(make_under_water, **changes):
    """One account of 200,000 notional, 8,000 of equity under 10,000 of maintenance."""
    values = {"accounts": (1,), "equity": 8_000, "maintenance": 10_000, "notional": 200_000}
    return make_under_water(8, **(values | changes))


def sent(batches):
    return [
        (int(actor), account)
        for batch in batches
        for actor, account in zip(batch.actors, batch.args[0], strict=True)
    ]


def test_healthy_accounts_are_left_alone(make_under_water, draws):
    assert group().decide(big(make_under_water, equity=10_000), draws) == []
    assert len(group().decide(big(make_under_water, equity=9_999), draws)) == 1


def test_all_members_compete_for_the_same_account(make_under_water, draws):
    (batch,) = group().decide(big(make_under_water), draws)
    assert sent([batch]) == [(5, 1), (6, 1), (7, 1)]
    assert batch.args[1] == [0, 0, 0]
    assert not batch.replace
    assert len(set(batch.priority_fee_wei)) == 3  # each has its own share


def test_bid_is_the_share_of_the_surplus(make_under_water, draws):
    liquidators = group(count=1)
    state = big(make_under_water)
    (batch,) = liquidators.decide(state, draws)
    one = np.array([1.0])
    bounty, closed = TERMS.bounty(8_000 * one, 10_000 * one, 200_000 * one, 0.8 * one, 1e6)
    surplus = bounty[0] - GAS * 20e-9 * 200.0 - MIN_PROFIT
    share = liquidators.bid_shares[0]
    assert 0.15 <= share <= 0.3
    assert batch.priority_fee_wei[0] * GAS * 1e-18 * 200.0 == pytest.approx(share * surplus)
    assert batch.max_fee_wei[0] == 40 * GWEI + batch.priority_fee_wei[0]
    assert 0.0 < closed[0] < 200_000.0


def test_bid_never_exceeds_break_even(make_under_water, draws):
    state = big(make_under_water, base_fee_wei=300 * GWEI)
    liquidators = group(count=1)
    (batch,) = liquidators.decide(state, draws)
    one = np.array([1.0])
    bounty, _ = TERMS.bounty(8_000 * one, 10_000 * one, 200_000 * one, 0.8 * one, 1e6)
    assert batch.max_fee_wei[0] * GAS * 1e-18 * 200.0 <= bounty[0] - MIN_PROFIT + 1e-6


def test_profit_test_refuses_dust_when_gas_is_dear(make_under_water, draws):
    dust = {"accounts": (1,), "equity": 60, "maintenance": 100, "notional": 2_000}
    assert len(group().decide(make_under_water(8, base_fee_wei=10 * GWEI, **dust), draws)) == 1
    assert group().decide(make_under_water(8, base_fee_wei=150 * GWEI, **dust), draws) == []


def test_min_profit_is_respected(make_under_water, draws):
    assert group(min_profit=1e5).decide(big(make_under_water), draws) == []


def test_unincluded_bid_is_raised_as_replacement(make_under_water, draws):
    liquidators = group(count=1)
    (first,) = liquidators.decide(big(make_under_water), draws)
    (second,) = liquidators.decide(big(make_under_water, block=101), draws)
    assert second.replace
    assert second.max_fee_wei[0] * 10 >= first.max_fee_wei[0] * 11
    assert second.priority_fee_wei[0] * 10 >= first.priority_fee_wei[0] * 11


def test_raising_stops_at_break_even(make_under_water, draws):
    liquidators = group(count=1)
    fees = []
    for block in range(100, 140):
        batches = liquidators.decide(big(make_under_water, block=block), draws)
        fees += [batch.max_fee_wei[0] for batch in batches]
    assert 3 < len(fees) < 40
    assert fees == sorted(fees)
    one = np.array([1.0])
    bounty, _ = TERMS.bounty(8_000 * one, 10_000 * one, 200_000 * one, 0.8 * one, 1e6)
    assert fees[-1] * GAS * 1e-18 * 200.0 < bounty[0]


def test_static_bid_is_never_raised_and_drops_out_by_the_profit_test(make_under_water, draws):
    static = FeePolicy(policy="static", max_fee_gwei=60.0, priority_fee_gwei=3.0)
    liquidators = group(count=1, fees=static)
    (first,) = liquidators.decide(big(make_under_water, base_fee_wei=500 * GWEI), draws)
    assert (first.max_fee_wei, first.priority_fee_wei) == ([60 * GWEI], [3 * GWEI])
    assert liquidators.decide(big(make_under_water, base_fee_wei=500 * GWEI, block=101), draws) == []


def test_lost_races_raise_the_share_and_won_ones_lower_it(make_under_water, draws, settle):
    liquidators = group(count=1)
    first = liquidators.decide(big(make_under_water), draws)
    start = float(liquidators.bid_shares[0])
    liquidators.observe(settle(first, status="reverted", reason="liquidation: healthy"))
    raised = float(liquidators.bid_shares[0])
    assert raised == pytest.approx(start * 1.125 + 0.01)
    second = liquidators.decide(big(make_under_water, block=101), draws)
    assert not second[0].replace  # the lost bid is forgotten
    assert second[0].priority_fee_wei[0] > first[0].priority_fee_wei[0]
    liquidators.observe(settle(second))
    assert start <= liquidators.bid_shares[0] < raised


def test_replaced_bid_keeps_waiting(make_under_water, draws, settle):
    liquidators = group(count=1)
    first = liquidators.decide(big(make_under_water), draws)
    second = liquidators.decide(big(make_under_water, block=101), draws)
    liquidators.observe(settle(first, status="replaced"))
    (third,) = liquidators.decide(big(make_under_water, block=102), draws)
    assert third.replace
    assert third.max_fee_wei[0] * 10 >= second[0].max_fee_wei[0] * 11


def test_gas_capital_limits_the_number_of_bids(make_under_water, draws):
    accounts = (0, 1, 2, 3)
    state = big(make_under_water, accounts=accounts, native_balance_wei=[10**17] * 8)
    (rich,) = group(count=1).decide(big(make_under_water, accounts=accounts), draws)
    assert len(rich) == 4
    assert sum(fee * GAS for fee in rich.max_fee_wei) > 10**17
    (batch,) = group(count=1).decide(state, draws)
    assert 0 < len(batch) < 4
    assert sum(fee * GAS for fee in batch.max_fee_wei) <= 10**17
    assert group(count=1).decide(replace(state, native_balance_wei=[10**12] * 8), draws) == []


def test_best_accounts_first_and_ties_by_index(make_under_water, draws):
    state = big(make_under_water, accounts=(4, 0, 2))
    notional = [200_000 * WAD, 200_000 * WAD, 400_000 * WAD]
    doubled = [10_000 * WAD, 10_000 * WAD, 20_000 * WAD]
    equity = [8_000 * WAD, 8_000 * WAD, 16_000 * WAD]
    state = replace(state, exact_notional=notional, exact_maintenance=doubled, exact_equity=equity)
    (batch,) = group(count=1).decide(state, draws)
    assert sent([batch]) == [(5, 2), (5, 0), (5, 4)]


def test_among_many_accounts_each_picks_in_proportion_to_the_bounty(make_under_water, draws):
    state = big(make_under_water, accounts=(0, 2))
    state = replace(
        state,
        exact_notional=[400_000 * WAD, 200_000 * WAD],
        exact_maintenance=[20_000 * WAD, 10_000 * WAD],
        exact_equity=[16_000 * WAD, 8_000 * WAD],
    )
    first = [
        sent(group(count=1, max_per_block=1).decide(replace(state, block=block), draws))[0][1]
        for block in range(1_000)
    ]
    share = 2 / 3  # the bounty of twice the account is twice as large
    assert first.count(0) / 1_000 == pytest.approx(share, abs=4.5 * np.sqrt(share * (1 - share) / 1_000))


def test_no_more_calls_wait_than_a_block_holds(make_under_water, draws):
    accounts = tuple(range(8))
    liquidators = group(count=1)
    small_block = big(make_under_water, accounts=accounts, gas_limit=1_300_000)
    assert len(sent(liquidators.decide(small_block, draws))) == 3
    again = liquidators.decide(replace(small_block, block=101), draws)
    assert [batch.replace for batch in again] == [True]


def test_a_raise_comes_free_of_what_it_replaces(make_under_water, draws):
    accounts = (0, 1)
    rich = big(make_under_water, accounts=accounts)
    liquidators = group(count=1)
    (first,) = liquidators.decide(rich, draws)
    raised = [raise_bid(fee, liquidators.section.bid_raise) for fee in first.max_fee_wei]
    # Enough for both raised bids, but not for one that is paid beside what it replaces.
    scarce = replace(rich, block=101, native_balance_wei=[sum(raised) * GAS] * 8)
    assert sum(first.max_fee_wei) * GAS + min(raised) * GAS > sum(raised) * GAS
    (second,) = liquidators.decide(scarce, draws)
    assert second.replace
    assert second.max_fee_wei == raised


def test_no_more_calls_are_sent_in_a_block_than_it_may(make_under_water, draws):
    liquidators = group(count=1, max_per_block=2)
    (first,) = liquidators.decide(big(make_under_water, accounts=(0, 1), base_fee_wei=GWEI), draws)
    assert len(first) == 2
    # Both wait below the base fee, where they take nobody's place; two more accounts would be worth a call.
    above = max(first.max_fee_wei) + GWEI
    four = big(make_under_water, accounts=(0, 1, 2, 3), base_fee_wei=above, block=101)
    assert len(sent(liquidators.decide(four, draws))) == 2


def test_a_loser_stands_aside_until_it_would_gain_on_average(make_under_water, draws, settle):
    liquidators = group(count=1)
    state = make_under_water(8, accounts=(1,), equity=800, maintenance=1_000, notional=20_000)
    state = replace(state, base_fee_wei=100 * GWEI)
    sent_before_it_gave_up = 0
    while batches := liquidators.decide(state, draws):
        liquidators.observe(settle(batches, status="reverted", reason="liquidation: healthy"))
        sent_before_it_gave_up += 1
        assert sent_before_it_gave_up < 50
    assert sent_before_it_gave_up > 1
    low = float(liquidators.win_rates[0])
    for block in range(101, 400):
        if liquidators.decide(replace(state, block=block), draws):
            break
    assert float(liquidators.win_rates[0]) > low  # hope returns, so it tries again
    assert block < 399


def test_market_is_that_of_the_largest_notional(make_under_water, make_market, draws):
    sizes = np.zeros((2, 8))
    sizes[0, 1], sizes[1, 1] = 10.0, -700.0
    markets = (make_market(), make_market(risk_price=30 * WAD, index_price=30 * WAD))
    state = big(make_under_water, markets=markets, sizes=sizes)
    (batch,) = group(count=1).decide(state, draws)
    assert batch.args[1] == [1]


def test_oracle_that_forbids_liquidation_silences_them(make_under_water, make_market, draws):
    assert group().decide(big(make_under_water, markets=(make_market(status=3),)), draws) == []
    assert len(group().decide(big(make_under_water, markets=(make_market(status=2),)), draws)) == 1


def test_outage_silences_its_share(make_under_water, draws):
    outages = (Outage(start_block=100, end_block=101, share=0.5),)
    liquidators = group(outages=outages)
    assert sent(liquidators.decide(big(make_under_water), draws)) == [(7, 1)]
    later = liquidators.decide(big(make_under_water, block=101), draws)
    assert sorted(sent(later)) == [(5, 1), (6, 1), (7, 1)]


def test_alertness_is_the_chance_to_react(make_under_water, draws):
    liquidators = group(alertness=0.7, count=1)
    reacted = 0
    for block in range(1_000):
        liquidators.bids = WaitingBids()
        reacted += len(liquidators.decide(big(make_under_water, block=block), draws))
    assert reacted / 1_000 == pytest.approx(0.7, abs=4.5 * np.sqrt(0.21 / 1_000))


def test_inventory_must_pay_for_impact_and_risk(make_under_water, draws):
    state = big(make_under_water)
    assert len(group(inventory_share=0.0).decide(state, draws)) == 1
    thin = replace(state, external_depth=np.array([20_000.0]))
    assert group(inventory_share=1.0).decide(thin, draws) == []
    assert group(inventory_share=1.0, capital=10.0).decide(state, draws) == []


def test_group_is_deterministic_and_independent_of_others(make_under_water):
    def run(noise):
        draws, liquidators, fees = Streams(11), group(alertness=0.6), []
        for block in range(100, 120):
            if noise:
                draws.draw("agent:liquidator:others:alert", block).uniform(50)
            batches = liquidators.decide(big(make_under_water, block=block), draws)
            fees += [(batch.actors.tolist(), batch.max_fee_wei, batch.priority_fee_wei) for batch in batches]
        return fees

    assert run(noise=False) == run(noise=True) != []


def test_latencies_are_spread_over_teams():
    found = teams(LiquidatorsSection(count=6, latency_blocks_max=2))
    assert [(team.latency_blocks, team.count) for team in found] == [(0, 3), (1, 2), (2, 1)]
    assert [team.label for team in found][::2] == ["liquidators, same block", "liquidators, 2 blocks late"]
    mixed = teams(LiquidatorsSection(count=6, latency_blocks_max=2, static_fee_share=0.5))
    assert [(team.latency_blocks, team.is_static, team.count) for team in mixed] == [
        (0, False, 3),
        (1, True, 2),
        (2, True, 1),
    ]
    assert len({team.name for team in mixed}) == 3
    assert mixed[-1].label == "liquidators, 2 blocks late, fixed fee"
    (alone,) = teams(LiquidatorsSection(count=3, latency_blocks_max=0))
    assert (alone.name, alone.count, alone.label) == ("liquidators", 3, "liquidators")


def test_static_teams_bid_the_static_fee(make_under_water, draws):
    section = LiquidatorsSection(count=1, static_fee_share=1.0, static_fee_gwei=40.0)
    (team,) = teams(section)
    one = Liquidators(section, team, [5], terms=TERMS, max_status=2, inventory_share=0.0)
    (batch,) = one.decide(big(make_under_water), draws)
    assert (batch.max_fee_wei, batch.priority_fee_wei) == ([40 * GWEI], [2 * GWEI])


def test_a_first_bid_above_the_highest_is_refused():
    ((path, message),) = LiquidatorsSection(bid_share=0.95).problems()
    assert path == ("bid_share",)
    assert "bid_share_max 0.9" in message
