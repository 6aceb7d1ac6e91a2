"""``seawall sweep``: a live table on stderr, the outcome on stdout, and how to go on if it stopped."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sim.cli.consoles import errors_console, results_console, say
from sim.core.errors import InputError, RunError
from sim.core.folders import INPUT, Folder
from sim.core.plugins import active, require_named
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.inputs import INPUTS, PLAN_FILE, read_plan, require_metrics
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.price_remarks import plan_remarks
from sim.experiments.sweep.progress import PointProgress, RunningMean, SweepProgress
from sim.experiments.sweep.result import SWEEP_FILE, Failure, SweepResult
from sim.experiments.sweep.runner import EXPERIMENT_FILE, REPORT_FILE, SweepInterrupted, run_plan
from sim.metrics.book import METRICS
from sim.reporting.findings.folder import read_findings
from sim.reporting.metric_words import metric_label
from sim.reporting.pages.terminal import print_findings

ROWS = 12
"""Points in a table; the report has all of them."""

FAILURES_PRINTED = 10
ROUNDING = 1e-12
"""Relative spread below which values are alike but for rounding."""

RULE_OF_THREE = 3.0
"""No event in n trials: the 95 % upper bound of its probability is about 3 / n (quant 7.1)."""


def run_and_print_sweep(
    experiment: Path,
    *,
    workers: Workers,
    out: Path | None,
    engine: str | None,
    shadow: float | None,
    confirmed: bool,
    retry_failed: bool,
    print_json: bool,
) -> int:
    """Run or resume a sweep, write its report, print the outcome, and return the exit code.

    Parameters
    ----------
    experiment
        An experiment file, or the results folder of a sweep to go on with.
    shadow
        Share of paths to run again on another engine; None for none, or for what the folder says.

    Raises
    ------
    KeyboardInterrupt
        After the command that resumes has been printed.
    """
    plan, folder = _plan(experiment, out, engine=engine, confirmed=confirmed)
    if shadow is not None:
        plan = replace(plan, shadow=shadow)
    errors = errors_console()
    for remark in plan_remarks(plan):
        say(errors, f"seawall: {remark}")
    resume = _resume_command(folder, workers, engine)
    try:
        with SweepDisplay(errors) as display:
            result = run_plan(plan, folder, workers=workers, progress=display.show, retry_failed=retry_failed)
    except KeyboardInterrupt as interrupt:
        done = ""
        if isinstance(interrupt, SweepInterrupted):
            done = f"stopped at {interrupt.result.label}; "
            page_or_trouble(lambda: write_report(folder), folder, errors)
        errors.print(f"seawall: {done}go on with: {resume}", markup=False)
        raise
    except RunError as error:
        raise RunError(f"{error}\ngo on with: {resume}") from error
    report, trouble = page_or_trouble(lambda: write_report(folder), folder, errors)
    if print_json:
        print(json.dumps(result.provenance(), indent=2))  # noqa: T201  (the command's output)
    else:
        console = results_console()
        _print_outcome(result, display.last, report, console)
    for failure in result.failures[:FAILURES_PRINTED]:
        _print_failure(failure, plan, errors)
    if len(result.failures) > FAILURES_PRINTED:
        errors.print(
            f"seawall: and {len(result.failures) - FAILURES_PRINTED:,} more in {folder / SWEEP_FILE}",
            markup=False,
        )
    say_unanswered([result], errors)
    if trouble is not None:
        raise trouble
    return result.exit_code


def say_unanswered(results: Iterable[SweepResult], errors: Console) -> None:
    """Say in how many paths a margin formula failed: they have metrics, but the exit code is 1."""
    for result in results:
        if result.unanswered:
            count = "1 path" if result.unanswered == 1 else f"{result.unanswered:,} paths"
            say(
                errors,
                f"seawall: {result.folder}: in {count} a margin formula had no good answer "
                "(formula_failures)",
            )


def write_report(folder: Path) -> Path:
    """Write the findings and the report of a sweep."""
    from sim.reporting.findings.sweep import sweep_findings  # noqa: PLC0415  (slow)
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    return publish(sweep_findings(folder), folder)


def page_or_trouble(
    write: Callable[[], Path], folder: Path, errors: Console
) -> tuple[Path | None, RunError | None]:
    """Write a report over results that stand without it.

    Returns
    -------
    tuple
        The report, or what the disk refused, to be raised once the results have been printed. A mistake in
        the page is named on stderr and is neither.
    """
    try:
        return write(), None
    except (RunError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return None, RunError(f"no report: {reason}\n{folder}: the results stand; make room and run it again")
    except Exception as error:  # noqa: BLE001  (whatever is wrong with a page, the results are there)
        line = (str(error).splitlines() or [""])[0]
        say(errors, f"seawall: no report: {type(error).__name__}: {line}")
        return None, None


def _plan(experiment: Path, out: Path | None, *, engine: str | None, confirmed: bool) -> tuple[Plan, Path]:
    if experiment.is_dir():
        if out is not None and out.resolve() != experiment.resolve():
            raise InputError(f"--out {out}: a sweep goes on in its own folder, {experiment}")
        files = Folder(experiment)
        content = files.read(EXPERIMENT_FILE, INPUT) if files.has(EXPERIMENT_FILE) else b""
        plan = read_plan(experiment, source=content, engine=engine)
        recorded = [{"file": name, "sha256": digest} for name, digest in plan.plugins]
        require_named(recorded, active(), str(experiment / INPUTS / PLAN_FILE))
        require_metrics(plan, experiment)
        return plan, experiment
    loaded = load_experiment(experiment, SweepExperiment)
    plan = plan_of(loaded, engine=engine, confirmed=confirmed)
    return plan, out if out is not None else Path("results") / loaded.name


def _resume_command(folder: Path, workers: Workers, engine: str | None) -> str:
    words = ["seawall", "sweep", str(folder)]
    if workers.kind == "dask":
        words += ["--dask", str(workers.address)]
    else:
        words += ["--workers", str(workers.count if workers.kind == "processes" else 0)]
    return shlex.join([*words, *(["--engine", engine] if engine else [])])


def _print_outcome(
    result: SweepResult, last: SweepProgress | None, report: Path | None, console: Console
) -> None:
    if report is not None:
        print_findings(read_findings(result.folder), console)
        console.print()
    elif last is not None:
        console.print(metrics_table(last))
    style = None if result.is_complete else "bold red"
    partial = "" if result.is_complete else ": everything above is partial"
    console.print(f"{'Paths':<9}{result.label}{partial}", markup=False, style=style, soft_wrap=True)
    if result.stops:
        console.print(f"{'Stopped':<9}{len(result.stops):,} points early, as the file asks", markup=False)
    if (shadow := result.provenance().get("shadow")) is not None:
        again = ", ".join(f"{count:,} on {engine}" for engine, count in shadow["agreed"].items())
        console.print(f"{'Shadow':<9}the same again: {again or 'none'}", markup=False, soft_wrap=True)
    if last is not None and last.paths_per_minute is not None:
        console.print(f"{'Rate':<9}{last.paths_per_minute:,.0f} paths a minute", markup=False)
    console.print(f"{'Digest':<9}{result.digest}", markup=False, soft_wrap=True)
    console.print(f"{'Results':<9}{result.folder}", markup=False, soft_wrap=True)
    if report is not None:
        console.print(f"{'Report':<9}{result.folder / REPORT_FILE}", markup=False, soft_wrap=True)


def _print_failure(failure: Failure, plan: Plan, errors: Console) -> None:
    name = plan.points[failure.point].name
    tries = "" if failure.attempts == 1 else f" ({failure.attempts} tries)"
    say(errors, f"seawall: {name}, path {failure.path}: {failure.reason}{tries}")
    errors.print(f"seawall:   see for yourself: {failure.command}", markup=False)


class SweepDisplay:
    """Bar, rate, time left and the metrics so far on a terminal; elsewhere nothing until the end."""

    def __init__(self, console: Console) -> None:
        self.last: SweepProgress | None = None
        """How far it was when it was last told."""
        self._live = (
            Live(console=console, transient=True, refresh_per_second=4) if console.is_terminal else None
        )

    def __enter__(self) -> Self:
        """Show it."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        if self._live is not None:
            self._live.stop()

    def show(self, progress: SweepProgress) -> None:
        """Show how far the sweep is."""
        self.last = progress
        if self._live is not None:
            self._live.update(Group(metrics_table(progress), _bar(progress)))


