"""What the functions return: objects over a results folder, whose tables are read when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sim.core.errors import InputError
from sim.engine.blocks.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.decision import compare as decision
    from sim.experiments.suites.suite import SuiteResult
    from sim.experiments.sweep.result import SweepResult


class _HasFolder(Protocol):
    @property
    def folder(self) -> Path:
        """Results folder."""


class _Reported:
    """What came with a report."""

    __slots__ = ()

    @property
    def report(self: _HasFolder) -> Path:
        """The self-contained HTML report."""
        return self.folder / "report.html"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run(_Reported):
    """A finished run."""

    folder: Path
    summary: Mapping[str, Any]
    """``summary.json``; numbers in quote units unless named otherwise."""
    expectations: Mapping[str, bool]
    """Line of the scenario's ``[expect]`` -> whether it held."""

    def __repr__(self) -> str:
        """Say what it is in a line; figures are in `summary`, tables in `to_pandas`."""
        failed = sum(not met for met in self.expectations.values())
        failures = self.summary.get("formula_failures", 0)
        return _words(
            "Run",
            self.folder,
            f"{self.summary['blocks']:,} blocks",
            f"{self.summary['liquidations']:,} liquidations",
            f"{failed} expectations failed" if failed else "",
            f"{failures} formula failures" if failures else "",
            f"digest {self.digest[:16]}",
        )

    @property
    def digest(self) -> str:
        """SHA-256 over receipts and final state."""
        return str(self.summary["digest"])

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sweep(_Reported):
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(_Reported):
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

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each path of each arm in each cell; the confirmation's are not among them."""
        return self.outcome.result.named_paths()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Study(_Reported):
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

    def to_pandas(self) -> pd.DataFrame:
        """Return ``KIND.parquet``: points of a frontier, indices of parameters, or trials of a search."""
        from sim.engine.results.folder import sealed_table  # noqa: PLC0415  (slow to import)

        return sealed_table(self.folder, self.kind)

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Backtest(_Reported):
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

    def to_pandas(self, table: str = "series") -> pd.DataFrame:
        """Return ``series`` (a row for each step), ``windows`` (for each margin period) or ``impulse``.

        Raises
        ------
        InputError
            There is no such table.
        """
        from sim.engine.results.folder import sealed_table  # noqa: PLC0415  (slow to import)

        if table not in BACKTEST_TABLES or not (self.folder / f"{table}.parquet").is_file():
            raise InputError(f"no table {table!r}; a backtest has {', '.join(BACKTEST_TABLES)}")
        return sealed_table(self.folder, table)


BACKTEST_TABLES = ("series", "windows", "impulse")


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


def _words(kind: str, folder: Path, *parts: str) -> str:
    """Return a line that names an object, what it holds in short, and where the rest is."""
    return f"{kind}({', '.join(part for part in (*parts, str(folder)) if part)})"
