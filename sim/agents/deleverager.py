"""Deleverager: resolves deficits the fund cannot pay, against winners first, then socially."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sim.agents.base import Outcome
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.core.arrays import FloatArray, IntArray
from sim.core.documents.sections import Section, choice, number, table
from sim.core.rng import Streams
from sim.core.units import from_wad
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.state import PendingDeficit, State

_SEPARATION = 1e-6
"""Relative distance between scores that float estimates surely rank as the contract does."""


class DeleveragerSection(Section):
    """The deleverager, who calls auto-deleveraging and loss socialisation."""

    active: bool = choice(
        default=True, description="Whether anybody does.", source="assumption: it pays nothing, so the team"
    )
    latency_blocks: int = number(
        1, 0, 10_000, "blocks", "Delay after a deficit appears.", source="61.7 s seen (quant 6)"
    )
    max_winners: int = number(32, 1, 32, "accounts", "Winners named in one call.", source="contract limit")
    winners_multiple: int = number(
        2, 1, 32, "1", "Winners named, as a multiple of those whose gains cover the deficit.",
        source="assumption: a haircut never exceeds a winner's gain, so some more may be needed",
    )  # fmt: skip
    patience_blocks: int = number(
        5, 0, 10_000, "blocks", "How long it waits for an unsettled call.", source="assumption: one minute"
    )
    fees: FeePolicy = table(
        FeePolicy(max_fee_gwei=2_000.0),
        "Bids.",
        sources={"max_fee_gwei": "assumption: who lives by being included pays what it takes"},
    )


class Deleverager:
    """Submits winners in the order the contract demands and gives up on them when the window closes.

    The window only says when a loss may be socialised. It may have closed before a deficit is seen, where a
    block stands for a minute: winners are asked once even then, as they come before the pool.

    Float estimates may misrank near-equal scores. After a refused call it names only winners whose
    scores are clearly apart, then only the best one.
    """

    def __init__(
        self,
        section: DeleveragerSection,
        actor: int,
        *,
        window_seconds: float,
        sale_window_seconds: float = 0.0,
    ) -> None:
        self.section = section
        self.name = "deleverager"
        self.latency_blocks = section.latency_blocks
        self.actor = actor
        self._window_seconds = window_seconds
        self._sale_window_seconds = sale_window_seconds
        self._waiting: dict[int, int] = {}  # bankrupt -> block until which its call may be pending
        self._refusals: dict[int, int] = {}
        self._asked: dict[int, int] = {}  # bankrupt -> time of the deficit that winners were asked to bear

    def describe(self) -> str:
        """Return one sentence for users."""
        return (
            "A deleverager who, when the insurance fund cannot pay a deficit, lets up to "
            f"{self.section.max_winners} winners a call pay by falling relative gain and socialises what is "
            f"left after {self._window_seconds} s."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return at most one call for each pending deficit."""
        if not state.pending_deficits:
            return []
        batches: list[ActionBatch] = []
        fees = Fees(*self.section.fees.bid(state.base_fee_wei))
        used: list[int] = []
        for pending in sorted(state.pending_deficits, key=lambda item: (item.at, item.account)):
            if self._waiting.get(pending.account, -1) >= state.block or pending.deficit <= 0:
                continue
            # The debtor's own assets come first, for a time. Then a call that asks winners, or nobody, has
            # the contracts look again: others pay from then on, and winners have their whole window.
            if pending.secured and not self._is_over(state, pending):
                continue
            winners: list[int] = []
            # Fees come in with every liquidation, so that a fund is hardly ever empty: what counts is whether
            # it can pay. The call draws on it before it asks winners.
            if state.protocol.fund_reserves < pending.deficit:
                winners = self.rank(state, pending, used)
            expired = state.timestamp - pending.at >= self._window_seconds
            was_asked = expired and self._asked.get(pending.account) == pending.at
            if pending.secured or (winners and not was_asked):
                self._asked[pending.account] = pending.at
                used += winners
                bankrupt, market = pending.account, pending.market
                batches.append(
                    actions.auto_deleverage(self.name, self.actor, bankrupt, market, winners, fees)
                )
            elif expired or self._is_one_sided(state, pending):
                batches.append(actions.socialize_loss(self.name, self.actor, pending.account, fees))
            else:
                continue
            self._waiting[pending.account] = self._patient_until(state)
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Free settled deficits and name fewer winners after a refusal."""
        for result in outcome.results:
            bankrupt = result.args[0]
            # The state of this block and earlier ones do not know the result: it would ask for it again.
            self._waiting[bankrupt] = outcome.block
            if result.kind.endswith("auto_deleverage") and result.status == "reverted":
                self._refusals[bankrupt] = self._refusals.get(bankrupt, 0) + 1

    def rank(self, state: State, pending: PendingDeficit, excluded: Sequence[int] = ()) -> list[int]:
        """Return winners for one deficit: falling score, ties by participant, whose gains cover it.

        score = uPnL / entry notional, of accounts on the other side with a gain and positive equity
        (`QueuePolicy`). ``excluded`` are named in another call already.
        """
        candidates = self._candidates(state, pending)
        candidates = candidates[~np.isin(candidates, np.asarray(excluded, dtype=np.int64))]
        if not len(candidates):
            return []
        score = deleverage_score(state, pending.market, candidates)
        order = np.lexsort((candidates, -score))
        candidates, score = candidates[order], score[order]
        refusals = self._refusals.get(pending.account, 0)
        if refusals == 1:
            apart = np.ones(len(score), dtype=np.bool_)
            apart[1:] = score[1:] < score[:-1] * (1.0 - _SEPARATION)
            candidates = candidates[apart]
        elif refusals > 1:
            # The best may itself be misread (no gain left on chain): move down one at a time.
            first = (refusals - 2) % len(candidates)
            return [int(candidates[first])]
        gains = _gains(state, pending.market)[candidates]
        paid = np.cumsum(np.minimum(gains, state.equity[candidates]))
        enough = int(np.searchsorted(paid, from_wad(pending.deficit), side="left")) + 1
        named = min(self.section.winners_multiple * enough, self.section.max_winners)
        return [int(winner) for winner in candidates[:named]]

    def _candidates(self, state: State, pending: PendingDeficit) -> IntArray:
        sizes = state.sizes[pending.market]
        opposite = sizes < 0.0 if pending.side > 0 else sizes > 0.0
        gain = _gains(state, pending.market)
        return np.flatnonzero(opposite & (gain > 0.0) & (state.equity > 0.0)).astype(np.int64)

    def _patient_until(self, state: State) -> int:
        return state.block + self.latency_blocks + self.section.patience_blocks

    def _is_over(self, state: State, pending: PendingDeficit) -> bool:
        """Return whether the time is over in which a debtor's own assets are to be sold."""
        return state.timestamp - pending.at >= self._sale_window_seconds

    def _is_one_sided(self, state: State, pending: PendingDeficit) -> bool:
        market = state.markets[pending.market]
        opposite = market.short_open_interest if pending.side > 0 else market.long_open_interest
        return opposite == 0


