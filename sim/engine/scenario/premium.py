"""Whether the maintenance ratios of a scenario can carry the premiums of its pools.

Two accounts of one owner push the premium from one end to the other at a constant price; what the ratio does
not cover of it, the insurance fund pays to them. Derivation and bound: ``docs/formulas.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sim.core.documents.sections import Problem
from sim.core.documents.toml_text import KeyPath
from sim.core.units import WAD
from sim.reference import margin_math, risk_math
from sim.reference.risk_math import AdaptiveParameters, RiskInputs, TieredParameters, VolatilityParameters

_REST: Final = RiskInputs(
    notional=0, price=WAD, confidence=0, variance_fast=0, variance_slow=0, open_interest=0, depth=WAD
)
"""A position without size in a market that does not move, as ``formulas.vy`` asks about it."""

_AT_REST: Final[Mapping[str, Callable[[Mapping[str, Any]], int]]] = {
    "static": lambda words: int(words["maintenance_ratio"]),
    "volatility": lambda words: risk_math.volatility_ratios(_REST, VolatilityParameters(**words)).maintenance,
    "adaptive": lambda words: risk_math.adaptive_ratios(_REST, AdaptiveParameters(**words)).maintenance,
    "tiered": lambda words: risk_math.tiered_ratios(_REST, TieredParameters(**words)).maintenance,
}
"""Risk model that ships -> the least it asks, of its words."""

FLOORS: Final[Mapping[str, str]] = {
    "static": "maintenance_ratio",
    "volatility": "maintenance_min",
    "adaptive": "maintenance_floor",
    "tiered": "tier_1_maintenance",
}
"""Risk model that ships -> the parameter that by its default makes the least carry the default premium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """One of the fields that must agree."""

    path: KeyPath
    """Where a scenario has it."""
    word: int
    """WAD."""
    default: int
    """WAD."""
    is_given: bool
    """Whether the scenario says it."""

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))} = {self.word / WAD:.4g}"


def maintenance_ratio_at_rest(model: str, words: Mapping[str, int]) -> int | None:
    """Return the maintenance ratio of a market at rest (WAD), None of a formula that is not ours."""
    return _AT_REST[model](words) if model in _AT_REST else None


def is_carried(model: str, words: Mapping[str, int], max_premium: int, fee_rate: int) -> bool:
    """Return whether a formula's least ratio carries a premium; true of a formula that is not ours.

    Parameters
    ----------
    model
        Name of the risk model.
    words
        Its parameters as the contract has them.
    max_premium, fee_rate
        WAD.
    """
    ratio = maintenance_ratio_at_rest(model, words)
    # A formula that is not ours the registry asks itself when the contracts are deployed.
    return ratio is None or max_premium <= margin_math.largest_premium(ratio, fee_rate)


def premium_problem(
    model: str, words: Mapping[str, int], floor: Agreeing, max_premium: Agreeing, fee_rate: Agreeing
) -> Problem | None:
    """Return which field to change where a ratio does not carry a premium, and why; None if it does.

    It is the first that the scenario gives and whose default would do, of ratio, premium and fee; the first
    that it gives if none would.

    Parameters
    ----------
    model
        Name of the risk model.
    words
        Its parameters as the contract has them.
    floor, max_premium, fee_rate
        What decides, `FLOORS` of the model first.
    """
    ratio = maintenance_ratio_at_rest(model, words)
    if ratio is None or is_carried(model, words, max_premium.word, fee_rate.word):
        return None
    most = margin_math.largest_premium(ratio, fee_rate.word)
    asked = f"the maintenance ratio of a market at rest is {ratio / WAD:.4g} ({floor})"
    gain = "two accounts of one owner would take the difference from the insurance fund at a constant price"
    if most < 0:
        message = f"{asked} and does not carry {fee_rate}: {gain}; lower the fee, or raise the ratio"
    else:
        message = (
            f"{asked}, which carries a premium of {most / WAD:.4g} at {fee_rate}, not {max_premium}: {gain};"
            " lower the premium, or raise the ratio"
        )
    with_floor = {**words, FLOORS[model]: floor.default}
    repairs = [
        (floor, is_carried(model, with_floor, max_premium.word, fee_rate.word)),
        (max_premium, is_carried(model, words, max_premium.default, fee_rate.word)),
        (fee_rate, is_carried(model, words, max_premium.word, fee_rate.default)),
    ]
    given = [(field, does) for field, does in repairs if field.is_given]
    to_change = [field for field, does in given if does] + [field for field, _ in given]
    return (*to_change, max_premium)[0].path, message
