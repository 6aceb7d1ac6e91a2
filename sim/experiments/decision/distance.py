"""Distance to insolvency: the least move of each market that empties the fund, under both parameter sets."""

from __future__ import annotations

from dataclasses import dataclass

from sim.engine.scenario.schema import Scenario
from sim.experiments.backtest.book import close_out_cost, starting_book
from sim.experiments.decision.arms import Arms
from sim.metrics.margin_model.stress import reverse_stress

DIRECTIONS = ("down", "up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """The least sudden move that empties the fund, by accounting on the starting book."""

    market: str
    direction: str
    current: float | None
    """Relative price change; None if no move does."""
    proposed: float | None


def distances(arms: Arms) -> tuple[Distance, ...]:
    """Return the reverse stress test of both arms (quant 3.2, 7.5): one sudden move, nobody tops up.

    Closing is charged the scenario's own impact law. A change that acts over time, such as a ramp, need not
    show here.
    """
    current, proposed = (_moves(scenario) for scenario in arms.enacted_scenarios())
    return tuple(
        Distance(market=market.name, direction=direction, current=current[key], proposed=proposed[key])
        for index, market in enumerate(arms.scenario.markets)
        for direction in DIRECTIONS
        for key in [(index, direction)]
    )


def _moves(scenario: Scenario) -> dict[tuple[int, str], float | None]:
    found: dict[tuple[int, str], float | None] = {}
    for index in range(len(scenario.markets)):
        book, cost = starting_book(scenario, index), close_out_cost(scenario, index)
        for direction in DIRECTIONS:
            found[index, direction] = reverse_stress(book, direction, cost).move
    return found
