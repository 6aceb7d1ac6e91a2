"""Arbitrageurs: carry the pool's gap to the outside price, hedged outside one to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sim.agents.base import ActorIndex, Outage, Outcome, silent_members, token_amounts
from sim.agents.fees import FeePolicy, gas_cost
from sim.agents.kind import AGENTS, AgentKind, Group, Opening, Setting, Start
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.documents.sections import Section, number
from sim.core.rng import Streams
from sim.core.units import WAD, from_wad, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, ActionBatch, EntryPoint, Fees
from sim.protocol.codes import OracleStatus
from sim.protocol.state import State

INCREASE = EntryPoint.INCREASE_POSITION
DECREASE = EntryPoint.DECREASE_POSITION


class ArbitrageursSection(Section):
    """Arbitrageurs, who carry the pool's gap to the external market."""

    count: int = number(2, 0, 1_000, "accounts", "Arbitrageurs.", source="assumption")
    capital: float = number(
        2_000_000.0, 0.0, 1e15, "quote", "Collateral and wallet of each.", source="assumption"
    )
    threshold: float = number(
        0.0015,
        0.0,
        1.0,
        "1",
        "Gap between mark and external price worth trading.",
        source="assumption: fees on both legs",
    )
    max_leverage: float = number(3.0, 0.01, 100.0, "1", "Most leverage used.", source="assumption")
    max_trade_notional: float = number(
        50_000.0, 1.0, 1e15, "quote", "Most traded a block by one.",
        source="assumption: a quarter of the thinnest depth; ten times as much overshoots",
    )  # fmt: skip
    latency_blocks: int = number(0, 0, 1_000, "blocks", "Age of the state it sees.", source="assumption")
    collateral_share: float = number(
        0.5, 0.0, 1.0, "1", "Share of the capital deposited at the start; the rest is kept for top-ups.",
        source="assumption",
    )  # fmt: skip
    min_trade_notional: float = number(
        1_000.0, 0.0, 1e15, "quote", "Least trade worth a transaction.", source="assumption"
    )
    margin_trigger: float = number(
        2.0, 0.0, 100.0, "1", "Equity to maintenance requirement below which it tops up.", source="assumption"
    )
    min_top_up: float = number(
        10.0, 0.0, 1e12, "quote", "Least top-up worth a transaction.", source="assumption"
    )
    patience_blocks: int = number(
        10, 0, 10_000, "blocks", "How long it waits for an unsettled order.", source="assumption: two minutes"
    )
    fees: FeePolicy = FeePolicy()


