from dataclasses import replace

import numpy as np

from sim.agents.base import ActionResult, Outcome
from sim.agents.closer import KIND, Closer, CloserSection
from sim.core.units import GWEI, WAD
from tests.support.handmade_state import build_state

ACTOR = 7


def agent(**changes):
    return Closer(CloserSection(**({"patience_blocks": 3} | changes)), ACTOR, max_status=1)


def state_with(equity, block=100, **changes):
    """Accounts below maintenance with the equity named, quote."""
    count = len(equity)
    return build_state(
        8,
        block,
        exact_accounts=np.array(list(equity), dtype=np.int64),
        exact_equity=[value * WAD for value in equity.values()],
        exact_maintenance=[100 * WAD] * count,
        exact_notional=[2_000 * WAD] * count,
        **changes,
    )


def accounts_of(batches):
    return [int(account) for batch in batches for account in batch.args[0]]


def watch(closer, equity, draws, blocks):
    """Show it the same accounts for some blocks; return whom it calls on in each."""
    return [accounts_of(closer.decide(state_with(equity, block), draws)) for block in blocks]


def test_it_waits_and_then_calls_on_the_deepest_first_and_once(draws):
    calls = watch(agent(), {1: -5, 2: -50, 3: 80}, draws, range(100, 106))
    assert calls == [[], [], [], [2, 1], [], []]


def test_an_account_that_came_up_again_begins_anew(draws):
    closer = agent()
    watch(closer, {1: -5}, draws, (100, 101))
    watch(closer, {1: 5}, draws, (102,))
    assert watch(closer, {1: -5}, draws, range(103, 107)) == [[], [], [], [1]]


def test_after_a_refused_call_it_waits_again(draws, settle):
    closer, state = agent(), state_with({1: -5}, 103)
    watch(closer, {1: -5}, draws, (100,))
    closer.observe(settle(closer.decide(state, draws), "reverted", 103, "liquidation: healthy"))
    assert watch(closer, {1: -5}, draws, range(104, 107)) == [[], [], [1]]


def test_what_expired_is_sent_again_at_once(draws, settle):
    closer = agent()
    watch(closer, {1: -5}, draws, (100,))
    closer.observe(settle(closer.decide(state_with({1: -5}, 103), draws), "expired", 103))
    assert watch(closer, {1: -5}, draws, (104,)) == [[1]]


def test_room_is_counted_with_what_waits(draws):
    closer = agent(max_per_block=2)
    assert watch(closer, {1: -1, 2: -2, 3: -3}, draws, range(100, 105)) == [[], [], [], [3, 2], []]
    closer.observe(Outcome(block=104, results=(ActionResult(KIND, ACTOR, (3, 0), "success"),)))
    assert watch(closer, {1: -1, 2: -2}, draws, (105,)) == [[1]]


def test_a_bid_below_the_base_fee_is_raised_up_to_its_cap(draws):
    closer = agent(patience_blocks=0)
    (first,) = closer.decide(state_with({1: -5}, 100), draws)
    (paid,) = first.max_fee_wei
    assert closer.decide(state_with({1: -5}, 101, base_fee_wei=int(paid)), draws) == []
    (second,) = closer.decide(state_with({1: -5}, 102, base_fee_wei=int(paid) + 1), draws)
    assert second.replace
    assert second.max_fee_wei[0] > 1.125 * paid
    assert closer.decide(state_with({1: -5}, 103, base_fee_wei=3_000 * GWEI), draws) == []


def test_it_bids_nothing_it_cannot_pay(draws):
    closer, state = agent(patience_blocks=0), state_with({1: -5, 2: -6, 3: -7})
    max_fee, _ = closer.section.fees.bid(state.base_fee_wei)
    money = list(state.native_balance_wei)
    money[ACTOR] = 2 * max_fee * state.gas[KIND]
    assert accounts_of(closer.decide(replace(state, native_balance_wei=money), draws)) == [3, 2]


def test_it_leaves_a_market_alone_whose_price_is_too_old(draws, make_market):
    closer = agent(patience_blocks=0)
    assert closer.decide(state_with({1: -5}, markets=(make_market(status=2),)), draws) == []
    assert accounts_of(closer.decide(state_with({1: -5}, markets=(make_market(status=1),)), draws)) == [1]
