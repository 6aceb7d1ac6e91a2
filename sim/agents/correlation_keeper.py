"""Correlation keepers: they let the volatility oracle sample pairs of markets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.agents.base import ActorIndex, Outage, Outcome, silent_members
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.agents.oracle_keeper import KEEPERS
from sim.core.arrays import IntArray
from sim.core.documents.sections import Section, number
from sim.core.rng import Streams
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.state import State


class CorrelationKeepersSection(Section):
    """One keeper for each two markets, where margin believes estimated correlations; elsewhere none."""

    silent_with_share: float = number(
        0.5, 0.0, 1.0, "1", "Share of the price keepers of either market with which this one falls silent.",
        source="assumption: whoever runs most of a price's keepers runs this one",
    )  # fmt: skip
    fees: FeePolicy = FeePolicy()


class CorrelationKeeper:
    """Samples one pair of markets, once a period, as early as it can."""

    latency_blocks = 0

    def __init__(
        self,
        section: CorrelationKeepersSection,
        actors: Sequence[int] | IntArray,
        *,
        name: str,
        markets: tuple[int, int],
        sample_seconds: int,
        outages: Sequence[Outage] = (),
    ) -> None:
        self.section = section
        self.name = name
        self.markets = markets
        self._sample_seconds = sample_seconds
        self._index = ActorIndex(actors)
        self._outages = tuple(outages)
        self._period: int | None = None
        self._waits = self._is_over = False

    def describe(self) -> str:
        """Return one sentence for users."""
        first, second = self.markets
        return (
            f"One keeper of the correlation of markets {first} and {second}: it samples both prices once "
            f"every {self._sample_seconds} seconds."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return the sample of a period that has none, unless the last one still waits."""
        del draws
        period = state.timestamp // self._sample_seconds
        if period != self._period:
            self._period, self._is_over = period, False
        if self._waits or self._is_over or bool(silent_members(self._outages, state.block, 1)[0]):
            return []
        self._waits = True
        fees = Fees(*self.section.fees.bid(state.base_fee_wei))
        return [actions.update_pair(self.name, int(self._index.actors[0]), *self.markets, fees)]

    def observe(self, outcome: Outcome) -> None:
        """Learn what no longer waits; a refusal stands for the period, whose prices are what they were."""
        for result in outcome.results:
            if self._index.local(result.actor) >= 0:
                self._waits = False
                self._is_over = self._is_over or result.status in ("success", "reverted")


class _CorrelationKeepers(AgentKind[CorrelationKeepersSection]):
    name = "correlation_keepers"
    order = 53
    section = CorrelationKeepersSection

    def groups(self, section: CorrelationKeepersSection, setting: Setting) -> Iterable[Group]:
        del section
        for markets in _pairs(setting):
            names = " and ".join(setting.market_names[market] for market in markets)
            yield Group(name=_group(markets), count=1, label=f"correlation keepers of {names}")

    def agents(self, section: CorrelationKeepersSection, start: Start) -> Iterable[CorrelationKeeper]:
        setting = start.setting
        for markets in _pairs(setting):
            names = "_".join(setting.market_names[market].lower() for market in markets)
            yield CorrelationKeeper(
                section,
                start.members[_group(markets)],
                name=f"correlation_keeper_{names}",
                markets=markets,
                sample_seconds=int(setting.protocol.correlation["sample_seconds"]),
                outages=[
                    outage
                    for market in markets
                    for outage in setting.outages_of(KEEPERS.name, market)
                    if outage.share >= section.silent_with_share
                ],
            )


def _pairs(setting: Setting) -> Iterable[tuple[int, int]]:
    """Return each two markets, the first one below the second, where correlations are estimated."""
    if setting.protocol.estimates_correlations:
        count = len(setting.market_names)
        yield from ((first, second) for second in range(count) for first in range(second))


def _group(markets: tuple[int, int]) -> str:
    return f"correlation_keepers:{markets[0]}-{markets[1]}"


CORRELATION_KEEPERS = _CorrelationKeepers()
AGENTS.add(CORRELATION_KEEPERS)
