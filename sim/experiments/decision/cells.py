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
from sim.engine.scenario.market import (
    BootstrapPrice,
    BridgePrice,
    GarchPrice,
    GbmPrice,
    KouPrice,
    MarketSection,
    MertonPrice,
    ReplayPrice,
)
from sim.engine.scenario.schema import Scenario
from sim.experiments.decision.plan import ComparePlan
from sim.market.price_file import load_price_file

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
        if model == "scenario" or "scenario" not in plan.price_models or own != {model}
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

    Notes
    -----
    Variance per year of the log price: Merton sigma^2 + l (m^2 + s^2); Kou sigma^2 + 2 l (p u^2 + q d^2) with
    mean jumps u up and d down (quant 5.1); GARCH its unconditional one.
    """
    price = scenario.markets[market].price
    if isinstance(price, ReplayPrice | BootstrapPrice):
        return _realised(scenario.file(f"markets.{market}.price.file"), price.max_gap_seconds)
    variance = price.volatility * price.volatility
    if isinstance(price, MertonPrice):
        size = price.jump_mean * price.jump_mean + price.jump_deviation * price.jump_deviation
        variance += price.jump_intensity * size
    elif isinstance(price, KouPrice):
        variance += price.jump_intensity * _kou_jump_variance(price)
    return _rounded(portable_math.sqrt(variance))


def _price_overrides(
    scenario: Scenario,
    plan: ComparePlan,
    model: str,
    volatilities: Sequence[float],
    price_file: Path | None,
) -> list[str]:
    if model == "scenario":
        return []
    if model == "bootstrap":  # one file is the price of one market: the others keep their own process
        value = toml_value({"kind": "bootstrap", "file": str(price_file)})
        return [f"markets.0.price={value}"]
    return [
        f"markets.{index}.price={toml_value(_matched(model, market, volatility, plan.kou_jump_share))}"
        for index, (market, volatility) in enumerate(zip(scenario.markets, volatilities, strict=True))
    ]


def _matched(model: str, market: MarketSection, volatility: float, jump_share: float) -> dict[str, object]:
    """Return the price section of a model with a given annual volatility and the market's own drift."""
    own = market.price
    drift = own.drift if isinstance(own, GbmPrice | MertonPrice | KouPrice | GarchPrice) else 0.0
    section: dict[str, object] = {"kind": model, "volatility": volatility, "drift": drift}
    if model == "kou":
        jumps = KouPrice(kind="kou")
        variance = volatility * volatility
        section["volatility"] = _rounded(portable_math.sqrt((1.0 - jump_share) * variance))
        section["jump_intensity"] = _rounded(jump_share * variance / _kou_jump_variance(jumps))
    return section


def _kou_jump_variance(price: KouPrice) -> float:
    """Return E J^2 of one jump: twice the square of an exponential's mean."""
    up, down = price.jump_mean_up, price.jump_mean_down
    share = price.jump_down_share
    return 2.0 * ((1.0 - share) * up * up + share * down * down)


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
    for index, market in enumerate(scenario.markets):
        own = market.price
        lines.append(
            f"{market.name}: the scenario's own process is {own.kind} with an annual volatility of"
            f" {100 * annual_volatility(scenario, index):.1f} %; gbm, kou and garch_t have the same"
        )
        if isinstance(own, BridgePrice):
            lines.append(
                f"{market.name}: the bridge's waypoints are in its own cells only; scripted shocks are in all"
            )
    if any(cell.price_model == "bootstrap" for cell in cells):
        lines.append("the bootstrap has the volatility of its file, not the scenario's")
    return lines
