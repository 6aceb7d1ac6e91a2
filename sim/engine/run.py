"""Runs a scenario and writes its results folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import fsum
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from sim.chain.chain import default_engine, on_an_engine
from sim.core.columns import schema_of
from sim.core.errors import InputError, InvariantViolation, RunError
from sim.core.files import atomic_write_bytes
from sim.core.folders import seal_again, write_record
from sim.core.garbage import heap_at_rest
from sim.core.units import TOKEN_UNIT
from sim.engine.blocks.closing import final_accounts, final_states, share_values
from sim.engine.blocks.loop import BlockLoop, Progress
from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.rows import ObservedRow
from sim.engine.options import RunOptions, copy_inputs
from sim.engine.price_files import fit_to_prices, remarks
from sim.engine.removals import largest, run_removals
from sim.engine.results.counterfactual import counterfactual_rows, world_rows
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
from sim.engine.scenario.expect import OF_EVERY_RUN, check_expectations, worlds_of
from sim.engine.scenario.meant import unless_meant
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.build import BuildOptions, WorldBuilder
from sim.engine.worlds.feedback import FEEDBACK, WHOLE, Feedback
from sim.engine.worlds.world import World
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory
from sim.market.price_processes.replay import Replay
from sim.metrics.book import DIGEST, measured
from sim.metrics.facts import RunFacts
from sim.metrics.matching import Matched, match, totals_of
from sim.metrics.worlds import WORLDS, OtherWorld, Worlds
from sim.protocol.codes import OracleStatus

W = TypeVar("W", bound=str)


@dataclass(slots=True)
class Execution:
    """One executed world: what replays and reports are made from."""

    world: World
    loop: BlockLoop
    recorder: Recorder
    blocks: int
    """Blocks it has, those of settlement among them."""
    settlement_blocks: int
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
    if (
        options.path is not None
        and options.path.antithetic
        and not _draws_a_price(scenario, replayed, histories)
    ):
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


def _draws_a_price(
    scenario: Scenario, replayed: frozenset[int], histories: Mapping[int, PriceHistory]
) -> bool:
    for index, market in enumerate(scenario.markets):
        process = Replay.of(histories[index], like=market.price) if index in replayed else market.price
        if isinstance(process, Replay):
            draws = process.draws_from(histories[index])
        else:
            draws = not process.repeats_file
        if draws:
            return True
    return False


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
        return run_world(
            world,
            scenario.blocks,
            options.progress if feedback == WHOLE else None,
            settlement=scenario.settlement_blocks,
            since=clock,
        )

    return on_an_engine(options.engine, run)


def run_world(
    world: World,
    blocks: int,
    progress: Callable[[Progress], None] | None = None,
    *,
    settlement: int,
    since: float,
) -> Execution:
    """Run the blocks of a world that stands at block 0, and let it settle.

    Parameters
    ----------
    settlement
        Most blocks it goes on after the last while anybody is under water.
    since
        When its set-up began, by ``perf_counter``.
    """
    recorder = Recorder(len(world.book))
    loop = BlockLoop(world, recorder)
    loop.first_shares = share_values(world)
    built = perf_counter()
    with heap_at_rest():
        loop.run(blocks, progress)
        settled = loop.settle(blocks, settlement)
    recorder.tables.formula_failures.extend(loop.formulas.failures())
    execution = Execution(world, loop, recorder, blocks + settled, settled)
    execution.seconds = {"setup": built - since, "blocks": perf_counter() - built}
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
        beside = run_beside(options.worlds, run, partial(world_beside, scenario, options, histories))
        removed = add_removals(
            options.without_flow_of, options.worlds, run, partial(world_beside, scenario, options, histories)
        )
        summary = summarise(run, beside)
        record_beside(run, beside | removed)
        for row in final_accounts(run.world, run.loop, run.recorder):
            run.recorder.tables.accounts.append(row)
        results.write_tables(run.recorder.tables.named())
        inputs = copy_inputs(scenario, options, results.path)
        write_json(results.path / "summary.json", summary)
        write_observed(histories, results.path)
        write_json(results.path / "timing.json", timing(run, perf_counter() - clock))
        write_record(
            results.path,
            MARKER,
            build_manifest(
                scenario=scenario, world=run.world, digest=run.digest, worlds=options.worlds,
                without_flow_of=options.without_flow_of, histories=histories, overrides=options.overrides,
                inputs=inputs, path=options.path, settlement_blocks=run.settlement_blocks,
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
        expectations=[
            *check_expectations(
                applicable_expectations(scenario, options), summary, worlds=WORLDS[options.worlds]
            ),
            *unmeant(scenario, summary),
        ],
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
    holds of every run, and nothing is asked that needs a world which was not run.
    """
    expected = scenario.expect.expectations()
    if options.prices is not None or options.keep_blocks:
        return {key: bounds for key, bounds in expected.items() if key == OF_EVERY_RUN}
    run = set(WORLDS[options.worlds])
    return {key: bounds for key, bounds in expected.items() if worlds_of(key) <= run}


def unmeant(scenario: Scenario, summary: Mapping[str, object]) -> list[tuple[str, bool]]:
    """Return what shows only after a run: that nothing could happen in it, as an expectation that failed."""
    silent = summary["silent_oracles"]
    if not silent or "silent_oracle" in scenario.meant:
        return []
    return [(unless_meant(f"silent_oracles <= 0: was {silent}; let keepers report", "silent_oracle"), False)]


