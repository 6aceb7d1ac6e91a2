"""The price path of a backtest: a recorded file, or the scenario's own process, at even steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.engine.market_draws import market_draws
from sim.engine.options import RunOptions
from sim.engine.run import load_histories
from sim.engine.scenario.schema import Scenario
from sim.market.joint_draws import JointDraws
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock

MAX_STEPS = 2_000_000
"""Steps of one series; at a few thousand a second more is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Prices at even steps."""

    times: IntArray
    """Seconds since 1970, int64[n]."""
    prices: FloatArray
    """Quote, float64[n]."""
    step_seconds: int
    source: str
    """In words: a file's name and rows, or the scenario's process."""
    stale_steps: int
    """Steps at which the file had nothing newer than at the step before: its gaps."""
    file: Path | None = None
    notes: tuple[str, ...] = ()
    """What was assumed, left out or looks wrong in the file."""


def price_series(
    scenario: Scenario, market: int, *, prices: Path | None = None, step_seconds: int | None = None
) -> PriceSeries:
    """Return the path a backtest walks.

    Parameters
    ----------
    scenario
        Its process is used without a file; scripted price shocks are part of it.
    market
        Number of the market.
    prices
        Recorded prices instead.
    step_seconds
        Step; by default the usual distance of the file's rows, or one block. With the scenario's own process
        it must be a whole number of blocks.

    Raises
    ------
    InputError
        The file, the step or the length is not usable.
    """
    if step_seconds is not None and step_seconds < 1:
        raise InputError(f"--step-seconds {step_seconds}: must be at least 1")
    section = scenario.markets[market].price
    history: PriceHistory | None = None
    if prices is not None:
        history = load_price_file(prices, max_gap_seconds=section.longest_gap_seconds)
    elif section.price_file is not None:
        path = scenario.file(f"markets.{market}.price.file")
        history = load_price_file(path, max_gap_seconds=section.longest_gap_seconds)
        if not section.repeats_file:
            history = replace(history, observed_liquidations=None)
    if history is not None and (prices is not None or section.repeats_file):
        return _recorded(history, step_seconds)
    return _drawn(scenario, market, history, step_seconds)


def _recorded(history: PriceHistory, step_seconds: int | None) -> PriceSeries:
    step = history.row_seconds if step_seconds is None else step_seconds
    steps = history.blocks_covered(step)
    _check_length(steps, step, str(history.source))
    path = history.onto_clock(BlockClock(start_time=history.start_time, seconds_per_block=step, blocks=steps))
    return PriceSeries(
        times=history.start_time + step * np.arange(steps + 1, dtype=np.int64),
        prices=path.prices,
        step_seconds=step,
        source=f"{history.source.name}, {history.rows:,} rows",
        stale_steps=int(np.count_nonzero(np.diff(path.published_at) <= 0)),
        file=history.source,
        notes=history.notes,
    )


def _drawn(
    scenario: Scenario, market: int, history: PriceHistory | None, step_seconds: int | None
) -> PriceSeries:
    block = scenario.seconds_per_block
    step = block if step_seconds is None else step_seconds
    if step % block:
        raise InputError(
            f"--step-seconds {step}: must be a whole number of blocks of {block} s without a price file"
        )
    every = step // block
    _check_length(scenario.blocks // every, step, scenario.name)
    described = scenario.markets[market]
    clock = BlockClock(start_time=scenario.start_timestamp, seconds_per_block=block, blocks=scenario.blocks)
    histories = {} if history is None else {market: history}
    if scenario.correlation is not None:  # then it depends on others, and they may need files
        histories = load_histories(scenario, RunOptions(out=Path())) | histories
    draws = market_draws(scenario, clock, Streams(scenario.seed), histories)
    if scenario.correlation is None:
        path = draws[market].process.drawn(draws[market].draw)
    else:
        path = JointDraws(scenario.correlation, draws).path(market)
    return PriceSeries(
        times=clock.timestamps[::every].copy(),
        prices=path.prices[::every].copy(),
        step_seconds=step,
        source=f"{scenario.name}, {described.price.kind} process, seed {scenario.seed}",
        stale_steps=0,
        file=None if history is None else history.source,
        notes=() if history is None else history.notes,
    )


def _check_length(steps: int, step: int, source: str) -> None:
    if steps < 1:
        raise InputError(f"{source}: shorter than one step of {step:,} s")
    if steps > MAX_STEPS:
        raise InputError(
            f"{source}: {steps:,} steps of {step:,} s, at most {MAX_STEPS:,}; use a larger --step-seconds"
        )
