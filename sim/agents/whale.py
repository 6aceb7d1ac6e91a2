"""One large account: holds, closes its position in slices, or pulls its margin out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sim.agents.base import FeePolicy, Outcome, bounded, require, token_amounts
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT, WAD
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, Fees
from sim.protocol.state import State

Behavior = Literal["hold", "close", "withdraw_margin", "withdraw_then_close"]

_BACKOFF = 0.8
"""After a refused withdrawal the whale asks for this share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhaleConfig:
    """One large account and what it does."""

    name: str = "whale"
    market: int = 0
    side: Literal["long", "short"] = "long"
    notional: float = 0.0
    """Quote at entry; see :func:`whale_notional`."""
    leverage: float = 10.0
    """Notional over collateral at entry. Assumption; Hyperliquid's whale of 12 March 2025 had 10-15x."""
    wallet: float = 0.0
    """Quote outside the protocol at the start."""
    behavior: Behavior = "hold"
    start_block: int = 0
    """First block of action."""
    duration_blocks: int = 150
    """Blocks the close is spread over. Assumption: half an hour."""
    slices: int = 10
    """Orders the close is cut into. Assumption."""
    withdraw_share: float = 1.0
    """Share of the free collateral it takes out. Hyperliquid, 12 March 2025: nearly all of it."""
    withdraw_floor_ratio: float = 0.10
    """Equity over notional that the protocol keeps (Hyperliquid's rule since that day; scenario value)."""
    min_withdrawal: float = 1_000.0
    """Quote; a smaller one is not worth it. Assumption."""
    latency_blocks: int = 0
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=500.0, priority_fee_gwei=2.0))

    def __post_init__(self) -> None:
        """Refuse impossible plans."""
        require(
            [
                bounded("slices", self.slices, 1),
                (self.leverage > 0.0, f"leverage must be above 0, was {self.leverage:g}"),
                bounded("duration_blocks", self.duration_blocks, 0),
                bounded("withdraw_share", self.withdraw_share, 0.0, 1.0),
            ]
        )

    def describe(self) -> str:
        """Return one sentence for users."""
        orders = f"in {self.slices} orders over {self.duration_blocks} blocks"
        deeds = {
            "hold": "holds it throughout",
            "close": f"closes it {orders}",
            "withdraw_margin": "keeps pulling its free margin out, so that the protocol must liquidate it",
            "withdraw_then_close": f"pulls its free margin out and closes {orders}",
        }
        when = "" if self.behavior == "hold" else f" from block {self.start_block}"
        return (
            f"A whale, {self.side} {self.notional:,.0f} at {self.leverage:g}x, {deeds[self.behavior]}{when}."
        )


def whale_notional(others_notional: float, open_interest_share: float) -> float:
    """Return the notional that makes up a share of its side's open interest, itself included."""
    return others_notional * open_interest_share / (1.0 - open_interest_share)


class Whale:
    """One large account.

    Attributes
    ----------
    withdrawn : float
        Quote taken out so far.
    """

    def __init__(self, config: WhaleConfig, actor: int) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self.actor = actor
        self.withdrawn = 0.0
        self._pending = 0
        self._factor = 1.0
        waits = config.behavior == "withdraw_then_close"
        self._close_from: int | None = None if waits else config.start_block
        self._start_size = 0.0

    def describe(self) -> str:
        """Return one sentence for users."""
        return self.config.describe()

    @property
    def size_sign(self) -> int:
        """Sign of its position."""
        return 1 if self.config.side == "long" else -1

    @property
    def collateral(self) -> float:
        """Quote to deposit before opening."""
        return self.config.notional / self.config.leverage

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (a whale leaves nothing to chance)
        """Return the next order of its plan, if one is due and none is waiting."""
        block = state.block + self.latency_blocks
        if self._pending or block < self.config.start_block or self.config.behavior == "hold":
            return []
        size = float(state.sizes[self.config.market, self.actor])
        if size == 0.0:
            return []
        if self.config.behavior == "withdraw_margin" or self._close_from is None:
            batches = self._withdraw(state)
            if not batches and self.config.behavior == "withdraw_then_close":
                self._close_from = block  # nothing left to take: start to close
                return self._close(state, block, abs(size))
            return batches
        return self._close(state, block, abs(size))

    def observe(self, outcome: Outcome) -> None:
        """Count withdrawals and ask for less after a refusal."""
        for result in outcome.results:
            self._pending = max(self._pending - 1, 0)
            if result.kind != "margin_engine.withdraw":
                continue
            if result.status == "success":
                self.withdrawn += result.args[0] / TOKEN_UNIT
                if self.config.behavior == "withdraw_then_close":
                    self._close_from = outcome.block + 1
            elif result.status == "reverted":
                self._factor *= _BACKOFF

    def _withdraw(self, state: State) -> list[ActionBatch]:
        """Take out what the rule leaves free: equity above max(initial requirement, floor * notional)."""
        equity = float(state.equity[self.actor])
        required = max(
            float(state.initial_requirement[self.actor]),
            self.config.withdraw_floor_ratio * float(state.notional[self.actor]),
        )
        free = min(equity - required, float(state.collateral[self.actor]))
        amount = free * self.config.withdraw_share * self._factor
        if amount < self.config.min_withdrawal:
            return []
        self._pending += 1
        return [actions.withdraw(self.name, self.actor, token_amounts(np.array([amount])), self._fees(state))]

    def _close(self, state: State, block: int, held: float) -> list[ActionBatch]:
        """Close down to the size the plan allows after the slice that is due."""
        if self._start_size == 0.0:
            self._start_size = held
        start = self._close_from if self._close_from is not None else block
        slices = self.config.slices
        due = min((block - start) * slices // max(self.config.duration_blocks, 1) + 1, slices)
        target = self._start_size * (slices - due) / slices
        if held <= target:
            return []
        size = CLOSE_ALL if due == slices else int((held - target) * WAD)
        if size == 0:
            return []
        self._pending += 1
        market = self.config.market
        return [actions.decrease_position(self.name, self.actor, market, size, NO_LIMIT, self._fees(state))]

    def _fees(self, state: State) -> Fees:
        return Fees(*self.config.fees.bid(state.base_fee_wei))
