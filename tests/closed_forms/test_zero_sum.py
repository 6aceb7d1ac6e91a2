"""quant 8.23: profits of all participants, pool, fund and fees sum to zero, in exact integers.

Wealth is counted in WAD squared, where the value size * price of a position needs no rounding. Funding that
has accrued but is not settled is a claim between account and pool, so it appears on both sides.
"""

from __future__ import annotations

import pytest

from sim.core.units import QUANTUM, WAD
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.worlds.population import FREE
from sim.engine.worlds.world import World
from sim.protocol import actions
from tests.support.closed_form_world import Account, Driver, build_listed_world

ACCOUNTS = [
    Account(notional=sign * notional, collateral=notional / leverage, wallet=notional / 2.0)
    for notional, leverage in ((20_000.0, 9.0), (50_000.0, 7.0), (8_000.0, 3.0), (120_000.0, 9.5))
    for sign in (1, -1)
] + [Account(notional=300_000.0, collateral=40_000.0)]

MOVING = (
    "markets.0.price.volatility=3.0",
    "markets.0.pool.skew_scale=20_000.0",
    "markets.0.impact.law=linear",
    "markets.0.impact.depth_per_percent=500_000.0",
    "protocol.margin.trade_fee_rate=0.0005",
    "protocol.margin.funding_coefficient=0.125",
    "protocol.liquidation.fee_base=0.005",
    "protocol.liquidation.min_bounty=10.0",
    "protocol.insurance_fund.deposit=1_000.0",
    "arbitrageurs.count=1",
    "arbitrageurs.capital=100_000.0",
    "flow.hedge_share=0.5",
    (
        'shocks=[{ kind = "price_jump", at_block = 10, size = -0.2 },'
        '{ kind = "price_drift", at_block = 40, duration_minutes = 3.0, size = 0.3 }]'
    ),
    "blocks=80",
)


class Books:
    """Everybody's wealth in WAD squared, read from the contracts."""

    def __init__(self, world: World) -> None:
        client = world.client
        everyone = list(range(len(world.book)))
        (market,) = client.markets()
        totals = client.totals()
        price, funding = market.index_price, market.funding_index
        states, positions = client.account_states(everyone), client.positions(0, everyone)
        self.participants = [
            (world.mirror.exact_wallet[actor] * QUANTUM + state.collateral) * WAD
            + position.size * price
            - position.entry_notional * WAD
            - position.size * (funding - position.funding_index)
            for actor, state, position in zip(everyone, states, positions, strict=True)
        ]
        net_funding = sum(position.size * position.funding_index for position in positions)
        self.pool = (
            (totals.pool_reserves + totals.total_debt + market.net_entry_notional) * WAD
            + market.pool_position * price
            - market.pool_position * funding
            - net_funding
        )
        self.fund = totals.fund_reserves * WAD
        self.fees = totals.accrued_fees * WAD

    def total(self) -> int:
        """Return the sum over everybody."""
        return sum(self.participants) + self.pool + self.fund + self.fees


@pytest.fixture(scope="module")
def world():
    world = build_listed_world(ACCOUNTS, *MOVING)
    yield world
    world.chain.close()


def test_profits_sum_to_zero_every_block_and_after_everybody_left(world):
    loop = BlockLoop(world, Recorder(len(world.book)))
    supply = world.token_supply * QUANTUM * WAD
    first = Books(world)
    assert first.total() == supply
    prices, moved = set(), 0
    for block in range(1, 81):
        loop._step(block)
        books = Books(world)
        assert books.total() == supply, f"block {block}"
        changes = [now - then for now, then in zip(books.participants, first.participants, strict=True)]
        outside = (books.pool - first.pool) + (books.fund - first.fund) + (books.fees - first.fees)
        assert sum(changes) + outside == 0
        prices.add(loop.reading.markets[0].index_price)
        moved += sum(change != 0 for change in changes)
    assert len(prices) > 60
    assert moved > 500
    assert loop.reading.totals.liquidations >= 3
    assert loop.reading.markets[0].funding_index != 0
    assert loop.reading.totals.bad_debt > 0

    # Everybody closes: what was unrealised is now in collateral, and the sum is still the supply.
    driver = Driver(world)
    driver.report(world.external[0].state.price)
    holders = [actor for actor, size in enumerate(world.mirror.exact_size[0]) if size]
    assert holders
    receipts = driver.block(
        actions.decrease_position("test", holders, 0, actions.CLOSE_ALL, actions.NO_LIMIT, FREE)
    )
    assert all(receipt.status for receipt in receipts)
    last = Books(world)
    assert last.total() == supply
    assert world.client.markets()[0].pool_position == 0
    assert last.pool == (world.client.totals().pool_reserves + world.client.totals().total_debt) * WAD


def test_fund_changes_by_fees_minus_shortfalls_and_tips():
    """Fund at the end = start + shares of trade and liquidation fees - draws for deficits - tips."""
    world = build_listed_world(ACCOUNTS, *MOVING)
    loop = BlockLoop(world, Recorder(len(world.book)))
    start = loop.reading.totals
    fees = 0
    for block in range(1, 81):
        loop._step(block)
        for event in loop.last_events:
            if event.name == "Liquidated":
                fees += event.values["insurance_fee"]
            elif event.name == "PositionChanged":
                share = event.values["fee"] // 5  # fund_fee_share 0.2, rounded down to a quantum
                fees += share - share % QUANTUM
    end = loop.reading.totals
    shortfalls, tips = end.fund_draws - start.fund_draws, end.tips - start.tips
    assert shortfalls > 0
    assert end.fund_reserves - start.fund_reserves == fees - shortfalls - tips
    world.chain.close()
