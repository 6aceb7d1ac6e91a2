"""Deleverager: resolves deficits the fund cannot pay, against winners first, then socially."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.agents.base import FeePolicy, Outcome
from sim.core.arrays import FloatArray, IntArray
from sim.core.rng import Streams
from sim.core.units import QUANTUM, from_wad
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.state import PendingDeficit, State

_SEPARATION = 1e-6
"""Relative distance between scores that float estimates surely rank as the contract does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleveragerConfig:
    """Who calls auto-deleveraging and loss socialisation."""

    name: str = "deleverager"
    max_winners: int = 32
    """Winners named in one call: the contract's limit."""
    window_seconds: int = 60
    """Time left for auto-deleveraging before a loss may be socialised (protocol parameter)."""
    latency_blocks: int = 1
    """Age of the state it sees. Assumption; 61.7 s passed on Hyperliquid on 10 October 2025."""
    patience_blocks: int = 5
    """Blocks it waits for an unsettled call. Assumption."""
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=2_000.0, priority_fee_gwei=2.0))

    def describe(self) -> str:
        """Return one sentence for users."""
        return (
            f"A deleverager who, when the insurance fund is empty, closes up to {self.max_winners} winners "
            f"a call by falling score and socialises what is left after {self.window_seconds} s."
        )


class Deleverager:
    """Submits winners in the order the contract demands and gives up on them when the window closes.

    The window only says when a loss may be socialised. It may have closed before a deficit is seen, where a
    block stands for a minute: winners are asked once even then, as they come before the pool.

    Float estimates may misrank near-equal scores. After a refused call it names only winners whose
    scores are clearly apart, then only the best one.
    """

    def __init__(self, config: DeleveragerConfig, actor: int) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self.actor = actor
        self._waiting: dict[int, int] = {}  # bankrupt -> block until which its call may be pending
        self._refusals: dict[int, int] = {}
        self._asked: dict[int, int] = {}  # bankrupt -> time of the deficit that winners were asked to bear

    def describe(self) -> str:
        """Return one sentence for users."""
        return self.config.describe()

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return at most one call for each pending deficit."""
        if not state.pending_deficits:
            return []
        batches: list[ActionBatch] = []
        fees = Fees(*self.config.fees.bid(state.base_fee_wei))
        used: list[int] = []
        for pending in sorted(state.pending_deficits, key=lambda item: (item.at, item.account)):
            if self._waiting.get(pending.account, -1) >= state.block or pending.deficit <= 0:
                continue
            winners: list[int] = []
            if state.protocol.fund_reserves < QUANTUM:
                winners = self.rank(state, pending, used)
            expired = state.timestamp - pending.at >= self.config.window_seconds
            if winners and not (expired and self._asked.get(pending.account) == pending.at):
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
            self._waiting[pending.account] = state.block + self.latency_blocks + self.config.patience_blocks
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
        """Return winners for one deficit: falling score, ties by participant, enough to match its size.

        score = (1 + uPnL / entry notional) * notional / equity, of accounts on the other side with
        a gain and positive equity (mechanism notes 9.10). ``excluded`` are named in another call already.
        """
        sizes = state.sizes[pending.market]
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
        matched = np.cumsum(np.abs(sizes[candidates]))
        enough = int(np.searchsorted(matched, abs(from_wad(pending.size)), side="left")) + 1
        # A haircut never exceeds a winner's gain, so some more than the matching size may be needed.
        return [int(winner) for winner in candidates[: min(2 * enough, self.config.max_winners)]]

    def _candidates(self, state: State, pending: PendingDeficit) -> IntArray:
        sizes = state.sizes[pending.market]
        opposite = sizes < 0.0 if pending.size > 0 else sizes > 0.0
        price = from_wad(state.markets[pending.market].index_price)
        gain = sizes * price - state.entry_notional[pending.market]
        return np.flatnonzero(opposite & (gain > 0.0) & (state.equity > 0.0)).astype(np.int64)

    def _is_one_sided(self, state: State, pending: PendingDeficit) -> bool:
        market = state.markets[pending.market]
        opposite = market.short_open_interest if pending.size > 0 else market.long_open_interest
        return opposite == 0


def deleverage_score(state: State, market: int, actors: IntArray) -> FloatArray:
    """Return the estimated auto-deleveraging score of positions with a gain, float64 [actors]."""
    price = from_wad(state.markets[market].index_price)
    sizes = state.sizes[market][actors]
    entry = state.entry_notional[market][actors]
    gain = np.maximum(sizes * price - entry, 0.0)
    score: FloatArray = (1.0 + gain / np.abs(entry)) * (np.abs(sizes) * price / state.equity[actors])
    return score
