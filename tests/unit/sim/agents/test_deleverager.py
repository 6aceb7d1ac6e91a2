from dataclasses import replace

import numpy as np
import pytest

from sim.agents.deleverager import Deleverager, DeleveragerSection, deleverage_score
from sim.core.units import WAD
from sim.protocol.state import PendingDeficit

ACTOR = 7
BANKRUPT = 0
NOW = 1_700_000_000 + 1_200


def crisis(make_state, make_protocol, *, fund=0, age=12, side=1, deficit=500, **changes):
    """Account 0 (long, bankrupt) against shorts 1..4 with rising gains; 5 is a losing short, 6 a long."""
    sizes = np.array([[0.0, -1.0, -1.0, -1.0, -1.0, -1.0, 2.0, 0.0]])
    entry = np.array([[0.0, -2_100.0, -2_400.0, -2_200.0, -2_300.0, -1_900.0, 3_000.0, 0.0]])
    pending = PendingDeficit(BANKRUPT, 0, deficit * WAD, side, NOW - age)
    values = {
        "sizes": sizes,
        "entry_notional": entry,
        "equity": np.full(8, 1_000.0),
        "pending_deficits": (pending,),
        "protocol": make_protocol(fund_reserves=fund),
    }
    return make_state(8, **(values | changes))


def agent(**changes):
    return Deleverager(DeleveragerSection(**changes), ACTOR, window_seconds=60)


def test_no_deficit_no_action(make_state, draws):
    assert agent().decide(make_state(8), draws) == []


def test_winners_are_ranked_by_falling_score(make_state, make_protocol, draws):
    state = crisis(make_state, make_protocol)
    (batch,) = agent().decide(state, draws)
    assert batch.kind == "loss_waterfall.auto_deleverage"
    assert batch.groups == ((2, 4, 3, 1),)
    assert batch.args == ([BANKRUPT], [0])
    score = deleverage_score(state, 0, np.array([2, 4, 3, 1]))
    assert score[0] == pytest.approx(400 / 2_400)
    assert np.all(np.diff(score) < 0.0)


def test_leverage_puts_nobody_in_front(make_state, make_protocol, draws):
    equity = np.full(8, 1_000.0)
    equity[1] = 100.0  # smallest gain, ten times the leverage
    (batch,) = agent().decide(crisis(make_state, make_protocol, equity=equity), draws)
    assert batch.groups == ((2, 4, 3, 1),)


def test_a_gain_beyond_equity_does_not_count(make_state, make_protocol, draws):
    """The best two gained 700, but of the first 1 can be asked for: 1 + 300 are not enough for 302."""
    equity = np.full(8, 1_000.0)
    equity[2] = 1.0
    state = crisis(make_state, make_protocol, equity=equity, deficit=302)
    (batch,) = agent(winners_multiple=1).decide(state, draws)
    assert batch.groups == ((2, 4, 3),)


def test_ties_are_broken_by_participant(make_state, make_protocol, draws):
    entry = np.array([[0.0, -2_100.0, -2_300.0, -2_300.0, -2_300.0, -1_900.0, 0.0, 0.0]])
    (batch,) = agent().decide(crisis(make_state, make_protocol, entry_notional=entry), draws)
    assert batch.groups == ((2, 3, 4, 1),)


def test_bankrupt_short_is_matched_with_winning_longs(make_state, make_protocol, draws):
    entry = np.array([[0.0, -2_100.0, -2_400.0, -2_200.0, -2_300.0, -1_900.0, 3_000.0, 0.0]])
    (batch,) = agent().decide(crisis(make_state, make_protocol, side=-1, entry_notional=entry), draws)
    assert batch.groups == ((6,),)


def test_not_more_winners_than_useful_or_allowed(make_state, make_protocol, draws):
    (batch,) = agent().decide(crisis(make_state, make_protocol, deficit=399), draws)
    assert batch.groups == ((2, 4),)  # the gain of one covers it, one more in case it is misread
    (batch,) = agent(max_winners=1).decide(crisis(make_state, make_protocol), draws)
    assert batch.groups == ((2,),)


def test_waits_while_the_fund_can_pay(make_state, make_protocol, draws):
    assert agent().decide(crisis(make_state, make_protocol, fund=500 * WAD), draws) == []


@pytest.mark.parametrize("age", [12, 120])
def test_asks_winners_for_what_the_fund_cannot_pay_however_late(make_state, make_protocol, draws, age):
    (batch,) = agent().decide(crisis(make_state, make_protocol, fund=500 * WAD - 1, age=age), draws)
    assert batch.kind == "loss_waterfall.auto_deleverage"


@pytest.mark.parametrize(
    ("age", "then"), [(59, "loss_waterfall.auto_deleverage"), (60, "loss_waterfall.socialize_loss")]
)
def test_socialises_after_the_window_what_winners_left(age, then, make_state, make_protocol, draws, settle):
    deleverager, state = agent(), crisis(make_state, make_protocol, age=age)
    first = deleverager.decide(state, draws)
    assert first[0].kind == "loss_waterfall.auto_deleverage"  # winners come before the pool, however late
    deleverager.observe(settle(first))
    (second,) = deleverager.decide(replace(state, block=101), draws)
    assert second.kind == then
    assert second.args[0] == [BANKRUPT]


def test_what_is_settled_is_not_asked_for_again_by_an_older_state(make_state, make_protocol, draws, settle):
    deleverager, state = agent(), crisis(make_state, make_protocol)
    deleverager.observe(settle(deleverager.decide(replace(state, block=99), draws)))  # settled in block 100
    assert deleverager.decide(replace(state, block=100), draws) == []
    assert len(deleverager.decide(replace(state, block=101), draws)) == 1


def test_socialises_at_once_without_an_opposite_side(make_state, make_market, make_protocol, draws):
    state = crisis(make_state, make_protocol, sizes=np.zeros((1, 8)))
    assert agent().decide(state, draws) == []  # open interest exists, nobody has a gain: wait
    alone = replace(state, markets=(make_market(short_open_interest=0),))
    (batch,) = agent().decide(alone, draws)
    assert batch.kind == "loss_waterfall.socialize_loss"


def test_pending_call_is_not_repeated_until_settled(make_state, make_protocol, draws, settle):
    deleverager, state = agent(), crisis(make_state, make_protocol)
    batches = deleverager.decide(state, draws)
    assert deleverager.decide(replace(state, block=101), draws) == []
    deleverager.observe(settle(batches))
    assert len(deleverager.decide(replace(state, block=102), draws)) == 1


def test_refused_ranking_is_retried_with_clear_winners_then_one_by_one(
    make_state, make_protocol, draws, settle
):
    entry = np.array([[0.0, -2_100.0, -2_300.0, -2_300.0, -2_300.0, -1_900.0, 0.0, 0.0]])
    deleverager, state = agent(), crisis(make_state, make_protocol, entry_notional=entry)
    named = []
    for block in range(100, 105):
        batches = deleverager.decide(replace(state, block=block), draws)
        named.append(batches[0].groups[0])
        deleverager.observe(settle(batches, block=block, status="reverted", reason="liquidation: order"))
    assert named == [(2, 3, 4, 1), (2, 1), (2,), (3,), (4,)]


def test_no_winner_is_named_twice_in_a_block(make_state, make_protocol, draws):
    state = crisis(make_state, make_protocol, deficit=399)
    other = PendingDeficit(6, 0, 100 * WAD, 1, NOW - 12)
    state = replace(state, pending_deficits=(*state.pending_deficits, other))
    first, second = agent().decide(state, draws)
    assert not set(first.groups[0]) & set(second.groups[0])
