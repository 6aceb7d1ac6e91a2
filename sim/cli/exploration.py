"""``seawall frontier``, ``sensitivity`` and ``optimise``: run, say what was found and how sure it is."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sim.cli.consoles import errors_console, results_console, say
from sim.cli.options import Engine
from sim.cli.sweep import FAILURES_PRINTED, SweepDisplay, page_or_trouble, say_unanswered
from sim.core.errors import InputError
from sim.experiments.exploration.files import FrontierExperiment, OptimiseExperiment, SensitivityExperiment
from sim.experiments.exploration.studies import (
    FrontierStudy,
    How,
    OptimiseStudy,
    SensitivityStudy,
    study_frontier,
    study_optimise,
    study_sensitivity,
)
from sim.experiments.exploration.tables import write_study
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.experiment import Experiment, ExperimentFields, load_experiment
from sim.experiments.sweep.result import SweepResult
from sim.experiments.sweep.runner import SweepInterrupted
from sim.reporting.findings.blocks import Findings
from sim.reporting.pages.remake import publish
from sim.reporting.pages.terminal import print_findings

Study = TypeVar("Study", FrontierStudy, SensitivityStudy, OptimiseStudy)
Fields = TypeVar("Fields", bound=ExperimentFields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says beside the file."""

    experiment: Path
    workers: Workers
    out: Path | None
    engine: str | None
    confirmed: bool
    retry_failed: bool
    print_json: bool


def study_options(
    experiment: Path,
    workers: int | None,
    dask: str | None,
    out: Path | None,
    engine: Engine | None,
    *,
    yes: bool,
    retry: bool,
    json: bool,
) -> Options:
    """Return the options of a command line; InputError if there is no such file."""
    if not experiment.is_file():
        raise InputError(f"{experiment}: there is no such file")
    return Options(
        experiment=experiment,
        workers=Workers.of(workers, dask=dask),
        out=out,
        engine=None if engine is None else engine.value,
        confirmed=yes,
        retry_failed=retry,
        print_json=json,
    )


def run_and_print_frontier(options: Options) -> int:
    """Run a frontier, write its files and report, print it, and return the exit code."""
    loaded = load_experiment(options.experiment, FrontierExperiment)
    with _at_work("frontier", options, loaded) as how:
        study = study_frontier(loaded, how)
    from sim.reporting.findings.exploration.frontier import frontier_findings  # noqa: PLC0415  (slow to import)

    return _finish(study, how, options, frontier_findings)


def run_and_print_sensitivity(options: Options) -> int:
    """Run screening and indices, write files and report, print them, and return the exit code."""
    loaded = load_experiment(options.experiment, SensitivityExperiment)
    with _at_work("sensitivity", options, loaded) as how:
        study = study_sensitivity(loaded, how)
    from sim.reporting.findings.exploration.sensitivity import sensitivity_findings  # noqa: PLC0415

    return _finish(study, how, options, sensitivity_findings)


def run_and_print_optimise(options: Options) -> int:
    """Search, run finalists on fresh paths, write files and report, print, and return the exit code."""
    loaded = load_experiment(options.experiment, OptimiseExperiment)
    with _at_work("optimise", options, loaded) as how:
        study = study_optimise(loaded, how)
    from sim.reporting.findings.exploration.optimise import optimise_findings  # noqa: PLC0415

    return _finish(study, how, options, optimise_findings)


STUDIES: Mapping[str, Callable[[Options], int]] = {
    "frontier": run_and_print_frontier,
    "sensitivity": run_and_print_sensitivity,
    "optimise": run_and_print_optimise,
}
"""Command -> what it does."""


@contextmanager
def _at_work(command: str, options: Options, loaded: Experiment[Fields]) -> Iterator[How]:
    """Show progress; if the work is broken off, say how to go on."""
    errors = errors_console()
    folder = options.out if options.out is not None else Path("results") / loaded.name
    with SweepDisplay(errors) as display:
        how = How(
            out=folder,
            workers=options.workers,
            engine=options.engine,
            confirmed=options.confirmed,
            retry_failed=options.retry_failed,
            watch=display.show,
            note=lambda text: say(errors, f"seawall: {text}"),
        )
        try:
            yield how
        except SweepInterrupted as interrupt:
            resume = _resume_command(command, options, folder)
            errors.print(
                f"seawall: stopped at {interrupt.result.label} of this stage; go on with: {resume}",
                markup=False,
            )
            raise


def _resume_command(command: str, options: Options, folder: Path) -> str:
    words = ["seawall", command, str(options.experiment), "--out", str(folder)]
    if options.workers.kind == "dask":
        words += ["--dask", str(options.workers.address)]
    else:
        words += ["--workers", str(options.workers.count if options.workers.kind == "processes" else 0)]
    words += ["--engine", options.engine] if options.engine else []
    return shlex.join([*words, *(["--yes"] if options.confirmed else [])])


def _finish(
    study: Study,
    how: How,
    options: Options,
    findings: Callable[[Study, Path], Findings],
) -> int:
    errors = errors_console()
    content = write_study(study, how.out)
    found: list[Findings] = []

    def write() -> Path:
        found.append(findings(study, how.out))
        return publish(found[0], how.out)

    report, trouble = page_or_trouble(write, how.out, errors)
    if options.print_json:
        print(json.dumps(content, indent=2, allow_nan=False))  # noqa: T201  (the command's output)
    else:
        _print(study.results, found, how.out, report)
    for failure in [one for result in study.results.values() for one in result.failures][:FAILURES_PRINTED]:
        say(errors, f"seawall: point {failure.point}, path {failure.path}: {failure.reason}")
        errors.print(f"seawall:   see for yourself: {failure.command}", markup=False)
    say_unanswered(study.results.values(), errors)
    if trouble is not None:
        raise trouble
    return max(result.exit_code for result in study.results.values())


def _print(
    results: Mapping[str, SweepResult], found: Sequence[Findings], folder: Path, report: Path | None
) -> None:
    console = results_console()
    for one in found:
        print_findings(one, console)
    console.print()
    for stage, result in results.items():
        style = None if result.is_complete else "bold red"
        console.print(f"{stage.capitalize():<12}{result.label}", markup=False, style=style, soft_wrap=True)
        console.print(f"{'Digest':<12}{result.digest}", markup=False, soft_wrap=True)
    console.print(f"{'Results':<12}{folder}", markup=False, soft_wrap=True)
    if report is not None:
        console.print(f"{'Report':<12}{report}", markup=False, soft_wrap=True)
