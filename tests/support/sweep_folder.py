"""A sweep's results folder without running anything: real plan and inputs, paths made by a formula."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.folders import write_record
from sim.core.rng import Streams
from sim.experiments.sweep.inputs import INPUTS, PLAN_FILE, gather, plan_content
from sim.experiments.sweep.plan import Plan
from sim.experiments.sweep.result import Failure, Stop
from sim.metrics.book import METRICS, path_metrics

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "scenarios" / "flash_crash.toml"


def toy_summary(size: float, noise: float, ramp: float) -> dict[str, object]:
    """Return a summary in which a higher ramp liquidates more and leaves less bad debt, `size` deep."""
    depth = abs(size) * np.exp(0.3 * noise)
    liquidated = min(0.9, depth * (1.0 + ramp))
    bad_debt = max(depth * (1.0 - 0.5 * ramp) - 0.2, 0.0)
    uncovered = max(bad_debt - 0.03, 0.0)
    found: dict[str, object] = {metric.name: 0.0 for metric in METRICS if not metric.is_event}
    return found | {
        "open_interest_start": 1e6,
        "liquidations": round(100 * liquidated),
        "liquidated_notional": 1e6 * liquidated,
        "bad_debt": 1e6 * bad_debt,
        "socialized_loss": 1e6 * uncovered,
        "insurance_fund_start": 3e4,
        "insurance_fund_min": max(3e4 - 1e6 * bad_debt, 0.0),
        "fund_depleted": bad_debt > 0.03,
        "excess_share": None,
        "margin_coverage": 1.0 - 0.1 * depth,
        "peak_to_trough_margin": 1.0 + ramp + depth,
        "max_1h_margin_increase": ramp * depth,
        "mean_initial_margin_ratio": 0.1 + 0.02 * ramp,
        "mean_maintenance_margin_ratio": 0.05 + 0.01 * ramp,
    }


def write_sweep_folder(
    folder: Path,
    plan: Plan,
    *,
    missing: Sequence[tuple[int, int]] = (),
    failures: Sequence[Failure] = (),
    stops: Sequence[Stop] = (),
    unanswered: int = 0,
) -> Path:
    """Write the folder that `run_plan` would leave, and return it.

    Parameters
    ----------
    missing
        (point, path) of paths without metrics.
    """
    inputs = gather(plan)
    folder.mkdir(parents=True, exist_ok=True)
    inputs.copy(folder)
    (folder / INPUTS / PLAN_FILE).write_bytes(plan_content(plan, inputs))
    gone = {*missing, *((one.point, one.path) for one in failures)}
    ends = {one.point: one.paths for one in stops}
    completed, rows = 0, []
    for point in plan.points:
        numbers = (value for value in point.values.values() if isinstance(value, float))
        ramp = next(numbers, float(point.index))
        limit = ends.get(point.index, plan.paths)
        noise = Streams(plan.seed).draw("toy").normal(plan.paths)
        table = []
        for path in range(limit):
            if (point.index, path) in gone:
                continue
            drawn = plan.drawn(path)
            size = float(next(iter(drawn.values()), -0.15))
            table.append(
                {"path": path, "population": plan.population(path), "digest": f"{point.index}-{path}"}
                | drawn
                | path_metrics(toy_summary(size, float(noise[path]), ramp))
            )
        completed += len(table)
        place = folder / "paths" / f"point={point.index:04d}"
        place.mkdir(parents=True, exist_ok=True)
        columns = ["path", "population", "digest", *(draw.key for draw in plan.draws), *METRICS.names()]
        frame = pd.DataFrame(table, columns=columns)
        frame[list(METRICS.names())] = frame[list(METRICS.names())].astype(float)
        kinds = {"path": pa.int64(), "population": pa.int64(), "digest": pa.string()}
        arrays = {name: pa.array(frame[name].tolist(), kinds.get(name, pa.float64())) for name in columns}
        pq.write_table(pa.table(arrays), place / "part-0.parquet")
        rows.append(
            {
                "point": point.index,
                "name": point.name,
                "overrides": "\n".join(point.overrides),
                "paths": limit,
                "completed": len(table),
                "failed": sum(one.point == point.index for one in failures),
                "stopped_at": ends.get(point.index),
            }
            | dict(point.values)
        )
    pd.DataFrame(rows).to_parquet(folder / "points.parquet")
    total = sum(ends.get(point.index, plan.paths) for point in plan.points)
    content = {
        "title": plan.title,
        "digest": "d" * 64,
        "completed": completed,
        "total": total,
        "is_complete": completed == total,
        "unanswered": unanswered,
        "failures": [asdict(one) for one in failures],
        "stops": [asdict(one) for one in stops],
        "seed": plan.seed,
        "experiment_sha256": "e" * 64,
        "inputs": dict(inputs.hashes),
        "contracts": {"Ledger": "c" * 64},
        "versions": {"seawall": "0.1.0"},
    }
    content["draws"] = [asdict(draw) for draw in plan.draws]
    write_record(folder, "sweep.json", content)
    timing = {"wall_seconds": 90.0, "workers": {"kind": "processes", "count": 2}, "paths_run": completed}
    (folder / "timing.json").write_text(json.dumps(timing | {"paths_per_minute": 60.0 * completed / 90.0}))
    return folder
