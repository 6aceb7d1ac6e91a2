"""One large holder, in one account or several: holds, closes in slices, or pulls its margin out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from sim.agents.account_mode import AccountMode, mode_choice, mode_words
from sim.agents.base import Outcome, token_amounts
from sim.agents.brought_assets import BroughtSection, brought_by
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Opening, Setting, Start
from sim.agents.several_markets import SeveralMarketsSection
from sim.core.documents.sections import IDENTIFIER, Problem, Section, choice, number, text
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT, WAD
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, EntryPoint, Fees
from sim.protocol.state import State

MAX_PARTS = 200
"""Most accounts of one whale."""
MAX_CLUSTER = 32
"""Most accounts that a cluster holds (``MAX_MEMBERS`` of ``contracts/modules/clusters.vy``)."""


class WhaleSection(Section):
    """One large holder, sized by its notional or its share of open interest, and what it does."""

    name: str = text(..., "Name of the whale.", max_length=40, pattern=IDENTIFIER)
    market: int = number(0, 0, 7, "id", "Market it trades.", source="the first")
    several: SeveralMarketsSection | None = Field(
        None, description="Markets it holds positions in together; none: it holds `market` alone."
    )
    side: Literal["long", "short"] = choice(
        "long", "Side of its position, of several the first one's.", source="stated by the scenario"
    )
    notional: float | None = number(
        None, 1.0, 1e12, "quote",
        "Notional at entry, in all markets; in place of open_interest_share, so that it may be alone there.",
        source="sized by its share of open interest unless stated",
    )  # fmt: skip
    open_interest_share: float = number(
        0.2,
        0.0,
        0.95,
        "1",
        "Share of its side's open interest, itself included; of several markets in the first.",
        source="stated by the scenario",
    )
    accounts: int = number(
        1, 1, MAX_PARTS, "accounts",
        "Accounts it holds its positions in, in equal parts; each acts for itself.",
        source="one account; over 100 wallets built the YFI position on dYdX in November 2023",
    )  # fmt: skip
    declared: bool = choice(
        default=False,
        description="Whether its accounts are declared as one cluster, at most 32: each is asked for initial "
        "margin at the size of all.",
        source="off: nobody declares what only costs",
    )
    leverage: float = number(
        10.0,
        0.01,
        1_000.0,
        "1",
        "Notional over collateral at entry.",
        source="assumption; Hyperliquid's whale of 12 March 2025 had 10-15x",
    )
    mode: AccountMode = mode_choice()
    behavior: Literal["hold", "close", "withdraw_margin", "withdraw_then_close"] = choice(
        "hold",
        "Hold, close the positions, withdraw free collateral, or withdraw first and close then.",
        source="stated by the scenario",
    )
    start_minute: float = number(
        0.0, 0.0, 1e7, "min", "When it starts to act.", source="stated by the scenario"
    )
    duration_minutes: float = number(
        30.0, 0.0, 1e7, "min", "Time its trade is spread over.", source="assumption"
    )
    slices: int = number(10, 1, 10_000, "orders", "Orders its trade is cut into.", source="assumption")
    withdraw_share: float = number(
        1.0,
        0.0,
        1.0,
        "1",
        "Share of the withdrawable collateral it takes.",
        source="Hyperliquid, 12 March 2025: nearly all",
    )
    min_withdrawal: float = number(
        1_000.0, 0.0, 1e12, "quote", "Least withdrawal worth a transaction.", source="assumption"
    )
    backoff: float = number(
        0.8, 0.0, 1.0, "1", "Share of what was refused that it asks for next.", source="assumption"
    )
    latency_blocks: int = number(0, 0, 1_000, "blocks", "Age of the state it sees.", source="assumption")
    admission_step: float = number(
        0.05, 1e-4, 10.0, "1",
        "Collateral added at a time until the initial check admits the position, relative to that planned.",
        source="assumption: fine enough that it does not start far above the requirement",
    )  # fmt: skip
    collateral: BroughtSection | None = Field(
        None,
        description="Part of its collateral in one of `collaterals`; none: all in the quote coin.",
    )
    fees: FeePolicy = FeePolicy()

    def problems(self) -> Iterator[Problem]:
        """Yield two sizes, two answers to which market, or a cluster that the contracts do not hold."""
        usual = type(self).model_fields["open_interest_share"].default
        if self.notional is not None and self.open_interest_share != usual:
            yield ("open_interest_share",), "notional says how large it is: leave one of them out"
        if self.declared and not 1 < self.accounts <= MAX_CLUSTER:
            yield ("declared",), f"a cluster has 2 to {MAX_CLUSTER} accounts, and accounts is {self.accounts}"
        if self.several is not None and self.mode == "isolated":
            yield ("mode",), "several says that it holds several markets, an isolated account holds one"
        if self.several is not None and self.market:
            yield ("market",), "several says which markets it trades: leave market out, or several"


class Leg(NamedTuple):
    """One position of a whale."""

    market: int
    part: float
    """Share of its notional, negative if short."""


def legs_of(section: WhaleSection) -> tuple[Leg, ...]:
    """Return the positions of a whale in the order in which they are opened."""
    sign = 1.0 if section.side == "long" else -1.0
    if section.several is None:
        return (Leg(section.market, sign),)
    pairs = zip(section.several.ids, section.several.signed_weights, strict=True)
    return tuple(Leg(market, sign * weight) for market, weight in pairs)


def whale_notional(others_notional: float, open_interest_share: float) -> float:
    """Return the notional that makes up a share of its side's open interest, itself included."""
    return others_notional * open_interest_share / (1.0 - open_interest_share)


