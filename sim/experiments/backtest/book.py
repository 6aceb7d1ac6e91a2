"""The scenario's own book after population, read from the contracts, and what closing it costs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sim.core.units import WAD, YEAR_SECONDS
from sim.engine.options import RunOptions
from sim.engine.run import build_world, load_histories
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds import configs
from sim.market.impact import ImpactModel, ImpactParameters
from sim.metrics.margin_model.stress import Book, CloseOutCost

_ONE_PERCENT = 0.01
_LEAST_START = 1e-9  # as `sim.market.impact`: a linear start of no length has an infinite slope


def starting_book(scenario: Scenario, market: int, *, engine: str | None = None) -> Book:
    """Deploy and populate the scenario and read every account with a position in a market.

    Equity is the whole account's, from `Lens.account_states`: with several markets it is shared between them.
    Arbitrageurs without a position are not in the book.
    """
    options = RunOptions(out=Path(), engine=engine, twin=False)
    world = build_world(scenario, options, load_histories(scenario, options), forced_flow=True)
    try:
        holders = np.flatnonzero(world.mirror.size[market])
        client = world.client
        states = client.account_states(holders)
        positions = client.positions(market, holders)
        price = client.markets()[market].risk_price
        fund = client.totals().fund_reserves
    finally:
        world.chain.close()
    return Book(
        notional=np.array([position.size * price / (WAD * WAD) for position in positions]),
        equity=np.array([state.equity / WAD for state in states]),
        maintenance=np.array([position.effective_maintenance_ratio / WAD for position in positions]),
        fund=fund / WAD,
    )


def close_out_cost(scenario: Scenario, market: int) -> CloseOutCost:
    """Return what closing a notional right after a move costs by the scenario's impact law.

    All of it meets the outside market at once, at the depth that market makers offer in the block of the
    move (their own volatility estimate has just seen it): nothing is hedged later, and no fill is better than
    the law's average. Conservative, and an assumption.
    """
    parameters = configs.impact_parameters(scenario.markets[market])
    seconds = scenario.seconds_per_block

    def cost(move: float, closed: float) -> float:
        depth = depth_after(parameters, seconds, move)
        impact = average_impact(parameters, closed / depth)
        return -math.expm1(-impact) if move < 0 else math.expm1(impact)

    return cost


def depth_after(parameters: ImpactParameters, seconds_per_block: int, move: float) -> float:
    """Return the quote that moves the price by 1 % in the block after an instantaneous move."""
    model = ImpactModel(parameters, seconds_per_block=seconds_per_block)
    model.observe(1.0)
    return model.observe(1.0 + move)


def average_impact(parameters: ImpactParameters, displacement: float) -> float:
    """Return the mean log impact over a flow of `displacement` depths: its average fill against the start.

    The law of `sim.market.impact` integrated: half the final impact where it is linear, two thirds where it
    is a square root.
    """
    if parameters.law == "none" or displacement <= 0.0:
        return 0.0
    if parameters.law == "linear":
        return 0.5 * _ONE_PERCENT * displacement
    variance = parameters.reference_volatility**2 * 86_400 / YEAR_SECONDS
    start = max(parameters.linear_below * variance / _ONE_PERCENT**2, _LEAST_START)
    scale = _ONE_PERCENT * parameters.square_root_coefficient
    if displacement <= start:
        return 0.5 * scale * displacement / math.sqrt(start)
    area = 0.5 * start**1.5 + 2.0 / 3.0 * (displacement**1.5 - start**1.5)
    mean: float = scale * area / displacement
    return mean
