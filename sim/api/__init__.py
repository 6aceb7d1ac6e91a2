"""Seawall in a notebook: ``from sim import run, sweep, compare``, and every other command that computes.

Each function does what the command of the same name does, writes the same results folder and returns an
object over it. Nothing is computed twice: tables are read from the folder when they are asked for.

>>> result = run("flash_crash", changes={"blocks": 120}, worlds="none")    # doctest: +SKIP
>>> result.to_pandas("liquidations")    # doctest: +SKIP
"""

from sim.api.functions import (
    backtest,
    compare,
    frontier,
    optimise,
    run,
    sensitivity,
    suite,
    sweep,
)
from sim.api.results import Backtest, Comparison, Run, Study, Suite, Sweep
from sim.core.errors import InputError, InvariantViolation, RunError

__all__ = [
    "Backtest",
    "Comparison",
    "InputError",
    "InvariantViolation",
    "Run",
    "RunError",
    "Study",
    "Suite",
    "Sweep",
    "backtest",
    "compare",
    "frontier",
    "optimise",
    "run",
    "sensitivity",
    "suite",
    "sweep",
]
