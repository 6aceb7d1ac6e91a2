"""``seawall backtest``: a margin model against the standards of central clearing, on its own bytecode."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sim.cli.consoles import errors_console, results_console
from sim.core.errors import RunError
from sim.engine.results.result import REPORT, settled_folder
from sim.engine.scenario.schema import Scenario
from sim.experiments.backtest.evaluation import Evaluation, Progress
from sim.experiments.backtest.folder import Backtest, check_folder, run_backtest
from sim.experiments.backtest.options import BacktestOptions
from sim.experiments.backtest.words import (
    date_words,
    independence_words,
    p_words,
    rarity_words,
    rate_words,
    time_words,
)
from sim.metrics.margin_model.procyclicality import Procyclicality
from sim.metrics.margin_model.stress import COVER


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
    if print_json:
        print(json.dumps(backtest.summary, indent=2))  # noqa: T201  (the command's output)
        return 0
    console = results_console()
    print_backtest(backtest, console)
    console.print(f"\nResults  {out}\nReport   {out / REPORT}\nDigest   {backtest.digest}", markup=False)
    return 0


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


def print_backtest(backtest: Backtest, console: Console) -> None:
    """Print every table of a backtest."""
    found = backtest.evaluation
    series, prices = found.series, found.prices
    console.print(
        f"{backtest.scenario.name}, market {backtest.scenario.markets[backtest.options.market].name}, "
        f"risk model {Path(backtest.scenario.protocol.risk_model).name}, position of "
        f"{backtest.options.notional:,.0f}\n"
        f"{prices.source}: {len(series):,} steps of {prices.step_seconds:,} s, "
        f"{date_words(int(series.times[0]))} to "
        f"{date_words(int(series.times[-1]))}, volatility {found.volatility:.1%}; first {found.warm_up:,} "
        "steps "
        f"are warm-up; {series.reports:,} reports on {found.engine}\n"
        f"Margin period of risk {found.horizons[0].seconds:,} s: {found.horizons[0].source}",
        markup=False,
    )
    _title(console, "Coverage: loss beyond margin, target 1 % of windows, 95 % intervals")
    console.print(_coverage(found))
    _title(console, "Expected shortfall 97.5 %: Z2 is 0 if right, negative if risk is understated")
    console.print(_shortfall(found))
    _title(console, "Procyclicality of the constant position (in brackets: Gaussian returns, constant risk)")
    console.print(_procyclicality(found))
    _print_answers(found, console)
    _title(
        console,
        f"Cover-n on the starting book: {found.book.notional.size:,} accounts, fund {found.book.fund:,.0f}",
    )
    console.print(_stress(found))
    _print_reverse(found, console)
    _title(console, "Liquidity-adjusted value at risk, 99 %, as a share of the position")
    console.print(_liquidity(found))
    _title(console, "Walk-forward: calibrated on one window, judged on the next")
    console.print(_walk_forward(found) if found.walk_forward else "too few windows")


def _coverage(found: Evaluation) -> Table:
    table = _table("Ratio", "Period", "Side", numbers=("Windows", "Breaches"))
    table.add_column("Rate", no_wrap=True)
    for heading in ("Exact", "Too many", "Independent", "Zone"):
        table.add_column(heading)
    table.add_column("Largest", justify="right")
    for row in found.coverage:
        result = row.result
        table.add_row(
            row.ratio,
            time_words(row.horizon.seconds),
            result.side,
            f"{result.windows:,}",
            f"{result.breaches:,}",
            rate_words(result.rate, result.breaches, result.windows),
            result.exact,
            result.safety,
            independence_words(result),
            result.zone,
            "-" if result.largest_breach is None else f"{result.largest_breach:.0%}",
        )
    return table


def _shortfall(found: Evaluation) -> Table:
    table = _table("Forecast from", "Side", numbers=("Windows", "Beyond VaR", "Z1", "Z2", "Critical N, t3"))
    for heading in ("Z2, normal", "Z2, t3", "e-backtest"):
        table.add_column(heading)
    for row in found.shortfall:
        result = row.result
        rejected = result.rejected_at
        windows = found.main_windows
        when = ""
        if rejected is not None and windows is not None:
            end = int(windows.starts[rejected]) + windows.length
            when = f" on {date_words(int(found.series.times[end]))}"
        table.add_row(
            row.forecast,
            result.side,
            f"{result.windows:,}",
            f"{result.breaches:,}",
            "-" if result.z1 is None else f"{result.z1:.3f}",
            f"{result.z2:.3f}",
            f"{result.normal.critical:.3f}, {result.student.critical:.3f}",
            result.normal.verdict,
            result.student.verdict,
            result.sequential + when,
        )
    return table


def _procyclicality(found: Evaluation) -> Table:
    table = _table("Ratio", numbers=("Mean", "Peak to trough"))
    if found.procyclicality:
        for one in found.procyclicality[0].measured.increases:
            table.add_column(f"Rise in {one.period}:\nlargest, 99 %", justify="right")
    for row in found.procyclicality:
        troughs = [f"{value:.2f}" for value in sorted(one.peak_to_trough for one in row.noise)]
        cells = [f"{row.measured.peak_to_trough:.2f}{_noise(troughs)}"]
        for index, one in enumerate(row.measured.increases):
            high = "-" if one.high is None else _rise(one.high.estimate)
            cells.append(f"{_rise(one.largest)}{_noise_rise(row.noise, index)}, {high}")
        table.add_row(row.ratio, f"{row.measured.mean:.2%}", *cells)
    return table


def _noise(values: list[str]) -> str:
    """Return the least and the largest of values given in rising order, in brackets."""
    if not values:
        return ""
    return f" [{values[0]}]" if values[0] == values[-1] else f" [{values[0]}-{values[-1]}]"


def _noise_rise(noise: tuple[Procyclicality, ...], index: int) -> str:
    return _noise([_rise(rise) for rise in sorted(one.increases[index].largest for one in noise)])


def _rise(value: float) -> str:
    if value == 0.0:
        return "none"
    return f"{value:.0%}" if abs(value) >= 0.1 else f"{value:.1%}"


def _print_answers(found: Evaluation, console: Console) -> None:
    impulse, slope = found.impulse, found.responsiveness
    half = (
        "never rises"
        if impulse.half_time_seconds is None
        else f"half in {time_words(impulse.half_time_seconds)}"
    )
    console.print(
        f"Volatility doubles: maintenance {impulse.maintenance[-1]:.3f} times ({half}, overshoot "
        f"{impulse.overshoot:.1%}), initial {impulse.initial[-1]:.3f} times; a plain EWMA of the fast memory "
        f"{impulse.closed_form[-1]:.3f} times",
        markup=False,
    )
    if slope is None:
        console.print("Responsiveness d ln M / d ln sigma: too few windows", markup=False)
    else:
        console.print(
            f"Responsiveness d ln M / d ln sigma: {slope.slope:.3f} ({slope.lower:.3f} to {slope.upper:.3f}, "
            f"95 %, {slope.blocks:,} blocks, Newey-West)",
            markup=False,
        )


def _stress(found: Evaluation) -> Table:
    numbers = ("Move", "Closed", "Cost", *(f"Cover-{n}" for n in COVER), "Top 5 %", "All accounts", "Losers")
    table = _table(numbers=numbers)
    table.add_column("Fund covers two")
    for row in found.stress:
        table.add_row(
            f"{row.move:+.0%}",
            f"{row.closed:,.0f}",
            f"{row.cost_rate:.1%}",
            *(f"{value:,.0f}" for value in row.cover),
            f"{row.cover_top[1]:,.0f}",
            f"{row.total:,.0f}",
            f"{row.accounts:,}",
            "yes" if row.adequate else "no",
        )
    return table


def _print_reverse(found: Evaluation, console: Console) -> None:
    for row in found.reverse:
        stress = row.stress
        if stress.move is None:
            console.print(f"Reverse stress {stress.direction}: no move empties the fund", markup=False)
            continue
        told = "; ".join(rarity_words(one) for one in row.rarities)
        console.print(
            f"Reverse stress {stress.direction}: {stress.move:+.2%} at once empties the fund; {told}",
            markup=False,
        )
    runs = found.reverse_runs
    if runs is None:
        return
    outcome = (
        f"survives {runs.survived:+.2%}, emptied by {runs.emptied:+.2%}"
        if runs.emptied is not None
        else f"survives {runs.survived:+.0%}"
    )
    console.print(
        f"Reverse stress by {len(runs.runs)} whole runs, {runs.shock}: the fund {outcome} (one path)",
        markup=False,
    )


def _liquidity(found: Evaluation) -> Table:
    table = _table(
        numbers=("Position", "Margin", "VaR + spread", "tau*", "Least cost", "Cost within one period")
    )
    for row in found.liquidity:
        table.add_row(
            f"{row.notional:,.0f}",
            f"{row.margin:.2%}",
            f"{row.exogenous:.2%}",
            time_words(row.horizon_seconds),
            f"{row.endogenous:.2%}",
            f"{row.in_one_go:.2%}",
        )
    return table


def _walk_forward(found: Evaluation) -> Table:
    table = _table("Model", "Side", numbers=("Windows", "Breaches", "Out-of-sample rate", "Folds rejected"))
    table.add_column("Pooled")
    table.add_column("Drift")
    for row in found.walk_forward:
        table.add_row(
            row.model,
            row.side,
            f"{row.windows:,}",
            f"{row.breaches:,}",
            rate_words(row.pooled_rate, row.breaches, row.windows),
            f"{sum(fold.verdict == 'rejected' for fold in row.folds)} of {len(row.folds)}",
            f"{row.verdict} (p {p_words(row.pooled_p_value)})",
            f"{'drifts' if row.drift == 'rejected' else row.drift} (p {p_words(row.drift_p_value)})",
        )
    return table


def _table(*words: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in words:
        table.add_column(heading, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def _title(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold", markup=False)


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
