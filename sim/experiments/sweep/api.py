"""What other experiments, the command line and notebooks use of a sweep."""

from sim.experiments.sweep.design import Draw, Range, Value, override_text
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.plan import Plan, Point, Stopping
from sim.experiments.sweep.progress import SweepProgress
from sim.experiments.sweep.result import Failure, Stop, SweepResult
from sim.experiments.sweep.runner import SweepInterrupted, run_plan

__all__ = [
    "Draw",
    "Failure",
    "Plan",
    "Point",
    "Range",
    "Stop",
    "Stopping",
    "SweepInterrupted",
    "SweepProgress",
    "SweepResult",
    "Value",
    "Workers",
    "override_text",
    "run_plan",
]