class Arbitrageurs:
    """Traders who buy where it is cheap and sell where it is dear.

    Each expects an equal share of the opportunity, so that together they restore the band without
    agreeing on it. The perp leg is a call to the protocol; the engine sends the outside leg to the
    outside market, and the books of it are kept here.

    Parameters
    ----------
    skew_scale
        Base units of skew that move the pool's mark by 100 % of the index.
    max_premium
        Largest distance of the mark from the index, a ratio.

    Attributes
    ----------
    hedge_size : float64 [members]
        Base units held outside against the perp position, signed.
    hedge_cash : float64 [members]
        Quote received for them, signed.
    """

    def __init__(
        self,
        section: ArbitrageursSection,
        actors: Sequence[int] | IntArray,
        *,
        name: str,
        market: int,
        skew_scale: float,
        max_premium: float,
        outages: Sequence[Outage] = (),
    ) -> None:
        self.section = section
        self.name = name
        self.latency_blocks = section.latency_blocks
        self.market = market
        self.skew_scale = skew_scale
        self.max_premium = max_premium
        self._outages = tuple(outages)
        self._index = ActorIndex(actors)
        count = len(self._index)
        self.hedge_size: FloatArray = np.zeros(count)
        self.hedge_cash: FloatArray = np.zeros(count)
        self._silent_until: IntArray = np.zeros(count, dtype=np.int64)
        self._ordered: FloatArray = np.zeros(count)  # signed base units of the order that waits
        self._outside_price = 0.0

    def describe(self) -> str:
        """Return one sentence for users."""
        section = self.section
        return (
            f"{len(self._index)} arbitrageurs with {section.capital:,.0f} each, who trade the pool back to "
            f"within {section.threshold:.2%} of the outside price and hedge there one to one."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return top-ups of the own margin and the trades that close the gap."""
        section = self.section
        self._outside_price = float(state.external_prices[self.market])
        idle = self._silent_until <= state.block
        idle &= ~silent_members(self._outages, state.block + self.latency_blocks, len(self._index))
        if not bool(np.any(idle)) or not section.fees.can_pay(state.base_fee_wei):
            return []
        batches = self._defend(state, idle)
        wanted, edge = self._wanted(state)
        if wanted != 0.0:
            batches += self._trade(state, idle, wanted / len(self._index), edge)
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

    def outside_values(self, prices: Sequence[float]) -> dict[int, float]:
        """Return what each member's outside leg is worth at the outside prices by market, quote."""
        values = self.hedge_cash + self.hedge_size * prices[self.market]
        return dict(zip(self._index.actors.tolist(), values.tolist(), strict=True))

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
        section = self.section
        market = state.markets[self.market]
        index = from_wad(market.index_price)
        if index <= 0.0 or self._outside_price <= 0.0:
            return 0.0, 0.0
        skew = from_wad(market.long_open_interest - market.short_open_interest)
        premium = min(max(skew / self.skew_scale, -self.max_premium), self.max_premium)
        gap = index * (1.0 + premium) / self._outside_price - 1.0
        if -section.threshold <= gap <= section.threshold:
            return 0.0, 0.0
        edge = self._outside_price * (1.0 + (section.threshold if gap > 0.0 else -section.threshold))
        target = min(max(edge / index - 1.0, -self.max_premium), self.max_premium)
        size = target * self.skew_scale - skew
        inside_slope = index / self.skew_scale
        depth = max(float(state.external_depth[self.market]), 1.0)
        outside_slope = edge * self._outside_price * 0.01 / depth
        size *= inside_slope / (inside_slope + outside_slope)
        # A mark pinned at the clamp may lie beyond every reachable edge, on the wrong side of the skew.
        return (size, edge) if (size < 0.0) == (gap > 0.0) else (0.0, 0.0)

    def _trade(self, state: State, idle: BoolArray, share: float, edge: float) -> list[ActionBatch]:
        section = self.section
        price = self._outside_price
        columns = self._index.columns
        held = state.sizes[self.market][columns]
        cap = section.max_trade_notional / price
        size = min(max(share, -cap), cap)
        reduces = (held * size < 0.0) & idle
        room = np.maximum(state.equity[columns] * section.max_leverage - np.abs(held) * price, 0.0)
        limit = max(int(edge * float(WAD)), 1)
        fees = Fees(*section.fees.bid(state.base_fee_wei))
        gas = max(state.gas[INCREASE], state.gas[DECREASE])
        cost = gas_cost(gas, state.base_fee_wei, state.native_price)
        least = max(section.min_trade_notional, self._break_even(cost, edge))
        batches: list[ActionBatch] = []
        amount = np.minimum(np.abs(held), abs(size))
        rows = np.flatnonzero(reduces & (amount * price >= np.minimum(least, np.abs(held) * price)))
        if len(rows):
            whole = (np.abs(held[rows]) <= abs(size)).tolist()
            exact = to_wad_list(amount[rows])
            sizes = [CLOSE_ALL if everything else part for everything, part in zip(whole, exact, strict=True)]
            self._order(state, rows, np.where(size > 0.0, amount[rows], -amount[rows]))
            actors = self._index.actors[rows]
            batches.append(actions.decrease_position(self.name, actors, self.market, sizes, limit, fees))
        added = np.minimum(abs(size), room / price)
        rows = np.flatnonzero(idle & ~reduces & (added * price >= least))
        if len(rows) and state.markets[self.market].status == OracleStatus.VALID:
            signed = added[rows] if size > 0.0 else -added[rows]
            self._order(state, rows, signed)
            actors = self._index.actors[rows]
            deltas = to_wad_list(signed)
            batches.append(actions.increase_position(self.name, actors, self.market, deltas, limit, fees))
        return batches

    def _break_even(self, cost: float, edge: float) -> float:
        """Return the notional whose gain at the band's edge pays the gas of one call."""
        gain = abs(edge / self._outside_price - 1.0)
        return cost / gain if gain > 0.0 else 0.0

    def _defend(self, state: State, idle: BoolArray) -> list[ActionBatch]:
        """Top the own margin up: the perp leg loses what the hedge outside gains."""
        columns = self._index.columns
        need = self.section.margin_trigger * state.maintenance_requirement[columns] - state.equity[columns]
        amount = np.minimum(need, state.wallet[columns])
        rows = np.flatnonzero(idle & (amount >= self.section.min_top_up))
        if not len(rows):
            return []
        actors = self._index.actors[rows]
        fees = Fees(*self.section.fees.bid(state.base_fee_wei))
        self._silent_until[rows] = state.block + self.latency_blocks + self.section.patience_blocks
        idle[rows] = False
        return [actions.deposit(self.name, actors, actors, token_amounts(amount[rows]), fees)]

    def _order(self, state: State, rows: IntArray, signed: FloatArray) -> None:
        self._ordered[rows] = signed
        self._silent_until[rows] = state.block + self.latency_blocks + self.section.patience_blocks


class _Arbitrageurs(AgentKind[ArbitrageursSection]):
    name = "arbitrageurs"
    order = 30
    can_fail = True
    section = ArbitrageursSection

    def groups(self, section: ArbitrageursSection, setting: Setting) -> Iterable[Group]:
        for market, name in enumerate(setting.market_names):
            yield Group(
                name=_group(market),
                count=section.count,
                label=f"{name} arbitrageurs",
                holds_positions=True,
                hedges_outside=True,
            )

    def openings(self, section: ArbitrageursSection, start: Start) -> Iterable[Opening]:
        collateral = section.capital * section.collateral_share
        for market in range(len(start.setting.market_names)):
            for actor in start.members[_group(market)].tolist():
                yield Opening(
                    actor=actor,
                    market=market,
                    size=0.0,
                    collateral=collateral,
                    wallet=section.capital - collateral,
                )

    def agents(self, section: ArbitrageursSection, start: Start) -> Iterable[Arbitrageurs]:
        for market, deployed in enumerate(start.setting.protocol.markets):
            yield Arbitrageurs(
                section,
                start.members[_group(market)],
                name=f"arbitrageurs_{deployed.name.lower()}",
                market=market,
                skew_scale=float(deployed.pricing_terms["skew_scale"]),
                max_premium=float(deployed.pricing_terms["max_premium"]),
                outages=start.setting.outages_of(self.name, market),
            )


def _group(market: int) -> str:
    return f"arbitrageurs:{market}"


ARBITRAGEURS = _Arbitrageurs()
AGENTS.add(ARBITRAGEURS)
