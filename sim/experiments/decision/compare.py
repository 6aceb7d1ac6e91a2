"""A comparison from its inputs to its outcome: registered, run, judged, confirmed, enacted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import FloatArray
from sim.core.errors import RunError
from sim.experiments.decision.arms import Arms, load_arms
from sim.experiments.decision.at_once import AtOnce, at_once
from sim.experiments.decision.cells import MarketCell, market_cells
from sim.experiments.decision.distance import Distance, distances
from sim.experiments.decision.enactment import Enacting, enact_change
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.plan import ComparePlan
from sim.experiments.decision.registration import (
    CONFIRMATION_FOLDER,
    SWEEP_FOLDER,
    Registration,
    prepare,
    register,
)
from sim.experiments.decision.results import Cell
from sim.experiments.decision.verdict import Decision, Word, confirmed, decide
from sim.experiments.decision.worst import WorstPath, worst_paths
from sim.experiments.sweep.api import Failure, Plan, SweepProgress, SweepResult, Workers, run_plan

if TYPE_CHECKING:
    import pandas as pd

MAX_RUNS = 100_000
"""Runs above which ``--yes`` is asked for: as for a sweep."""

Runner = Callable[[Plan, Path], SweepResult]
"""Runs a plan into a folder; resumes what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything a comparison came to."""

    folder: Path
    arms: Arms
    plan: ComparePlan
    cells: tuple[MarketCell, ...]
    registration: Registration
    word: Word
    """The final word: the less favourable of the decision and its confirmation."""
    reasons: tuple[str, ...]
    decision: Decision
    confirmation: Decision | None
    """On fresh paths; None unless the decision was *better*."""
    result: SweepResult
    confirmation_result: SweepResult | None
    enacting: Enacting
    at_once: AtOnce
    """Of the first paths, not the confirmation's."""
    distances: tuple[Distance, ...]
    worst: tuple[WorstPath, ...]
    """Of the first paths, not the confirmation's."""

    @property
    def exit_code(self) -> int:
        """0 if the change may go ahead (better, not worse), 1 if not (worse, undetermined)."""
        return 0 if self.word in (Word.BETTER, Word.NOT_WORSE) else 1

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Paths without a result."""
        more = () if self.confirmation_result is None else self.confirmation_result.failures
        return (*self.result.failures, *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A comparison that was checked in full and not yet run."""

    arms: Arms
    plan: ComparePlan
    cells: tuple[MarketCell, ...]
    registration: Registration

    @property
    def runs(self) -> int:
        """Paths of both arms in all cells, and the confirmation's."""
        return self.registration.main.runs + self.registration.confirmation.runs


def prepare_comparison(
    base: Path,
    proposed: Path,
    *,
    scenario: Path | None,
    plan: ComparePlan,
    price_file: Path | None = None,
) -> Prepared:
    """Load and check everything of a comparison.

    Raises
    ------
    InputError
        Whatever is wrong with the files, one line for each problem.
    """
    arms = load_arms(base, proposed, scenario)
    cells = market_cells(arms.scenario, plan, price_file)
    return Prepared(arms=arms, plan=plan, cells=cells, registration=prepare(arms, plan, cells))


