"""Seawall in a notebook: ``from sim import run, sweep, compare``, and every other command that computes.

Each function does what the command of the same name does, writes the same results folder and returns an
object over it. Nothing is computed twice: tables are read from the folder when they are asked for.

>>> result = run("flash_crash", changes={"blocks": 120}, twin=False)    # doctest: +SKIP
>>> result.to_pandas("liquidations")    # doctest: +SKIP
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from sim.core.documents.toml_text import toml_value
from sim.core.errors import InputError, InvariantViolation, RunError
from sim.core.extras import require
from sim.core.plugins import loaded, read_plugins
from sim.engine.blocks.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from sim.engine.scenario.schema import Scenario
    from sim.experiments.decision import compare as decision
    from sim.experiments.exploration.studies import How
    from sim.experiments.suites.suite import SuiteResult
    from sim.experiments.sweep.result import SweepResult

Value = float | int | str | bool | Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run:
    """A finished run."""

    folder: Path
    summary: Mapping[str, Any]
    """``summary.json``; numbers in quote units unless named otherwise."""
    expectations: Mapping[str, bool]
    """Line of the scenario's ``[expect]`` -> whether it held."""

    def __repr__(self) -> str:
        """Say what it is in a line; figures are in `summary`, tables in `to_pandas`."""
        failed = sum(not met for met in self.expectations.values())
        return _words(
            "Run",
            self.folder,
            f"{self.summary['blocks']:,} blocks",
            f"{self.summary['liquidations']:,} liquidations",
            f"{failed} expectations failed" if failed else "",
            f"digest {self.digest[:16]}",
        )

    @property
    def digest(self) -> str:
        """SHA-256 over receipts and final state."""
        return str(self.summary["digest"])

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"

    def to_pandas(self, table: str = "blocks") -> pd.DataFrame:
        """Return one table of the run.

        Parameters
        ----------
        table
            ``blocks``, ``transactions``, ``liquidations``, ``accounts`` or ``events``.

        Raises
        ------
        InputError
            There is no such table, or the folder was damaged since.
        """
        from sim.engine.results.folder import open_run  # noqa: PLC0415  (slow to import)

        if table not in TABLES:
            raise InputError(f"no table {table!r}; a run has {', '.join(TABLES)}")
        frame: pd.DataFrame = open_run(self.folder).table(table).to_pandas()
        return frame


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
    twin: bool = True,
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
    seed, blocks, prices, whole_file, engine, twin, contracts, out
        As the options of ``seawall run``.
    path
        Run this path of the scenario (docs/paths.md) instead of the scenario's own random numbers.
    plugins
        As ``--plugin``: files of Python, executed, whose declarations are in force meanwhile.

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
            twin=twin,
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sweep:
    """A finished sweep."""

    result: SweepResult

    def __repr__(self) -> str:
        """Say what it is in a line."""
        return _words("Sweep", self.folder, self.result.label, f"digest {self.digest[:16]}")

    @property
    def folder(self) -> Path:
        """Results folder; a sweep that was stopped resumes in it."""
        return self.result.folder

    @property
    def digest(self) -> str:
        """SHA-256 over all paths."""
        return self.result.digest

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"

    @property
    def points(self) -> pd.DataFrame:
        """One row for each point."""
        return self.result.points()

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each path of each point: its name and place on the axes, and every metric."""
        return self.result.named_paths()

    def estimates(self) -> pd.DataFrame:
        """Return one row for each point and metric: estimate, interval, n and method."""
        from sim.experiments.estimates.points import estimate_points  # noqa: PLC0415

        return estimate_points(self.result)


@_loads_plugins
def sweep(
    experiment: str | Path,
    *,
    workers: int | None = None,
    dask: str | None = None,
    engine: str | None = None,
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
    workers, dask, engine, out, retry_failed
        As the options of ``seawall sweep``; like there, one process for each processor by default.
    confirmed
        As ``--yes``: run even more than 100,000 paths.
    progress
        Show a live table while it runs, on a terminal.
    plugins
        As ``--plugin``: files of Python, executed, whose declarations are in force meanwhile.

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
    plan = plan_of(loaded, engine=engine, confirmed=confirmed)
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison:
    """A finished comparison of current and proposed parameters."""

    outcome: decision.Comparison

    def __repr__(self) -> str:
        """Say what it is in a line."""
        return _words("Comparison", self.folder, self.verdict)

    @property
    def folder(self) -> Path:
        """Results folder: report, forum post, calldata, and the paths behind them."""
        return self.outcome.folder

    @property
    def verdict(self) -> str:
        """``better``, ``not worse``, ``worse`` or ``undetermined``."""
        return self.outcome.word.value

    @property
    def reasons(self) -> tuple[str, ...]:
        """What decided it."""
        return self.outcome.reasons

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each path of each arm in each cell; the confirmation's are not among them."""
        return self.outcome.result.named_paths()


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
    base, proposed, scenario, plan, paths, seed, workers, dask, out
        As the arguments of ``seawall compare``.
    progress
        Show a live table while it runs, on a terminal.
    plugins
        As ``--plugin``: files of Python, executed, whose declarations are in force meanwhile.

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Study:
    """A finished frontier, sensitivity study or optimisation."""

    kind: str
    folder: Path
    content: Mapping[str, Any]
    """``KIND.json``: what was found, with its intervals."""
    results: Mapping[str, SweepResult]
    """Stage -> the paths behind it."""

    def __repr__(self) -> str:
        """Say what it is in a line."""
        stages = (f"{stage} {result.label}" for stage, result in self.results.items())
        return _words(self.kind.capitalize(), self.folder, *stages)

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"

    def to_pandas(self) -> pd.DataFrame:
        """Return ``KIND.parquet``: points of a frontier, indices of parameters, or trials of a search."""
        import pandas as pd  # noqa: PLC0415  (slow to import)

        return pd.read_parquet(self.folder / f"{self.kind}.parquet")

    def paths(self, stage: str | None = None) -> pd.DataFrame:
        """Return one row for each path of each point of a stage, the first one by default.

        Raises
        ------
        InputError
            There is no such stage.
        """
        chosen = next(iter(self.results)) if stage is None else stage
        if chosen not in self.results:
            raise InputError(f"no stage {stage!r}; there are {', '.join(self.results)}")
        return self.results[chosen].named_paths()


