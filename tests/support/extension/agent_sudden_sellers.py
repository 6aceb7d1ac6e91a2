"""Example of an agent in one file: accounts that hold long positions and close them all in one block."""

from __future__ import annotations

from collections.abc import Iterable

from sim.agents.base import Agent, Outcome
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Opening, Setting, Start
from sim.core.arrays import IntArray
from sim.core.documents.sections import Section, number
from sim.core.rng import Streams
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, Fees
from sim.protocol.state import State


class SuddenSellersSection(Section):
    """Holders of long positions who all close in one block."""

    count: int = number(0, 0, 1_000, "accounts", "Sellers.", source="none unless stated")
    notional: float = number(5_000.0, 100.0, 1e9, "quote", "Position of each.", source="assumption")
    at_block: int = number(4, 0, 1_000_000, "block", "When they sell.", source="assumption: early")
    fees: FeePolicy = FeePolicy()


class SuddenSellers:
    """The holders, who act once."""

    name = "sudden_sellers"
    latency_blocks = 0

    def __init__(self, section: SuddenSellersSection, actors: IntArray) -> None:
        self._section, self._actors = section, actors

    def describe(self) -> str:
        """Return one sentence for users."""
        return f"{len(self._actors)} sudden sellers, who close in block {self._section.at_block}."

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Close everything when the block has come."""
        del draws
        if state.block != self._section.at_block or not len(self._actors):
            return []
        every = [CLOSE_ALL] * len(self._actors)
        fees = Fees(*self._section.fees.bid(state.base_fee_wei))
        return [actions.decrease_position(self.name, self._actors, 0, every, NO_LIMIT, fees)]

    def observe(self, outcome: Outcome) -> None:
        """Nothing to learn: they act once."""


class SuddenSellersKind(AgentKind[SuddenSellersSection]):
    """Who they are and how they start."""

    name = "sudden_sellers"
    section = SuddenSellersSection

    def accounts(self, section: SuddenSellersSection) -> int:
        """Return how many hold a position."""
        return section.count

    def groups(self, section: SuddenSellersSection, setting: Setting) -> Iterable[Group]:
        """Return their one group."""
        del setting
        yield Group(name=self.name, count=section.count, label="sudden sellers", holds_positions=True)

    def openings(self, section: SuddenSellersSection, start: Start) -> Iterable[Opening]:
        """Return a long position for each, at five times its collateral."""
        for actor in start.members[self.name].tolist():
            yield Opening(
                actor=actor,
                market=0,
                size=section.notional / start.setting.prices[0],
                collateral=section.notional / 5.0,
                wallet=0.0,
            )

    def agents(self, section: SuddenSellersSection, start: Start) -> Iterable[Agent]:
        """Return who acts."""
        yield SuddenSellers(section, start.members[self.name])


AGENTS.add(SuddenSellersKind())
