"""``run_plan``: from a plan to a results folder, again and again until it is complete."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.core.digest import sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.folders import INPUT, RECORD, Folder, write_record
from sim.core.folders import LEDGER as LEDGER_BOUND
from sim.core.plugins import PLUGINS, active
from sim.engine.results.manifest import versions
from sim.engine.results.result import FINDINGS, MARKER, write_json
from sim.experiments.sweep.dataset import counted, prepare, write_dataset
from sim.experiments.sweep.executors import (
    Workers,
    open_executor,
    require_guarded_script,
)
from sim.experiments.sweep.inputs import (
    INPUTS,
    PLAN_FILE,
    Inputs,
    gather,
    identity,
    localised,
    plan_content,
    point_identities,
)
from sim.experiments.sweep.ledger import LEDGER, LEDGER_FILES, Ledger, require_extent
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.progress import Watch, Watched
from sim.experiments.sweep.result import PATHS, POINTS, SWEEP_FILE, Failure, SweepResult
from sim.experiments.sweep.stopping import StoppingRule
from sim.experiments.sweep.supervisor import Interruption, Supervisor
from sim.experiments.sweep.tasks import environment
from sim.protocol.contracts import compile_protocol

PLAN_PLACE = (INPUTS / PLAN_FILE).as_posix()
EXPERIMENT_FILE = "experiment.toml"
TIMING_FILE = "timing.json"
REPORT_FILE = "report.html"
OWN_FILES = (
    EXPERIMENT_FILE, INPUTS.name, *LEDGER_FILES,
    PATHS, POINTS, SWEEP_FILE, TIMING_FILE, MARKER, FINDINGS, REPORT_FILE,
)  # fmt: skip
NOT_OF_THE_SWEEP = (*LEDGER_FILES, MARKER, FINDINGS)
"""What ``sweep.json`` does not seal: the ledger goes on changing, the rest is made from it."""


class SweepInterrupted(KeyboardInterrupt):
    """The user stopped a sweep; everything finished is in `result` and in the folder."""

    def __init__(self, result: SweepResult) -> None:
        super().__init__()
        self.result = result


def run_plan(
    plan: Plan,
    out: Path,
    *,
    workers: Workers | None = None,
    progress: Watch | None = None,
    retry_failed: bool = False,
) -> SweepResult:
    """Run what is missing of a plan and return what there is.

    Parameters
    ----------
    plan
        Points and paths.
    out
        Results folder. If it holds this plan, or one that this plan extends by paths or points, only what is
        missing is run.
    workers
        By default this process.
    progress
        Called a few times a second with how far the sweep is.
    retry_failed
        Try the paths afresh that failed three times.

    Returns
    -------
    SweepResult
        Paths may have failed: look at `SweepResult.is_complete`.

    Raises
    ------
    InputError
        A point is no valid scenario; the folder holds another plan or other files; another process is
        working on it.
    RunError
        The disk is full or the workers cannot be reached; the folder can be resumed.
    SweepInterrupted
        Ctrl-C or SIGTERM; the folder can be resumed.
    """
    if not plan.points or plan.paths < 1:
        raise InputError("a sweep needs at least one point and one path")
    if not 0.0 <= plan.shadow <= 1.0:  # NaN too
        raise InputError(f"--shadow {plan.shadow:g}: must be a share from 0 to 1")
    workers = workers or Workers()
    require_guarded_script(workers)
    clock = perf_counter()
    inputs = gather(plan)
    contracts = contract_hashes(inputs)
    _check_folder(out)
    ensure_directory(out)
    interruption = Interruption()
    with Ledger(out) as ledger:
        _adopt(plan, inputs, contracts, ledger, out)
        require_extent(ledger, plan)
        if retry_failed:
            ledger.forget_failures()
        local = localised(plan, inputs, out)
        rule = StoppingRule(local)
        with interruption.caught():
            prepare()
            executor = open_executor(workers)
            try:
                supervisor = Supervisor(
                    local,
                    ledger,
                    executor,
                    rule,
                    watched=Watched(local, progress),
                    interruption=interruption,
                )
                interrupted = _run(supervisor, out)
            except BaseException:
                executor.close(at_once=True)
                raise
            executor.close(at_once=interrupted)
            result = _finish(out, plan, inputs, contracts, ledger, rule, supervisor)
    _write_timing(out, workers, supervisor, perf_counter() - clock)
    if interrupted:
        raise SweepInterrupted(result)
    return result


def contract_hashes(inputs: Inputs) -> dict[str, str]:
    """Compile what the points deploy, before workers would all do it, and return SHA-256 of each bytecode.

    Raises
    ------
    InputError
        A designer's risk model does not compile.
    """
    found: dict[str, str] = {}
    for name, custom in sorted(inputs.models.items()):
        for key, artifact in compile_protocol(name, custom).items():
            label = f"risk_model:{name}" if key == "risk_model" else artifact.name
            found[label] = sha256_hex(artifact.runtime_bytecode)
    return dict(sorted(found.items()))


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder}: is a file, not a folder")
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if names and LEDGER not in names and set(names) - set(OWN_FILES):
        raise InputError(f"--out {folder}: holds files that are not a sweep, choose another folder")
    if names:
        _check_kinds(Folder(folder), names)


def _check_kinds(files: Folder, names: Sequence[str]) -> None:
    """Refuse a link, a pipe or a folder where a file of the sweep is to be read or written.

    Raises
    ------
    InputError
        There is one.
    """
    folders = (INPUTS.name, PATHS)
    for name in OWN_FILES:
        if name in names and name not in folders:
            files.open(name, LEDGER_BOUND).close()
    for name in folders:
        for inner in files.names(name) if name in names else ():
            files.open(inner, INPUT).close()
    for part in (files.path / PATHS).glob("*/*.parquet"):
        files.open(part.relative_to(files.path).as_posix(), INPUT).close()


def _adopt(plan: Plan, inputs: Inputs, contracts: Mapping[str, str], ledger: Ledger, folder: Path) -> None:
    """Make the folder the plan's: new, or the same as before, or extended.

    Raises
    ------
    InputError
        It belongs to another plan, a longer one, or other versions.
    """
    new = {
        "identity": identity(plan, inputs),
        "environment": environment(),
        "contracts": dict(contracts),
        "points": point_identities(plan, inputs),
        "paths": plan.paths,
        "inputs": {**inputs.hashes, PLAN_PLACE: sha256_hex(plan_content(plan, inputs))},
    }
    old = ledger.plan()
    if old:
        difference = _difference(old, new)
        if difference:
            raise InputError(f"--out {folder}: holds a sweep with {difference}; choose another folder")
        # A risk model may join with a point; those there were must be the same.
        new["contracts"] = {**old["contracts"], **contracts}
    content = plan_content(plan, inputs)
    if len(content) > RECORD.bytes:  # nobody could read it again
        raise InputError(f"--out {folder}: {len(plan.points):,} points are more than a plan may hold")
    inputs.copy(folder)
    atomic_write_bytes(folder / PLAN_PLACE, content)
    if plan.source:
        atomic_write_bytes(folder / EXPERIMENT_FILE, plan.source)
    ledger.set_plan(new)


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return in words why one plan does not continue another; empty if it does."""
    keys = {**new["identity"], **old["identity"]}  # an entry may be there in one only: plug-ins
    changed = [key for key in keys if old["identity"].get(key) != new["identity"].get(key) and key != "files"]
    before, after = old["identity"].get("files", {}), new["identity"]["files"]
    for name in before:  # a point may join with a file; those there were must be the same
        if after.get(name, before[name]) != before[name]:
            return f"another {name}"
    if changed:
        what = {
            "scenario": "another scenario file",
            "sobol_points": "other draws",
            PLUGINS: "other plug-ins",
        }
        return what.get(changed[0], f"another {changed[0]}")
    count = len(old["points"])
    if len(new["points"]) < count:
        return f"{count:,} points, this one has {len(new['points']):,}"
    for index, (before, after) in enumerate(zip(old["points"], new["points"], strict=False)):
        if before != after:
            return f"another point {index}"
    if new["paths"] < old["paths"]:
        return f"{old['paths']:,} paths, this one has {new['paths']:,}"
    if any(old["contracts"].get(name, value) != value for name, value in new["contracts"].items()):
        return "other contracts"
    if old["environment"] != new["environment"]:
        return "other versions of Seawall or its packages"
    return ""


