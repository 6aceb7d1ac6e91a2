"""A run that liquidates within its first blocks: small enough to be repeated many times in a test."""

from __future__ import annotations

from pathlib import Path

from sim.engine.options import RunOptions
from sim.engine.results.result import RunResult
from sim.engine.run import Execution, execute, load_histories, run_scenario
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.feedback import WHOLE, Feedback
from sim.metrics.worlds import Worlds

SCENARIO = Path(__file__).with_name("small_run.toml")

LOSERS = ("traders.0.long_share=0.95",)
"""So many lose that the gains of the others do not cover it: the pool is reached too."""

CASCADE = (
    *LOSERS,
    "closer.patience_blocks=3",
    "markets.0.price.volatility=0.2",
    "markets.0.price.jump_intensity=0.0",
    'shocks=[{ kind = "price_jump", at_block = 8, size = -0.08 }]',
)
"""A fall that by itself closes few, and what their closes do to the price many more."""


def text_with_model(file: str, parameters: str = "{}") -> str:
    """Return the small scenario's text with a designer's model in the shipped one's place."""
    text = SCENARIO.read_text()
    begin, end = text.index("[protocol]\n"), text.index("[protocol.oracle]\n")
    table = f'[protocol]\nrisk_model = "{file}"\nrisk_model_parameters = {parameters}\n\n'
    return text[:begin] + table + text[end:]


def small_scenario(*overrides: str) -> Scenario:
    """Return the small scenario with some values changed."""
    return load_scenario(SCENARIO, overrides=list(overrides))


def small_run(
    out: Path,
    *overrides: str,
    engine: str | None = None,
    worlds: Worlds = "none",
    contracts: Path | None = None,
) -> RunResult:
    """Run the small scenario into a folder."""
    return run_scenario(
        small_scenario(*overrides), RunOptions(out=out, engine=engine, worlds=worlds, contracts=contracts)
    )


def small_execution(*overrides: str, feedback: Feedback = WHOLE, engine: str | None = None) -> Execution:
    """Run the small scenario in memory, in any of its worlds."""
    options = RunOptions(out=Path(), engine=engine, worlds="none")
    scenario = small_scenario(*overrides)
    run = execute(scenario, options, load_histories(scenario, options), feedback=feedback)
    run.world.chain.close()
    return run
