"""The results folder of a backtest: summary, series, windows, provenance, copies of every input."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.folders import is_record, seal_again, write_record
from sim.core.units import WAD
from sim.engine.options import INPUTS, RunOptions, copy_inputs
from sim.engine.results.manifest import versions
from sim.engine.results.result import (
    FINDINGS,
    MARKER,
    REPORT,
    UNFINISHED,
    ResultsFolder,
    settled_folder,
    write_json,
)
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.schema import Scenario
from sim.experiments.backtest.evaluation import Evaluation, Progress, evaluate
from sim.experiments.backtest.options import TARGET, BacktestOptions
from sim.metrics.margin_model.stress import COVER, TOP_SHARES

KIND = "backtest"
SUMMARY = "summary.json"
SERIES = "series.parquet"
WINDOWS = "windows.parquet"
IMPULSE = "impulse.parquet"
TIMING = "timing.json"
FILES = (MARKER, UNFINISHED, SUMMARY, SERIES, WINDOWS, IMPULSE, FINDINGS, REPORT, TIMING, INPUTS.name)

WriteReport = Callable[["Backtest", Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A finished backtest."""

    scenario: Scenario
    options: BacktestOptions
    evaluation: Evaluation
    summary: Mapping[str, object]
    digest: str
    """Of the series."""


def run_backtest(
    scenario: Scenario,
    options: BacktestOptions,
    out: Path,
    *,
    progress: Progress | None = None,
    finish: WriteReport | None = None,
) -> Backtest:
    """Backtest a scenario's margin model and write its folder, whole or not at all.

    Parameters
    ----------
    out
        Results folder; one that holds anything but an earlier backtest is refused.
    finish
        Writes the report into the folder before it is put into place.

    Raises
    ------
    InputError
        An input or the folder cannot be used.
    RunError
        The contracts stopped, or the disk is full.
    """
    check_folder(settled_folder(out))
    results = ResultsFolder(out)
    try:
        clock = perf_counter()
        evaluation = evaluate(scenario, options, progress)
        seconds = perf_counter() - clock
        digest = evaluation.series.digest()
        summary = summarise(scenario, options, evaluation, digest)
        backtest = Backtest(
            scenario=scenario, options=options, evaluation=evaluation, summary=summary, digest=digest
        )
        _write(backtest, results.path)
        write_json(results.path / TIMING, {"seconds": seconds, "steps": len(evaluation.series)})
        if finish is not None:
            finish(backtest, results.path)
            seal_again(results.path, MARKER)
        results.publish()
    except RunError as error:
        results.discard()
        raise RunError(results.in_place(str(error))) from error
    except BaseException:
        results.discard()
        raise
    return backtest


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier backtest: nobody's files are written over.

    Raises
    ------
    InputError
        It does.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not names:
        return
    if not is_record(folder, MARKER, kind=KIND):
        raise InputError(f"--out {folder}: holds files that are not a backtest, choose another folder")
    foreign = [name for name in names if name not in FILES]
    if foreign:
        raise InputError(
            f"--out {folder}: holds {foreign[0]} beside a backtest, which would be lost; choose another "
            "folder"
        )


def summarise(
    scenario: Scenario, options: BacktestOptions, evaluation: Evaluation, digest: str
) -> dict[str, object]:
    """Return ``summary.json``: every figure of the evaluation but the series themselves."""
    prices, series = evaluation.prices, evaluation.series
    impulse = evaluation.impulse
    return {
        "kind": KIND,
        "digest": digest,
        "scenario": scenario.name,
        "market": scenario.markets[options.market].name,
        "risk_model": Path(scenario.protocol.risk_model).name,
        "engine": evaluation.engine,
        "prices": {
            "source": prices.source,
            "first_time": int(series.times[0]),
            "last_time": int(series.times[-1]),
            "steps": len(series),
            "step_seconds": prices.step_seconds,
            "stale_steps": prices.stale_steps,
            "volatility": evaluation.volatility,
        },
        "feed": {**dataclasses.asdict(evaluation.feed), "reports": series.reports},
        "formula_failures": {
            "count": evaluation.formula_failures,
            "first": plain(evaluation.unanswered[0]) if evaluation.unanswered else None,
        },
        "notional": options.notional,
        "target_breach_probability": TARGET,
        "warm_up_steps": evaluation.warm_up,
        "horizons": plain(evaluation.horizons),
        "coverage": [plain(row) for row in evaluation.coverage],
        "expected_shortfall": [plain(row) for row in evaluation.shortfall],
        "procyclicality": [plain(row) for row in evaluation.procyclicality],
        "impulse": {
            "step_seconds": impulse.step_seconds,
            "steps": impulse.seconds.size - 1,
            "initial_end": float(impulse.initial[-1]),
            "maintenance_end": float(impulse.maintenance[-1]),
            "ewma_end": float(impulse.closed_form[-1]),
            "overshoot": impulse.overshoot,
            "half_time_seconds": impulse.half_time_seconds,
        },
        "responsiveness": plain(evaluation.responsiveness),
        "book": {
            "accounts": int(evaluation.book.notional.size),
            "long_notional": float(np.maximum(evaluation.book.notional, 0.0).sum()),
            "short_notional": float(np.maximum(-evaluation.book.notional, 0.0).sum()),
            "equity": float(evaluation.book.equity.sum()),
            "fund": evaluation.book.fund,
        },
        "cover_counts": list(COVER),
        "cover_top_shares": list(TOP_SHARES),
        "stress": [{**dataclasses.asdict(row), "adequate": row.adequate} for row in evaluation.stress],
        "reverse_stress": [plain(row) for row in evaluation.reverse],
        "reverse_runs": plain(evaluation.reverse_runs),
        "liquidity": plain(evaluation.liquidity),
        "walk_forward": [plain(row) for row in evaluation.walk_forward],
    }


