"""Arbitrageurs: carry the pool's gap to the outside price, hedged outside one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.agents.base import (
    ActorIndex,
    FeePolicy,
    Outage,
    Outcome,
    bounded,
    gas_cost,
    require,
    silent_members,
    token_amounts,
)
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.rng import Streams
from sim.core.units import WAD, from_wad, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, ActionBatch, Fees
from sim.protocol.state import State

INCREASE = "margin_engine.increase_position"
DECREASE = "margin_engine.decrease_position"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArbitrageurConfig:
    """Arbitrageurs of one market."""

    skew_scale: float
    """Base units of skew that move the pool's mark by 100 % of the index (scenario: market pool)."""
    max_premium: float
    """Largest distance of the mark from the index, a ratio (scenario: market pool)."""
    name: str = "arbitrageurs"
    market: int = 0
    count: int = 2
    """Accounts. Assumption."""
    capital: float = 2_000_000.0
    """Quote of each, collateral and wallet together. Assumption."""
    collateral_share: float = 0.5
    """Share of the capital deposited at the start; the rest is kept for top-ups. Assumption."""
    threshold: float = 0.0015
    """Gap between mark and outside price worth trading: fees and spread of both legs. Assumption."""
    max_leverage: float = 3.0
    """Most notional over equity. Assumption."""
    max_trade_notional: float = 500_000.0
    """Quote each trades at most in a block. Assumption."""
    min_trade_notional: float = 1_000.0
    """Quote; smaller trades are not worth it. Assumption."""
    margin_trigger: float = 2.0
    """Equity over maintenance requirement below which it tops up from its wallet. Assumption."""
    latency_blocks: int = 0
    patience_blocks: int = 10
    """Blocks it waits for an unsettled order. Assumption."""
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=500.0, priority_fee_gwei=2.0))
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a pool without scale and shares outside their range."""
        require(
            [
                (self.skew_scale > 0.0, f"skew_scale must be above 0, was {self.skew_scale:g}"),
                bounded("threshold", self.threshold, 0.0),
                bounded("collateral_share", self.collateral_share, 0.0, 1.0),
            ]
        )

    def describe(self) -> str:
        """Return one sentence for users."""
        return (
            f"{self.count} arbitrageurs with {self.capital:,.0f} each, who trade the pool back to within "
            f"{self.threshold:.2%} of the outside price and hedge there one to one."
        )


class Arbitrageurs:
    """Traders who buy where it is cheap and sell where it is dear.

    Each expects an equal share of the opportunity, so that together they restore the band without
    agreeing on it. The perp leg is a call to the protocol; the engine sends the outside leg to the
    outside market, and the books of it are kept here.

    Attributes
    ----------
    hedge_size : float64 [members]
        Base units held outside against the perp position, signed.
    hedge_cash : float64 [members]
        Quote received for them, signed.
    """

    def __init__(self, config: ArbitrageurConfig, actors: Sequence[int] | IntArray) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self._index = ActorIndex(actors)
        require([(config.count == len(self._index), "arbitrageurs need one participant each")])
        self.hedge_size: FloatArray = np.zeros(config.count)
        self.hedge_cash: FloatArray = np.zeros(config.count)
        self._silent_until: IntArray = np.zeros(config.count, dtype=np.int64)
        self._ordered: FloatArray = np.zeros(config.count)  # signed base units of the order that waits
        self._outside_price = 0.0

    def describe(self) -> str:
        """Return one sentence for users."""
        return self.config.describe()

    @property
    def initial_collateral(self) -> float:
        """Quote each deposits at the start."""
        return self.config.capital * self.config.collateral_share

    @property
    def initial_wallet(self) -> float:
        """Quote each keeps outside the protocol."""
        return self.config.capital - self.initial_collateral

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return top-ups of the own margin and the trades that close the gap."""
        config = self.config
        self._outside_price = float(state.external_prices[config.market])
        idle = self._silent_until <= state.block
        idle &= ~silent_members(config.outages, state.block + self.latency_blocks, config.count)
        if not bool(np.any(idle)) or not config.fees.can_pay(state.base_fee_wei):
            return []
        batches = self._defend(state, idle)
        wanted, edge = self._wanted(state)
        if wanted != 0.0:
            batches += self._trade(state, idle, wanted / config.count, edge)
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Record the outside leg of what was filled, and free settled members."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0 or result.status == "replaced":
                continue
            self._silent_until[row] = 0
            filled = self._filled(row, result.kind, result.args) if result.status == "success" else 0.0
            self.hedge_size[row] -= filled
            self.hedge_cash[row] += filled * self._outside_price

    def outside_value(self, price: float) -> FloatArray:
        """Return what each member's outside leg is worth at the outside price, quote."""
        return self.hedge_cash + self.hedge_size * price

    def _filled(self, row: int, kind: str, args: tuple[int, ...]) -> float:
        """Return the signed base units a successful call traded."""
        if kind == INCREASE:
            return args[1] / WAD
        return float(self._ordered[row]) if kind == DECREASE else 0.0

    # --- what to trade ---

    def _wanted(self, state: State) -> tuple[float, float]:
        """Return ``(signed base units, edge price)`` that bring the mark to the edge of the band.

        The pool's mark is index * (1 + clamp(skew / skew_scale)), so without impact the size follows
        from the skew at which the mark equals outside * (1 +- threshold). The other leg moves the outside
        price to meet it, by 1 % for each depth, so both slopes share the gap. Nothing if the mark lies
        inside.
        """
        config = self.config
        market = state.markets[config.market]
        index = from_wad(market.index_price)
        if index <= 0.0 or self._outside_price <= 0.0:
            return 0.0, 0.0
        skew = from_wad(market.long_open_interest - market.short_open_interest)
        premium = min(max(skew / config.skew_scale, -config.max_premium), config.max_premium)
        gap = index * (1.0 + premium) / self._outside_price - 1.0
        if -config.threshold <= gap <= config.threshold:
            return 0.0, 0.0
        edge = self._outside_price * (1.0 + (config.threshold if gap > 0.0 else -config.threshold))
        target = min(max(edge / index - 1.0, -config.max_premium), config.max_premium)
        size = target * config.skew_scale - skew
        inside_slope = index / config.skew_scale
        depth = max(float(state.external_depth[config.market]), 1.0)
        outside_slope = edge * self._outside_price * 0.01 / depth
        size *= inside_slope / (inside_slope + outside_slope)
        # A mark pinned at the clamp may lie beyond every reachable edge, on the wrong side of the skew.
        return (size, edge) if (size < 0.0) == (gap > 0.0) else (0.0, 0.0)

    def _trade(self, state: State, idle: BoolArray, share: float, edge: float) -> list[ActionBatch]:
        config = self.config
        price = self._outside_price
        columns = self._index.columns
        held = state.sizes[config.market][columns]
        cap = config.max_trade_notional / price
        size = min(max(share, -cap), cap)
        reduces = (held * size < 0.0) & idle
        room = np.maximum(state.equity[columns] * config.max_leverage - np.abs(held) * price, 0.0)
        limit = max(int(edge * float(WAD)), 1)
        fees = Fees(*config.fees.bid(state.base_fee_wei))
        gas = max(state.gas[INCREASE], state.gas[DECREASE])
        cost = gas_cost(gas, state.base_fee_wei, state.native_price)
        least = max(config.min_trade_notional, self._break_even(cost, edge))
        batches: list[ActionBatch] = []
        amount = np.minimum(np.abs(held), abs(size))
        rows = np.flatnonzero(reduces & (amount * price >= np.minimum(least, np.abs(held) * price)))
        if len(rows):
            whole = (np.abs(held[rows]) <= abs(size)).tolist()
            exact = to_wad_list(amount[rows])
            sizes = [CLOSE_ALL if everything else part for everything, part in zip(whole, exact, strict=True)]
            self._order(state, rows, np.where(size > 0.0, amount[rows], -amount[rows]))
            actors = self._index.actors[rows]
            batches.append(actions.decrease_position(self.name, actors, config.market, sizes, limit, fees))
        added = np.minimum(abs(size), room / price)
        rows = np.flatnonzero(idle & ~reduces & (added * price >= least))
        if len(rows) and state.markets[config.market].status == 0:
            signed = added[rows] if size > 0.0 else -added[rows]
            self._order(state, rows, signed)
            actors = self._index.actors[rows]
            deltas = to_wad_list(signed)
            batches.append(actions.increase_position(self.name, actors, config.market, deltas, limit, fees))
        return batches

    def _break_even(self, cost: float, edge: float) -> float:
        """Return the notional whose gain at the band's edge pays the gas of one call."""
        gain = abs(edge / self._outside_price - 1.0)
        return cost / gain if gain > 0.0 else 0.0

    def _defend(self, state: State, idle: BoolArray) -> list[ActionBatch]:
        """Top the own margin up: the perp leg loses what the hedge outside gains."""
        columns = self._index.columns
        need = self.config.margin_trigger * state.maintenance_requirement[columns] - state.equity[columns]
        amount = np.minimum(need, state.wallet[columns])
        rows = np.flatnonzero(idle & (amount >= self.config.min_trade_notional * 0.01))
        if not len(rows):
            return []
        actors = self._index.actors[rows]
        fees = Fees(*self.config.fees.bid(state.base_fee_wei))
        self._silent_until[rows] = state.block + self.latency_blocks + self.config.patience_blocks
        idle[rows] = False
        return [actions.deposit(self.name, actors, actors, token_amounts(amount[rows]), fees)]

    def _order(self, state: State, rows: IntArray, signed: FloatArray) -> None:
        self._ordered[rows] = signed
        self._silent_until[rows] = state.block + self.latency_blocks + self.config.patience_blocks
