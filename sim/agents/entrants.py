"""Traders who come in during the run: they open what the initial margin in force allows, and re-lever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sim.agents.base import DAY_SECONDS, ActorIndex, Outcome, limit_price, token_amounts
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Opening, Setting, Start
from sim.agents.population import LognormalSize, Population, Size
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.documents.sections import IDENTIFIER, Problem, Section, choice, number, text
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT, WAD, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, EntryPoint, Fees
from sim.protocol.codes import Refusal
from sim.protocol.state import State

MAX_ENTRANTS = 200_000
"""Accounts of one table; beyond it memory, not the schema, is the limit."""


class EntrantsSection(Section):
    """Traders who open during the run, as large as the initial margin in force allows, and re-lever."""

    name: str = text("entrants", "Name of the group.", max_length=40, pattern=IDENTIFIER)
    count: int = number(
        ..., 0, MAX_ENTRANTS, "accounts", "Accounts that may come in.", source="stated by the scenario"
    )
    market: int = number(0, 0, 7, "id", "Market they trade.", source="the first")
    long_share: float = number(
        0.6, 0.0, 1.0, "1", "Share of accounts that go long.", source="quant notes 6: 60/40 to 84/16"
    )
    capital: Size = choice(
        LognormalSize(distribution="lognormal", median=1_000.0, deviation=1.2, maximum=100_000.0),
        "Quote each brings with it.",
        source="assumption: a tenth of the median position of a cohort",
    )
    entries_per_day: float = number(
        1.0, 0.0, 10_000.0, "per account and day", "Rate at which an account without a position opens one.",
        source="assumption: once a day",
    )  # fmt: skip
    least_use: float = number(
        0.2, 0.001, 0.99, "1", "Smallest share of the leverage that initial margin allows, of any account.",
        source="assumption: shares are spread evenly from here to most_use",
    )  # fmt: skip
    most_use: float = number(
        0.9, 0.001, 0.99, "1", "Largest share of the leverage that initial margin allows, of any account.",
        source="assumption: fees and the move until inclusion need the rest",
    )  # fmt: skip
    max_leverage: float = number(
        50.0, 1.0, 1_000.0, "1", "Leverage nobody exceeds, whatever initial margin allows.",
        source="assumption: the largest that venues of 2025 offer retail in most markets",
    )  # fmt: skip
    relevers_per_day: float = number(
        1.0, 0.0, 10_000.0, "per account and day",
        "Rate at which a holder brings the position back up to its share of what initial margin allows.",
        source="assumption: once a day",
    )  # fmt: skip
    least_increase: float = number(
        0.05, 0.0, 10.0, "1", "Least increase worth a transaction, relative to the position wanted.",
        source="assumption",
    )  # fmt: skip
    exits_per_day: float = number(
        0.5, 0.0, 10_000.0, "per account and day", "Rate at which a holder closes the whole position.",
        source="assumption: positions last two days",
    )  # fmt: skip
    least_capital: float = number(
        50.0, 0.0, 1e12, "quote", "Collateral below which an account does not come in again.",
        source="assumption: less is not worth the gas",
    )  # fmt: skip
    backoff: float = number(
        0.8, 0.01, 1.0, "1", "Share of what initial margin refused that is asked for next.",
        source="assumption",
    )  # fmt: skip
    slippage: float = number(
        0.01, 0.0, 1.0, "1", "Worst fill accepted of an increase, relative to the index.", source="assumption"
    )
    fees: FeePolicy = FeePolicy()
    latency_blocks: int = number(
        0, 0, 1_000, "blocks", "Age of the state they see.", source="assumption: wallets show the latest"
    )
    patience_blocks: int = number(
        25, 0, 10_000, "blocks", "How long they wait for an unsettled transaction.",
        source="assumption: five minutes",
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield shares in the wrong order."""
        if self.least_use > self.most_use:
            yield ("least_use",), f"must be at most most_use {self.most_use:g}, was {self.least_use:g}"


