"""What a user must know of many runs before the first of them starts: their price files, further worlds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sim.engine.options import RunOptions
from sim.engine.price_files import check_covered, remarks, starting_with_prices
from sim.engine.run import load_histories
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.plan import Plan
from sim.metrics.book import METRICS
from sim.metrics.worlds import WORLDS, Worlds


def plan_remarks(plan: Plan) -> list[str]:
    """Return what further worlds cost, and what stands out in the price files of a plan's points, each once.

    Raises
    ------
    InputError
        A file is missing, not a price file, or ends before the runs do.
    """
    found: dict[str, None] = {}
    seen: set[tuple[str, ...]] = set()
    options = RunOptions(out=Path())
    for point in plan.points:
        files = tuple(
            change
            for change in point.overrides
            if change.startswith("markets.") and ("file" in change or "kind" in change)
        )
        if files in seen:
            continue
        seen.add(files)
        scenario = load_scenario(plan.scenario, overrides=point.overrides)
        if any(market.price.price_file is not None for market in scenario.markets):
            histories = load_histories(scenario, options)
            scenario = starting_with_prices(scenario, histories)
            check_covered(scenario, histories, options)
            found |= dict.fromkeys(remarks(scenario, histories, options))
    return [*_worlds(plan), *found]


_COST: Final[Mapping[Worlds, float]] = {"none": 1.0, "forced": 1.8, "all": 3.7}
"""Time of a path with its further worlds over that of the run alone (docs/worlds.md)."""


def _worlds(plan: Plan) -> list[str]:
    if plan.worlds == "none":
        return []
    needed = [name for name in plan.metrics if METRICS[name].worlds] if plan.metrics else []
    why = f" ({', '.join(needed)})" if needed else ""
    count, cost = 1 + len(WORLDS[plan.worlds]), _COST[plan.worlds]
    remark = f"every path runs {count} worlds{why}: about x {cost} the time of one"
    return [f'{remark}; worlds = "none" leaves them out']
