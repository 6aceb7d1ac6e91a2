"""``seawall backtest``: a margin model against the standards of central clearing, on its own bytecode."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from sim.cli.consoles import errors_console, results_console, say
from sim.core.errors import RunError
from sim.engine.results.result import REPORT, settled_folder
from sim.engine.scenario.schema import Scenario
from sim.experiments.backtest.evaluation import Progress
from sim.experiments.backtest.folder import check_folder, run_backtest
from sim.experiments.backtest.options import BacktestOptions
from sim.reporting.findings.folder import read_findings
from sim.reporting.pages.terminal import print_findings

EXIT_FAILED = 1


def run_and_print_backtest(
    scenario: Scenario, options: BacktestOptions, out: Path, *, print_json: bool
) -> int:
    """Backtest, write the folder with its report, print the tables, and return the exit code."""
    from sim.reporting.findings.backtest import backtest_findings  # noqa: PLC0415  (plotly is slow)
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    errors = errors_console()
    with _progress(errors) as progress:
        backtest = run_backtest(
            scenario,
            options,
            out,
            progress=progress,
            finish=lambda finished, folder: publish(backtest_findings(finished), folder),
        )
    for note in backtest.evaluation.prices.notes:
        say(errors, f"seawall: {note}")
    failures = backtest.evaluation.formula_failures
    if failures:
        say(errors, f"seawall: the margin formula had no good answer ({failures} in formula_failures)")
    code = EXIT_FAILED if failures else 0
    if print_json:
        print(json.dumps(backtest.summary, indent=2))  # noqa: T201  (the command's output)
        return code
    console = results_console()
    print_findings(read_findings(out), console)
    for label, value in (("Results", out), ("Report", out / REPORT), ("Digest", backtest.digest)):
        console.print(f"{label:<9}{value}", markup=False, soft_wrap=True)
    return code


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("contracts", total=None)

    def show(what: str, done: int, steps: int) -> None:
        bar.update(task, description=what, completed=done, total=steps)

    with bar:
        yield show


def results_folder(chosen: Path | None, scenario: Scenario) -> Path:
    """Return the results folder, checked before any work is done.

    Raises
    ------
    InputError
        It holds anything but an earlier backtest.
    RunError
        It cannot be written.
    """
    wanted = chosen if chosen is not None else Path("results") / f"{scenario.name}-backtest-{scenario.seed}"
    folder = settled_folder(wanted)
    check_folder(folder)
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise RunError(f"--out {folder}: {existing} cannot be written")
    return folder
