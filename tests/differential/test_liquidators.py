"""Liquidators in columns act as those that weigh every bid by itself, to the wei."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents.base import ActionResult, Outage, Outcome
from sim.agents.fees import FeePolicy, raise_bid, raised
from sim.agents.liquidator import Liquidators, LiquidatorsSection, Team
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD
from tests.support.handmade_state import build_state
from tests.support.liquidators_by_row import LiquidatorsByRow
from tests.support.terms import TERMS

FIRST = 12
"""Accounts below this number may be under maintenance; liquidators come after them."""
ACTORS = FIRST + 8
FATES = (None, None, None, None, "success", "reverted", "dropped", "expired", "replaced")
"""What becomes of a call; None: it waits."""

shares = st.sampled_from((0.0, 0.05, 0.3, 0.7, 1.0))
sections = st.builds(
    LiquidatorsSection,
    count=st.integers(1, 4),
    capital=st.sampled_from((1e4, 2e5, 1e15)),
    min_profit=st.sampled_from((0.0, 5.0, 300.0)),
    bid_share=st.sampled_from((0.0, 0.3, 0.9)),
    risk_aversion=st.sampled_from((0.0, 1.0)),
    max_per_block=st.sampled_from((1, 2, 5, 20)),
    bid_share_max=st.just(0.9),
    losing_gas_share=shares,
    learning_rate=shares,
    hope_rate=shares,
    alertness=st.sampled_from((0.0, 0.6, 1.0)),
    rebid_blocks=st.sampled_from((1, 2)),
    bid_raise=st.sampled_from((0.0, 0.125, 10.0)),
    fees=st.builds(
        FeePolicy,
        policy=st.sampled_from(("adaptive", "adaptive", "static")),
        max_fee_gwei=st.sampled_from((60.0, 2_000.0, 1e6)),
        priority_fee_gwei=st.sampled_from((0.0, 2.0)),
        base_fee_multiple=st.sampled_from((1.0, 2.0, 100.0)),
    ),
)


@st.composite
def accounts(draw):
    """An account near maintenance, as chain integers: number, equity, requirement, notional."""
    notional = draw(st.sampled_from((1, 400 * WAD, 20_000 * WAD, 200_000 * WAD, 700_000 * WAD, 10**27)))
    required = notional * draw(st.integers(30, 100)) // 1_000 + 3
    equity = required * draw(st.integers(-20, 102)) // 100 + draw(st.integers(-3, 3))
    return draw(st.integers(0, FIRST - 1)), equity, required, notional


blocks_seen = st.fixed_dictionaries(
    {
        "hidden": st.sets(st.integers(0, FIRST - 1), max_size=3),
        "base_fee_wei": st.sampled_from((1, 20 * GWEI, 20 * GWEI, 30 * GWEI, 61 * GWEI, 10**17)),
        "gas_limit": st.sampled_from((100_000, 1_300_000, 30_000_000)),
        "fund": st.sampled_from((0, 10 * WAD, 10**24)),
        "depth": st.sampled_from((2e4, 5e6, 5e6)),
        "fates": st.lists(st.sampled_from(FATES), min_size=1, max_size=7),
    }
)


def state_of(number, seen, book, balance):
    rows = sorted(row for row in book if row[0] not in seen["hidden"])
    sizes = np.zeros((1, ACTORS))
    for actor, _, _, notional in rows:
        sizes[0, actor] = notional / WAD / 2_000.0
    state = build_state(
        ACTORS,
        number,
        base_fee_wei=seen["base_fee_wei"],
        gas_limit=seen["gas_limit"],
        external_depth=np.array([seen["depth"]]),
        sizes=sizes,
        native_balance_wei=[balance] * ACTORS,
        exact_accounts=np.array([row[0] for row in rows], dtype=np.int64),
        exact_equity=[row[1] for row in rows],
        exact_maintenance=[row[2] for row in rows],
        exact_notional=[row[3] for row in rows],
    )
    return replace(state, protocol=replace(state.protocol, fund_reserves=seen["fund"]))


def words(batch):
    return (
        (batch.agent, batch.kind, batch.replace),
        (batch.actors.tolist(), batch.args, batch.max_fee_wei, batch.priority_fee_wei),
    )


def settle(waiting, fates):
    """Return what becomes of waiting calls, and forget the settled ones."""
    results = []
    for place, (key, call) in enumerate(list(waiting.items())):
        fate = fates[place % len(fates)]
        if fate is not None:
            results.append(call._replace(status=fate))
            if fate != "replaced":
                del waiting[key]
    return tuple(results)


def compare_memories(columns, rows, members):
    assert columns.win_rates.tolist() == rows.win_rates.tolist()
    if rows.bid_shares is not None:
        assert columns.bid_shares.tolist() == rows.bid_shares.tolist()
    bids = columns.bids
    for member in range(members):
        mine, theirs = bids.of(member), [bid for _, bid in sorted(rows._bids[member].items())]
        assert bids.max_fee_wei[mine].tolist() == [bid.max_fee_wei for bid in theirs]
        assert bids.priority_fee_wei[mine].tolist() == [bid.priority_fee_wei for bid in theirs]
        assert bids.block[mine].tolist() == [bid.block for bid in theirs]
        assert bids.reserved_wei(member) == sum(bid.max_fee_wei * bid.gas for bid in theirs)


@settings(max_examples=400, deadline=None)
@given(
    section=sections,
    book=st.lists(accounts(), min_size=1, max_size=FIRST, unique_by=lambda row: row[0]),
    blocks=st.lists(blocks_seen, min_size=2, max_size=6),
    balance=st.sampled_from((5 * 10**16, 2 * 10**17, 10**18, 1_000 * WAD)),
    inventory_share=st.sampled_from((0.0, 0.5, 1.0)),
    has_outage=st.booleans(),
    seed=st.integers(0, 3),
)
def test_columns_and_rows_send_the_same(section, book, blocks, balance, inventory_share, has_outage, seed):
    outages = (Outage(start_block=101, end_block=102, share=0.5),) if has_outage else ()
    team = Team(name="them", count=section.count, latency_blocks=0, is_static=False, outages=outages)
    columns, rows = (
        kind(
            section,
            team,
            range(FIRST, FIRST + section.count),
            terms=TERMS,
            max_status=2,
            inventory_share=inventory_share,
        )
        for kind in (Liquidators, LiquidatorsByRow)
    )
    waiting = {}
    for number, seen in enumerate(blocks, 100):
        state = state_of(number, seen, book, balance)
        batches = columns.decide(state, Streams(seed))
        assert [words(batch) for batch in batches] == [
            words(batch) for batch in rows.decide(state, Streams(seed))
        ]
        for batch in batches:
            for row, actor in enumerate(batch.actors.tolist()):
                arguments = tuple(column[row] for column in batch.args)
                waiting[actor, arguments[0]] = ActionResult(batch.kind, actor, arguments, "success")
        outcome = Outcome(block=number, results=settle(waiting, seen["fates"]))
        columns.observe(outcome)
        rows.observe(outcome)
        compare_memories(columns, rows, section.count)


@given(st.lists(st.integers(0, 2**49 - 1)), st.sampled_from((0.0, 0.1, 0.125, 0.5, 10.0)))
def test_fees_are_raised_as_one_fee_is(fees, least):
    assert raised(np.array(fees, dtype=np.int64), least).tolist() == [raise_bid(fee, least) for fee in fees]
