"""Dishonest reporters: sources of one market that withhold their reports or lie about the price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from sim.agents.base import ActorIndex, Outcome
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.core.arrays import BoolArray, IntArray
from sim.core.documents.sections import IDENTIFIER, Section, choice, number, text
from sim.core.rng import Streams
from sim.core.units import to_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.state import State

KIND = EntryPoint.REPORT


class DishonestReportersSection(Section):
    """Reporters of a market, beside its keepers, that withhold their reports or lie about the price."""

    name: str = text(..., "Name of these reporters.", max_length=40, pattern=IDENTIFIER)
    market: int = number(0, 0, 7, "id", "Market they report on.", source="the first")
    count: int = number(
        1, 1, 7, "accounts", "How many; they say the same. The oracle takes seven reporters of a market.",
        source="one dishonest source is what the oracle is built to bear",
    )  # fmt: skip
    lie: Literal["withhold", "multiply", "alternate"] = choice(
        "multiply",
        "Say nothing, report a multiple of the outside price, or its multiple and its fraction in turn.",
        source="stated by the scenario",
    )
    factor: float = number(
        0.7, 1e-12, 1e12, "1", "What the outside price is multiplied by.",
        source="assumption: low enough to liquidate most, near enough to be believed",
    )  # fmt: skip
    start_block: int = number(
        0, 0, 100_000_000, "block", "When they begin; before, they say nothing new.",
        source="stated by the scenario",
    )  # fmt: skip
    every_blocks: int = number(
        1, 1, 1_000_000, "blocks", "Time between two lies.", source="assumption: as often as they can"
    )
    confidence_ratio: float = number(
        0.0, 0.0, 1.0, "1", "Half-width they report, over price.", source="assumption: liars claim to be sure"
    )  # fmt: skip
    fees: FeePolicy = FeePolicy()


class DishonestReporters:
    """Sources that were honest before block 0; each lie is a transaction, and one that is refused is lost.

    A report that waits in the mempool is not repeated.
    """

    def __init__(self, section: DishonestReportersSection, actors: Sequence[int] | IntArray) -> None:
        self.section = section
        self.name = section.name
        self.latency_blocks = 0
        self._index = ActorIndex(actors)
        self._waits: BoolArray = np.zeros(len(self._index), dtype=np.bool_)

    def describe(self) -> str:
        """Return one sentence for users."""
        section = self.section
        what = {
            "withhold": "say nothing",
            "multiply": f"report {section.factor:g} times the outside price",
            "alternate": f"report {section.factor:g} times the outside price and its fraction in turn",
        }[section.lie]
        return f"{section.count} dishonest reporters of market {section.market}, who {what}."

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return this block's lies."""
        section = self.section
        since = state.block - section.start_block
        if section.lie == "withhold" or since < 0 or since % section.every_blocks:
            return []
        rows = np.flatnonzero(~self._waits)
        if not len(rows):
            return []
        factor = section.factor
        if section.lie == "alternate" and since // section.every_blocks % 2:
            factor = 1.0 / factor
        price = float(state.external_prices[section.market]) * factor
        max_fee, tip = section.fees.bid(state.base_fee_wei)
        self._waits[rows] = True
        return [
            actions.report(
                self.name,
                self._index.actors[rows],
                section.market,
                to_wad_list(np.full(len(rows), price)),
                to_wad_list(np.full(len(rows), price * section.confidence_ratio)),
                int(state.external_published_at[section.market]),
                Fees(max_fee, tip),
            )
        ]

    def observe(self, outcome: Outcome) -> None:
        """Learn which reports no longer wait."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row >= 0 and result.kind == KIND:
                self._waits[row] = False


class _DishonestReporters(AgentKind[DishonestReportersSection]):
    name = "dishonest_reporters"
    order = 55
    repeated = True
    section = DishonestReportersSection

    def groups(self, section: DishonestReportersSection, setting: Setting) -> Iterable[Group]:
        yield Group(
            name=_group(section),
            count=section.count,
            label=f"dishonest reporters of {setting.market_names[section.market]}",
            reports=section.market,
        )

    def agents(self, section: DishonestReportersSection, start: Start) -> Iterable[DishonestReporters]:
        yield DishonestReporters(section, start.members[_group(section)])


def _group(section: DishonestReportersSection) -> str:
    return f"dishonest:{section.name}"


DISHONEST_REPORTERS = _DishonestReporters()
AGENTS.add(DISHONEST_REPORTERS)
