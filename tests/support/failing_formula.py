"""Designers' formulas that answer at first and fail later, and the small scenario that runs on one."""

from __future__ import annotations

from pathlib import Path

from sim.engine.options import RunOptions
from sim.engine.run import Execution, execute, load_histories
from sim.engine.scenario.load import load_scenario
from tests.support.own_formula import FORMULA_HEAD
from tests.support.small_run import text_with_model

START = 1_704_067_200
"""Timestamp of block 0 of the small scenario."""
SECONDS = 12

_FORMULA = """

@deploy
def __init__():
    pass


@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    success: bool = False
    if {when}:
        {ratios}
    return MarginRatios(initial=10**17, maintenance=5 * 10**16)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    if {when_haircut}:
        raise "no haircut today"
    return 0
"""

REVERTS = 'raise "the price is too low for me"'
OUT_OF_RANGE = "return MarginRatios(initial=2 * 10**18, maintenance=10**18)"
ENDLESS = "for index: uint256 in range(2**64): success = not success"
WHOLE = "return MarginRatios(initial=10**18, maintenance=10**17)"
CRASHED = "inputs.price < 1_990 * 10**18"
"""From block 8 on: the first report of the jump."""


def within(first: int, last: int) -> str:
    """Return the condition that holds in some blocks of the small scenario."""
    return f"block.timestamp >= {START + SECONDS * first} and block.timestamp <= {START + SECONDS * last}"


def scenario_with(
    folder: Path, ratios: str = REVERTS, *, when: str = CRASHED, when_haircut: str = "False"
) -> Path:
    """Write the formula and the small scenario on it into a folder; return the scenario's file."""
    source = FORMULA_HEAD + _FORMULA.format(when=when, ratios=ratios, when_haircut=when_haircut)
    (folder / "own.vy").write_text(source)
    path = folder / "own.toml"
    path.write_text(text_with_model("own.vy"))
    return path


def execution_of(path: Path, *overrides: str, engine: str | None = None) -> Execution:
    """Run a scenario in memory, alone."""
    scenario = load_scenario(path, overrides=list(overrides))
    options = RunOptions(out=Path(), engine=engine, worlds="none")
    run = execute(scenario, options, load_histories(scenario, options))
    run.world.chain.close()
    return run
