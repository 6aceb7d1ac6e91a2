"""The commands that execute: progress on stderr, results on stdout."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.cli.consoles import errors_console, results_console, say
from sim.cli.options import Engine
from sim.cli.progress import RunProgress
from sim.core.errors import InputError, InvariantViolation
from sim.core.folders import Folder, is_record
from sim.engine.explain import explain
from sim.engine.options import RunOptions
from sim.engine.replay import replay_run
from sim.engine.results.crash import crash_folder
from sim.engine.results.result import CRASH_FILE, MARKER, REPORT
from sim.engine.run import run_scenario
from sim.engine.scenario.schema import Scenario
from sim.experiments.sweep.replay import SAMPLE, is_sweep, replay_sweep, sweeps_below
from sim.reporting.findings.folder import read_findings
from sim.reporting.findings.run import run_findings
from sim.reporting.formatting import number
from sim.reporting.pages.remake import publish
from sim.reporting.pages.terminal import print_findings

EXIT_FAILED = 1


def run_and_report(scenario: Scenario, options: RunOptions, *, print_json: bool) -> int:
    """Run a scenario, write its report, print its summary, and return the exit code.

    Raises
    ------
    InvariantViolation
        After the path of the crash report has been printed.
    """
    errors = errors_console()
    try:
        with RunProgress(errors, scenario.name) as progress:

            def begin(fitted: Scenario, remarks: Sequence[str]) -> None:
                progress.begin(fitted.blocks)
                if options.prices is not None:
                    say(errors, f"seawall: {length(fitted)}")
                for remark in remarks:
                    say(errors, f"seawall: {remark}")

            result = run_scenario(
                scenario,
                replace(
                    options,
                    begin=begin,
                    progress=progress.show,
                    finish=lambda folder: publish(run_findings(folder), folder),
                ),
            )
    except InvariantViolation:
        report = crash_folder(options.out) / CRASH_FILE
        errors.print(f"seawall: crash report in {report}, see seawall explain {report}", markup=False)
        raise
    report = result.folder / REPORT
    failed = [line for line, met in result.expectations if not met]
    if print_json:
        _print_json(result.summary)
    else:
        console = results_console()
        print_findings(read_findings(result.folder), console)
        _print_expectations(console, result.expectations)
        timing = _timing(result.folder)
        if timing and timing.get("wall_seconds"):
            speed = number(timing.get("blocks_per_second"))
            told = f"{number(timing['wall_seconds'], 1)} seconds, {speed} blocks a second"
            console.print(f"\nTook     {told}", markup=False)
        for label, value in (("Digest", result.digest), ("Results", result.folder), ("Report", report)):
            console.print(f"{label:<9}{value}", markup=False, soft_wrap=True)
    for line in failed:
        say(errors, f"seawall: expected {line}")
    unanswered = result.summary.get("formula_failures")
    if unanswered:
        say(
            errors,
            f"seawall: a margin formula had no good answer ({unanswered} in formula_failures), see seawall "
            f"explain {result.folder}",
        )
    violated = bool(result.summary.get("invariant_violations"))
    return EXIT_FAILED if failed or violated or unanswered else 0


def length(scenario: Scenario) -> str:
    """Say how long a run will be."""
    hours = scenario.blocks * scenario.seconds_per_block / 3_600
    return (
        f"{scenario.blocks:,} blocks of {scenario.seconds_per_block} s, {hours:,.1f} hours, with "
        f"{scenario.participants:,} accounts"
    )


def replay_and_compare(folder: Path, *, engine: Engine | None, sample: int | None) -> int:
    """Execute a run or paths of a sweep again; return 0 if identical, else 1 with the first difference."""
    name = None if engine is None else engine.value
    if is_sweep(folder):
        return _replay_sweep(folder, engine=name, sample=SAMPLE if sample is None else sample)
    inner = sweeps_below(folder)
    if inner and not is_record(folder, MARKER, keys=("digest", "scenario")):
        listed = ", ".join(str(path) for path in inner)
        raise InputError(f"{folder}: holds no run or sweep, but these: {listed}; name one of them")
    if sample is not None:
        raise InputError("--sample: chooses paths of a sweep, and this is not one; leave it out")
    return _said(replay_run(folder, name).first_difference, str(folder))


def _replay_sweep(folder: Path, *, engine: str | None, sample: int) -> int:
    result = replay_sweep(folder, sample=sample, engine=engine)
    return _said(
        result.first_difference,
        f"{len(result.executed):,} of {result.completed:,} finished paths of {folder}"
        + ("" if len(result.executed) == result.completed else " (--sample for more)"),
    )


def _said(difference: str | None, what: str) -> int:
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    if difference is None:
        console.print(f"identical: {what}", markup=False)
        return 0
    console.print(f"different: {difference}", markup=False)
    return EXIT_FAILED


def explain_finding(place: Path) -> int:
    """Execute a run up to its finding and return 0 if that is there again, 1 otherwise."""
    explanation = explain(place)
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for line in explanation.lines:
        console.print(line, markup=False)
    return 0 if explanation.reproduced else EXIT_FAILED


def _print_json(summary: Mapping[str, object]) -> None:
    print(json.dumps(summary, indent=2))  # noqa: T201  (the command's output)


def _print_expectations(console: Console, expectations: Sequence[tuple[str, bool]]) -> None:
    if not expectations:
        return
    console.print()
    for line, met in expectations:
        console.print(
            f"{'met   ' if met else 'FAILED'}   {line}",
            markup=False,
            style=None if met else "bold red",
            soft_wrap=True,
        )


def _timing(folder: Path) -> dict[str, Any] | None:
    try:
        return Folder(folder).json("timing.json")
    except InputError:
        return None  # wall-clock facts are a courtesy: without them the table has two rows less