@_loads_plugins
def frontier(
    experiment: str | Path,
    *,
    workers: int | None = None,
    dask: str | None = None,
    engine: str | None = None,
    out: str | Path | None = None,
    confirmed: bool = False,
    retry_failed: bool = False,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Study:
    """Hold capital efficiency against tail loss (docs/exploration.md).

    Parameters
    ----------
    experiment
        Experiment file of kind ``frontier``.
    workers, dask, engine, out, confirmed, retry_failed, progress
        As for `sweep`.
    plugins
        As ``--plugin``: files of Python, executed, whose declarations are in force meanwhile.

    Raises
    ------
    InputError
        The file is not usable, or the folder holds another study.
    RunError
        Too few paths finished, the disk is full, or the workers cannot be reached; calling it again goes on.
    SweepInterrupted
        Interrupted; calling it again goes on.
    """
    del plugins  # in force already: see the decorator
    how = _how(workers, dask, engine, out, confirmed=confirmed, retry_failed=retry_failed)
    return _study("frontier", Path(experiment), how, progress=progress)


@_loads_plugins
def sensitivity(
    experiment: str | Path,
    *,
    workers: int | None = None,
    dask: str | None = None,
    engine: str | None = None,
    out: str | Path | None = None,
    confirmed: bool = False,
    retry_failed: bool = False,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Study:
    """Find which parameters matter: Morris screening, then Sobol indices; see `frontier`."""
    del plugins  # in force already: see the decorator
    how = _how(workers, dask, engine, out, confirmed=confirmed, retry_failed=retry_failed)
    return _study("sensitivity", Path(experiment), how, progress=progress)


@_loads_plugins
def optimise(
    experiment: str | Path,
    *,
    workers: int | None = None,
    dask: str | None = None,
    engine: str | None = None,
    out: str | Path | None = None,
    confirmed: bool = False,
    retry_failed: bool = False,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Study:
    """Search parameters under constraints and judge the finalists on fresh paths; see `frontier`."""
    del plugins  # in force already: see the decorator
    how = _how(workers, dask, engine, out, confirmed=confirmed, retry_failed=retry_failed)
    return _study("optimise", Path(experiment), how, progress=progress)


def _how(
    workers: int | None,
    dask: str | None,
    engine: str | None,
    out: str | Path | None,
    *,
    confirmed: bool,
    retry_failed: bool,
) -> How:
    from sim.experiments.exploration.studies import How as Given  # noqa: PLC0415  (slow to import)
    from sim.experiments.sweep.api import Workers  # noqa: PLC0415

    return Given(
        out=_path(out) or Path(),
        workers=Workers.of(workers, dask=dask),
        engine=engine,
        confirmed=confirmed,
        retry_failed=retry_failed,
    )


def _study(kind: str, experiment: Path, how: How, *, progress: bool) -> Study:
    """Run a study, write its files and report, and return it."""
    from sim.cli.consoles import errors_console  # noqa: PLC0415
    from sim.cli.sweep import SweepDisplay, page_or_trouble  # noqa: PLC0415
    from sim.experiments.exploration.studies import STUDIES  # noqa: PLC0415
    from sim.experiments.exploration.tables import write_study  # noqa: PLC0415
    from sim.experiments.sweep.experiment import load_experiment  # noqa: PLC0415
    from sim.reporting.findings.exploration.studies import study_findings  # noqa: PLC0415
    from sim.reporting.pages.remake import publish  # noqa: PLC0415

    require(f"seawall {kind}")
    fields_of_kind, study = STUDIES[kind]
    loaded = load_experiment(experiment, fields_of_kind)
    folder = Path("results") / loaded.name if how.out == Path() else how.out
    errors = errors_console()
    with SweepDisplay(errors) as display:
        done = study(loaded, replace(how, out=folder, watch=display.show if progress else None))
    content = write_study(done, folder)
    _, trouble = page_or_trouble(lambda: publish(study_findings(done, folder), folder), folder, errors)
    if trouble is not None:
        raise trouble
    return Study(kind=kind, folder=folder, content=content, results=done.results)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Backtest:
    """A finished backtest of a scenario's margin model."""

    folder: Path
    summary: Mapping[str, Any]
    """``summary.json``: every figure of the backtest."""
    digest: str
    """SHA-256 over the series."""

    def __repr__(self) -> str:
        """Say what it is in a line."""
        steps = self.summary["prices"]["steps"]
        return _words("Backtest", self.folder, f"{steps:,} steps", f"digest {self.digest[:16]}")

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"

    def to_pandas(self, table: str = "series") -> pd.DataFrame:
        """Return ``series`` (a row for each step), ``windows`` (for each margin period) or ``impulse``.

        Raises
        ------
        InputError
            There is no such table.
        """
        import pandas as pd  # noqa: PLC0415  (slow to import)

        place = self.folder / f"{table}.parquet"
        if table not in BACKTEST_TABLES or not place.is_file():
            raise InputError(f"no table {table!r}; a backtest has {', '.join(BACKTEST_TABLES)}")
        return pd.read_parquet(place)


BACKTEST_TABLES = ("series", "windows", "impulse")


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
    scenario, changes, seed, prices, out
        As for `run`.
    **options
        Fields of `sim.experiments.backtest.options.BacktestOptions`: ``market``, ``horizon_seconds``,
        ``step_seconds``, ``notional``, ``folds``, ``keepers``, ``noise_runs``, ``reverse_runs``, ``engine``.
    plugins
        As ``--plugin``: files of Python, executed, whose declarations are in force meanwhile.

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Suite:
    """A finished suite."""

    result: SuiteResult

    def __repr__(self) -> str:
        """Say what it is in a line."""
        passed = sum(outcome.verdict.value == "passed" for outcome in self.result.outcomes)
        return f"Suite({passed} of {len(self.result.outcomes)} passed)"

    @property
    def passed(self) -> bool:
        """Whether every scenario passed."""
        return self.result.exit_code == 0

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each scenario: name, verdict, what failed, digest, and its whole summary."""
        import pandas as pd  # noqa: PLC0415  (slow to import)

        return pd.DataFrame(
            {
                "scenario": outcome.name,
                "verdict": outcome.verdict.value,
                "failures": "; ".join(outcome.failures),
                **outcome.summary,
            }
            for outcome in self.result.outcomes
        )


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
    junit, out, engine
        As the options of ``seawall suite``.
    plugins
        As ``--plugin``: files of Python, executed, whose declarations are in force meanwhile.

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


def _words(kind: str, folder: Path, *parts: str) -> str:
    """Return a line that names an object, what it holds in short, and where the rest is."""
    return f"{kind}({', '.join(part for part in (*parts, str(folder)) if part)})"


def _say_remarks(_scenario: Scenario, remarks: Sequence[str]) -> None:
    """Say on stderr what stands out in the price files of a run, as the command does."""
    for remark in remarks:
        print(f"seawall: {remark}", file=sys.stderr)  # noqa: T201


def assignments(changes: Mapping[str, Value] | None) -> list[str]:
    """Return changes as ``key=value`` texts whose values are TOML."""
    return [f"{key}={toml_value(value)}" for key, value in (changes or {}).items()]


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


__all__ = [
    "Backtest",
    "Comparison",
    "InputError",
    "InvariantViolation",
    "Run",
    "RunError",
    "Study",
    "Suite",
    "Sweep",
    "backtest",
    "compare",
    "frontier",
    "optimise",
    "run",
    "sensitivity",
    "suite",
    "sweep",
]
