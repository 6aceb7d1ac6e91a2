"""The models of the market that both arms are run in: price processes of equal volatility, impact laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.core import portable_math
from sim.core.documents.toml_text import toml_value
from sim.core.errors import InputError
from sim.core.units import YEAR_SECONDS
from sim.engine.scenario.market import MarketSection
from sim.engine.scenario.schema import Scenario
from sim.experiments.decision.plan import OWN_PROCESS, ComparePlan, resamples
from sim.market.price_file import load_price_file
from sim.market.price_process import PRICE_PROCESSES

LEAST_MODELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCell:
    """One model of the market."""

    name: str
    """Price model and impact law: ``kou, square_root``."""
    price_model: str
    impact_law: str
    overrides: tuple[str, ...]
    """What makes the scenario this cell's, as for ``--set``."""


def market_cells(scenario: Scenario, plan: ComparePlan, price_file: Path | None) -> tuple[MarketCell, ...]:
    """Return the cells of a plan: every price model with every impact law.

    A model that is the scenario's own process already is not run twice.

    Raises
    ------
    InputError
        Fewer than three price models are left that differ.
    """
    own = {market.price.kind for market in scenario.markets}
    models = [
        model
        for model in plan.price_models
        if model == OWN_PROCESS or OWN_PROCESS not in plan.price_models or own != {model}
    ]
    if len(models) < LEAST_MODELS:
        raise InputError(
            f"price_models: {', '.join(own)} is the scenario's own process, so only {len(models)} differ;"
            f" at least {LEAST_MODELS} are needed"
        )
    volatilities = [annual_volatility(scenario, index) for index in range(len(scenario.markets))]
    return tuple(
        MarketCell(
            name=f"{model}, {law}",
            price_model=model,
            impact_law=law,
            overrides=(
                *_price_overrides(scenario, plan, model, volatilities, price_file),
                *(f"markets.{index}.impact.law={toml_value(law)}" for index in range(len(scenario.markets))),
            ),
        )
        for model in models
        for law in plan.impact_laws
    )


def annual_volatility(scenario: Scenario, market: int) -> float:
    """Return the annual volatility of a market's own price process, jumps included.

    Scripted shocks are not part of it: they happen in every cell. A bridge counts with the volatility around
    its waypoints, a recorded price with what it realised.

    Raises
    ------
    InputError
        The process has neither an annual variance of its own nor a file.
    """
    price = scenario.markets[market].price
    variance = price.annual_variance()
    if variance is not None:
        return _rounded(portable_math.sqrt(variance))
    if price.price_file is None:
        raise InputError(f"markets.{market}.price: a {price.kind} process does not say how volatile it is")
    return _realised(scenario.file(f"markets.{market}.price.file"), price.longest_gap_seconds)


def _price_overrides(
    scenario: Scenario,
    plan: ComparePlan,
    model: str,
    volatilities: Sequence[float],
    price_file: Path | None,
) -> list[str]:
    if model == OWN_PROCESS:
        return []
    if resamples(PRICE_PROCESSES[model]):  # one file is the price of one market: the others keep their own
        value = toml_value({"kind": model, "file": str(price_file)})
        return [f"markets.0.price={value}"]
    return [
        f"markets.{index}.price={toml_value(_matched(model, market, volatility, plan.kou_jump_share))}"
        for index, (market, volatility) in enumerate(zip(scenario.markets, volatilities, strict=True))
    ]


def _matched(model: str, market: MarketSection, volatility: float, jump_share: float) -> dict[str, object]:
    """Return the price section of a model with a given annual volatility and the market's own drift."""
    drift = getattr(market.price, "drift", 0.0)
    process = PRICE_PROCESSES[model].matched(volatility=volatility, drift=drift, jump_share=jump_share)
    if process is None:
        raise InputError(f"price_models: {model} cannot be given a volatility")
    return process.model_dump(exclude_unset=True)


def _realised(file: Path, max_gap_seconds: int) -> float:
    history = load_price_file(file, max_gap_seconds=max_gap_seconds)
    years = (history.end_time - history.start_time) / YEAR_SECONDS
    moves = np.diff(portable_math.log(history.prices))
    return (
        _rounded(portable_math.sqrt(portable_math.ordered_sum(moves * moves) / years)) if years > 0 else 0.0
    )


def _rounded(value: float) -> float:
    """Return a value as a plan shows it: what is run is what is written."""
    return round(float(value), 6)


def model_assumptions(scenario: Scenario, cells: Sequence[MarketCell]) -> list[str]:
    """Return sentences on how the price models were made comparable."""
    lines = []
    models = tuple(dict.fromkeys(cell.price_model for cell in cells if cell.price_model != OWN_PROCESS))
    matched = [model for model in models if not resamples(PRICE_PROCESSES[model])]
    *others, last = matched
    same = f"{', '.join(others)} and {last} have" if others else f"{last} has"
    for index, market in enumerate(scenario.markets):
        own = market.price
        lines.append(
            f"{market.name}: the scenario's own process is {own.kind} with an annual volatility of"
            f" {100 * annual_volatility(scenario, index):.1f} %; {same} the same"
        )
        if own.in_no_other_model:
            lines.append(
                f"{market.name}: {own.in_no_other_model} are in its own cells only;"
                " scripted shocks are in all"
            )
    lines += [
        f"the {model} has the volatility of its file, not the scenario's"
        for model in models
        if model not in matched
    ]
    return lines
