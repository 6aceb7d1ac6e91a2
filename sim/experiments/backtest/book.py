"""The scenario's own book after population, read from the contracts, and what closing it costs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sim.core.units import WAD
from sim.engine.options import RunOptions
from sim.engine.price_files import starting_with_prices
from sim.engine.run import build_world, load_histories
from sim.engine.scenario.schema import Scenario
from sim.market.impact import ImpactModel
from sim.market.impact_law import ImpactLaw
from sim.metrics.margin_model.stress import Book, CloseOutCost
from sim.reference.margin_math import notional, requirement


def starting_book(scenario: Scenario, market: int, *, engine: str | None = None) -> Book:
    """Deploy and populate the scenario and read every account with a position in a market.

    Equity is the whole account's, from `Lens.account_states`. What its positions in other markets ask for is
    to be held too; what they would gain or lose in the move is left out. Arbitrageurs without a position are
    not in the book.
    """
    options = RunOptions(out=Path(), engine=engine, worlds="none")
    histories = load_histories(scenario, options)
    world = build_world(starting_with_prices(scenario, histories), options, histories)
    try:
        holders = np.flatnonzero(world.mirror.size[market])
        client = world.client
        states = client.account_states(holders)
        positions = client.positions(market, holders)
        price = client.markets()[market].risk_price
        fund = client.totals().fund_reserves
    finally:
        world.chain.close()
    several = [world.mirror.open_positions[actor] > 1 for actor in holders.tolist()]
    own = [requirement(notional(one.size, price), one.effective_maintenance_ratio) for one in positions]
    rest = [state.maintenance_requirement - needed for state, needed in zip(states, own, strict=True)]
    return Book(
        notional=np.array([position.size * price / (WAD * WAD) for position in positions]),
        equity=np.array([state.equity / WAD for state in states]),
        maintenance=np.array([position.effective_maintenance_ratio / WAD for position in positions]),
        elsewhere=np.where(several, np.array([needed / WAD for needed in rest]), 0.0),
        fund=fund / WAD,
    )


def close_out_cost(scenario: Scenario, market: int) -> CloseOutCost:
    """Return what closing a notional right after a move costs by the scenario's impact law.

    All of it meets the outside market at once, at the depth that market makers offer in the block of the
    move (their own volatility estimate has just seen it): nothing is hedged later, and no fill is better than
    the law's average. Conservative, and an assumption.
    """
    law = scenario.markets[market].impact
    seconds = scenario.seconds_per_block

    def cost(move: float, closed: float) -> float:
        depth = depth_after(law, seconds, move)
        impact = law.average(closed / depth)
        return -math.expm1(-impact) if move < 0 else math.expm1(impact)

    return cost


def depth_after(law: ImpactLaw, seconds_per_block: int, move: float) -> float:
    """Return the quote that moves the price by 1 % in the block after an instantaneous move."""
    model = ImpactModel(law, seconds_per_block=seconds_per_block)
    model.observe(1.0)
    return model.observe(1.0 + move)