def newcomers(section: EntrantsSection, draws: Streams) -> Population:
    """Draw every account's traits, each from a stream of its own: changing one leaves the others.

    They hold nothing yet: their notional and collateral are zero, the wallet is what they bring, and
    ``leverage`` is the share they use of what initial margin allows.
    """

    def uniform(purpose: str) -> FloatArray:
        return draws.draw(f"{_prefix(section)}:{purpose}", 0).uniform(section.count)

    nothing, nobody = np.zeros(section.count), np.zeros(section.count, dtype=np.bool_)
    return Population(
        market=section.market,
        side=np.where(uniform("side") < section.long_share, 1.0, -1.0),
        leverage=section.least_use + (section.most_use - section.least_use) * uniform("use"),
        notional=nothing,
        collateral=nothing.copy(),
        wallet=section.capital.sample(uniform("capital")),
        attentive=nobody,
        automated=nobody.copy(),
    )


class Entrants:
    """Accounts that deposit, open, re-lever and close; they defend nothing.

    An account without a position decides to come in, deposits what it lacks of its capital, and opens as soon
    as it sees the collateral. The position wanted is ``use * equity / initial ratio``, so a higher initial
    margin makes it smaller; the formula's size term may still refuse it, and less is asked for then.

    Parameters
    ----------
    section
        Behaviour.
    people
        Accounts in the order of ``actors``.
    actors
        Their participant indices, ascending.

    Attributes
    ----------
    refused : int
        Increases that the initial check refused.
    """

    def __init__(
        self, section: EntrantsSection, people: Population, actors: Sequence[int] | IntArray
    ) -> None:
        self.section = section
        self.name = section.name
        self.latency_blocks = section.latency_blocks
        self.people = people
        self.refused = 0
        self._index = ActorIndex(actors)
        self._entering: BoolArray = np.zeros(section.count, dtype=np.bool_)
        self._factor: FloatArray = np.ones(section.count)
        self._silent_until: IntArray = np.zeros(section.count, dtype=np.int64)

    def describe(self) -> str:
        """Return one sentence for users."""
        section = self.section
        return (
            f"{section.count:,} entrants who come in during the run, {section.long_share:.0%} of them long, "
            f"with {section.least_use:.0%} to {section.most_use:.0%} of the leverage that initial margin "
            f"allows, at most {section.max_leverage:g}x; they re-lever {section.relevers_per_day:g} times a"
            " day."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return deposits, openings, increases and exits."""
        section, columns = self.section, self._index.columns
        if not section.count or not section.fees.can_pay(state.base_fee_wei):
            return []
        free = self._silent_until <= state.block
        held = state.sizes[section.market][columns] != 0.0
        collateral, wallet = state.collateral[columns], state.wallet[columns]
        batches: list[ActionBatch] = []

        leaves = held & free & self._drawn(draws, "exit", state, section.exits_per_day)
        relevers = held & free & ~leaves & self._drawn(draws, "relever", state, section.relevers_per_day)
        comes = ~held & free & ~self._entering & self._drawn(draws, "enter", state, section.entries_per_day)
        reachable = np.maximum(collateral, 0.0) + wallet
        self._entering |= comes & (reachable >= section.least_capital)

        lacks = np.minimum(self.people.wallet - collateral, wallet)
        pays = self._entering & ~held & free & (lacks * TOKEN_UNIT >= 1.0)
        opens = self._entering & ~held & free & ~pays
        if bool(np.any(leaves)):
            rows = np.flatnonzero(leaves)
            sizes = [CLOSE_ALL] * len(rows)
            actors = self._index.actors[rows]
            batches.append(
                actions.decrease_position(
                    self.name, actors, section.market, sizes, NO_LIMIT, self._fees(state)
                )
            )
            self._wait(state, rows)
        if bool(np.any(pays)):
            rows = np.flatnonzero(pays)
            actors = self._index.actors[rows]
            batches.append(
                actions.deposit(self.name, actors, actors, token_amounts(lacks[rows]), self._fees(state))
            )
            self._wait(state, rows)
        if bool(np.any(opens | relevers)):
            batches += self._increase(state, np.flatnonzero(opens | relevers))
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Free the accounts whose transactions are settled; ask for less after a refusal."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0:
                continue
            self._silent_until[row] = 0
            if result.kind != EntryPoint.INCREASE_POSITION:
                continue
            if result.status == "success":
                self._entering[row] = False
                self._factor[row] = 1.0
            elif result.status == "reverted" and result.revert_reason == Refusal.MARGIN_TOO_LOW:
                self.refused += 1
                self._factor[row] *= self.section.backoff

    def _increase(self, state: State, rows: IntArray) -> list[ActionBatch]:
        """Bring positions up to what their account wants."""
        section = self.section
        market = state.markets[section.market]
        if market.index_price == 0 or market.initial_ratio == 0:
            return []
        equity = np.maximum(state.equity[self._index.columns][rows], 0.0)
        allowed = np.minimum(self.people.leverage[rows] * (WAD / market.initial_ratio), section.max_leverage)
        wanted = self._factor[rows] * allowed * equity
        added = wanted - state.notional[self._index.columns][rows]
        worth = (added > 0.0) & (added >= section.least_increase * wanted)
        empty = ~worth & (state.sizes[section.market][self._index.columns][rows] == 0.0)
        self._entering[rows[empty]] = False  # nothing left to come in with
        rows, added = rows[worth], added[worth]
        if not len(rows):
            return []
        held = state.sizes[section.market][self._index.columns][rows]
        side = np.where(held == 0.0, self.people.side[rows], np.sign(held))
        deltas = to_wad_list(side * added / (market.index_price / WAD))
        limits = [
            limit_price(market.index_price, is_buy=delta > 0, slippage=section.slippage) for delta in deltas
        ]
        self._wait(state, rows)
        actors = self._index.actors[rows]
        return [
            actions.increase_position(self.name, actors, section.market, deltas, limits, self._fees(state))
        ]

    def _drawn(self, draws: Streams, purpose: str, state: State, per_day: float) -> BoolArray:
        """Return whom a rate hits in this block: one number an account, so that nobody shifts another's."""
        chance = per_day * state.seconds_per_block / DAY_SECONDS
        uniform = draws.draw(f"{_prefix(self.section)}:{purpose}", state.block).uniform(self.section.count)
        hit: BoolArray = uniform < chance
        return hit

    def _fees(self, state: State) -> Fees:
        return Fees(*self.section.fees.bid(state.base_fee_wei))

    def _wait(self, state: State, rows: IntArray) -> None:
        self._silent_until[rows] = state.block + self.latency_blocks + self.section.patience_blocks


class _Entrants(AgentKind[EntrantsSection]):
    name = "entrants"
    order = 15
    repeated = True
    section = EntrantsSection

    def groups(self, section: EntrantsSection, setting: Setting) -> Iterable[Group]:
        del setting
        label = section.name.replace("_", " ")
        yield Group(name=_group(section), count=section.count, label=label, holds_positions=True)

    def draw(self, section: EntrantsSection, draws: Streams) -> Mapping[str, Population]:
        return {_group(section): newcomers(section, draws)}

    def openings(self, section: EntrantsSection, start: Start) -> Iterable[Opening]:
        wallets = start.populations[_group(section)].wallet.tolist()
        for actor, wallet in zip(start.members[_group(section)].tolist(), wallets, strict=True):
            yield Opening(actor=actor, market=section.market, size=0.0, collateral=0.0, wallet=wallet)

    def agents(self, section: EntrantsSection, start: Start) -> Iterable[Entrants]:
        group = _group(section)
        yield Entrants(section, start.populations[group], start.members[group])


def _prefix(section: EntrantsSection) -> str:
    return f"agent:entrants:{section.name}"


def _group(section: EntrantsSection) -> str:
    return f"entrants:{section.name}"


ENTRANTS = _Entrants()
AGENTS.add(ENTRANTS)
