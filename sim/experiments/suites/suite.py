"""A suite: every scenario with its ``[expect]``, and what the runs reached together.

>>> result = run_suite(scenario_files([Path("scenarios")]))    # doctest: +SKIP
>>> [outcome.name for outcome in result.outcomes if outcome.verdict is not Verdict.PASSED]    # doctest: +SKIP
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from time import perf_counter

from sim.core.errors import InputError, InvariantViolation, RunError
from sim.engine.blocks.loop import Progress
from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.expect import OF_EVERY_RUN
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario
from sim.experiments.suites.coverage import Coverage, coverage_of, total_coverage
from sim.metrics.book import worlds_needed

FIGURES = ("liquidations", "bad_debt", "negative_equity_end")
"""Metrics that stand beside a verdict."""
EXERCISED_NOTHING = "no transaction succeeded: a pass that exercised nothing is no pass"
FORMULA_FAILED = "a margin formula had no good answer"

Watch = Callable[[Scenario], AbstractContextManager[Callable[[Progress], None] | None]]
"""Opened around each run; what it gives is called after every block."""


class Verdict(StrEnum):
    """How a scenario of a suite ended."""

    PASSED = "passed"
    FAILED = "failed"
    BAD_INPUT = "bad input"
    UNFINISHED = "unfinished"


_EXIT_CODES = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.BAD_INPUT: 2, Verdict.UNFINISHED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One bound of an ``[expect]``, held against the summary."""

    line: str
    """For example ``liquidations >= 100: was 97``."""
    met: bool

    @property
    def bound(self) -> str:
        """The line without what was found: the same in every run."""
        return self.line.rpartition(": was ")[0] or self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioOutcome:
    """What became of one scenario."""

    name: str
    """The scenario's name, the file's if it could not be read; unique within a suite."""
    source: Path
    verdict: Verdict
    expectations: tuple[Expectation, ...] = ()
    """Empty when the run did not finish: nothing was held against anything."""
    problems: tuple[str, ...] = ()
    """Why there is no verdict on expectations, or why the run fails whatever they say."""
    expects_nothing: bool = False
    """Whether the file bounds no result of its own."""
    summary: Mapping[str, object] = field(default_factory=dict)
    """``summary.json``; empty when the run did not finish."""
    coverage: Coverage = field(default_factory=Coverage)
    seconds: float = 0.0
    """Wall clock."""
    folder: Path | None = None
    """The run's folder, where runs are kept."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Every line that keeps the scenario from passing."""
        unmet = (f"expected {item.line}" for item in self.expectations if not item.met)
        return (*self.problems, *unmet)

    @property
    def digest(self) -> str | None:
        """Digest of the run, None if it did not finish."""
        found = self.summary.get("digest")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """Outcomes in the order the scenarios were given."""

    outcomes: tuple[ScenarioOutcome, ...]
    asked: int | None = None
    """Scenarios of the suite, if it was broken off before the last; None if each has its outcome."""

    @property
    def label(self) -> str:
        """``5 scenarios`` or ``2 of 5 scenarios``."""
        done = len(self.outcomes)
        return f"{done} scenarios" if self.asked is None else f"{done} of {self.asked} scenarios"

    @property
    def coverage(self) -> Coverage:
        """What the runs reached together."""
        return total_coverage(outcome.coverage for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 one failed, 2 one is bad input, 3 one could not finish: the highest."""
        return max((_EXIT_CODES[outcome.verdict] for outcome in self.outcomes), default=0)

    def count(self, verdict: Verdict) -> int:
        """Return how many scenarios ended so."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)


def scenario_files(places: Sequence[Path]) -> tuple[Path, ...]:
    """Return the scenario files of a suite: a folder stands for its ``*.toml``, sorted; each file once.

    Raises
    ------
    InputError
        A folder holds no scenario, or no place is given.
    """
    found: dict[Path, Path] = {}
    for place in places:
        files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
        if not files:
            raise InputError(f"{place}: holds no scenario (*.toml)")
        for file in files:
            found.setdefault(file.resolve(), file)
    if not found:
        raise InputError("a suite needs at least one scenario")
    return tuple(found.values())


def run_suite(
    files: Sequence[Path], *, engine: str | None = None, runs: Path | None = None, watch: Watch | None = None
) -> SuiteResult:
    """Run every scenario and hold its summary against its ``[expect]``.

    A scenario that cannot be read or finished is an outcome like any other; the rest still run. Broken off by
    Ctrl-C or SIGTERM after the first, it returns what is finished. A run has its
    worlds beside it only as far as an expectation is about them.

    Parameters
    ----------
    files
        Scenario files, see ``scenario_files``.
    engine
        EVM to run on, the fastest one that is installed by default.
    runs
        Where to keep the run folders, named after their scenarios; None keeps none.
    watch
        Opened around each run, for progress.
    """
    outcomes: list[ScenarioOutcome] = []
    try:
        for outcome in _outcomes(files, engine, runs, watch):
            outcomes.append(outcome)  # noqa: PERF402  (what is finished stays when the next is broken off)
    except KeyboardInterrupt:
        if not outcomes:
            raise
        return SuiteResult(outcomes=tuple(outcomes), asked=len(files))
    return SuiteResult(outcomes=tuple(outcomes))


def _outcomes(
    files: Sequence[Path], engine: str | None, runs: Path | None, watch: Watch | None
) -> Iterator[ScenarioOutcome]:
    taken: set[str] = set()
    for file in files:
        clock = perf_counter()
        try:
            scenario = load_scenario(file)
        except InputError as error:
            yield _not_run(_unique(file.stem, taken), file, error, perf_counter() - clock)
            continue
        name = _unique(scenario.name, taken)
        opened = watch(scenario) if watch is not None else nullcontext()
        with tempfile.TemporaryDirectory(prefix="seawall-suite-") as scratch, opened as progress:
            options = RunOptions(
                out=(Path(scratch) if runs is None else runs) / name,
                engine=engine,
                worlds=worlds_needed(scenario.expect.expectations()),
                progress=progress,
            )
            yield _run(scenario, file, options, keep=runs is not None)


def _run(scenario: Scenario, file: Path, options: RunOptions, *, keep: bool) -> ScenarioOutcome:
    clock = perf_counter()
    name = options.out.name
    nothing = not scenario.expect.expectations().keys() - {OF_EVERY_RUN}
    try:
        result = run_scenario(scenario, options)
        checks = result.summary["invariants_checked"]
        coverage = coverage_of(result.folder, checks if isinstance(checks, int) else 0)
    except (InputError, RunError, InvariantViolation) as error:
        return _not_run(name, file, error, perf_counter() - clock, expects_nothing=nothing)
    problems = [EXERCISED_NOTHING] if coverage.exercised_nothing else []
    if result.summary["invariant_violations"]:
        problems.append(f"invariant_violations: was {result.summary['invariant_violations']}")
    if result.summary["formula_failures"]:
        count = result.summary["formula_failures"]
        problems.append(f"{FORMULA_FAILED}: formula_failures was {count}, see seawall explain")
    met = all(passed for _, passed in result.expectations)
    return ScenarioOutcome(
        name=name,
        source=file,
        verdict=Verdict.PASSED if met and not problems else Verdict.FAILED,
        expectations=tuple(Expectation(line=line, met=passed) for line, passed in result.expectations),
        problems=tuple(problems),
        expects_nothing=nothing,
        summary=result.summary,
        coverage=coverage,
        seconds=perf_counter() - clock,
        folder=result.folder if keep else None,
    )


def _not_run(
    name: str,
    file: Path,
    error: InputError | RunError | InvariantViolation,
    seconds: float,
    *,
    expects_nothing: bool = False,
) -> ScenarioOutcome:
    problems: tuple[str, ...] = (str(error),)
    verdict = Verdict.UNFINISHED
    if isinstance(error, InputError):
        verdict, problems = Verdict.BAD_INPUT, error.problems
    elif isinstance(error, InvariantViolation):
        verdict = Verdict.FAILED
    return ScenarioOutcome(
        name=name,
        source=file,
        verdict=verdict,
        problems=problems,
        expects_nothing=expects_nothing,
        seconds=seconds,
    )


def _unique(name: str, taken: set[str]) -> str:
    """Return the name, numbered if an earlier scenario has it: names are folders and test names."""
    chosen, number = name, 1
    while chosen in taken:
        number += 1
        chosen = f"{name}-{number}"
    taken.add(chosen)
    return chosen
