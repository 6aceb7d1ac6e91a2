"""What a user must know of the price files of many runs, before the first of them starts."""

from __future__ import annotations

from pathlib import Path

from sim.engine.options import RunOptions
from sim.engine.price_files import remarks
from sim.engine.run import load_histories
from sim.engine.scenario.load import load_scenario
from sim.experiments.sweep.plan import Plan


def plan_remarks(plan: Plan) -> list[str]:
    """Return what stands out in the price files of a plan's points, each remark once.

    Raises
    ------
    InputError
        A file is missing or not a price file.
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
            found |= dict.fromkeys(remarks(scenario, load_histories(scenario, options), options))
    return list(found)
