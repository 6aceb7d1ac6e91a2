"""One function for each command that computes: it does what the command does, and returns what it wrote."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar, Unpack, cast

from sim.api.results import Backtest, Comparison, Run, Study, Suite, Sweep
from sim.core.documents.toml_text import toml_value
from sim.core.errors import InputError
from sim.core.extras import require
from sim.core.plugins import loaded, read_plugins
from sim.metrics.worlds import Worlds

if TYPE_CHECKING:
    from sim.engine.scenario.schema import Scenario


Value = float | int | str | bool | Mapping[str, Any] | Sequence[Any]


_Arguments = ParamSpec("_Arguments")


_Found = TypeVar("_Found")


def _loads_plugins(function: Callable[_Arguments, _Found]) -> Callable[_Arguments, _Found]:
    """Run a function while the declarations of its ``plugins`` are in force."""

    @functools.wraps(function)
    def with_plugins(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> _Found:
        named = cast(Sequence[str | Path] | str | Path, options.get("plugins", ()))
        paths = [named] if isinstance(named, str | Path) else named
        with loaded(read_plugins(map(Path, paths))):
            return function(*arguments, **options)

    return with_plugins


@_loads_plugins
def run(
    scenario: str | Path,
    *,
    changes: Mapping[str, Value] | None = None,
    seed: int | None = None,
    blocks: int | None = None,
    path: int | None = None,
    prices: str | Path | None = None,
    whole_file: bool = False,
    engine: str | None = None,
    worlds: Worlds = "forced",
    without_flow_of: Sequence[int] = (),
    contracts: str | Path | None = None,
    out: str | Path | None = None,
    plugins: Sequence[str | Path] = (),
) -> Run:
    """Run one scenario.

    Parameters
    ----------
    scenario
        File, or the name of a scenario that ships.
    changes
        Key -> value, as ``--set``: ``{"protocol.risk_model": "static"}``.
    seed, blocks, prices, whole_file, engine, worlds, without_flow_of, contracts, out, plugins
        As the options of ``seawall run``.
    path
        Run this path of the scenario (docs/paths.md) instead of the scenario's own random numbers.

    Raises
    ------
    InputError
        The scenario or an option is not usable.
    RunError
        The run could not be finished.
    InvariantViolation
        An invariant broke.
    """
    del plugins  # in force already: see the decorator
    from sim.cli.options import chosen_scenario, command_line_overrides, output_folder  # noqa: PLC0415
    from sim.engine.options import RunOptions, checked_contracts  # noqa: PLC0415
    from sim.engine.run import run_scenario  # noqa: PLC0415
    from sim.engine.scenario.load import load_scenario  # noqa: PLC0415
    from sim.engine.scenario.path_choice import PathChoice  # noqa: PLC0415
    from sim.reporting.findings.run import run_findings  # noqa: PLC0415
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    overrides = command_line_overrides(seed, blocks, assignments(changes))
    loaded = load_scenario(chosen_scenario(str(scenario)), overrides=overrides)
    result = run_scenario(
        loaded,
        RunOptions(
            out=output_folder(_path(out), loaded.name, loaded.seed, path),
            engine=engine,
            worlds=worlds,
            without_flow_of=tuple(without_flow_of),
            prices=_path(prices),
            contracts=None if contracts is None else checked_contracts(Path(contracts)),
            keep_blocks=blocks is not None,
            whole_file=whole_file,
            begin=_say_remarks,
            overrides=tuple(change if isinstance(change, str) else change.text for change in overrides),
            path=None if path is None else PathChoice(path=path),
            finish=lambda folder: publish(run_findings(folder), folder),
        ),
    )
    return Run(folder=result.folder, summary=result.summary, expectations=dict(result.expectations))


@_loads_plugins
def sweep(
    experiment: str | Path,
    *,
    workers: int | None = None,
    dask: str | None = None,
    engine: str | None = None,
    shadow: float = 0.0,
    out: str | Path | None = None,
    confirmed: bool = False,
    retry_failed: bool = False,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Sweep:
    """Run a sweep, or what is missing of one.

    Parameters
    ----------
    experiment
        Experiment file of kind ``sweep`` (docs/experiments.md).
    workers, dask, engine, shadow, out, plugins, retry_failed
        As the options of ``seawall sweep``; like there, one process for each processor by default.
    confirmed
        As ``--yes``: run even more than 100,000 paths.
    progress
        Show a live table while it runs, on a terminal.

    Raises
    ------
    InputError
        The file is not usable, or the folder holds another sweep.
    RunError
        The disk is full or the workers cannot be reached; calling it again goes on.
    SweepInterrupted
        Interrupted; calling it again goes on.
    """
    del plugins  # in force already: see the decorator
    from rich.console import Console  # noqa: PLC0415

    from sim.cli.sweep import SweepDisplay, page_or_trouble, write_report  # noqa: PLC0415
    from sim.experiments.sweep.api import Workers, run_plan  # noqa: PLC0415
    from sim.experiments.sweep.expansion import plan_of  # noqa: PLC0415
    from sim.experiments.sweep.experiment import SweepExperiment, load_experiment  # noqa: PLC0415

    loaded = load_experiment(Path(experiment), SweepExperiment)
    plan = replace(plan_of(loaded, engine=engine, confirmed=confirmed), shadow=shadow)
    folder = _path(out) or Path("results") / loaded.name
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    with SweepDisplay(errors) as display:
        result = run_plan(
            plan,
            folder,
            workers=Workers.of(workers, dask=dask),
            progress=display.show if progress else None,
            retry_failed=retry_failed,
        )
    _, trouble = page_or_trouble(lambda: write_report(folder), folder, errors)
    if trouble is not None:
        raise trouble
    return Sweep(result=result)


@_loads_plugins
def compare(
    base: str | Path,
    proposed: str | Path,
    *,
    scenario: str | Path | None = None,
    plan: str | Path | None = None,
    paths: int | None = None,
    seed: int | None = None,
    workers: int | None = None,
    dask: str | None = None,
    out: str | Path | None = None,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Comparison:
    """Judge a change of parameters on common random numbers (docs/compare.md).

    Parameters
    ----------
    base, proposed, scenario, plan, paths, seed, workers, dask, out, plugins
        As the arguments of ``seawall compare``.
    progress
        Show a live table while it runs, on a terminal.

    Raises
    ------
    InputError
        A file is not usable, or the two differ in more than protocol parameters.
    RunError
        The disk is full or the workers cannot be reached; calling it again goes on.
    SweepInterrupted
        Interrupted; calling it again goes on.
    """
    del plugins  # in force already: see the decorator
    from rich.console import Console  # noqa: PLC0415

    from sim.cli.compare import write_comparison  # noqa: PLC0415
    from sim.cli.options import chosen_scenario  # noqa: PLC0415
    from sim.cli.sweep import SweepDisplay  # noqa: PLC0415
    from sim.experiments.decision.compare import prepare_comparison, run_comparison  # noqa: PLC0415
    from sim.experiments.decision.plan import load_plan  # noqa: PLC0415
    from sim.experiments.sweep.api import Workers  # noqa: PLC0415

    first, second = (chosen_scenario(str(name)) for name in (base, proposed))
    under = None if scenario is None else chosen_scenario(str(scenario))
    loaded, price_file = load_plan(_path(plan), paths=paths, seed=seed)
    prepared = prepare_comparison(first, second, scenario=under, plan=loaded, price_file=price_file)
    folder = _path(out) or Path("results") / f"compare-{first.stem}-{second.stem}"
    with SweepDisplay(Console(stderr=True, soft_wrap=True, highlight=False)) as display:
        outcome = run_comparison(
            prepared,
            folder,
            workers=Workers.of(workers, dask=dask),
            progress=display.show if progress else None,
        )
    write_comparison(outcome)
    return Comparison(outcome=outcome)


class StudyOptions(TypedDict, total=False):
    """Options of `frontier`, `sensitivity` and `optimise`; each means what it means for `sweep`."""

    workers: int | None
    dask: str | None
    engine: str | None
    out: str | Path | None
    confirmed: bool
    retry_failed: bool
    progress: bool
    plugins: Sequence[str | Path]


@_loads_plugins
def frontier(experiment: str | Path, **options: Unpack[StudyOptions]) -> Study:
    """Hold capital efficiency against tail loss (docs/exploration.md).

    Parameters
    ----------
    experiment
        Experiment file of kind ``frontier``.
    **options
        `StudyOptions`.

    Raises
    ------
    InputError
        The file is not usable, or the folder holds another study.
    RunError
        Too few paths finished, the disk is full, a package is missing, or the workers cannot be reached;
        calling it again goes on.
    SweepInterrupted
        Interrupted; calling it again goes on.
    """
    return _study("frontier", Path(experiment), options)


@_loads_plugins
def sensitivity(experiment: str | Path, **options: Unpack[StudyOptions]) -> Study:
    """Find which parameters matter: Morris screening, then Sobol indices; see `frontier`."""
    return _study("sensitivity", Path(experiment), options)


@_loads_plugins
def optimise(experiment: str | Path, **options: Unpack[StudyOptions]) -> Study:
    """Search parameters under constraints and judge the finalists on fresh paths; see `frontier`."""
    return _study("optimise", Path(experiment), options)


def _study(kind: str, experiment: Path, options: StudyOptions) -> Study:
    """Run a study, write its files and report, and return it."""
    from sim.cli.consoles import errors_console  # noqa: PLC0415
    from sim.cli.sweep import SweepDisplay, page_or_trouble  # noqa: PLC0415
    from sim.experiments.exploration.studies import STUDIES, How  # noqa: PLC0415
    from sim.experiments.exploration.tables import write_study  # noqa: PLC0415
    from sim.experiments.sweep.executors import Workers  # noqa: PLC0415
    from sim.experiments.sweep.experiment import load_experiment  # noqa: PLC0415
    from sim.reporting.findings.exploration.studies import study_findings  # noqa: PLC0415
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    require(f"seawall {kind}")
    fields_of_kind, study = STUDIES[kind]
    loaded = load_experiment(experiment, fields_of_kind)
    folder = _path(options.get("out")) or Path("results") / loaded.name
    errors = errors_console()
    with SweepDisplay(errors) as display:
        how = How(
            out=folder,
            workers=Workers.of(options.get("workers"), dask=options.get("dask")),
            engine=options.get("engine"),
            confirmed=options.get("confirmed", False),
            retry_failed=options.get("retry_failed", False),
            watch=display.show if options.get("progress") else None,
        )
        done = study(loaded, how)
    content = write_study(done, folder)
    _, trouble = page_or_trouble(lambda: publish(study_findings(done, folder), folder), folder, errors)
    if trouble is not None:
        raise trouble
    return Study(kind=kind, folder=folder, content=content, results=done.results)


@_loads_plugins
def backtest(
    scenario: str | Path,
    *,
    changes: Mapping[str, Value] | None = None,
    seed: int | None = None,
    prices: str | Path | None = None,
    out: str | Path | None = None,
    plugins: Sequence[str | Path] = (),
    **options: Any,
) -> Backtest:
    """Test a scenario's margin model against the standards of central clearing (docs/backtest.md).

    Parameters
    ----------
    scenario, changes, seed, prices, out, plugins
        As for `run`.
    **options
        Fields of `sim.experiments.backtest.options.BacktestOptions`: ``market``, ``horizon_seconds``,
        ``step_seconds``, ``notional``, ``folds``, ``keepers``, ``noise_runs``, ``reverse_runs``, ``engine``.

    Raises
    ------
    InputError
        The scenario, the prices or an option is not usable.
    RunError
        The contracts stopped, a package is missing, or the disk is full.
    """
    del plugins  # in force already: see the decorator
    from sim.cli.backtest import results_folder  # noqa: PLC0415
    from sim.cli.options import chosen_scenario, command_line_overrides  # noqa: PLC0415
    from sim.engine.scenario.load import load_scenario  # noqa: PLC0415
    from sim.experiments.backtest.folder import run_backtest  # noqa: PLC0415
    from sim.experiments.backtest.options import BacktestOptions  # noqa: PLC0415
    from sim.reporting.findings.backtest import backtest_findings  # noqa: PLC0415
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    require("seawall backtest")
    overrides = command_line_overrides(seed, None, assignments(changes))
    loaded = load_scenario(chosen_scenario(str(scenario)), overrides=overrides)
    known = {field.name for field in fields(BacktestOptions)} - {"prices", "overrides"}
    if unknown := sorted(options.keys() - known):
        raise InputError(f"no option {unknown[0]!r}; a backtest has {', '.join(sorted(known))}")
    texts = tuple(change if isinstance(change, str) else change.text for change in overrides)
    folder = results_folder(_path(out), loaded)
    done = run_backtest(
        loaded,
        BacktestOptions(prices=_path(prices), overrides=texts, **options),
        folder,
        finish=lambda finished, place: publish(backtest_findings(finished), place),
    )
    return Backtest(folder=folder, summary=done.summary, digest=done.digest)


@_loads_plugins
def suite(
    *scenarios: str | Path,
    junit: str | Path | None = None,
    out: str | Path | None = None,
    engine: str | None = None,
    plugins: Sequence[str | Path] = (),
) -> Suite:
    """Run scenarios and hold each against its ``[expect]`` (docs/suite.md).

    Parameters
    ----------
    *scenarios
        Folders of scenarios, scenario files, or names of ones that ship.
    junit, out, plugins, engine
        As the options of ``seawall suite``.

    Raises
    ------
    InputError
        There is no scenario, or ``out`` holds something else. A scenario that is not usable is an outcome.
    RunError
        A file cannot be written.
    """
    del plugins  # in force already: see the decorator
    from sim.cli.options import chosen_scenario  # noqa: PLC0415
    from sim.experiments.suites.evidence import run_with_evidence  # noqa: PLC0415
    from sim.experiments.suites.junit import write_junit  # noqa: PLC0415
    from sim.experiments.suites.suite import run_suite, scenario_files  # noqa: PLC0415

    files = scenario_files([chosen_scenario(str(place)) for place in scenarios])
    done = (
        run_suite(files, engine=engine) if out is None else run_with_evidence(files, Path(out), engine=engine)
    )
    if junit is not None:
        write_junit(done, Path(junit))
    return Suite(result=done)


def _say_remarks(_scenario: Scenario, remarks: Sequence[str]) -> None:
    """Say on stderr what stands out in the price files of a run, as the command does."""
    for remark in remarks:
        print(f"seawall: {remark}", file=sys.stderr)  # noqa: T201


def assignments(changes: Mapping[str, Value] | None) -> list[str]:
    """Return changes as ``key=value`` texts whose values are TOML."""
    return [f"{key}={toml_value(value)}" for key, value in (changes or {}).items()]


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)
