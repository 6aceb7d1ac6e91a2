"""The reverse stress test on whole runs: which size of the scenario's scripted shock empties the fund."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from sim.core.errors import InputError
from sim.engine.options import RunOptions
from sim.engine.price_files import starting_with_prices
from sim.engine.run import execute, load_histories, summarise
from sim.engine.scenario.schema import Scenario
from sim.market.shock import moves_price

LARGEST_FALL: Final = -0.95
"""First size tried: a fund that survives it is not emptied by this shock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRun:
    """One run of the scenario with its shock resized."""

    size: float
    """Relative price move of the shock."""
    emptied: bool
    fund_min: float
    """Quote."""
    bad_debt: float
    """Quote."""
    formula_failures: int
    """Questions that a margin formula left without a good answer."""
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRuns:
    """A bracket of the least shock, on one path of the scenario."""

    shock: str
    """Key of the shock in the scenario."""
    survived: float
    """Largest fall tried that left something in the fund; 0 if every fall emptied it."""
    emptied: float | None
    """Least fall tried beyond it that emptied the fund; None if not even the largest does."""
    runs: tuple[ReverseRun, ...]
    """In the order they were made."""


def reverse_by_runs(
    scenario: Scenario,
    market: int,
    *,
    runs: int,
    engine: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReverseRuns:
    """Bisect the size of the first scripted price shock of a market over real runs at the scenario's seed.

    Agents top up, liquidators race and the oracle lags, so nothing guarantees that the outcome is monotone in
    the size: the bracket holds where bisection looked, on this one path.

    Parameters
    ----------
    scenario
        With a ``price_jump`` or ``price_drift`` in that market.
    market
        Number of the market.
    runs
        At least 2.
    engine
        EVM.
    progress
        Called with runs done and in all.

    Raises
    ------
    InputError
        The scenario scripts no price shock there.
    """
    index = price_shock(scenario, market)
    made: list[ReverseRun] = []

    def attempt(size: float) -> bool:
        run = _run(scenario, index, size, engine)
        made.append(run)
        if progress is not None:
            progress(len(made), runs)
        return run.emptied

    survived, emptied = 0.0, math.log1p(LARGEST_FALL)
    if attempt(LARGEST_FALL):
        for _ in range(runs - 1):
            middle = 0.5 * (survived + emptied)
            if attempt(math.expm1(middle)):
                emptied = middle
            else:
                survived = middle
        return ReverseRuns(
            shock=f"shocks.{index}.size",
            survived=math.expm1(survived),
            emptied=math.expm1(emptied),
            runs=tuple(made),
        )
    return ReverseRuns(shock=f"shocks.{index}.size", survived=LARGEST_FALL, emptied=None, runs=tuple(made))


def price_shock(scenario: Scenario, market: int) -> int:
    """Return the number of the first scripted price shock of a market.

    Raises
    ------
    InputError
        The scenario scripts none there.
    """
    for index, shock in enumerate(scenario.shocks):
        if "size" in type(shock).model_fields and moves_price(shock, market, scenario.seconds_per_block):
            return index
    raise InputError(
        f"--reverse-runs: {scenario.name} scripts no price_jump or price_drift in market {market}"
    )


def _run(scenario: Scenario, index: int, size: float, engine: str | None) -> ReverseRun:
    shocks = list(scenario.shocks)
    shocks[index] = shocks[index].model_copy(update={"size": size})
    files = {reference: scenario.file(reference) for reference, _ in scenario.file_references()}
    resized = scenario.model_copy(update={"shocks": tuple(shocks)}).with_files(files)
    options = RunOptions(out=Path(), engine=engine, worlds="none")
    histories = load_histories(resized, options)
    run = execute(starting_with_prices(resized, histories), options, histories)
    try:
        summary = summarise(run)
    finally:
        run.world.chain.close()
    return ReverseRun(
        size=size,
        emptied=bool(summary["fund_depleted"]),
        fund_min=cast(float, summary["insurance_fund_min"]),
        bad_debt=cast(float, summary["bad_debt"]),
        formula_failures=cast(int, summary["formula_failures"]),
        digest=run.digest,
    )
