"""A sweep of paths that take a few hundredths of a second each, and workers that misbehave on purpose."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from sim.experiments.sweep.plan import Plan, Point
from sim.experiments.sweep.tasks import PathTask, TaskResult, run_task
from tests.support.small_run import SCENARIO

CHEAP = ("blocks=10", "traders.0.count=10", "shocks.0.at_block=2")
"""Small enough for hundreds of paths in a test, and still with liquidations in most of them."""

EXPERIMENT = """
schema_version = 1
kind = "sweep"
title = "Ramp, small"
scenario = "small_run.toml"
seed = 11
paths = {paths}
set = ["blocks={blocks}", "traders.0.count=10", "shocks.0.at_block=2"]
metrics = ["liquidated_share", "insolvent"]

[[parameters]]
key = "protocol.margin.ramp_per_hour"
values = [0.05, 0.5]

[[draws]]
key = "shocks.0.size"
low = -0.3
high = -0.1
"""


def small_plan(*, paths: int = 6, points: int = 2, **changes: object) -> Plan:
    """Return a plan of the small scenario with a ramp that differs from point to point."""
    ramps = [0.05 * (index + 1) for index in range(points)]
    return Plan(
        scenario=SCENARIO,
        seed=11,
        paths=paths,
        points=tuple(
            Point(
                index=index,
                name=f"ramp={ramp:g}",
                overrides=(*CHEAP, f"protocol.margin.ramp_per_hour={ramp!r}"),
                values={"protocol.margin.ramp_per_hour": ramp},
            )
            for index, ramp in enumerate(ramps)
        ),
        **changes,  # type: ignore[arg-type]
    )


def small_experiment(folder: Path, *, paths: int = 6, blocks: int = 10, extra: str = "") -> Path:
    """Write the small experiment and its scenario into a folder and return the experiment."""
    (folder / "small_run.toml").write_bytes(SCENARIO.read_bytes())
    file = folder / "ramp.toml"
    file.write_text(EXPERIMENT.format(paths=paths, blocks=blocks) + extra)
    return file


def die_on_path_3(task: PathTask) -> TaskResult:
    """Run a task, except that path 3 of point 0 kills the process it runs in."""
    if (task.point, task.path) == (0, 3):
        os.kill(os.getpid(), signal.SIGKILL)
    return run_task(task)
