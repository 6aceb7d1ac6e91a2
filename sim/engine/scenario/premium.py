"""Whether the maintenance ratios of a scenario can carry the premiums of its pools.

Two accounts of one owner push the premium from one end to the other at a constant price; what the ratio does
not cover of it, the insurance fund pays to them. Derivation and bound: ``docs/formulas.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

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


def maintenance_ratio_at_rest(model: str, words: Mapping[str, int]) -> int | None:
    """Return the maintenance ratio of a market at rest (WAD), None of a formula that is not ours."""
    return _AT_REST[model](words) if model in _AT_REST else None


def premium_problem(model: str, words: Mapping[str, int], max_premium: int, fee_rate: int) -> str | None:
    """Return what is wrong with a cap on the premium, with the way out; None if nothing is.

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
    if ratio is None:
        return None  # the registry asks the formula itself when the contracts are deployed
    most = margin_math.largest_premium(ratio, fee_rate)
    if max_premium <= most:
        return None
    asked = f"the maintenance ratio of a market at rest is {ratio / WAD:.4g}"
    gain = "two accounts of one owner would take the difference from the insurance fund at a constant price"
    if most < 0:
        return f"{asked} and the trade fee {fee_rate / WAD:.4g}: {gain}; lower the fee, or raise the ratio"
    return (
        f"{asked}, which carries a premium of {most / WAD:.4g} at this trade fee,"
        f" was {max_premium / WAD:.4g}: {gain}; lower it, or raise the ratio"
    )