def run_comparison(
    prepared: Prepared,
    folder: Path,
    *,
    workers: Workers | None = None,
    progress: Callable[[SweepProgress], None] | None = None,
    run: Runner | None = None,
) -> Comparison:
    """Register a comparison, run its paths, apply the rule, confirm *better*, and enact the change.

    Parameters
    ----------
    folder
        Results folder; what is there of the same comparison is kept and continued.
    run
        In place of ``run_plan``, for tests.

    Raises
    ------
    InputError
        The folder belongs to something else.
    RunError
        Disk full, workers lost, or equal parameters that gave different numbers.
    SweepInterrupted
        Ctrl-C; the same command resumes.
    """
    registration, plan = prepared.registration, prepared.plan
    register(registration, plan, folder)

    def with_workers(paths: Plan, place: Path) -> SweepResult:
        return run_plan(paths, place, workers=workers, progress=progress)

    runner = run or with_workers
    result = runner(registration.main, folder / SWEEP_FOLDER)
    cells = _cells(prepared, result, registration.main)
    decision = _decided(prepared, cells, result, registration.main)
    again: SweepResult | None = None
    fresh: Decision | None = None
    if decision.word is Word.BETTER:
        again = runner(registration.confirmation, folder / CONFIRMATION_FOLDER)
        fresh = _decided(
            prepared, _cells(prepared, again, registration.confirmation), again, registration.confirmation
        )
    word = decision.word if fresh is None else confirmed(decision, fresh)
    return Comparison(
        folder=folder,
        arms=prepared.arms,
        plan=plan,
        cells=prepared.cells,
        registration=registration,
        word=word,
        reasons=_reasons(decision, fresh, word),
        decision=decision,
        confirmation=fresh,
        result=result,
        confirmation_result=again,
        enacting=enact_change(prepared.arms),
        at_once=at_once(result.paths(), min(plan.populations, plan.paths)),
        distances=distances(prepared.arms),
        worst=worst_paths(
            cells, plan.all_endpoints(), registration, registration.main, folder / SWEEP_FOLDER
        ),
    )


def cells_of_paths(
    frame: pd.DataFrame, cells: Sequence[MarketCell], endpoints: Sequence[Endpoint], paths: int
) -> list[Cell]:
    """Return both arms of every cell from the paths of a sweep; NaN where a path or a value is missing."""
    metrics = sorted({endpoint.metric for endpoint in endpoints})
    points, places = frame["point"].to_numpy(), frame["path"].to_numpy()
    columns = {metric: frame[metric].to_numpy(dtype=np.float64, na_value=np.nan) for metric in metrics}

    def arm(point: int) -> dict[str, FloatArray]:
        rows = points == point
        found = {metric: np.full(paths, np.nan) for metric in metrics}
        for metric, values in found.items():
            values[places[rows]] = columns[metric][rows]
        return found

    return [
        Cell(name=cell.name, current=arm(2 * position), proposed=arm(2 * position + 1))
        for position, cell in enumerate(cells)
    ]


def _cells(prepared: Prepared, result: SweepResult, plan: Plan) -> list[Cell]:
    return cells_of_paths(result.paths(), prepared.cells, prepared.plan.all_endpoints(), plan.paths)


def _decided(prepared: Prepared, cells: Sequence[Cell], result: SweepResult, plan: Plan) -> Decision:
    endpoints, rule = prepared.plan.all_endpoints(), prepared.plan.rule
    books = None
    if plan.populations > 1:
        books = np.array([plan.population(path) for path in range(plan.paths)], dtype=np.int64)
    try:
        decision = decide(
            cells, endpoints, rule, seed=plan.seed, identical=prepared.arms.identical, books=books
        )
    except ValueError as error:
        raise RunError(f"{result.folder}: {error}; please report this") from error
    findings: list[str] = []
    if result.violations:
        findings.append(
            f"{len(result.violations)} paths broke an invariant, the first {result.violations[0].invariant}:"
            " a defect of the protocol, not a risk to be weighed"
        )
    if result.unanswered:
        findings.append(
            f"in {result.unanswered} paths of either arm a margin formula had no good answer, and the last"
            " good ratios stood in for it: a defect of the formula, not a risk to be weighed"
        )
    if not findings:
        return decision
    word = min(decision.word, Word.UNDETERMINED, key=tuple(Word).index)
    return replace(decision, word=word, reasons=(*findings, *decision.reasons))


def _reasons(decision: Decision, fresh: Decision | None, word: Word) -> tuple[str, ...]:
    if fresh is None:
        return decision.reasons
    if fresh.word is Word.BETTER:
        return (*decision.reasons, f"confirmed on {fresh.paths} fresh paths")
    seen = f"better on the first {decision.paths} paths, but {fresh.word.value} on {fresh.paths} fresh ones"
    return (f"{seen}: the word is {word.value}", *fresh.reasons)
