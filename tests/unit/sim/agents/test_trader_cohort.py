from dataclasses import replace

import numpy as np
import pytest

from sim.agents.fees import FeePolicy
from sim.agents.population import Population, holding_several
from sim.agents.several_markets import SeveralOfManySection
from sim.agents.trader_cohort import TopUpSection, TraderCohort, TraderSection
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD
from sim.protocol.actions import CLOSE_ALL

N = 8
SECTION = TraderSection(name="traders", count=N)


def section_of(**changes):
    return SECTION.model_copy(update=changes)


def people(count=N, *, automated=True):
    return Population(
        side=np.ones(count),
        leverage=np.full(count, 10.0),
        notional=np.full(count, 2_000.0),
        collateral=np.full(count, 200.0),
        wallet=np.full(count, 1_000.0),
        attentive=np.ones(count, dtype=bool),
        automated=np.full(count, automated),
    )


def cohort(section=SECTION, population=None, start=0):
    population = population or people()
    return TraderCohort(section, population, range(start, start + len(population)))


def pressed(make_state, rows=(2, 5), **changes):
    equity = np.full(N, 300.0)
    equity[list(rows)] = 110.0
    return make_state(N, equity=equity, **changes)


def test_calm_cohort_does_nothing(make_state, draws):
    assert cohort().decide(make_state(N), draws) == []


def test_top_up_restores_the_target_ratio(make_state, draws):
    (batch,) = cohort().decide(pressed(make_state), draws)
    assert batch.kind == "trading_desk.deposit"
    assert batch.actors.tolist() == [2, 5]
    accounts, amounts = batch.args
    assert accounts == [2, 5]
    assert amounts == [70_000_000, 70_000_000]  # 1.8 * 100 - 110 = 70, in token units


def test_top_up_is_limited_by_the_wallet(make_state, draws):
    wallet = np.full(N, 25.0)
    (batch,) = cohort().decide(pressed(make_state, wallet=wallet), draws)
    assert batch.args[1] == [25_000_000, 25_000_000]


def test_empty_wallet_reduces_until_the_target_holds(make_state, draws):
    state = pressed(make_state, wallet=np.zeros(N))
    (batch,) = cohort().decide(state, draws)
    assert batch.kind == "trading_desk.decrease_position"
    left = 1.0 - batch.args[1][0] / WAD
    assert 110.0 / (left * 100.0) == pytest.approx(1.8)


def test_empty_wallet_without_reductions_waits_for_fate(make_state, draws):
    section = section_of(top_up=TopUpSection(reduces_without_wallet=False))
    assert cohort(section).decide(pressed(make_state, wallet=np.zeros(N)), draws) == []


def test_inattentive_traders_never_react(make_state, draws):
    careless = replace(people(), attentive=np.zeros(N, dtype=bool))
    assert cohort(population=careless).decide(pressed(make_state), draws) == []


def test_static_fee_is_priced_out_by_a_spike_and_back_after_it(make_state, draws):
    static = FeePolicy(policy="static", max_fee_gwei=40.0, priority_fee_gwei=2.0)
    traders = cohort(section_of(fees=static, automated_fees=static))
    assert traders.decide(pressed(make_state, base_fee_wei=41 * GWEI), draws) == []
    assert traders.priced_out == 2
    (batch,) = traders.decide(pressed(make_state, base_fee_wei=39 * GWEI, block=101), draws)
    assert batch.max_fee_wei == [40 * GWEI] * 2
    assert batch.priority_fee_wei == [2 * GWEI] * 2


def test_pending_top_up_is_not_repeated_until_it_is_settled(make_state, draws, settle):
    traders = cohort()
    first = traders.decide(pressed(make_state), draws)
    assert traders.decide(pressed(make_state, block=101), draws) == []
    traders.observe(settle(first))
    assert traders.topped_up.tolist() == [0, 0, 70.0, 0, 0, 70.0, 0, 0]
    assert len(traders.decide(pressed(make_state, block=102), draws)) == 1


def test_refused_top_up_is_not_counted(make_state, draws, settle):
    traders = cohort()
    traders.observe(settle(traders.decide(pressed(make_state), draws), status="evicted"))
    assert traders.topped_up.sum() == 0.0


