"""A run with accounts that hold two markets, small enough to be repeated many times in a test."""

from __future__ import annotations

from pathlib import Path

from sim.engine.options import RunOptions
from sim.engine.run import Execution, execute, load_histories, world_builder
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.feedback import WHOLE, Feedback
from sim.engine.worlds.world import World

SCENARIO = Path(__file__).with_name("two_markets.toml")

ALONE = ("traders.0.several.share=0.0", "whales=[]")
"""Nobody holds more than one market."""

HEDGED = ('traders.0.several.style="hedged"',)


def two_markets(*overrides: str) -> Scenario:
    """Return the scenario with some values changed."""
    return load_scenario(SCENARIO, overrides=list(overrides))


def execution(*overrides: str, feedback: Feedback = WHOLE) -> Execution:
    """Run it in memory, in any of its worlds."""
    options = RunOptions(out=Path(), worlds="none")
    scenario = two_markets(*overrides)
    run = execute(scenario, options, load_histories(scenario, options), feedback=feedback)
    run.world.chain.close()
    return run


def opened(*overrides: str) -> World:
    """Return the world at block 0, without a whale unless stated."""
    scenario = two_markets("whales=[]", *overrides)
    options = RunOptions(out=Path(), worlds="none")
    return world_builder(scenario, options, load_histories(scenario, options), feedback=WHOLE).build()
