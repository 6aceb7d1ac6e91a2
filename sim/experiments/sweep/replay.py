"""Executes some paths of a sweep again and compares them with what its folder says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.core.errors import InputError
from sim.core.folders import Folder, check_all, open_record
from sim.core.plugins import active, require_named
from sim.core.rng import Streams
from sim.engine.results.result import MARKER
from sim.experiments.sweep.dataset import counted, sweep_digest
from sim.experiments.sweep.inputs import INPUTS, PLAN_FILE, gather, localised, read_plan, require_metrics
from sim.experiments.sweep.ledger import LEDGER, Ledger, Run, require_extent
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.result import SWEEP_FILE, SweepResult, open_sweep
from sim.experiments.sweep.stopping import StoppingRule
from sim.experiments.sweep.tasks import PathTask, environment, run_task

SAMPLE = 3
"""Paths that are executed again unless another number is asked for."""

MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReplay:
    """Whether paths of a sweep's folder are what its inputs lead to."""

    executed: tuple[tuple[int, int], ...]
    """(point, path) of every path that was executed again, in order."""
    completed: int
    """Paths with results, of which these were chosen."""
    first_difference: str | None
    """What was stored and what was recomputed; None if all are identical."""

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.first_difference is None


def is_sweep(folder: Path) -> bool:
    """Return whether a folder holds a sweep, finished or not."""
    files = Folder(folder)
    return files.has(SWEEP_FILE) or files.has(LEDGER)


def sweeps_below(folder: Path) -> list[Path]:
    """Return the sweeps that a folder of another command holds, one for each of its stages."""
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and is_sweep(path)
    )[:MOST_NAMED]


def replay_sweep(folder: Path, *, sample: int = SAMPLE, engine: str | None = None) -> SweepReplay:
    """Execute some finished paths of a sweep again and compare digests and metrics.

    First the tables and the digest of the sweep are held against its ledger, all of them. Which paths are
    executed is drawn from a stream of the sweep's seed, without replacement, and a larger sample holds every
    smaller one; who forges a folder knows them too, so that only a sample of all paths proves all of them.

    Parameters
    ----------
    sample
        Paths to execute; at most all of them.
    engine
        EVM to run on, the fastest one that is installed by default.

    Raises
    ------
    InputError
        The folder is no sweep or is damaged, no path of it is finished, or plug-ins took part that the user
        did not name.
    """
    if sample < 1:
        raise InputError(f"--sample: must be at least 1, was {sample}")
    if Folder(folder).has(MARKER):  # findings were made of it: it is whole, or damaged
        check_all(open_record(folder, MARKER, what="sweep")[0])
    plan = read_plan(folder, engine=engine)
    recorded = [{"file": name, "sha256": digest} for name, digest in plan.plugins]
    require_named(recorded, active(), str(folder / INPUTS / PLAN_FILE))
    require_metrics(plan, folder)
    inputs = gather(plan)
    with Ledger(folder, read_only=True) as ledger:
        made_by = ledger.plan().get("environment")
        require_extent(ledger, plan)
        rule = StoppingRule(plan)
        rule.add(ledger.runs())
        if Folder(folder).has(SWEEP_FILE):
            result = SweepResult.open(folder)
            check_all(open_sweep(folder)[0])
            found = sweep_digest(plan, ledger, rule)
            if found != result.digest:
                return SweepReplay(
                    executed=(),
                    completed=result.completed,
                    first_difference=f"{SWEEP_FILE}: digest: stored {result.digest}, of its ledger {found}",
                )
            stored = {(row.point, row.path): row.digest for row in result.paths().itertuples()}
        else:
            stored = {}
        done = [run for run in counted(ledger.runs(), rule, plan) if run.state == "done"]
    if not done:
        raise InputError(f"{folder / LEDGER}: no path is finished; go on with the sweep first")
    if stored:
        for run in done:
            if stored.get((run.point, run.path)) != run.digest:
                where = f"point {run.point}, path {run.path}"
                return SweepReplay(
                    executed=(),
                    completed=len(done),
                    first_difference=f"{where}: its table of paths and its ledger have two digests",
                )
    order = np.argsort(Streams(plan.seed).series("replay sample").uniform(0, len(done)), kind="stable")
    chosen = [done[int(position)] for position in sorted(order[:sample])]
    local = localised(plan, inputs, folder)
    executed: list[tuple[int, int]] = []
    for run in chosen:
        executed.append((run.point, run.path))
        difference = _difference(local, run)
        if difference is not None:
            if made_by != environment():
                difference += " (it was made by other versions of Seawall or its packages)"
            return SweepReplay(executed=tuple(executed), completed=len(done), first_difference=difference)
    return SweepReplay(executed=tuple(executed), completed=len(done), first_difference=None)


def _difference(plan: Plan, run: Run) -> str | None:
    fresh = run_task(
        PathTask(
            point=run.point,
            path=run.path,
            scenario=str(plan.scenario),
            overrides=(*plan.points[run.point].overrides, *plan.path_overrides(run.path)),
            populations=plan.populations,
            antithetic=plan.antithetic,
            worlds=plan.worlds,
            engine=plan.engine,
            is_shadowed=False,
            plugins=plan.plugins,
            environment=environment(),
        )
    )
    where = f"{plan.points[run.point].name}, path {run.path}"
    if fresh.ending != "done":
        return f"{where}: stored as finished, recomputed: {fresh.reason}"
    if fresh.digest != run.digest:
        return f"{where}: digest: stored {run.digest}, recomputed {fresh.digest}"
    stated: Mapping[str, float | None] = run.metrics or {}
    for name in (*fresh.metrics, *(name for name in stated if name not in fresh.metrics)):
        if name not in stated or name not in fresh.metrics or stated[name] != fresh.metrics[name]:
            return (
                f"{where}: {name}: stored {stated.get(name, 'nothing')}, "
                f"recomputed {fresh.metrics.get(name, 'nothing')}"
            )
    return None