def react_share(make_state, draws, equity=110.0, count=4_000, **changes):
    traders = cohort(section_of(count=count), people(count, automated=False))
    state = make_state(count, equity=np.full(count, equity), **changes)
    return sum(len(batch) for batch in traders.decide(state, draws)) / count


def test_human_hazard_rises_with_nearness_and_volatility_and_falls_with_gas(make_state, make_market, draws):
    base = react_share(make_state, draws, equity=118.0)
    assert 0.0 < base < 12 / 600  # never faster than the mean delay
    assert react_share(make_state, draws, equity=101.0) > base
    wild = (make_market(variance_fast=9 * WAD),)
    assert react_share(make_state, draws, equity=118.0, markets=wild) > base
    assert react_share(make_state, draws, equity=118.0, base_fee_wei=200 * GWEI) < base / 2


def test_hazard_has_the_documented_value(make_state, draws):
    # z = 18/2000 / (0.8 sqrt(1/8760)), x = -1 + 2/z, p = 1 - exp(-L(x) * 12/600)
    z = 0.009 / (0.8 * np.sqrt(1 / 8_760))
    expected = 1.0 - np.exp(-12 / 600 / (1.0 + np.exp(1.0 - 2.0 / z)))
    share = react_share(make_state, draws, equity=118.0, count=40_000)
    assert share == pytest.approx(expected, abs=4.5 * np.sqrt(expected / 40_000))


def test_same_seed_same_actions_and_other_agents_change_nothing(make_state):
    population = people(automated=False)
    state = pressed(make_state, rows=range(N))
    outcomes = []
    for noise in (False, True):
        draws = Streams(3)
        traders = cohort(population=population)
        acted = []
        for block in range(200):
            if noise:
                draws.draw("agent:trader_cohort:other:top_up", block).uniform(1_000)
            batches = traders.decide(replace(state, block=block), draws)
            acted.append([(batch.kind, batch.actors.tolist(), batch.args) for batch in batches])
        outcomes.append(acted)
    assert outcomes[0] == outcomes[1]
    assert any(outcomes[0])


def test_a_trader_decides_alike_whoever_else_is_pressed(make_state):
    def acts(rows):
        traders, draws, blocks = cohort(population=people(automated=False)), Streams(3), []
        for block in range(300):
            batches = traders.decide(pressed(make_state, rows=rows, block=block), draws)
            blocks += [block for batch in batches if 2 in batch.actors.tolist()]
        return blocks

    assert acts((2,)) == acts((2, 5, 6)) != []


def test_scattered_participants_act_as_themselves(make_state, draws):
    traders = TraderCohort(section_of(count=3), people(3), np.array([1, 4, 5]))
    (batch,) = traders.decide(pressed(make_state), draws)
    assert batch.actors.tolist() == [5]