def _bar(progress: SweepProgress) -> Table:
    row = Table.grid(padding=(0, 2))
    finished = progress.completed + progress.failed
    rate, left = progress.paths_per_minute, progress.seconds_left
    parts = [
        f"{finished:,} of {progress.total:,} paths",
        "" if rate is None else f"{rate:,.0f} a minute",
        "" if left is None else f"{_duration(left)} left",
        f"{progress.failed:,} failed" if progress.failed else "",
    ]
    bar = ProgressBar(total=max(progress.total, 1), completed=finished, width=30)
    row.add_row(bar, *(part for part in parts if part))
    return row


def metrics_table(progress: SweepProgress) -> Table:
    """Return the metrics so far: a mean with its 95 % half-width for each point."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    # The names of points give way on a narrow terminal, so that no word above a metric must.
    table.add_column("Point", overflow="fold", max_width=18)
    table.add_column("Paths", justify="right", no_wrap=True)
    for name in progress.metrics:
        table.add_column(metric_label(name), justify="right", overflow="fold")
    for point in progress.points[:ROWS]:
        table.add_row(escape(point.name), f"{point.completed:,}", *_cells(point, progress.metrics))
    hidden = len(progress.points) - ROWS
    if hidden > 0:
        table.add_row(Text(f"and {hidden:,} more", style="dim"))
    return table


def _cells(point: PointProgress, metrics: tuple[str, ...]) -> list[str]:
    return [_cell(name, point.means.get(name)) for name in metrics]


def _cell(name: str, mean: RunningMean | None) -> str:
    """Return mean and half-width; where all values are equal, how many they were and what that can mean."""
    if mean is None or mean.count == 0:
        return "-"
    width = mean.half_width
    if width is not None and width > ROUNDING * abs(mean.mean):
        return f"{mean.mean:.4g} ± {width:.2g}"
    if name in METRICS and METRICS[name].is_event:
        bound = f" (below {RULE_OF_THREE / mean.count:.2g})" if mean.mean == 0.0 and mean.count > 3 else ""
        return f"{round(mean.mean * mean.count):,} of {mean.count:,}{bound}"
    return f"{mean.mean:.4g}, {mean.count:,} alike"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
