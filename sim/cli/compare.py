"""``seawall compare``: verdict on stdout, evidence in a folder, exit 1 unless the change may go ahead."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from sim.cli.consoles import errors_console, results_console, say
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
from sim.experiments.decision.verdict import Word
from sim.experiments.sweep.api import SweepInterrupted, Workers
from sim.experiments.sweep.price_remarks import plan_remarks
from sim.reporting.findings.folder import read_findings
from sim.reporting.pages.terminal import print_findings

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
    for remark in plan_remarks(prepared.registration.main):
        say(errors, f"seawall: {remark}")
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
        say(errors, f"seawall: path {failure.path}: {failure.reason}")
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
    print_findings(read_findings(outcome.folder), console)
    paths = f"{outcome.decision.paths:,} paths in each of {len(outcome.cells)} cells and both arms"
    if outcome.confirmation is not None:
        paths += f", and {outcome.confirmation.paths:,} fresh ones"
    console.print(f"\nVerdict  {outcome.word.value}", style=STYLES[outcome.word], markup=False)
    console.print(f"Paths    {paths}", markup=False, soft_wrap=True)
    console.print(f"Plan     sha256 {prepared.registration.sha256}", markup=False, soft_wrap=True)
    for path in files:
        label = "Report" if path.name == REPORT_FILE else "File"
        console.print(f"{label:<9}{path}", markup=False, soft_wrap=True)
