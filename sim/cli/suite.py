"""``seawall suite``: every scenario's ``[expect]`` in one table, and what the runs never reached."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from sim.cli.consoles import errors_console, results_console, say
from sim.cli.progress import RunProgress
from sim.core.errors import InputError
from sim.core.files import ensure_directory
from sim.engine.blocks.loop import Progress
from sim.engine.results.result import REPORT
from sim.engine.scenario.schema import Scenario
from sim.experiments.suites.evidence import run_with_evidence
from sim.experiments.suites.junit import write_junit
from sim.experiments.suites.suite import ScenarioOutcome, Verdict, run_suite, scenario_files
from sim.reporting.findings.suite import suite_findings
from sim.reporting.pages.remake import publish
from sim.reporting.pages.terminal import print_findings


def run_and_print_suite(
    places: Sequence[Path], *, junit: Path | None, out: Path | None, engine: str | None
) -> int:
    """Run a suite, print its table and coverage, write what was asked for, and return the exit code.

    Raises
    ------
    KeyboardInterrupt
        It was broken off, after what is finished has been printed and written.
    """
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
        result = run_with_evidence(
            files,
            out,
            engine=engine,
            watch=watch,
            finish=lambda finished, folder: publish(suite_findings(finished), folder),
        )
    if junit is not None:
        write_junit(result, junit)
    console = results_console()
    print_findings(suite_findings(result), console)
    console.print(f"\n{'Took':<9}{sum(outcome.seconds for outcome in result.outcomes):,.1f} seconds")
    if result.asked is not None:  # it may lie beside earlier evidence, which is whole
        out = next((one.folder.parent.parent for one in result.outcomes if one.folder is not None), out)
    for label, path in (
        ("JUnit", junit),
        ("Evidence", out),
        ("Report", None if out is None else out / REPORT),
    ):
        if path is not None:
            console.print(f"{label:<9}{path}", markup=False, soft_wrap=True)
    for outcome in result.outcomes:
        _print_failures(outcome, errors)
    if result.asked is not None:
        raise KeyboardInterrupt
    return result.exit_code


def _print_failures(outcome: ScenarioOutcome, errors: Console) -> None:
    """Print why a scenario did not pass on stderr; bad input as ``seawall run`` words it."""
    prefix = "" if outcome.verdict is Verdict.BAD_INPUT else f"{outcome.name}: "
    for failure in outcome.failures:
        for line in failure.splitlines():
            say(errors, f"seawall: {prefix}{line}")
