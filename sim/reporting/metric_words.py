"""How metrics are named and their values written: labels, units, values, ranges; the command of a path."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from sim.metrics.book import METRICS
from sim.metrics.worlds import Worlds
from sim.reporting.formatting import NARROW_SPACE, is_missing, number, significant

ABSENT = "–"


def metric_label(name: str) -> str:
    """Return the name of a metric for readers; an unknown one keeps its key."""
    return METRICS[name].label if name in METRICS else name


def metric_meaning(name: str) -> str:
    """Return one sentence on what a metric measures, or nothing."""
    return METRICS[name].meaning if name in METRICS else ""


def metric_unit(name: str) -> str:
    """Return the unit as the tables write it; shares and factors need none."""
    return METRICS[name].quantity if name in METRICS and METRICS[name].unit != "1" else ""


def is_share(name: str) -> bool:
    """Return whether a metric is written as a percentage."""
    return name in METRICS and METRICS[name].is_share


def metric_value(name: str, value: object) -> str:
    """Write a value of a metric with three significant digits or more, a share as a percentage."""
    if is_missing(value) or not isinstance(value, int | float):
        return ABSENT
    if is_share(name):
        return share(value)
    if abs(value) >= 1_000 and math.isfinite(value):
        return number(value)
    return significant(value, 3)


def leverage_note(name: str, value: object) -> str:
    """Return what a margin ratio to open allows, ``leverage to 8.5×``; nothing of any other metric."""
    if name != "mean_initial_margin_ratio" or not isinstance(value, int | float) or not 0.0 < value <= 1.0:
        return ""
    leverage = 1.0 / value
    return f"leverage to {leverage:.{1 if leverage < 10.0 else 0}f}×"


def share(value: float) -> str:
    """Write a share as a percentage with three significant digits; an exact zero as a plain 0."""
    if math.isinf(value):
        return number(value)
    if value == 0.0:
        return "0"
    return f"{significant(100.0 * value, 3)}{NARROW_SPACE}%"


def range_words(name: str, lower: float | None, upper: float | None) -> str:
    """Write both ends of an interval in a metric's unit; an end the sample cannot give is named."""
    low = None if is_missing(lower) or lower == -math.inf else lower
    high = None if is_missing(upper) or upper == math.inf else upper
    if low is None and high is None:
        return "sample too small for an interval"
    if high is None:
        return f"at least {metric_value(name, low)}; sample too small for an upper end"
    if low is None:
        return f"at most {metric_value(name, high)}; sample too small for a lower end"
    if is_share(name):
        first, second = metric_value(name, low), metric_value(name, high)
        return f"{first.removesuffix(f'{NARROW_SPACE}%')} to {second}"
    return f"{metric_value(name, low)} to {metric_value(name, high)}"


def path_command(
    scenario: str,
    *,
    path: int,
    seed: int,
    overrides: Sequence[str] = (),
    populations: int = 1,
    antithetic: bool = False,
    worlds: Worlds = "forced",
    plugins: Sequence[str] = (),
    out: str | None = None,
) -> str:
    """Return the command that runs one path again, quoted for a POSIX shell.

    Parameters
    ----------
    scenario
        File or name as the reader can give it.
    overrides
        Of the experiment, the point and the path's own draws, as ``--set`` takes them.
    plugins
        Files, as ``--plugin`` takes them.
    out
        Results folder; None leaves it to the command.
    """
    words = ["seawall", "run", scenario, "--path", str(path), "--seed", str(seed)]
    if populations != 1:
        words += ["--populations", str(populations)]
    words += ["--antithetic"] * antithetic + ["--worlds", worlds] * (worlds != "forced")
    for one in plugins:
        words += ["--plugin", one]
    for one in overrides:
        words += ["--set", one]
    if out is not None:
        words += ["--out", out]
    return shlex.join(words)


def portable(command: str, folder: Path) -> str:
    """Return a command of a path for a reader in the results folder, wherever that lies."""
    for prefix in (f"{folder.absolute()}/", f"{folder}/"):
        command = re.sub(rf"(?<![\w./-]){re.escape(prefix)}", "", command)  # not in the middle of a path
    return command
