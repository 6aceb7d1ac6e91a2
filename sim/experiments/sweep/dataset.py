"""The tables of a sweep, made from its ledger: a Parquet dataset of paths, a table of points, the digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.digest import Digest
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.experiments.sweep.ledger import Ledger, Run
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.result import PATHS, POINTS
from sim.experiments.sweep.stopping import StoppingRule
from sim.metrics.book import METRICS


def counted(runs: Iterable[Run], rule: StoppingRule, plan: Plan) -> Iterator[Run]:
    """Yield the runs that belong to the result: within the plan, and before the point stopped."""
    for run in runs:
        if run.point < len(plan.points) and run.path < rule.limit(run.point):
            yield run


def prepare() -> None:
    """Do now what the first table would wait for: pyarrow then loads pandas, and Ctrl-C should not wait."""
    pa.array([0.0])


def write_dataset(folder: Path, plan: Plan, ledger: Ledger, rule: StoppingRule) -> str:
    """Write both tables and return the digest.

    Returns
    -------
    str
        SHA-256 over (point, path, digest of the run, metrics) of every completed path that counts, sorted.

    Raises
    ------
    RunError
        The disk is full; the ledger still has everything.
    """
    digest = Digest(_DOMAIN)
    drawn: dict[int, Mapping[str, float | int]] = {}  # the same at every point
    done: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    for point in plan.points:
        rows: list[Run] = []
        for run in counted(ledger.runs(point=point.index), rule, plan):
            if run.state == "done":
                rows.append(run)
                _add(digest, run)
                done[point.index] += 1
            elif run.state != "retry":
                failed[point.index] += 1
        for run in rows if plan.draws else ():
            if run.path not in drawn:
                drawn[run.path] = plan.drawn(run.path)
        if rows or point.index == 0:  # an empty table still has its columns
            place = folder / PATHS / f"point={point.index:04d}"
            ensure_directory(place)
            _write(_paths_table(rows, plan, drawn), place / "part-0.parquet")
    _write(_points_table(plan, rule, done, failed), folder / POINTS)
    return digest.hexdigest()


def sweep_digest(plan: Plan, ledger: Ledger, rule: StoppingRule) -> str:
    """Return the digest that `write_dataset` returns, without writing anything."""
    digest = Digest(_DOMAIN)
    for run in counted(ledger.runs(), rule, plan):
        if run.state == "done":
            _add(digest, run)
    return digest.hexdigest()


_DOMAIN = "seawall sweep 1"


def _add(digest: Digest, run: Run) -> None:
    digest.update_json([run.point, run.path, run.digest, dict(run.metrics or {})])


def _paths_table(rows: Sequence[Run], plan: Plan, drawn: Mapping[int, Mapping[str, float | int]]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "path": pa.array([run.path for run in rows], pa.int64()),
        "population": pa.array([plan.population(run.path) for run in rows], pa.int64()),
        "digest": pa.array([run.digest for run in rows], pa.string()),
    }
    for draw in plan.draws:
        columns[draw.key] = pa.array([float(drawn[run.path][draw.key]) for run in rows], pa.float64())
    for name in METRICS.names():
        columns[name] = pa.array([(run.metrics or {}).get(name) for run in rows], pa.float64())
    return pa.table(columns)


def _points_table(
    plan: Plan, rule: StoppingRule, done: Mapping[int, int], failed: Mapping[int, int]
) -> pa.Table:
    points = plan.points
    stops = {stop.point: stop.paths for stop in rule.stops}
    columns: dict[str, pa.Array] = {
        "point": pa.array([point.index for point in points], pa.int64()),
        "name": pa.array([point.name for point in points], pa.string()),
        "overrides": pa.array(["\n".join(point.overrides) for point in points], pa.string()),
        "paths": pa.array([rule.limit(point.index) for point in points], pa.int64()),
        "completed": pa.array([done.get(point.index, 0) for point in points], pa.int64()),
        "failed": pa.array([failed.get(point.index, 0) for point in points], pa.int64()),
        "stopped_at": pa.array([stops.get(point.index) for point in points], pa.int64()),
    }
    for key in dict.fromkeys(key for point in points for key in point.values):
        columns[key] = _column([point.values.get(key) for point in points])
    return pa.table(columns)


def _column(values: Sequence[float | str | bool | None]) -> pa.Array:
    """Return a column of numbers or truths if all values are, and of text otherwise."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present):
        return pa.array(values, pa.bool_())
    if any(isinstance(value, bool | str) for value in present):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def _write(table: pa.Table, path: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    atomic_write_bytes(path, sink.getvalue().to_pybytes())
