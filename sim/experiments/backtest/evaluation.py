"""All tests of one backtest, from the series of the contracts to results."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from sim.agents.oracle_keeper import KEEPERS
from sim.core.arrays import FloatArray, IntArray
from sim.core.rng import Streams
from sim.core.units import WAD, YEAR_SECONDS
from sim.engine.scenario.schema import Scenario
from sim.experiments.backtest.book import close_out_cost, starting_book
from sim.experiments.backtest.instrument import Feed, Instrument, MarginSeries, Unanswered, as_ratio
from sim.experiments.backtest.options import TARGET, BacktestOptions, Horizon, horizons
from sim.experiments.backtest.prices import PriceSeries, price_series
from sim.experiments.backtest.reverse_runs import ReverseRuns, price_shock, reverse_by_runs
from sim.metrics.margin_model.coverage import CoverageResult, evaluate_coverage
from sim.metrics.margin_model.liquidity import NOTIONALS, LiquidityRow, evaluate_liquidity
from sim.metrics.margin_model.procyclicality import (
    LEAST_BLOCKS,
    LEAST_STEPS,
    Procyclicality,
    Responsiveness,
    alternating_path,
    evaluate_procyclicality,
    ewma_impulse,
    responsiveness,
)
from sim.metrics.margin_model.shortfall import ShortfallResult, evaluate_shortfall, implied_deviation
from sim.metrics.margin_model.stress import (
    Book,
    Rarity,
    ReverseStress,
    StressRow,
    rarity,
    reverse_stress,
    stress_table,
)
from sim.metrics.margin_model.walk_forward import WalkForward, walk_forward, walk_forward_garch
from sim.metrics.margin_model.windows import SIDES, Windows, split_windows

RATIOS: Final = ("maintenance", "initial")
IMPULSE: Final = 2.0
"""Volatility step sigma_2 / sigma_1 of quant 8.15."""
_CALM_STEPS: Final = 10
_IMPULSE_MEMORIES: Final = 5  # slow memories after which an exponential average has all but arrived
_LONGEST_IMPULSE: Final = 2_000
_WARM_UP_SHARE: Final = 10

Progress = Callable[[str, int, int], None]
"""(what is being done, steps done, steps in all)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """Coverage of one ratio over one period of risk."""

    ratio: str
    horizon: Horizon
    result: CoverageResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallRow:
    """Expected-shortfall tests of one forecast."""

    forecast: str
    """``margin`` or ``volatility``."""
    result: ShortfallResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcyclicalityRow:
    """Procyclicality of one ratio, with the same on Gaussian paths of constant risk."""

    ratio: str
    measured: Procyclicality
    noise: tuple[Procyclicality, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impulse:
    """Answer of the contracts' margin to a step of volatility."""

    step_seconds: int
    seconds: FloatArray
    """Since the step, float64[n]."""
    initial: FloatArray
    """Initial ratio over its value before, float64[n]."""
    maintenance: FloatArray
    """Maintenance ratio over its value before, float64[n]."""
    closed_form: FloatArray
    """An EWMA of the oracle's fast memory, quant 8.15, float64[n]."""
    overshoot: float
    """Largest maintenance ratio over the last one, less 1: 0 for an EWMA."""
    half_time_seconds: float | None
    """When half of the rise of maintenance is done; None if it does not rise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRow:
    """Reverse stress in one direction with its distance."""

    stress: ReverseStress
    rarities: tuple[Rarity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything a backtest found."""

    prices: PriceSeries
    series: MarginSeries
    feed: Feed
    engine: str
    contracts: dict[str, bytes]
    warm_up: int
    """Steps left out of every statistic while the estimators forget their starting values."""
    volatility: float
    """Annual, root mean square of the returns after the warm-up."""
    horizons: tuple[Horizon, ...]
    coverage: tuple[CoverageRow, ...]
    shortfall: tuple[ShortfallRow, ...]
    main_windows: Windows | None
    """Of the maintenance ratio over the main period; None if the series is too short for one."""
    procyclicality: tuple[ProcyclicalityRow, ...]
    impulse: Impulse
    responsiveness: Responsiveness | None
    book: Book
    stress: tuple[StressRow, ...]
    reverse: tuple[ReverseRow, ...]
    reverse_runs: ReverseRuns | None
    liquidity: tuple[LiquidityRow, ...]
    walk_forward: tuple[WalkForward, ...]
    unanswered: tuple[Unanswered, ...]
    """Where the margin formula had no good answer, in any series."""

    @property
    def formula_failures(self) -> int:
        """Steps without a good answer, and runs in which the formula failed."""
        runs = () if self.reverse_runs is None else self.reverse_runs.runs
        return len(self.unanswered) + sum(run.formula_failures > 0 for run in runs)


def evaluate(scenario: Scenario, options: BacktestOptions, progress: Progress | None = None) -> Evaluation:
    """Run the contracts over a price path and test the margin they ask for.

    Raises
    ------
    InputError
        A file, a contract or an option cannot be used.
    RunError
        The contracts stopped.
    """
    say = progress or (lambda _what, _done, _all: None)
    instrument = Instrument(scenario, options.market, notional=options.notional, engine=options.engine)
    if options.reverse_runs:
        price_shock(scenario, options.market)  # refused now, not after the last test
    prices = price_series(scenario, options.market, prices=options.prices, step_seconds=options.step_seconds)
    periods = horizons(scenario, options.horizon_seconds, prices.step_seconds)
    feed = (Feed.of_keepers if options.keepers else Feed.every_step)(scenario)
    series = instrument.series(
        prices.times, prices.prices, feed, sizes=NOTIONALS, progress=partial(say, "contracts")
    )
    contracts = dict(instrument.contracts)
    streams = Streams(scenario.seed)
    warm_up = _warm_up(scenario, len(series), prices.step_seconds)
    step = prices.step_seconds
    returns = np.diff(np.log(prices.prices[warm_up:]))
    volatility = float(np.sqrt((returns * returns).mean() * YEAR_SECONDS / step))
    ratios = {
        "maintenance": as_ratio(series.maintenance),
        "initial": as_ratio(series.initial),
        "maintenance, ramped": as_ratio(series.in_force),
    }
    coverage = _coverage(prices.prices, ratios, periods, warm_up, streams)
    windows = split_windows(prices.prices, ratios["maintenance"], periods[0].steps, first=warm_up)
    main = windows if len(windows) else None
    stress_cost = close_out_cost(scenario, options.market)
    say("book", 0, 1)
    book = starting_book(scenario, options.market, engine=options.engine)
    return Evaluation(
        prices=prices,
        series=series,
        feed=feed,
        engine=instrument.engine,
        contracts=contracts,
        warm_up=warm_up,
        volatility=volatility,
        horizons=periods,
        coverage=coverage,
        shortfall=() if main is None else _shortfall(main, series, periods[0], streams),
        main_windows=main,
        procyclicality=_procyclicality(
            instrument, series, ratios, warm_up, volatility, step, options.noise_runs, streams, say
        ),
        impulse=_impulse(scenario, instrument, step),
        responsiveness=_responsiveness(ratios["maintenance"][warm_up:], prices.prices[warm_up:], step),
        book=book,
        stress=stress_table(book, cost=stress_cost),
        reverse=tuple(
            _reverse(book, direction, stress_cost, scenario, prices, periods[0], warm_up)
            for direction in ("down", "up")
        ),
        reverse_runs=None
        if options.reverse_runs == 0
        else reverse_by_runs(
            scenario,
            options.market,
            runs=options.reverse_runs,
            engine=options.engine,
            progress=partial(say, "runs"),
        ),
        liquidity=_liquidity(scenario, options.market, series, volatility, periods[0]),
        walk_forward=() if main is None else _walk_forward(main, options.folds, streams),
        unanswered=tuple(instrument.unanswered),
    )


def _warm_up(scenario: Scenario, steps: int, step_seconds: int) -> int:
    """Return one slow memory of the oracle, or nothing where it is more than a tenth of the series."""
    memory = -(-scenario.protocol.oracle.tau_slow_seconds // step_seconds)
    return memory if memory * _WARM_UP_SHARE <= steps else 0


def _coverage(
    prices: FloatArray,
    ratios: dict[str, FloatArray],
    periods: tuple[Horizon, ...],
    first: int,
    streams: Streams,
) -> tuple[CoverageRow, ...]:
    rows: list[CoverageRow] = []
    for horizon in periods:
        for ratio in RATIOS:
            windows = split_windows(prices, ratios[ratio], horizon.steps, first=first)
            if not len(windows):
                continue
            rows.extend(
                CoverageRow(
                    ratio=ratio,
                    horizon=horizon,
                    result=evaluate_coverage(
                        windows, side, streams, target=TARGET, name=f"{ratio}:{horizon.seconds}:{side}"
                    ),
                )
                for side in SIDES
            )
    return tuple(rows)


def _shortfall(
    windows: Windows, series: MarginSeries, horizon: Horizon, streams: Streams
) -> tuple[ShortfallRow, ...]:
    variance = np.array([series.variance_fast[start] / WAD for start in windows.starts.tolist()])
    forecasts = {
        "margin": implied_deviation(windows.margin, TARGET),
        "volatility": np.sqrt(np.maximum(variance, 1e-12) * horizon.seconds / YEAR_SECONDS),
    }
    return tuple(
        ShortfallRow(
            forecast=forecast,
            result=evaluate_shortfall(windows, deviation, side, streams, name=f"{forecast}:{side}"),
        )
        for forecast, deviation in forecasts.items()
        for side in SIDES
    )


def _procyclicality(
    instrument: Instrument,
    series: MarginSeries,
    ratios: dict[str, FloatArray],
    warm_up: int,
    volatility: float,
    step_seconds: int,
    noise_runs: int,
    streams: Streams,
    say: Progress,
) -> tuple[ProcyclicalityRow, ...]:
    noise: dict[str, list[Procyclicality]] = {name: [] for name in ratios}
    deviation = volatility * math.sqrt(step_seconds / YEAR_SECONDS)
    feed = Feed.every_step(instrument.scenario)
    for run in range(noise_runs):
        normal = streams.draw("noise floor", run).normal(len(series) - 1)
        path = float(series.prices[0]) * np.exp(np.concatenate(([0.0], np.cumsum(deviation * normal))))
        quiet = instrument.series(
            series.times,
            path,
            feed,
            initial_variance=volatility * volatility,
            progress=partial(say, f"noise {run + 1}"),
        )
        columns = (quiet.maintenance, quiet.initial, quiet.in_force)
        for name, column in zip(ratios, columns, strict=True):
            noise[name].append(evaluate_procyclicality(as_ratio(column)[warm_up:], step_seconds))
    return tuple(
        ProcyclicalityRow(
            ratio=name,
            measured=evaluate_procyclicality(ratio[warm_up:], step_seconds),
            noise=tuple(noise[name]),
        )
        for name, ratio in ratios.items()
    )


def _impulse(scenario: Scenario, instrument: Instrument, step_seconds: int) -> Impulse:
    oracle = scenario.protocol.oracle
    stressed = min(-(-_IMPULSE_MEMORIES * oracle.tau_slow_seconds // step_seconds), _LONGEST_IMPULSE)
    deviation = oracle.initial_volatility_fast * math.sqrt(step_seconds / YEAR_SECONDS)
    path = alternating_path(
        scenario.markets[instrument.market].initial_price,
        deviation,
        IMPULSE,
        calm_steps=_CALM_STEPS,
        stressed_steps=stressed,
    )
    start = scenario.start_timestamp
    times: IntArray = start + step_seconds * np.arange(path.size, dtype=np.int64)
    answer = instrument.series(
        times,
        path,
        Feed.every_step(scenario),
        initial_variance=oracle.initial_volatility_fast**2,
    )
    initial, maintenance = (as_ratio(column)[_CALM_STEPS:] for column in (answer.initial, answer.maintenance))
    passed = np.arange(maintenance.size, dtype=np.float64)
    decay = math.exp(-step_seconds / oracle.tau_fast_seconds)
    rise = maintenance[-1] - maintenance[0]
    half = np.flatnonzero(maintenance - maintenance[0] >= 0.5 * rise)
    return Impulse(
        step_seconds=step_seconds,
        seconds=passed * step_seconds,
        initial=initial / initial[0],
        maintenance=maintenance / maintenance[0],
        closed_form=ewma_impulse(passed, decay, IMPULSE),
        overshoot=float(maintenance.max() / maintenance[-1]) - 1.0,
        half_time_seconds=float(half[0]) * step_seconds if rise > 0.0 else None,
    )


def _responsiveness(margin: FloatArray, prices: FloatArray, step_seconds: int) -> Responsiveness | None:
    """Regress over days, or over hours where the series has too few days."""
    for block in (86_400, 3_600):
        steps = max(block // step_seconds, LEAST_STEPS)
        if prices.size // steps >= LEAST_BLOCKS:
            return responsiveness(margin, prices, step_seconds, block_steps=steps)
    return None


def _reverse(
    book: Book,
    direction: str,
    cost: Callable[[float, float], float],
    scenario: Scenario,
    prices: PriceSeries,
    main: Horizon,
    warm_up: int,
) -> ReverseRow:
    stress = reverse_stress(book, direction, cost)
    if stress.log_move is None:
        return ReverseRow(stress=stress, rarities=())
    recorded = prices.file is not None
    rarities = []
    for seconds in dict.fromkeys((main.seconds, 86_400)):
        if seconds % prices.step_seconds:
            continue
        assumed = scenario.protocol.oracle.initial_volatility_slow * math.sqrt(seconds / YEAR_SECONDS)
        found = rarity(
            stress.log_move,
            prices.prices[warm_up:] if recorded else None,
            horizon_steps=seconds // prices.step_seconds,
            horizon_seconds=seconds,
            deviation=None if recorded else assumed,
        )
        if found is not None:
            rarities.append(found)
    return ReverseRow(stress=stress, rarities=tuple(rarities))


def _liquidity(
    scenario: Scenario, market: int, series: MarginSeries, volatility: float, main: Horizon
) -> tuple[LiquidityRow, ...]:
    """Return the sizes, with eta from the market's depth and refill, and the spread from the keepers' width.

    A book that offers depth_per_percent again every refill time takes a flow of v quote a second at
    1 % v refill / depth: eta = 0.01 refill / depth, the refill time being the half-life over ln 2
    (assumption).
    """
    impact = scenario.markets[market].impact
    refill = impact.refill_half_life_seconds / math.log(2.0) or float(scenario.seconds_per_block)
    keepers = scenario.section(KEEPERS)
    daily = np.sqrt(np.array([value / WAD for value in series.variance_fast]) / 365.0)
    width = keepers.confidence_ratio + keepers.confidence_volatility * daily
    if volatility <= 0.0:
        return ()
    return evaluate_liquidity(
        [(size, ratio / WAD) for size, ratio in series.by_size],
        impact=0.01 * refill / impact.depth_per_percent,
        volatility=volatility / math.sqrt(YEAR_SECONDS),
        period_seconds=main.seconds,
        target=TARGET,
        mean_spread=2.0 * float(width.mean()),
        spread_deviation=2.0 * float(width.std()),
    )


def _walk_forward(windows: Windows, folds: int, streams: Streams) -> tuple[WalkForward, ...]:
    found = [
        validate(windows, side, streams, target=TARGET, folds=folds, name="walk forward")
        for validate in (walk_forward, walk_forward_garch)
        for side in SIDES
    ]
    return tuple(one for one in found if one is not None)