def deleverage_score(state: State, market: int, actors: IntArray) -> FloatArray:
    """Return the estimated auto-deleveraging score of positions with a gain, float64 [actors]."""
    gain = np.maximum(_gains(state, market)[actors], 0.0)
    score: FloatArray = gain / np.abs(state.entry_notional[market][actors])
    return score


def _gains(state: State, market: int) -> FloatArray:
    """Return what every position of a market has gained at the index price, float64 [actors]."""
    price = from_wad(state.markets[market].index_price)
    gains: FloatArray = state.sizes[market] * price - state.entry_notional[market]
    return gains


class _Deleverager(AgentKind[DeleveragerSection]):
    name = "deleverager"
    order = 70
    section = DeleveragerSection

    def groups(self, section: DeleveragerSection, setting: Setting) -> Iterable[Group]:
        del section, setting
        yield Group(name="deleverager", count=1, label="deleverager")

    def agents(self, section: DeleveragerSection, start: Start) -> Iterable[Deleverager]:
        if section.active:
            window = start.setting.protocol.waterfall["adl_window_seconds"]
            protocol = start.setting.protocol
            sale = max((float(one.terms["sale_window_seconds"]) for one in protocol.assets), default=0.0)
            actor = int(start.members["deleverager"][0])
            yield Deleverager(section, actor, window_seconds=window, sale_window_seconds=sale)


DELEVERAGER = _Deleverager()
AGENTS.add(DELEVERAGER)