def test_discretionary_trades_reduce_and_increase_within_leverage(make_state, draws):
    traders = cohort(section_of(trades_per_day=7_200.0, count=400), people(400))
    state = make_state(400)
    batches = traders.decide(state, draws)
    kinds = [batch.kind.split(".")[1] for batch in batches]
    assert kinds == ["decrease_position", "increase_position"]
    reduced, added = batches
    assert 120 < len(reduced) < 280
    assert 0 < reduced.args[1].count(CLOSE_ALL) < len(reduced)
    assert all(0 < size < WAD or size == CLOSE_ALL for size in reduced.args[1])
    # room: equity 300 * leverage 10 - notional 2,000 = 1,000 quote = 0.5 base units
    assert all(0 < delta <= WAD // 2 for delta in added.args[1])
    assert set(added.args[2]) == {2_020 * WAD}  # buys accept 1 % above the index


def test_no_discretionary_trades_by_default(make_state, draws):
    traders = cohort()
    assert all(traders.decide(make_state(N, block=block), draws) == [] for block in range(50))


def test_target_below_trigger_is_refused():
    ((path, message),) = TopUpSection(trigger_ratio=2.0, target_ratio=1.5).problems()
    assert path == ("target_ratio",)
    assert "at least trigger_ratio 2" in message


def test_describe_says_what_matters():
    text = cohort().describe()
    assert "8 traders" in text
    assert "60%" in text
    assert "Pareto" in text


# --- accounts with positions in several markets ---

TOGETHER = SeveralOfManySection(markets=["ETH", "BTC"], weights=[0.75, 0.25]).placed(("ETH", "BTC"))


def holders(**changes):
    """Accounts with three quarters of 2,000 in one market and a quarter in another."""
    shares = np.outer([0.75, 0.25], np.ones(N))
    return replace(holding_several(people(), (0, 1), shares), **changes)


def of_two(make_state, make_market, **changes):
    sizes = np.vstack([np.full(N, 0.75), np.full(N, 0.25)])
    equity = changes.pop("equity", np.full(N, 300.0))
    markets = changes.pop("markets", (make_market(), make_market()))
    return make_state(N, markets=markets, sizes=sizes, equity=equity, **changes)


def of_several(**changes):
    return TraderCohort(section_of(several=TOGETHER, **changes), holders(), range(N))


def test_who_reduces_closes_the_same_share_of_every_position(make_state, make_market, draws):
    equity = np.full(N, 300.0)
    equity[2] = 110.0
    state = of_two(make_state, make_market, equity=equity, wallet=np.zeros(N))
    batches = of_several().decide(state, draws)
    assert [batch.args[0] for batch in batches] == [[0], [1]]
    closed = [batch.args[1][0] / WAD for batch in batches]
    assert closed[0] / 0.75 == pytest.approx(closed[1] / 0.25)
    assert 110.0 / ((1.0 - closed[0] / 0.75) * 100.0) == pytest.approx(1.8)


def test_who_has_sent_several_calls_waits_for_all_of_them(make_state, make_market, draws, settle):
    equity = np.full(N, 300.0)
    equity[2] = 110.0
    changes = {"equity": equity, "wallet": np.zeros(N)}
    traders = of_several()
    first, second = traders.decide(of_two(make_state, make_market, **changes), draws)
    traders.observe(settle([first]))
    assert traders.decide(of_two(make_state, make_market, block=101, **changes), draws) == []
    traders.observe(settle([second]))
    assert len(traders.decide(of_two(make_state, make_market, block=102, **changes), draws)) == 2


def test_pressure_adds_up_the_moves_of_all_positions(make_state, make_market):
    """Volatility of the smaller position alone makes the account's distance smaller."""
    section = section_of(several=TOGETHER)
    traders = TraderCohort(section, holders(automated=np.zeros(N, dtype=bool)), range(N))
    equity = np.full(N, 118.0)

    def chance(variances):
        markets = tuple(make_market(variance_fast=variance) for variance in variances)
        state = of_two(make_state, make_market, markets=markets, equity=equity)
        return traders._chance(state, np.arange(N), equity, state.maintenance_requirement)[0]

    hour = np.sqrt(1 / 8_760)
    move = 2_000.0 * (0.75 * 0.8 + 0.25 * 2.0) * hour
    expected = 1.0 - np.exp(-12 / 600 / (1.0 + np.exp(1.0 - 2.0 / (18.0 / move))))
    calm, wild = WAD * 64 // 100, 4 * WAD
    assert chance((calm, wild)) == pytest.approx(expected)
    assert chance((calm, wild)) > chance((calm, calm))


def test_trades_of_several_positions_keep_their_proportions(make_state, make_market, draws):
    busy = {"trades_per_day": 7_200.0, "whole_share": 0.0}
    state = of_two(make_state, make_market)
    for reduce_share, entry in ((1.0, "decrease_position"), (0.0, "increase_position")):
        batches = of_several(**busy, reduce_share=reduce_share).decide(state, draws)
        assert [batch.kind.split(".")[1] for batch in batches] == [entry, entry]
        assert [set(batch.args[0]) for batch in batches] == [{0}, {1}]
        sizes = [np.array(batch.args[1], dtype=float) for batch in batches]
        assert len(sizes[0]) > 2
        assert sizes[0] == pytest.approx(3.0 * sizes[1])


def test_increases_count_the_leverage_of_the_whole_account(make_state, make_market, draws):
    busy = {"trades_per_day": 7_200.0, "reduce_share": 0.0}
    full = of_two(make_state, make_market, equity=np.full(N, 200.0))  # 2,000 in both at 10x is all there is
    assert of_several(**busy).decide(full, draws) == []
    assert of_several(**busy).decide(of_two(make_state, make_market), draws)
