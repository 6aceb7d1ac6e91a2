"""``seawall compare``: verdict on stdout, evidence in a folder, exit 1 unless the change may go ahead."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.cli.consoles import errors_console, results_console
from sim.cli.sweep import SweepDisplay
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_text
from sim.engine.results.result import write_json
from sim.experiments.decision.compare import (
    MAX_RUNS,
    Comparison,
    Prepared,
    prepare_comparison,
    run_comparison,
)
from sim.experiments.decision.enactment import calldata, calldata_text
from sim.experiments.decision.plan import load_plan
from sim.experiments.decision.record import comparison_record
from sim.experiments.decision.results import Result
from sim.experiments.decision.verdict import Decision, Word
from sim.experiments.sweep.api import SweepInterrupted, Workers
from sim.reporting.findings.compare import words

REASONS_PRINTED = 8
STYLES = {
    Word.BETTER: "bold green",
    Word.NOT_WORSE: "green",
    Word.WORSE: "bold red",
    Word.UNDETERMINED: "yellow",
}
RECORD_FILE, REPORT_FILE, FORUM_FILE = "compare.json", "report.html", "report.md"
CALLDATA_FILES = ("calldata.json", "calldata.txt")


def compare_and_print(
    base: Path,
    proposed: Path,
    *,
    scenario: Path | None,
    plan: Path | None,
    paths: int | None,
    seed: int | None,
    workers: Workers,
    out: Path | None,
    print_json: bool,
    confirmed: bool,
) -> int:
    """Compare two parameter sets, write everything, print the verdict, and return the exit code.

    Raises
    ------
    InputError
        Files, plan or folder are not usable, or more runs than `MAX_RUNS` were not confirmed.
    SweepInterrupted
        Ctrl-C, after the command that resumes has been printed.
    """
    loaded, price_file = load_plan(plan, paths=paths, seed=seed)
    prepared = prepare_comparison(base, proposed, scenario=scenario, plan=loaded, price_file=price_file)
    if prepared.runs > MAX_RUNS and not confirmed:
        raise InputError(
            f"{prepared.runs:,} runs ({len(prepared.cells)} cells, two arms, {loaded.paths:,} paths and the"
            f" confirmation's): more than {MAX_RUNS:,} need --yes"
        )
    folder = out if out is not None else Path("results") / f"compare-{base.stem}-{proposed.stem}"
    errors = errors_console()
    resume = shlex.join(["seawall", *sys.argv[1:]])
    try:
        with SweepDisplay(errors) as display:
            outcome = run_comparison(prepared, folder, workers=workers, progress=display.show)
    except SweepInterrupted as interrupt:
        errors.print(f"seawall: stopped at {interrupt.result.label}; go on with: {resume}", markup=False)
        raise
    except RunError as error:
        raise RunError(f"{error}\ngo on with: {resume}") from error
    files = write_comparison(outcome)
    if print_json:
        print((folder / RECORD_FILE).read_text(encoding="utf-8"), end="")  # noqa: T201  (the command's output)
    else:
        console = results_console()
        _print_outcome(outcome, prepared, files, console)
    for failure in outcome.failures[:REASONS_PRINTED]:
        errors.print(f"seawall: path {failure.path}: {failure.reason}", markup=False)
        errors.print(f"seawall:   see for yourself: {failure.command}", markup=False)
    return outcome.exit_code


def write_comparison(outcome: Comparison) -> list[Path]:
    """Write record, calldata and both reports into the comparison's folder, and return their paths."""
    from sim.reporting.findings.compare import compare_findings  # noqa: PLC0415  (slow)
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    folder = outcome.folder
    write_json(folder / RECORD_FILE, comparison_record(outcome))
    write_json(folder / CALLDATA_FILES[0], calldata(outcome.enacting))
    atomic_write_text(folder / CALLDATA_FILES[1], calldata_text(outcome.enacting))
    publish(compare_findings(outcome), folder)
    return [folder / name for name in (REPORT_FILE, FORUM_FILE, RECORD_FILE, *CALLDATA_FILES)]


def _print_outcome(outcome: Comparison, prepared: Prepared, files: Sequence[Path], console: Console) -> None:
    decision = outcome.confirmation or outcome.decision
    console.print(_cells_table(decision))
    console.print(_endpoint_table(decision, outcome.plan.confidence))
    console.print()
    console.print(f"Verdict  {outcome.word.value}", style=STYLES[outcome.word], markup=False)
    for reason in outcome.reasons[:REASONS_PRINTED]:
        console.print(f"         {reason}", markup=False, soft_wrap=True)
    if len(outcome.reasons) > REASONS_PRINTED:
        console.print(
            f"         and {len(outcome.reasons) - REASONS_PRINTED} more in {files[2]}", markup=False
        )
    paths = f"{outcome.decision.paths:,} paths in each of {len(outcome.cells)} cells and both arms"
    if outcome.confirmation is not None:
        paths += f", and {outcome.confirmation.paths:,} fresh ones (shown above)"
    console.print(f"Paths    {paths}", markup=False, soft_wrap=True)
    console.print(f"Enacts   {_enacts(outcome)}", markup=False, soft_wrap=True)
    console.print(f"Plan     sha256 {prepared.registration.sha256}", markup=False, soft_wrap=True)
    for path in files:
        console.print(
            f"{'Report' if path.name == REPORT_FILE else 'File':<9}{path}", markup=False, soft_wrap=True
        )


def _cells_table(decision: Decision) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Cell", no_wrap=True)
    table.add_column("On its own", no_wrap=True)
    table.add_column("Why")
    for cell in decision.cells:
        table.add_row(escape(cell.cell), cell.word.value, escape(cell.reasons[0]), style=STYLES[cell.word])
    return table


def _endpoint_table(decision: Decision, confidence: float) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Endpoint, all cells", no_wrap=True)
    bounds = f"{100 * confidence:g} % bounds"
    for heading in ("Current", "Proposed", "Difference", bounds, "Margin", "Detectable"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in decision.pooled:
        table.add_row(
            f"{'* ' if result.superior else ''}{escape(result.endpoint.name)}", *_figures(result),
            style="bold" if result.superior else None,
        )  # fmt: skip
    return table


def _figures(result: Result) -> tuple[str, ...]:
    return (
        words.value_words(result, result.current),
        words.value_words(result, result.proposed),
        words.difference_words(result, result.difference),
        words.bounds_words(result),
        words.margin_words(result),
        words.difference_words(result, result.detectable).removeprefix("+"),
    )


def _enacts(outcome: Comparison) -> str:
    enacting = outcome.enacting
    if not enacting.proposals:
        return (
            "nothing: no parameter of the governor differs"
            if not enacting.obstacles
            else (f"nothing: {len(enacting.obstacles)} differences are beyond the governor (see the report)")
        )
    count = len(enacting.proposals)
    done = "executed on a fresh chain after the time-lock" if enacting.succeeded else "NOT all executed"
    left = f"; {len(enacting.obstacles)} differences cannot be enacted" if enacting.obstacles else ""
    return f"{count} RiskGovernor proposal{'s' if count > 1 else ''}, {done}, read back equal{left}"