def run_beside(
    worlds: Worlds, run: Execution, execute_world: Callable[[Feedback], Execution]
) -> dict[OtherWorld, Execution]:
    """Run worlds beside a run, and add to its seconds what each took.

    Parameters
    ----------
    execute_world
        Executes the world of a feedback on the run's random numbers, and lets go of its chain.
    """
    found: dict[OtherWorld, Execution] = {}
    for world in WORLDS[worlds]:
        found[world] = execution = execute_world(FEEDBACK[world])
        run.seconds[world] = execution.seconds["setup"] + execution.seconds["blocks"]
    return found


def world_beside(
    scenario: Scenario, options: RunOptions, histories: Mapping[int, PriceHistory], feedback: Feedback
) -> Execution:
    """Execute another world of a run, and let go of its chain.

    It gives metrics and no evidence: the fastest engine does, whichever ran the run.
    """
    found = execute(scenario, replace(options, engine=None), histories, feedback=feedback)
    found.world.chain.close()
    return found


def summarise(
    run: Execution, beside: Mapping[OtherWorld, Execution] = MappingProxyType({})
) -> dict[str, object]:
    """Return ``summary.json`` of an execution: its digest, and what the metric book measures.

    Parameters
    ----------
    beside
        The worlds that were run beside it.
    """
    return {DIGEST: run.digest, **measured(facts_of(run, beside))}


def add_removals(
    named: Sequence[int], worlds: Worlds, run: Execution, execute_world: Callable[[Feedback], Execution]
) -> dict[str, Execution]:
    """Run the removals that were asked for, fill their table, and return those in the run's own order.

    All worlds include the removal of the accounts of which most was closed.
    """
    accounts = (*named, *(largest(run) if worlds == "all" else ()))
    clock = perf_counter()
    rows, removed = run_removals(accounts, run, execute_world, among=run.world.accounts)
    if rows:
        run.seconds["removals"] = perf_counter() - clock
    run.recorder.tables.removals.extend(rows)
    return removed


def record_beside(run: Execution, beside: Mapping[str, Execution]) -> None:
    """Fill the tables of a run that speak of worlds beside it."""
    tables = run.recorder.tables
    tables.counterfactual.extend(counterfactual_rows(matched_with(run, beside)))
    tables.worlds.extend(world_rows({world: other.recorder for world, other in beside.items()}))


def matched_with(run: Execution, beside: Mapping[W, Execution]) -> dict[W, list[Matched]]:
    """Return the forced closes of a run, matched with those of each world beside it."""
    return {
        world: match(run.recorder.closes, other.recorder.closes, block_seconds=run.world.seconds_per_block)
        for world, other in beside.items()
    }


def _trader_loss(run: Execution) -> float:
    """Return what those who hold positions without a leg outside have lost, quote."""
    world, loop = run.world, run.loop
    traders = [
        actor
        for group in world.groups
        if group.holds_positions and not group.hedges_outside
        for actor in world.book.members(group.name)
    ]
    paid_in = [
        max(float(loop.first.valuation.equity[actor]), 0.0) + loop.first_wallets[actor] / TOKEN_UNIT
        for actor in traders
    ]
    left = [
        max(float(loop.reading.valuation.equity[actor]), 0.0) + float(world.mirror.wallet[actor])
        for actor in traders
    ]
    return fsum(paid_in) - fsum(left)


def _silent_oracles(run: Execution) -> int:
    """Return how many oracles took no report in the run and ended it without a usable price."""
    return sum(
        after.updated_at <= before.updated_at and after.status >= OracleStatus.INSUFFICIENT
        for before, after in zip(run.loop.first.markets, run.loop.reading.markets, strict=True)
    )


def facts_of(run: Execution, beside: Mapping[OtherWorld, Execution] = MappingProxyType({})) -> RunFacts:
    """Return what metrics may read of an execution."""
    external, loop, recorder = run.world.external[0], run.loop, run.recorder
    return RunFacts(
        blocks=run.blocks,
        settlement_blocks=run.settlement_blocks,
        totals=recorder.totals,
        coverage=recorder.coverage,
        procyclicality=recorder.procyclicality,
        before=loop.first.totals,
        after=loop.reading.totals,
        market_before=loop.first.markets[0],
        valuation=loop.reading.valuation,
        price_start=float(external.path.prices[0]),
        price_end=external.state.price,
        native_price=run.world.native_price,
        start=loop.standing,
        added_at_set_up=run.world.added_at_set_up,
        added_in_run=sum(recorder.topped_up_of) / TOKEN_UNIT,
        invariants_checked=loop.checker.checked,
        invariant_violations=len(loop.checker.violations),
        column=lambda table, name: recorder.tables.named()[table].column(name),
        silent_oracles=_silent_oracles(run),
        trader_loss=_trader_loss(run),
        worlds={world: facts_of(execution) for world, execution in beside.items()},
        matched={world: totals_of(rows) for world, rows in matched_with(run, beside).items()},
    )


def timing(run: Execution, wall: float) -> dict[str, object]:
    """Return wall-clock facts: outside the digest, different on every machine."""
    phases = run.loop.phases
    return {
        "wall_seconds": wall,
        "blocks_per_second": run.blocks / run.seconds["blocks"],
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
