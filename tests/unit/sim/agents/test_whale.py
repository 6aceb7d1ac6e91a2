from types import SimpleNamespace

import numpy as np
import pytest

from sim.agents.base import Outcome
from sim.agents.population import Population
from sim.agents.several_markets import SeveralMarketsSection
from sim.agents.whale import WHALES, SplitWhale, Whale, WhaleSection, whale_notional
from sim.core.units import WAD
from sim.protocol.actions import CLOSE_ALL

ACTOR = 3


def whale_of(**changes):
    """A whale that acts from block 100 on, for 40 blocks of a minute, under a floor of a tenth."""
    values = {"name": "whale", "start_minute": 100.0, "duration_minutes": 40.0, "slices": 4}
    section = WhaleSection(**(values | changes))
    return Whale(section, ACTOR, notional=2_000_000.0, withdraw_margin_ratio=0.1, seconds_per_block=60)


def holding(make_state, size, block, **changes):
    sizes = np.zeros((1, 8))
    sizes[0, ACTOR] = size
    return make_state(8, block=block, sizes=sizes, **changes)


def rich(make_state, size=1_000.0, block=100):
    return holding(
        make_state,
        size,
        block,
        equity=np.full(8, 400_000.0),
        collateral=np.full(8, 390_000.0),
        notional=np.full(8, 2_000_000.0),
        initial_requirement=np.full(8, 150_000.0),
    )


def test_holder_never_acts(make_state, draws):
    whale = whale_of()
    assert all(whale.decide(holding(make_state, 1_000.0, block), draws) == [] for block in range(90, 200))


def test_close_runs_by_schedule_and_ends_whole(make_state, draws, settle):
    whale = whale_of(behavior="close")
    size, sold = -1_000.0, []
    for block in range(95, 160):
        batches = whale.decide(holding(make_state, size, block), draws)
        if batches:
            asked = batches[0].args[1][0]
            closed = abs(size) if asked == CLOSE_ALL else asked / WAD
            sold.append((block, closed))
            size += closed
            whale.observe(settle(batches, block=block))
    assert sold == [(100, 250.0), (110, 250.0), (120, 250.0), (130, 250.0)]
    assert size == 0.0


def test_close_catches_up_after_a_refused_order(make_state, draws, settle):
    whale = whale_of(behavior="close")
    first = whale.decide(holding(make_state, 1_000.0, 100), draws)
    assert whale.decide(holding(make_state, 1_000.0, 105), draws) == []  # still waiting
    whale.observe(settle(first, status="expired"))
    (late,) = whale.decide(holding(make_state, 1_000.0, 111), draws)
    assert late.args[1] == [500 * WAD]


def test_withdrawal_leaves_the_larger_of_requirement_and_floor(make_state, draws):
    (batch,) = whale_of(behavior="withdraw_margin").decide(rich(make_state), draws)
    assert batch.kind == "trading_desk.withdraw"
    assert batch.args[0] == [200_000 * 10**6]  # 400k less 10 % of 2m; the initial requirement is lower


def test_refused_withdrawal_is_retried_smaller_and_repeated(make_state, draws, settle):
    whale = whale_of(behavior="withdraw_margin")
    whale.observe(settle(whale.decide(rich(make_state), draws), status="reverted"))
    (smaller,) = whale.decide(rich(make_state, block=101), draws)
    assert smaller.args[0][0] == pytest.approx(200_000 * 10**6 * 0.8, abs=1)
    whale.observe(settle([smaller]))
    assert whale.withdrawn == pytest.approx(160_000.0)
    assert len(whale.decide(rich(make_state, block=102), draws)) == 1  # whatever becomes free again


def test_withdraw_then_close_starts_closing_after_the_withdrawal(make_state, draws, settle):
    whale = whale_of(behavior="withdraw_then_close")
    first = whale.decide(rich(make_state), draws)
    assert first[0].kind == "trading_desk.withdraw"
    whale.observe(settle(first, block=100))
    (close,) = whale.decide(rich(make_state, block=101), draws)
    assert close.kind == "trading_desk.decrease_position"
    assert close.args[1] == [250 * WAD]


def test_whale_without_position_is_done(make_state, draws):
    assert whale_of(behavior="close").decide(holding(make_state, 0.0, 120), draws) == []


def test_whale_notional_is_the_stated_share_of_its_side():
    others = 8_000_000.0
    own = whale_notional(others, 0.2)
    assert own / (own + others) == pytest.approx(0.2)


# --- several markets, and a size of its own ---

TOGETHER = {"markets": ["ETH", "BTC"], "weights": [0.75, 0.25]}


def of_two(**changes):
    style = changes.pop("style", "concentrated")
    together = SeveralMarketsSection(**TOGETHER, style=style).placed(("ETH", "BTC"))
    return whale_of(several=together, **changes)


def holding_two(make_state, make_market, sizes, block, **changes):
    held = np.zeros((2, 8))
    held[:, ACTOR] = sizes
    return make_state(8, block=block, sizes=held, markets=(make_market(), make_market()), **changes)