def _run(supervisor: Supervisor, folder: Path) -> bool:
    """Run to the end and return whether the user broke it off."""
    try:
        supervisor.resume()
        supervisor.run()
    except KeyboardInterrupt:
        return True
    except RunError as error:
        completed, _, total = supervisor.counts()
        raise RunError(
            f"{error}\n{folder}: stopped at {completed:,} of {total:,} paths, which are kept; put the cause"
            " right and run the same command again"
        ) from error
    return False


def _finish(
    folder: Path,
    plan: Plan,
    inputs: Inputs,
    contracts: Mapping[str, str],
    ledger: Ledger,
    rule: StoppingRule,
    supervisor: Supervisor,
) -> SweepResult:
    """Write the tables and ``sweep.json``."""
    completed, _, total = supervisor.counts()
    try:
        for name in (MARKER, FINDINGS, REPORT_FILE):  # of the sweep as it was, and made again from the tables
            (folder / name).unlink(missing_ok=True)
        digest = write_dataset(folder, plan, ledger, rule)
        result = SweepResult(
            folder=folder,
            completed=completed,
            total=total,
            failures=_failures(folder, plan, inputs, ledger, rule),
            stops=rule.stops,
            digest=digest,
            unanswered=_unanswered(plan, ledger, rule),
        )
        provenance = _provenance(plan, inputs, contracts, result)
        provenance["shadow"] = _shadow(plan, ledger, rule)
        write_record(folder, SWEEP_FILE, provenance, leave_out=NOT_OF_THE_SWEEP)
    except RunError as error:
        raise RunError(
            f"{error}\n{folder}: {completed:,} of {total:,} paths are kept, but not their tables; make room"
            " and run the same command again"
        ) from error
    return result


