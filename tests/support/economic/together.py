"""What an account in portfolio mode must hold to add risk or take collateral out, by the formula's twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import product

from sim.core.units import WAD, to_wad
from sim.reference.margin_math import requirement
from sim.reference.portfolio_math import (
    LEAST_SHARE,
    PAIRS,
    PortfolioLeg,
    PortfolioParameters,
    portfolio_margin,
)
from tests.support.economic.seen import Step


def required_together(step: Step, notionals: Mapping[int, int]) -> int:
    """Return the initial requirement (WAD) of notionals by market, negative if short, after a step."""
    seen, draw = step.after, step.world.draw
    words = {
        field.name: to_wad(draw.words[f"portfolio.{field.name}"]) for field in fields(PortfolioParameters)
    }
    legs = [PortfolioLeg()] * len(seen.markets)
    for market, notional in notionals.items():
        state, terms = seen.markets[market], draw.markets[market]["pricing_terms"]
        legs[market] = PortfolioLeg(
            notional=notional,
            ratio=step.world.ratios(market, [abs(notional)])[0][0],
            base_ratio=state.initial_ratio,
            confidence=state.confidence,
            price=state.index_price,
            max_premium=to_wad(terms["max_premium"]),
        )
    sides = [[market for market, notional in notionals.items() if notional * side > 0] for side in (1, -1)]
    believed = [seen.correlations[min(pair), max(pair)] for pair in product(*sides)] if draw.estimated else []
    levels = [estimate.level for estimate in believed if seen.now <= estimate.valid_until]
    answer = portfolio_margin(
        legs,
        [to_wad(draw.correlation)] * PAIRS,
        PortfolioParameters(**words),
        estimated=min([*levels, WAD]),
    )
    alone = sum(requirement(abs(leg.notional), leg.ratio) for leg in legs)
    leaving = sum(requirement(abs(leg.notional), min(leg.max_premium, leg.ratio)) for leg in legs)
    return min(max(answer.requirement, leaving, alone * LEAST_SHARE // WAD), alone)