def test_every_position_is_closed_by_the_same_schedule(make_state, make_market, draws, settle):
    whale = of_two(behavior="close", style="hedged")
    sizes, sold = np.array([1_000.0, -40.0]), []
    for block in range(95, 160):
        batches = whale.decide(holding_two(make_state, make_market, sizes, block), draws)
        for batch in batches:
            market, asked = batch.args[0][0], batch.args[1][0]
            closed = abs(sizes[market]) if asked == CLOSE_ALL else asked / WAD
            sold.append((block, market, closed))
            sizes[market] -= np.sign(sizes[market]) * closed
        if batches:
            whale.observe(settle(batches, block=block))
    assert sold == [
        (block, market, size) for block in (100, 110, 120, 130) for market, size in ((0, 250.0), (1, 10.0))
    ]
    assert not sizes.any()


def test_it_waits_until_the_orders_of_all_markets_are_settled(make_state, make_market, draws, settle):
    whale = of_two(behavior="close")
    first, _ = whale.decide(holding_two(make_state, make_market, [1_000.0, 40.0], 100), draws)
    whale.observe(settle([first]))
    assert whale.decide(holding_two(make_state, make_market, [750.0, 40.0], 111), draws) == []


def test_what_is_left_in_one_market_is_closed_though_the_other_is_empty(make_state, make_market, draws):
    whale = of_two(behavior="close")
    (batch,) = whale.decide(holding_two(make_state, make_market, [0.0, 40.0], 100), draws)
    assert batch.args[0] == [1]


def opened(populations=None, **changes):
    """Openings of a whale at prices of 2,000 and 40,000."""
    values = {"name": "whale"} | changes
    section = WHALES.placed(WhaleSection(**values), ("ETH", "BTC"))
    setting = SimpleNamespace(prices=(2_000.0, 40_000.0))
    start = SimpleNamespace(
        setting=setting, members={"whale:whale": np.array([ACTOR])}, populations=populations or {}
    )
    return list(WHALES.openings(section, start))


def test_a_lone_short_is_sized_by_its_notional():
    (opening,) = opened(side="short", notional=100_000.0, leverage=5.0)
    assert (opening.size, opening.collateral) == (-50.0, 20_000.0)


def test_notional_is_of_all_markets_and_collateral_comes_once():
    first, second = opened(
        side="short", notional=100_000.0, leverage=5.0, several={**TOGETHER, "style": "hedged"}
    )
    assert (first.market, first.size, first.collateral) == (0, -37.5, 20_000.0)
    assert (second.market, second.size, second.collateral) == (1, 0.625, 0.0)


def test_a_share_of_open_interest_is_one_of_the_first_market():
    longs = Population(
        market=0, side=np.ones(2), leverage=np.ones(2), notional=np.array([30_000.0, 45_000.0]),
        collateral=np.ones(2), wallet=np.ones(2), attentive=np.ones(2, dtype=bool),
        automated=np.ones(2, dtype=bool),
    )  # fmt: skip
    first, second = opened({"traders:x": longs}, open_interest_share=0.5, several=TOGETHER)
    assert first.size * 2_000.0 == pytest.approx(75_000.0)
    assert second.size * 40_000.0 == pytest.approx(25_000.0)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"notional": 1e5, "open_interest_share": 0.3}, "open_interest_share"),
        ({"several": TOGETHER, "market": 1}, "market"),
        ({"declared": True}, "declared"),
        ({"declared": True, "accounts": 33}, "declared"),
    ],
)
def test_two_answers_to_one_question_are_refused(changes, where):
    assert [place for place, _ in WhaleSection(name="whale", **changes).problems()] == [(where,)]


def test_a_split_whale_opens_the_same_position_in_equal_parts():
    section = WhaleSection(name="whale", side="short", notional=100_000.0, leverage=5.0, accounts=4)
    start = SimpleNamespace(
        setting=SimpleNamespace(prices=(2_000.0,)), members={"whale:whale": np.arange(2, 6)}, populations={}
    )
    openings = list(WHALES.openings(section, start))
    assert [(o.actor, o.size, o.collateral) for o in openings] == [(a, -12.5, 5_000.0) for a in range(2, 6)]
    assert WHALES.accounts(section) == 4
    (group,) = WHALES.groups(section, start.setting)
    assert (group.count, group.linked) == (4, False)
    (group,) = WHALES.groups(section.model_copy(update={"declared": True}), start.setting)
    assert (group.count, group.linked) == (4, True)


def test_each_account_of_a_split_whale_follows_the_plan_and_sees_its_own_refusals(make_state, draws, settle):
    section = WhaleSection(
        name="whale", behavior="withdraw_margin", start_minute=100.0, accounts=2, withdraw_share=0.5
    )
    parts = [
        Whale(section, actor, notional=1e6, withdraw_margin_ratio=0.1, seconds_per_block=60)
        for actor in (ACTOR, ACTOR + 1)
    ]
    whale = SplitWhale(parts)
    sizes = np.zeros((1, 8))
    sizes[0, ACTOR : ACTOR + 2] = 500.0
    state = make_state(
        8, block=100, sizes=sizes, equity=np.full(8, 400_000.0), collateral=np.full(8, 390_000.0),
        notional=np.full(8, 1_000_000.0), initial_requirement=np.full(8, 100_000.0),
    )  # fmt: skip
    first, second = whale.decide(state, draws)
    assert (first.actors[0], second.actors[0]) == (ACTOR, ACTOR + 1)
    refused = settle([first], status="reverted").results
    granted = settle([second]).results
    whale.observe(Outcome(block=100, results=(*granted, *refused)))
    assert whale.withdrawn == pytest.approx(parts[1].withdrawn) == pytest.approx(150_000.0)
    first, second = whale.decide(state, draws)
    assert first.args[0][0] == pytest.approx(0.8 * second.args[0][0])