def _shadow(plan: Plan, ledger: Ledger, rule: StoppingRule) -> dict[str, Any] | None:
    """Return the share of paths to run again, and on which engine how many did and agreed."""
    runs = counted(ledger.runs(with_metrics=False), rule, plan)
    agreed = Counter(run.shadow for run in runs if run.shadow is not None)
    if not plan.shadow and not agreed:
        return None
    return {"share": plan.shadow, "agreed": dict(sorted(agreed.items()))}


def _unanswered(plan: Plan, ledger: Ledger, rule: StoppingRule) -> int:
    """Return in how many finished paths a margin formula failed."""
    runs = counted(ledger.runs(), rule, plan)
    return sum(bool((run.metrics or {}).get("formula_failures")) for run in runs if run.state == "done")


def _failures(
    folder: Path, plan: Plan, inputs: Inputs, ledger: Ledger, rule: StoppingRule
) -> tuple[Failure, ...]:
    return tuple(
        Failure(
            point=run.point,
            path=run.path,
            reason=run.reason,
            kind=run.kind,  # type: ignore[arg-type]  # the ledger's column holds nothing else
            attempts=run.attempts,
            invariant=run.invariant,
            command=path_command(folder, plan, inputs, run.point, run.path),
        )
        for run in counted(ledger.runs(with_metrics=False), rule, plan)
        if run.state not in {"done", "retry"}
    )


def path_command(folder: Path, plan: Plan, inputs: Inputs, point: int, path: int) -> str:
    """Return the command that runs one path of a sweep again, with all its files and its report."""
    words = ["seawall", "run", str(folder / inputs.scenario), "--path", str(path)]
    if plan.populations != 1:
        words += ["--populations", str(plan.populations)]
    words += ["--antithetic"] if plan.antithetic else []
    words += ["--worlds", plan.worlds]
    for plugin in active():
        words += ["--plugin", str(folder / INPUTS / PLUGINS / plugin.path.name)]
    for change in (*inputs.point_overrides(point, folder), *plan.path_overrides(path)):
        words += ["--set", change]
    return shlex.join(words)


def _provenance(
    plan: Plan, inputs: Inputs, contracts: Mapping[str, str], result: SweepResult
) -> dict[str, Any]:
    return {
        "title": plan.title,
        "digest": result.digest,
        "completed": result.completed,
        "total": result.total,
        "is_complete": result.is_complete,
        "unanswered": result.unanswered,
        "failures": [asdict(failure) for failure in result.failures],
        "stops": [asdict(stop) for stop in result.stops],
        "points": len(plan.points),
        "paths": plan.paths,
        "seed": plan.seed,
        "populations": plan.populations,
        "antithetic": plan.antithetic,
        "worlds": plan.worlds,
        "draws": [asdict(draw) for draw in plan.draws],
        "sobol_points": plan.sobol_points,
        "stopping": None if plan.stopping is None else asdict(plan.stopping),
        "metrics": list(plan.metrics),
        "experiment_sha256": sha256_hex(plan.source) if plan.source else None,
        "scenario": inputs.scenario.as_posix(),
        "inputs": dict(inputs.hashes),
        "contracts": dict(contracts),
        "versions": versions(),
        "example_command": path_command(result.folder, plan, inputs, 0, 0),
    }


def _write_timing(folder: Path, workers: Workers, supervisor: Supervisor, wall: float) -> None:
    with suppress(RunError):  # a courtesy: results are complete without it
        write_json(
            folder / TIMING_FILE,
            {
                "wall_seconds": wall,
                "workers": {"kind": workers.kind, "count": workers.count},
                "paths_run": supervisor.paths_run,
                "paths_per_minute": 60.0 * supervisor.paths_run / wall,
                "path_seconds": supervisor.seconds,
            },
        )
