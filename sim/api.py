"""Seawall in a notebook: ``from sim import run, sweep, compare``.

Each function does what the command of the same name does, writes the same results folder and returns an
object over it. Nothing is computed twice: tables are read from the folder when they are asked for.

>>> result = run("flash_crash", changes={"blocks": 120}, twin=False)    # doctest: +SKIP
>>> result.to_pandas("liquidations")    # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.documents.toml_text import toml_value
from sim.core.errors import InputError, InvariantViolation, RunError
from sim.engine.blocks.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.decision import compare as decision
    from sim.experiments.sweep.result import SweepResult

Value = float | int | str | bool | Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run."""

    folder: Path
    summary: Mapping[str, Any]
    """``summary.json``; numbers in quote units unless named otherwise."""
    expectations: Mapping[str, bool]
    """Line of the scenario's ``[expect]`` -> whether it held."""

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


def run(
    scenario: str | Path,
    *,
    changes: Mapping[str, Value] | None = None,
    seed: int | None = None,
    blocks: int | None = None,
    path: int | None = None,
    prices: str | Path | None = None,
    engine: str | None = None,
    twin: bool = True,
    contracts: str | Path | None = None,
    out: str | Path | None = None,
) -> Run:
    """Run one scenario.

    Parameters
    ----------
    scenario
        File, or the name of a scenario that ships.
    changes
        Key -> value, as ``--set``: ``{"protocol.risk_model": "static"}``.
    seed, blocks, prices, engine, twin, contracts, out
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
            overrides=tuple(change if isinstance(change, str) else change.text for change in overrides),
            path=None if path is None else PathChoice(path=path),
            finish=lambda folder: publish(run_findings(folder), folder),
        ),
    )
    return Run(folder=result.folder, summary=result.summary, expectations=dict(result.expectations))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A finished sweep."""

    result: SweepResult

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

    Raises
    ------
    InputError
        The file is not usable, or the folder holds another sweep.
    RunError
        The disk is full or the workers cannot be reached; calling it again goes on.
    SweepInterrupted
        Interrupted; calling it again goes on.
    """
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A finished comparison of current and proposed parameters."""

    outcome: decision.Comparison

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
) -> Comparison:
    """Judge a change of parameters on common random numbers (docs/compare.md).

    Parameters
    ----------
    base, proposed, scenario, plan, paths, seed, workers, dask, out
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


def assignments(changes: Mapping[str, Value] | None) -> list[str]:
    """Return changes as ``key=value`` texts whose values are TOML."""
    return [f"{key}={toml_value(value)}" for key, value in (changes or {}).items()]


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


__all__ = [
    "Comparison",
    "InputError",
    "InvariantViolation",
    "Run",
    "RunError",
    "Sweep",
    "compare",
    "run",
    "sweep",
]
