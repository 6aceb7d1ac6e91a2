"""Which clamps, caps, floors and fees bind: a search in which one never does says nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.core.units import WAD, to_wad
from sim.protocol.codes import PositionCause
from sim.protocol.state import MarketState
from tests.support.economic.history import WHOLE
from tests.support.economic.rules import moved_least_and_most
from tests.support.economic.seen import Step

BOUNDS: Final = (
    "premium",
    "open interest",
    "funding",
    "limiter",
    "ramp",
    "throttle",
    "tip",
    "part closed",
    "dust closed",
    "smallest position",
    "trade fee",
    "no trade fee",
    "liquidation fee",
    "window",
)
"""The clamp of the premium, the caps of open interest and funding rate, the risk price's limiter, the ramp,
the throttle of liquidations, the least bounty, the buffer (part of a position is enough), the dust rule of
reductions, the smallest position, fees of trades and liquidations, the window before a loss is socialised."""

ASSET_BOUNDS: Final = ("asset cap", "no sale", "secured", "lien", "cluster")
"""Of other collateral and clusters: the cap of deposits, price or bound of one time that holds a forced sale
back, a debt that own assets are to cover, a lien, a requirement raised to the size of all linked accounts."""

ESTIMATOR_BOUNDS: Final = ("variance limit", "multiplier", "forgotten choice")
"""Of markets that choose their variance: a rate that holds a choice back, a margin that is multiplied, a
choice that is forgotten."""

_REASONS: Final = {
    "too small": "smallest position",
    "window open": "window",
    "deposit cap": "asset cap",
    "nothing can be sold now": "no sale",
}


def binding(step: Step) -> Iterator[str]:
    """Yield what binds after a step, or refused it."""
    for market, state in enumerate(step.after.markets):
        yield from _of_market(step, market, state)
    for event in step.events:
        if event.name == "Liquidated":
            if event.values["tip"]:
                yield "tip"
            if event.values["fee"]:
                yield "liquidation fee"
        elif event.name == "PositionChanged":
            cause = event.values["cause"]
            if cause == PositionCause.TRADE:
                yield "trade fee" if event.values["fee"] else "no trade fee"
            elif cause == PositionCause.LIQUIDATION and event.values["size"]:
                yield "part closed"
    for call in step.calls:
        for words, bound in _REASONS.items():
            if call.reason and words in call.reason:
                yield bound
    if step.after.secured:
        yield "secured"
    for event, bound in (("LienChanged", "lien"), ("ClusterCounted", "cluster")):
        if step.named(event):
            yield bound
    yield from _of_choices(step)
    if step.verb == "decrease" and step.done:
        market, share = (int(argument) for argument in step.action.arguments)
        if share < WHOLE and not step.after.positions[market][step.action.actor].size:
            yield "dust closed"


def _of_choices(step: Step) -> Iterator[str]:
    for market, after in step.after.chosen.items():
        before, words = step.before.chosen[market], step.world.draw.markets[market]["estimator"]
        if after.variance in moved_least_and_most(before, after.updated_at, words) and before != after:
            yield "variance limit"
        if after.multiplier > WAD:
            yield "multiplier"
        if step.after.now > after.updated_at + words["expiry_seconds"]:
            yield "forgotten choice"


def _of_market(step: Step, market: int, state: MarketState) -> Iterator[str]:
    drawn = step.world.draw.markets[market]
    clamp = to_wad(drawn["pricing_terms"]["max_premium"])
    if clamp and abs(state.mark_price - state.index_price) >= state.index_price * clamp // WAD - 1:
        yield "premium"
    cap = to_wad(drawn["market"]["open_interest_cap"])
    if max(state.long_open_interest, state.short_open_interest) >= cap - cap // 10_000:
        yield "open interest"
    most = to_wad(step.world.draw.word("max_funding_rate_per_hour"))
    if state.funding_rate and abs(state.funding_rate) == most:
        yield "funding"
    if state.throttle_capacity < WAD:
        yield "throttle"
    if state.risk_price != state.index_price:
        yield "limiter"
    if state.ramped_maintenance_ratio < state.maintenance_ratio:
        yield "ramp"
