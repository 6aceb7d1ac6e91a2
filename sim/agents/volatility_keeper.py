"""Volatility keepers: they bring estimators up to date and report what options imply."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sim.agents.base import ActorIndex, Outage, Outcome, silent_members
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.agents.oracle_keeper import KEEPERS
from sim.core.arrays import IntArray
from sim.core.documents.sections import Section, number
from sim.core.rng import Streams
from sim.core.units import WAD, YEAR_SECONDS, to_wad
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.state import State
from sim.reference import estimator_math

_LEAST = math.sqrt(estimator_math.MIN_VARIANCE / WAD)
_MOST = math.sqrt(estimator_math.MAX_VARIANCE / WAD)


class VolatilityKeepersSection(Section):
    """One keeper for each market that chooses among estimates of its variance; without such markets, none."""

    update_blocks: int = number(
        1, 1, 100_000, "blocks", "Time between two updates of a market's estimators.",
        source="assumption: whoever runs a price's keepers runs this one",
    )  # fmt: skip
    implied_blocks: int = number(
        25, 1, 100_000, "blocks", "Time between two reports of implied variance.",
        source="assumption: five minutes",
    )  # fmt: skip
    implied_memory_seconds: int = number(
        21_600, 1, 31_536_000, "s", "Memory of the outside variance that option prices follow.",
        source="assumption: six hours; at-the-money options of a week moved that fast in March 2020",
    )  # fmt: skip
    implied_premium: float = number(
        0.1, -0.9, 10.0, "1", "By how much implied volatility is above the realised one.",
        source="assumption: Carr and Wu 2009 find implied above realised variance by about a fifth",
    )  # fmt: skip
    implied_noise: float = number(
        0.02, 0.0, 1.0, "1", "Deviation of the logarithm of what is reported.",
        source="assumption: one volatility point of fifty",
    )  # fmt: skip
    silent_with_share: float = number(
        0.5, 0.0, 1.0, "1", "Share of a price's keepers with which this one falls silent.",
        source="assumption: whoever runs most of a price's keepers runs this one",
    )  # fmt: skip
    fees: FeePolicy = FeePolicy()


class VolatilityKeeper:
    """Updates one market's estimators, and reports its implied variance.

    What options imply is made up from the outside price: a variance of its moves with a memory, and a premium
    on its root. It knows the outside price before the oracle does, as options markets do.
    """

    def __init__(
        self,
        section: VolatilityKeepersSection,
        actors: Sequence[int] | IntArray,
        *,
        name: str,
        market: int,
        price: float,
        variance: float,
        outages: Sequence[Outage] = (),
    ) -> None:
        self.section = section
        self.name = name
        self.market = market
        self.latency_blocks = 0
        self._index = ActorIndex(actors)
        self._outages = tuple(outages)
        self._price, self._variance = price, variance
        self._seen_at: int | None = None
        self._waits: set[str] = set()

    def describe(self) -> str:
        """Return one sentence for users."""
        section = self.section
        return (
            f"One volatility keeper of market {self.market}: it updates the estimators every "
            f"{section.update_blocks} blocks and reports what options imply every {section.implied_blocks}, "
            f"{section.implied_premium:.0%} above realised volatility."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return this block's update and report, unless the last one still waits."""
        self._look(state)
        section, fees = self.section, Fees(*self.section.fees.bid(state.base_fee_wei))
        if bool(silent_members(self._outages, state.block, 1)[0]):
            return []
        actor = int(self._index.actors[0])
        batches = []
        if state.block % section.implied_blocks == 0 and EntryPoint.REPORT_IMPLIED not in self._waits:
            stream = f"agent:volatility_keeper:{self.name}:noise"
            noise = float(draws.lognormal(stream, state.block, 1, section.implied_noise)[0])
            volatility = math.sqrt(self._variance) * (1.0 + section.implied_premium) * noise
            variance = to_wad(min(max(volatility, _LEAST), _MOST) ** 2)
            variance = min(max(variance, estimator_math.MIN_VARIANCE), estimator_math.MAX_VARIANCE)
            batches.append(actions.report_implied(self.name, actor, self.market, variance, fees))
            self._waits.add(EntryPoint.REPORT_IMPLIED)
        if state.block % section.update_blocks == 0 and EntryPoint.UPDATE_ESTIMATOR not in self._waits:
            batches.append(actions.update_estimator(self.name, actor, self.market, fees))
            self._waits.add(EntryPoint.UPDATE_ESTIMATOR)
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Learn what no longer waits."""
        for result in outcome.results:
            if self._index.local(result.actor) >= 0:
                self._waits.discard(result.kind)

    def _look(self, state: State) -> None:
        """Take the outside price into the variance that options follow."""
        price = float(state.external_prices[self.market])
        if self._seen_at is not None and state.timestamp > self._seen_at and price > 0.0:
            elapsed = state.timestamp - self._seen_at
            weight = math.exp(-elapsed / self.section.implied_memory_seconds)
            observed = math.log(price / self._price) ** 2 * YEAR_SECONDS / elapsed
            self._variance = weight * self._variance + (1.0 - weight) * observed
        self._price, self._seen_at = price, state.timestamp


class _VolatilityKeepers(AgentKind[VolatilityKeepersSection]):
    name = "volatility_keepers"
    order = 52
    section = VolatilityKeepersSection

    def groups(self, section: VolatilityKeepersSection, setting: Setting) -> Iterable[Group]:
        del section
        for market, name in _estimated(setting):
            yield Group(
                name=_group(market),
                count=1,
                label=f"{name} volatility keepers",
                reports_implied=market,
            )

    def agents(self, section: VolatilityKeepersSection, start: Start) -> Iterable[VolatilityKeeper]:
        setting = start.setting
        for market, name in _estimated(setting):
            yield VolatilityKeeper(
                section,
                start.members[_group(market)],
                name=f"volatility_keeper_{name.lower()}",
                market=market,
                price=setting.prices[market],
                variance=setting.protocol.markets[market].initial_variance_fast,
                outages=[
                    out
                    for out in setting.outages_of(KEEPERS.name, market)
                    if out.share >= section.silent_with_share
                ],
            )


def _estimated(setting: Setting) -> Iterable[tuple[int, str]]:
    """Return the markets that choose among estimates, with their names."""
    for market, name in enumerate(setting.market_names):
        if setting.protocol.markets[market].has_estimator:
            yield market, name


def _group(market: int) -> str:
    return f"volatility_keepers:{market}"


VOLATILITY_KEEPERS = _VolatilityKeepers()
AGENTS.add(VOLATILITY_KEEPERS)