class Whale:
    """One large account.

    Attributes
    ----------
    notional : float
        Quote at entry, in all markets; see :func:`whale_notional`.
    withdrawn : float
        Quote taken out so far.
    """

    def __init__(
        self,
        section: WhaleSection,
        actor: int,
        *,
        notional: float,
        withdraw_margin_ratio: float,
        seconds_per_block: int,
    ) -> None:
        self.section = section
        self.name = section.name
        self.latency_blocks = section.latency_blocks
        self.actor = actor
        self.notional = notional
        self.withdrawn = 0.0
        self._withdraw_margin_ratio = withdraw_margin_ratio
        self._start_block = int(section.start_minute * 60 // seconds_per_block)
        self._duration_blocks = int(section.duration_minutes * 60 // seconds_per_block)
        self._pending = 0
        self._factor = 1.0
        waits = section.behavior == "withdraw_then_close"
        self._close_from: int | None = None if waits else self._start_block
        self._markets = [leg.market for leg in legs_of(section)]
        self._start_sizes = dict.fromkeys(self._markets, 0.0)

    def describe(self) -> str:
        """Return one sentence for users."""
        section = self.section
        one = "it" if section.several is None else "them"
        orders = f"in {section.slices} orders over {self._duration_blocks} blocks"
        deeds = {
            "hold": f"holds {one} throughout",
            "close": f"closes {one} {orders}",
            "withdraw_margin": "keeps pulling its free margin out, so that the protocol must liquidate it",
            "withdraw_then_close": f"pulls its free margin out and closes {orders}",
        }
        when = "" if section.behavior == "hold" else f" from block {self._start_block}"
        if section.collateral is not None:
            when += f", with {section.collateral.describe()}"
        where = "" if section.several is None else f" in several markets ({section.several.describe()})"
        return (
            f"A whale, {section.side} {self.notional:,.0f}{where} at {section.leverage:g}x"
            f"{mode_words(section.mode)}, "
            f"{deeds[section.behavior]}{when}."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (a whale leaves nothing to chance)
        """Return the next order of its plan, if one is due and none is waiting."""
        block = state.block + self.latency_blocks
        if self._pending or block < self._start_block or self.section.behavior == "hold":
            return []
        held = {market: abs(float(state.sizes[market, self.actor])) for market in self._markets}
        if not any(held.values()):
            return []
        if self.section.behavior == "withdraw_margin" or self._close_from is None:
            batches = self._withdraw(state)
            if not batches and self.section.behavior == "withdraw_then_close":
                self._close_from = block  # nothing left to take: start to close
                return self._close(state, block, held)
            return batches
        return self._close(state, block, held)

    def observe(self, outcome: Outcome) -> None:
        """Count withdrawals and ask for less after a refusal."""
        for result in outcome.results:
            self._pending = max(self._pending - 1, 0)
            if result.kind != EntryPoint.WITHDRAW:
                continue
            if result.status == "success":
                self.withdrawn += result.args[0] / TOKEN_UNIT
                if self.section.behavior == "withdraw_then_close":
                    self._close_from = outcome.block + 1
            elif result.status == "reverted":
                self._factor *= self.section.backoff

    def _withdraw(self, state: State) -> list[ActionBatch]:
        """Take out what the rule leaves free: equity above max(initial requirement, floor * notional)."""
        equity = float(state.equity[self.actor])
        required = max(
            float(state.initial_requirement[self.actor]),
            self._withdraw_margin_ratio * float(state.notional[self.actor]),
        )
        free = min(equity - required, float(state.collateral[self.actor]))
        amount = free * self.section.withdraw_share * self._factor
        if amount < self.section.min_withdrawal:
            return []
        self._pending += 1
        return [actions.withdraw(self.name, self.actor, token_amounts(np.array([amount])), self._fees(state))]

    def _close(self, state: State, block: int, held: Mapping[int, float]) -> list[ActionBatch]:
        """Close every position down to the size the plan allows after the slice that is due."""
        start = self._close_from if self._close_from is not None else block
        slices = self.section.slices
        due = min((block - start) * slices // max(self._duration_blocks, 1) + 1, slices)
        batches: list[ActionBatch] = []
        for market, now in held.items():
            if self._start_sizes[market] == 0.0:
                self._start_sizes[market] = now
            target = self._start_sizes[market] * (slices - due) / slices
            if now <= target:
                continue
            size = CLOSE_ALL if due == slices else int((now - target) * WAD)
            if size:
                fees = self._fees(state)
                batches.append(actions.decrease_position(self.name, self.actor, market, size, NO_LIMIT, fees))
        self._pending += len(batches)
        return batches

    def _fees(self, state: State) -> Fees:
        return Fees(*self.section.fees.bid(state.base_fee_wei))


class SplitWhale:
    """One owner with several accounts, each of which follows the same plan with its part."""

    def __init__(self, parts: Sequence[Whale]) -> None:
        self.parts = {part.actor: part for part in parts}
        self.name = parts[0].name
        self.latency_blocks = parts[0].latency_blocks

    @property
    def withdrawn(self) -> float:
        """Quote that all of them took out so far."""
        return sum(part.withdrawn for part in self.parts.values())

    def describe(self) -> str:
        """Return one sentence for users."""
        first = next(iter(self.parts.values()))
        declared = ", declared as a cluster" if first.section.declared else ""
        return f"{len(self.parts)} accounts of one owner{declared}, each as follows. {first.describe()}"

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return the next order of each account's plan."""
        return [batch for part in self.parts.values() for batch in part.decide(state, draws)]

    def observe(self, outcome: Outcome) -> None:
        """Let each account see what became of its own orders."""
        for actor, part in self.parts.items():
            own = tuple(result for result in outcome.results if result.actor == actor)
            part.observe(Outcome(block=outcome.block, results=own))


class _Whales(AgentKind[WhaleSection]):
    name = "whales"
    order = 20
    repeated = True
    section = WhaleSection

    def accounts(self, section: WhaleSection) -> int:
        return section.accounts

    def placed(self, section: WhaleSection, markets: Sequence[str]) -> WhaleSection:
        if section.several is None:
            return section
        return section.model_copy(update={"several": section.several.placed(markets)})

    def groups(self, section: WhaleSection, setting: Setting) -> Iterable[Group]:
        del setting
        name = section.name.replace("_", " ")
        label = name if name == "whale" else f"{name} whale"
        yield Group(
            name=_group(section),
            count=section.accounts,
            label=label,
            holds_positions=True,
            linked=section.declared,
        )

    def openings(self, section: WhaleSection, start: Start) -> Iterable[Opening]:
        notional = _notional(section, start) / section.accounts
        brought = brought_by(section.collateral, start.setting)
        for actor in start.members[_group(section)].tolist():
            behind = notional / section.leverage
            for leg in legs_of(section):
                yield Opening(
                    actor=actor,
                    market=leg.market,
                    size=leg.part * notional / start.setting.prices[leg.market],
                    collateral=behind * (1.0 - sum(share for _, share in brought)),
                    assets=tuple((asset, behind * share) for asset, share in brought if behind),
                    wallet=0.0,
                    admission_step=section.admission_step,
                    mode=section.mode,
                )
                behind = 0.0  # all of it came with the first; margin is judged on the whole account

    def agents(self, section: WhaleSection, start: Start) -> Iterable[Whale | SplitWhale]:
        parts = [
            Whale(
                section,
                actor,
                notional=_notional(section, start) / section.accounts,
                withdraw_margin_ratio=float(start.setting.protocol.risk["withdraw_margin_ratio"]),
                seconds_per_block=start.setting.seconds_per_block,
            )
            for actor in start.members[_group(section)].tolist()
        ]
        yield parts[0] if section.accounts == 1 else SplitWhale(parts)


def _group(section: WhaleSection) -> str:
    return f"whale:{section.name}"


def _notional(section: WhaleSection, start: Start) -> float:
    if section.notional is not None:
        return section.notional
    first = legs_of(section)[0]
    others = sum(people.side_notional(section.side, first.market) for people in start.populations.values())
    return whale_notional(others, section.open_interest_share) / abs(first.part)


WHALES = _Whales()
AGENTS.add(WHALES)
