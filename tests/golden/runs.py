"""The golden runs: every scenario that ships, whole, without other worlds, on revm."""

import json
from pathlib import Path
from typing import Any

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
EXPECTED = Path(__file__).parent / "expected"

ENGINE = "revm"
"""The fast engine; that the others give the same digest has its own tests."""

BLOCKS: dict[str, int] = {}
"""Scenarios cut short here, because a whole run would take more than twenty seconds."""


def names() -> list[str]:
    """Return the scenarios that ship, in order."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def summary_of(name: str, folder: Path, *, engine: str = ENGINE, blocks: int | None = None) -> dict[str, Any]:
    """Run one scenario into a folder and return its summary, as JSON gives it back.

    With `blocks` it is cut short, and its own expectations, which are of the whole, are not asked.
    """
    length = blocks or BLOCKS.get(name)
    scenario = load_scenario(SCENARIOS / f"{name}.toml", overrides=[f"blocks={length}"] if length else [])
    options = RunOptions(out=folder / name, engine=engine, worlds="none", keep_blocks=length is not None)
    result = run_scenario(scenario, options)
    failed = [line for line, met in result.expectations if not met]
    if failed and blocks is None:
        raise AssertionError(f"{name}: the scenario's own expectations fail: {failed}")
    loaded: dict[str, Any] = json.loads(json.dumps(result.summary))
    return loaded


def expected(name: str) -> dict[str, Any]:
    """Return the summary kept for one scenario."""
    loaded: dict[str, Any] = json.loads((EXPECTED / f"{name}.json").read_text(encoding="utf-8"))
    return loaded