def plain(value: object) -> object:
    """Return a value as JSON holds it: dataclasses as tables, arrays left out, the infinite as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
        return {name: plain(inner) for name, inner in fields if not isinstance(inner, np.ndarray)}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _write(backtest: Backtest, folder: Path) -> None:
    evaluation, scenario, options = backtest.evaluation, backtest.scenario, backtest.options
    write_json(folder / SUMMARY, backtest.summary)
    series = evaluation.series
    _write_table(
        folder / SERIES,
        {
            "time": series.times,
            "price": series.prices,
            "initial_ratio_wad": series.initial,
            "maintenance_ratio_wad": series.maintenance,
            "ramped_maintenance_ratio_wad": series.in_force,
            "volatility_fast": np.sqrt(np.array([value / WAD for value in series.variance_fast])),
            "volatility_slow": np.sqrt(np.array([value / WAD for value in series.variance_slow])),
            "warm_up": np.arange(len(series)) < evaluation.warm_up,
        },
    )
    windows = evaluation.main_windows
    if windows is not None:
        wealth = {
            f"log10_wealth_{row.forecast}_{row.result.side}": row.result.log10_wealth
            for row in evaluation.shortfall
        }
        columns = {
            "time": series.times[windows.starts],
            "maintenance_ratio": windows.margin,
            "long_loss": windows.long_loss,
            "long_breach": windows.long_loss > windows.margin,
            "short_breach": -windows.long_loss > windows.margin,
            **wealth,
        }
        _write_table(folder / WINDOWS, columns)
    impulse = evaluation.impulse
    _write_table(
        folder / IMPULSE,
        {
            "seconds": impulse.seconds,
            "initial": impulse.initial,
            "maintenance": impulse.maintenance,
            "ewma_of_fast_memory": impulse.closed_form,
        },
    )
    inputs = copy_inputs(scenario, RunOptions(out=folder, worlds="none"), folder)
    if options.prices is not None:
        target = INPUTS / "prices" / options.prices.name
        ensure_directory((folder / target).parent)
        atomic_write_bytes(folder / target, options.prices.read_bytes())
        inputs["prices"] = target.as_posix()
    canonical = scenario.canonical()
    write_record(
        folder,
        MARKER,
        {
            "kind": KIND,
            "digest": backtest.digest,
            "scenario": canonical,
            "scenario_sha256": sha256_hex(canonical_json(canonical)),
            "seed": scenario.seed,
            "market": options.market,
            "horizon_seconds": options.horizon_seconds,
            "step_seconds": options.step_seconds,
            "notional": options.notional,
            "windows": options.folds,
            "keepers": options.keepers,
            "noise_runs": options.noise_runs,
            "reverse_runs": options.reverse_runs,
            "overrides": list(options.overrides),
            "inputs": dict(sorted(inputs.items())),
            "prices_sha256": None if evaluation.prices.file is None else sha256_file(evaluation.prices.file),
            "engine": evaluation.engine,
            "contracts": {name: sha256_hex(code) for name, code in sorted(evaluation.contracts.items())},
            "versions": versions(),
            "assumptions": assumptions(scenario),
        },
    )


def _write_table(path: Path, columns: Mapping[str, object]) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), sink, compression="zstd")
    atomic_write_bytes(path, sink.getvalue().to_pybytes())
