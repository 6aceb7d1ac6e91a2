"""One path of a scenario, run in memory: the unit of every experiment.

A path is what `seawall run SCENARIO --path K` executes, without its files. Its random numbers come from the
scenario's seed and its number alone, so it may be run in any order, in any process and beside any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from sim.chain.chain import on_an_engine
from sim.engine.options import RunOptions
from sim.engine.price_files import fit_to_prices
from sim.engine.run import Execution, load_histories, run_beside, run_world, summarise, world_builder
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.feedback import WHOLE, Feedback
from sim.engine.worlds.warm import WarmStarts
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory
from sim.metrics.worlds import Worlds

__all__ = ["PathOptions", "PathOutcome", "WarmStarts", "run_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOptions:
    """Which path to run, and how."""

    path: int
    """Number from 0."""
    populations: int = 1
    """Books of accounts that the paths take in turn."""
    antithetic: bool = False
    """Path 2j + 1 is path 2j with the draws of its price mirrored."""
    worlds: Worlds = "none"
    """Worlds to run beside it, which words of cause are differences to."""
    engine: str | None = None
    """None picks the fastest engine that is installed; the result is the same on all."""
    prices: Path | None = None
    """Recorded prices for market 0; the path then covers the whole file."""
    is_check: bool = False
    """Every world runs on `engine`, those beside it too: it is there to check what another engine did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOutcome:
    """What became of one path."""

    path: int
    population: int
    """Number of the book it had."""
    engine: str
    """EVM that ran it, outside every digest."""
    digest: str
    summary: Mapping[str, object]
    """What ``summary.json`` of ``seawall run --path`` holds."""
    seconds: Mapping[str, float]
    """Wall-clock facts, outside every digest: setup, blocks, and each world beside it."""


def run_path(scenario: Scenario, options: PathOptions, warm: WarmStarts | None = None) -> PathOutcome:
    """Run one path of a scenario and return what happened.

    Raises
    ------
    InputError
        A file cannot be used, or a number of ``options`` is out of range.
    RunError
        The path could not be finished.
    InvariantViolation
        At the end of the block that broke it.
    """
    chosen = PathChoice(path=options.path, populations=options.populations, antithetic=options.antithetic)
    run_options = RunOptions(
        out=Path(),
        engine=options.engine,
        worlds=options.worlds,
        prices=options.prices,
        whole_file=True,  # whoever runs paths by the hundred has said how long they are
        path=chosen,
    )
    histories = load_histories(scenario, run_options, load_price_file if warm is None else warm.history)
    scenario = fit_to_prices(scenario, histories, run_options)
    run = _execute(scenario, run_options, histories, warm)
    # Worlds beside it give metrics and no evidence: the fastest engine does, whichever runs the path.
    other_options = run_options if options.is_check else replace(run_options, engine=None)
    beside = run_beside(
        options.worlds,
        run,
        lambda feedback: _execute(scenario, other_options, histories, warm, feedback=feedback),
    )
    return PathOutcome(
        path=chosen.path,
        population=chosen.population,
        engine=run.world.chain.engine,
        digest=run.digest,
        summary=summarise(run, beside),
        seconds=dict(run.seconds),
    )


def _execute(
    scenario: Scenario,
    options: RunOptions,
    histories: Mapping[int, PriceHistory],
    warm: WarmStarts | None,
    *,
    feedback: Feedback = WHOLE,
) -> Execution:
    """Run a path from its first block on; what is returned is for reading, its chain is gone."""

    def run(engine: str) -> Execution:
        clock = perf_counter()
        builder = world_builder(scenario, replace(options, engine=engine), histories, feedback=feedback)
        if warm is not None:
            with warm.world(builder) as world:
                return run_world(world, scenario.blocks, settlement=scenario.settlement_blocks, since=clock)
        world = builder.build()
        try:
            return run_world(world, scenario.blocks, settlement=scenario.settlement_blocks, since=clock)
        finally:
            world.chain.close()

    return on_an_engine(options.engine, run)
