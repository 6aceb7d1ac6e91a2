"""What a backtest is asked for, and the defaults that follow from the scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim.agents.liquidator import LIQUIDATORS
from sim.agents.oracle_keeper import KEEPERS
from sim.core.errors import InputError
from sim.engine.scenario.schema import Scenario
from sim.metrics.margin_model.walk_forward import DEFAULT_FOLDS

TARGET: Final = 0.01
"""Breach probability: PFMI principle 6 asks of initial margin a single-tailed 99 %."""

STRESSED_HORIZONS: Final = (1_800, 7_200)
"""Margin periods of risk with the chain congested or the oracle stale, seconds: 30 min to 2 h (quant 3.2)."""

DEFAULT_NOTIONAL: Final = 10_000.0
"""Assumption: a retail position, which the size terms hardly see."""

DEFAULT_NOISE_RUNS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """How to backtest a scenario's margin model."""

    market: int = 0
    prices: Path | None = None
    """Recorded prices; None for the scenario's own process."""
    horizon_seconds: int | None = None
    """Margin period of risk; None for `default_horizon`."""
    step_seconds: int | None = None
    notional: float = DEFAULT_NOTIONAL
    folds: int = DEFAULT_FOLDS
    """Windows of the walk-forward validation."""
    keepers: bool = False
    """Report on the scenario's deviation threshold and heartbeat only, not at every step."""
    noise_runs: int = DEFAULT_NOISE_RUNS
    """Gaussian paths of the same length that show how much of procyclicality is noise."""
    reverse_runs: int = 0
    """Runs of the whole scenario to bisect the scripted shock with; 0 is none."""
    engine: str | None = None
    overrides: tuple[str, ...] = ()
    """Changes of the scenario as written; recorded."""

    def __post_init__(self) -> None:
        """Refuse numbers that count nothing."""
        checks = [
            (
                self.horizon_seconds is None or self.horizon_seconds >= 1,
                "--horizon-seconds: must be at least 1",
            ),
            (2 <= self.folds <= 100, "--windows: must be from 2 to 100"),
            (0 <= self.noise_runs <= 100, "--noise-runs: must be from 0 to 100"),
            (self.reverse_runs == 0 or self.reverse_runs >= 2, "--reverse-runs: must be 0, or at least 2"),
        ]
        problems = [text for holds, text in checks if not holds]
        if problems:
            raise InputError(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """A margin period of risk on the step of the series."""

    steps: int
    seconds: int
    """Whole steps, at least what was asked for."""
    source: str


def default_horizon(scenario: Scenario) -> tuple[int, str]:
    """Return the margin period of risk a scenario implies, seconds, and how.

    Oracle staleness (keepers' heartbeat) + trigger latency (the slowest liquidator, and the age of the
    keepers' price) + one block to execute: the sum of quant 1, C1.
    """
    keepers, liquidators = scenario.section(KEEPERS), scenario.section(LIQUIDATORS)
    blocks = keepers.latency_blocks + liquidators.latency_blocks_max + 1
    seconds = keepers.heartbeat_seconds + blocks * scenario.seconds_per_block
    return seconds, (
        f"keepers' heartbeat of {keepers.heartbeat_seconds:,} s and {blocks} "
        f"blocks of {scenario.seconds_per_block} s for latency and execution"
    )


def horizons(scenario: Scenario, asked: int | None, step_seconds: int) -> tuple[Horizon, ...]:
    """Return the periods evaluated: the main one first, then the stressed ones that are whole steps."""
    seconds, source = default_horizon(scenario) if asked is None else (asked, "given")
    steps = -(-seconds // step_seconds)
    if steps * step_seconds != seconds:
        source += f", {seconds:,} s rounded up to whole steps"
    chosen = [Horizon(steps=steps, seconds=steps * step_seconds, source=source)]
    for stressed in STRESSED_HORIZONS:
        if stressed % step_seconds == 0 and stressed not in [horizon.seconds for horizon in chosen]:
            chosen.append(
                Horizon(steps=stressed // step_seconds, seconds=stressed, source="stressed (quant 3.2)")
            )
    return tuple(chosen)
