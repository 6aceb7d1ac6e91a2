"""Runs a scenario and writes its results folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.parquet as pq

from sim.chain.chain import default_engine, on_an_engine
from sim.core.columns import schema_of
from sim.core.errors import InputError, InvariantViolation, RunError
from sim.core.files import atomic_write_bytes
from sim.core.folders import seal_again, write_record
from sim.engine.blocks.closing import final_accounts, final_states, share_values
from sim.engine.blocks.loop import BlockLoop, Progress
from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.rows import ObservedRow
from sim.engine.options import RunOptions, copy_inputs
from sim.engine.price_files import fit_to_prices, remarks
from sim.engine.results.crash import check_crash_folder, write_crash_report
from sim.engine.results.manifest import build_manifest
from sim.engine.results.result import (
    MARKER,
    OBSERVED,
    ResultsFolder,
    RunResult,
    check_run_folder,
    settled_folder,
    write_json,
)
from sim.engine.scenario.expect import OF_EVERY_RUN, check_expectations, needs_twin
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.build import BuildOptions, WorldBuilder
from sim.engine.worlds.feedback import NO_PRICE_FEEDBACK, WHOLE, Feedback
from sim.engine.worlds.world import World
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory
from sim.metrics.book import DIGEST, measured
from sim.metrics.facts import RunFacts


@dataclass(slots=True)
class Execution:
    """One executed world: what replays and reports are made from."""

    world: World
    loop: BlockLoop
    recorder: Recorder
    blocks: int
    digest: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


def load_histories(
    scenario: Scenario, options: RunOptions, load: Callable[..., PriceHistory] = load_price_file
) -> dict[int, PriceHistory]:
    """Load every price file a run needs, by market.

    Parameters
    ----------
    load
        Reads a file; one that remembers, where many runs read the same.

    Raises
    ------
    InputError
        A file is missing or not a price file.
    """
    histories: dict[int, PriceHistory] = {}
    for index, market in enumerate(scenario.markets):
        if index == 0 and options.prices is not None:
            histories[0] = load(options.prices, max_gap_seconds=market.price.longest_gap_seconds)
        elif market.price.price_file is not None:
            history = load(
                scenario.file(f"markets.{index}.price.file"), max_gap_seconds=market.price.longest_gap_seconds
            )
            if not market.price.repeats_file:  # liquidations of another order of events
                history = replace(history, observed_liquidations=None)
            histories[index] = history
    return histories


def world_builder(
    scenario: Scenario,
    options: RunOptions,
    histories: Mapping[int, PriceHistory],
    *,
    feedback: Feedback = WHOLE,
) -> WorldBuilder:
    """Return what builds the world of a run.

    Raises
    ------
    InputError
        Antithetic paths are asked for of prices that are all recorded: a pair would be one path twice.
    """
    replayed = frozenset({0}) if options.prices is not None else frozenset[int]()
    recorded = (
        index in replayed or market.price.repeats_file for index, market in enumerate(scenario.markets)
    )
    if options.path is not None and options.path.antithetic and all(recorded):
        raise InputError("antithetic: every price is recorded, there is nothing to mirror; leave it out")
    return WorldBuilder(
        scenario,
        BuildOptions(
            engine=options.engine or default_engine(),
            histories=histories,
            replayed=replayed,
            custom_model=scenario.file("protocol.risk_model") if scenario.protocol.is_custom_model else None,
            contracts=options.contracts,
            path=options.path,
            feedback=feedback,
        ),
    )


def build_world(
    scenario: Scenario,
    options: RunOptions,
    histories: Mapping[int, PriceHistory],
    *,
    feedback: Feedback = WHOLE,
) -> World:
    """Return the world of a run before its first block."""
    return world_builder(scenario, options, histories, feedback=feedback).build()


def execute(
    scenario: Scenario,
    options: RunOptions,
    histories: Mapping[int, PriceHistory],
    *,
    feedback: Feedback = WHOLE,
) -> Execution:
    """Build a world and run its blocks.

    Raises
    ------
    InvariantViolation
        At the block that broke it.
    """

    def run(engine: str) -> Execution:
        clock = perf_counter()
        world = build_world(scenario, replace(options, engine=engine), histories, feedback=feedback)
        return run_world(world, scenario.blocks, options.progress if feedback == WHOLE else None, since=clock)

    return on_an_engine(options.engine, run)


def run_world(
    world: World, blocks: int, progress: Callable[[Progress], None] | None = None, *, since: float
) -> Execution:
    """Run the blocks of a world that stands at block 0.

    Parameters
    ----------
    since
        When its set-up began, by ``perf_counter``.
    """
    recorder = Recorder(len(world.book))
    loop = BlockLoop(world, recorder)
    loop.first_shares = share_values(world)
    built = perf_counter()
    execution = Execution(world, loop, recorder, blocks, seconds={"setup": built - since})
    loop.run(blocks, progress)
    execution.seconds["blocks"] = perf_counter() - built
    execution.digest = recorder.final(final_states(world))
    return execution


def run_scenario(scenario: Scenario, options: RunOptions) -> RunResult:
    """Run a scenario, write the results folder (without the report) and return what happened.

    Raises
    ------
    InputError
        The scenario, a price file, a contract or the output folder is not usable.
    RunError
        The run could not be finished.
    InvariantViolation
        An invariant broke; a crash report lies beside the results folder.
    """
    check_run_folder(settled_folder(options.out))
    check_crash_folder(options.out)
    histories = load_histories(scenario, options)
    scenario = fit_to_prices(scenario, histories, options)
    if options.begin is not None:
        options.begin(scenario, remarks(scenario, histories, options))
    results = ResultsFolder(options.out)
    try:
        clock = perf_counter()
        try:
            run = execute(scenario, options, histories)
        except InvariantViolation as violation:
            write_crash_report(scenario, options, violation)
            raise
        twin = None
        if options.twin:
            # The twin gives a few metrics and no evidence: the fastest engine does, whichever ran the run.
            twin = execute(scenario, replace(options, engine=None), histories, feedback=NO_PRICE_FEEDBACK)
            run.seconds["twin"] = twin.seconds["setup"] + twin.seconds["blocks"]
            twin.world.chain.close()
        summary = summarise(run, twin)
        for row in final_accounts(run.world, run.loop, run.recorder):
            run.recorder.tables.accounts.append(row)
        results.write_tables(run.recorder.tables.named())
        inputs = copy_inputs(scenario, options, results.path)
        write_json(results.path / "summary.json", summary)
        write_observed(histories, results.path)
        write_json(results.path / "timing.json", timing(scenario, run, perf_counter() - clock))
        write_record(
            results.path,
            MARKER,
            build_manifest(
                scenario=scenario, world=run.world, digest=run.digest, twin=options.twin, histories=histories,
                overrides=options.overrides, inputs=inputs, path=options.path,
            ),
        )  # fmt: skip
        _finish(options, results)
        folder = results.publish()
    except RunError as error:
        results.discard()
        raise RunError(results.in_place(str(error))) from error
    except BaseException:
        results.discard()
        raise
    return RunResult(
        summary=summary,
        folder=folder,
        digest=run.digest,
        expectations=check_expectations(
            applicable_expectations(scenario, options), summary, worlds=("twin",) if options.twin else ()
        ),
    )


def _finish(options: RunOptions, results: ResultsFolder) -> None:
    """Let the caller add its report: a full disk publishes nothing, a mistake in the report loses no run."""
    if options.finish is None:
        return
    try:
        options.finish(results.path)
        seal_again(results.path, MARKER)
    except RunError:
        raise
    except Exception:
        results.publish()
        raise


def applicable_expectations(scenario: Scenario, options: RunOptions) -> dict[str, dict[str, object]]:
    """Return what the scenario expects of this run.

    Its bounds are about its own path in full: recorded prices and another number of blocks leave only what
    holds of every run, and without a twin nothing is asked that needs one.
    """
    expected = scenario.expect.expectations()
    if options.prices is not None or options.keep_blocks:
        return {key: bounds for key, bounds in expected.items() if key == OF_EVERY_RUN}
    if not options.twin:
        expected = {key: bounds for key, bounds in expected.items() if not needs_twin([key])}
    return expected


def summarise(run: Execution, twin: Execution | None) -> dict[str, object]:
    """Return ``summary.json`` of an execution: its digest, and what the metric book measures.

    Parameters
    ----------
    twin
        The same run without forced flow, if it was run as well.
    """
    return {DIGEST: run.digest, **measured(facts_of(run, twin))}


def facts_of(run: Execution, twin: Execution | None = None) -> RunFacts:
    """Return what metrics may read of an execution."""
    external, loop, recorder = run.world.external[0], run.loop, run.recorder
    return RunFacts(
        blocks=run.blocks,
        totals=recorder.totals,
        forest=recorder.forest,
        coverage=recorder.coverage,
        procyclicality=recorder.procyclicality,
        before=loop.first.totals,
        after=loop.reading.totals,
        market_before=loop.first.markets[0],
        valuation=loop.reading.valuation,
        price_start=float(external.path.prices[0]),
        price_end=external.state.price,
        native_price=run.world.native_price,
        invariants_checked=loop.checker.checked,
        invariant_violations=len(loop.checker.violations),
        column=lambda table, name: recorder.tables.named()[table].column(name),
        twin=None if twin is None else facts_of(twin),
    )


def timing(scenario: Scenario, run: Execution, wall: float) -> dict[str, object]:
    """Return wall-clock facts: outside the digest, different on every machine."""
    phases = run.loop.phases
    return {
        "wall_seconds": wall,
        "blocks_per_second": scenario.blocks / run.seconds["blocks"],
        "phases": {
            **run.seconds,
            **{name: getattr(phases, name) for name in type(phases).__slots__},
        },
    }


def write_observed(histories: Mapping[int, PriceHistory], folder: Path) -> None:
    """Write the liquidations observed in the price file of market 0, for the report."""
    history = histories.get(0)
    if history is None or history.observed_liquidations is None:
        return
    observed = history.observed_liquidations
    table = pa.table(
        {"timestamp": observed.timestamps, "observed_long": observed.long, "observed_short": observed.short},
        schema=schema_of(ObservedRow),
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    atomic_write_bytes(folder / OBSERVED, sink.getvalue().to_pybytes())


__all__ = ["RunOptions", "RunResult", "run_scenario"]
