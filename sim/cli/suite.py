"""``seawall suite``: every scenario's ``[expect]`` in one table, and what the runs never reached."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sim.cli.consoles import errors_console, results_console
from sim.cli.progress import RunProgress
from sim.core.errors import InputError
from sim.core.files import ensure_directory
from sim.engine.blocks.loop import Progress
from sim.engine.scenario.schema import Scenario
from sim.experiments.suites.coverage import Coverage, unreached
from sim.experiments.suites.evidence import run_with_evidence
from sim.experiments.suites.junit import write_junit
from sim.experiments.suites.suite import (
    FIGURES,
    ScenarioOutcome,
    SuiteResult,
    Verdict,
    run_suite,
    scenario_files,
)
from sim.metrics.book import METRICS


def run_and_print_suite(
    places: Sequence[Path], *, junit: Path | None, out: Path | None, engine: str | None
) -> int:
    """Run a suite, print its table and coverage, write what was asked for, and return the exit code."""
    files = scenario_files(places)
    if junit is not None:  # found out now, not after the last run
        if junit.is_dir():
            raise InputError(f"--junit {junit}: is a folder")
        if out is not None and junit.resolve().is_relative_to(out.resolve()):
            raise InputError(f"--junit {junit}: lies in the folder of --out, which is replaced as a whole")
        ensure_directory(junit.parent)
    errors = errors_console()

    @contextmanager
    def watch(scenario: Scenario) -> Iterator[Callable[[Progress], None]]:
        with RunProgress(errors, scenario.name) as progress:
            progress.begin(scenario.blocks)
            yield progress.show

    if out is None:
        result = run_suite(files, engine=engine, watch=watch)
    else:
        result = run_with_evidence(files, out, engine=engine, watch=watch)
    if junit is not None:
        write_junit(result, junit)
    console = results_console()
    console.print(_table(result))
    _print_coverage(result.coverage, console)
    _print_count(result, console)
    for label, path in (("JUnit", junit), ("Evidence", out)):
        if path is not None:
            console.print(f"{label:<9}{path}", markup=False, soft_wrap=True)
    for outcome in result.outcomes:
        _print_failures(outcome, errors)
    return result.exit_code


def _table(result: SuiteResult) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("Scenario", "Verdict"):
        table.add_column(heading, no_wrap=True)
    for heading in (*(METRICS[key].label for key in FIGURES), "Seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("First failed line")
    for outcome in result.outcomes:
        table.add_row(
            escape(outcome.name),
            outcome.verdict.value,
            *(_figure(outcome.summary.get(key)) for key in FIGURES),
            f"{outcome.seconds:.1f}",
            escape(outcome.failures[0].removeprefix("expected ")) if outcome.failures else _remark(outcome),
            style=None if outcome.verdict is Verdict.PASSED else "bold red",
        )
    return table


def _remark(outcome: ScenarioOutcome) -> str:
    return "(expects nothing)" if outcome.expects_nothing else ""


def _print_coverage(coverage: Coverage, console: Console) -> None:
    missing = unreached(coverage)
    console.print()
    for title, seen, never in (
        ("Entry points", coverage.entry_points, missing.entry_points),
        ("Waterfall stages", coverage.stages, missing.stages),
        ("Invariants", coverage.invariants, missing.invariants),
        ("Revert reasons", coverage.revert_reasons, missing.revert_reasons),
    ):
        console.print(f"{title:<17}{len(seen)} of {len(seen) + len(never)} reached", markup=False)
        if never:
            listed = Text(f"never reached: {_listed(never)}", style="yellow")
            console.print(Padding(listed, (0, 0, 0, 17)))
    console.print(f"{'Checks':<17}{coverage.invariant_checks:,} of invariants", markup=False)


def _listed(names: Sequence[str]) -> str:
    """Return names separated by commas; revert reasons are grouped by the module that raises them."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        module, separator, rest = name.partition(": ")
        grouped.setdefault(module, []).append(rest if separator else "")
    return "; ".join(f"{name}: {', '.join(rest)}" if rest != [""] else name for name, rest in grouped.items())


def _print_count(result: SuiteResult, console: Console) -> None:
    counts = [f"{result.count(verdict)} {verdict.value}" for verdict in Verdict if result.count(verdict)]
    nothing = [outcome.name for outcome in result.outcomes if outcome.expects_nothing]
    console.print(f"\n{', '.join(counts)}", markup=False)
    if nothing:
        console.print(f"expects nothing: {', '.join(nothing)}", markup=False, style="yellow", soft_wrap=True)


def _print_failures(outcome: ScenarioOutcome, errors: Console) -> None:
    """Print why a scenario did not pass on stderr; bad input as ``seawall run`` words it."""
    prefix = "" if outcome.verdict is Verdict.BAD_INPUT else f"{outcome.name}: "
    for failure in outcome.failures:
        for line in failure.splitlines():
            errors.print(f"seawall: {prefix}{line}", markup=False)


def _figure(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if isinstance(value, float) else "-"
