"""Oracle keepers: the reporters of one market, each with its own threshold, noise and patience."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sim.agents.base import ActorIndex, Outage, Outcome, silent_members
from sim.agents.fees import FeePolicy, never_raised, raise_bid
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.documents.sections import Section, number
from sim.core.rng import Streams
from sim.core.units import GWEI, TOKEN_UNIT, WAD, from_wad, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.state import State

_KINDS = (EntryPoint.REPORT, EntryPoint.REPORT_COLLATERAL)


class KeepersSection(Section):
    """Oracle keepers: the reporters of each market, with their own threshold, noise and patience.

    Each asset of `collaterals` has as many of the same kind.
    """

    count: int = number(
        5,
        3,
        7,
        "accounts",
        "Reporters of each market; the oracle takes seven.",
        source="design: at least three",
    )
    deviation_threshold: float = number(
        0.005, 0.0, 1.0, "1", "Price move that triggers a report.", source="Chainlink ETH/USD, 0.5 %"
    )
    heartbeat_seconds: int = number(
        600, 1, 604_800, "s", "Longest silence.", source="assumption: well inside the oracle's heartbeat"
    )
    price_noise: float = number(
        0.0003, 0.0, 0.5, "log", "Deviation of a reporter's error.", source="assumption: 3 bp"
    )
    confidence_ratio: float = number(
        0.001,
        0.0,
        1.0,
        "1",
        "Half-width each reports, over price.",
        source="assumption: typical of Pyth, 10 bp",
    )
    latency_blocks: int = number(0, 0, 1_000, "blocks", "Age of the price reported.", source="assumption")
    static_fee_share: float = number(
        0.0,
        0.0,
        1.0,
        "1",
        "Share of the reporters that never raise their fee.",
        source="Maker, 12 March 2020",
    )
    static_fee_gwei: float = number(
        40.0,
        1e-9,
        1e6,
        "gwei",
        "What those pay at most.",
        source="DeFi Saver users' cap in March 2020, 40 gwei",
    )
    threshold_spread: float = number(
        0.2, 0.0, 1.0, "1", "Reporters' own thresholds lie within this share around it.",
        source="assumption: operators differ",
    )  # fmt: skip
    confidence_volatility: float = number(
        0.02, 0.0, 100.0, "1", "Half-width added, over price, for each unit of daily volatility.",
        source="assumption: at 300 % a year, 31 bp more",
    )  # fmt: skip
    first_confidence_ratio: float = number(
        0.001, 0.0, 1.0, "1", "Half-width of the reports made before block 0, over price.",
        source="assumption: a quiet start, 10 bp",
    )  # fmt: skip
    pool_share: float = number(
        0.0, 0.0, 1.0, "1",
        "Share of the reporters of each of `collaterals` that report the price in its spot pool instead.",
        source="off: a pool's price is whoever's who trades there last",
    )  # fmt: skip
    rebid_blocks: int = number(
        1, 1, 10_000, "blocks", "How long a report of an adaptive reporter waits before it is replaced.",
        source="Chainlink nodes bump after three; a block that stands for several is one of them",
    )  # fmt: skip
    bid_raise: float = number(
        0.125, 0.0, 10.0, "1", "Least rise of a bid that replaces an earlier one.",
        source="Flash Boys 2.0: priority gas auctions rose by about 12.5 %; clients refuse less than 10 %",
    )  # fmt: skip
    bump_gwei: float = number(
        5.0, 0.0, 1e6, "gwei", "Least rise of the tip of a replacement.", source="Chainlink nodes (BumpMin)"
    )
    fees: FeePolicy = FeePolicy()

    @property
    def static_fees(self) -> FeePolicy:
        """Bids of those that never raise theirs."""
        return never_raised(self.fees, self.static_fee_gwei)


class OracleKeepers:
    """Reporters of one market; every report is a transaction that can be late, outbid or refused.

    A reporter compares the outside price with the last price it got on chain. It stays silent when
    the outside price is not newer than that report: through a gap in the data there is nothing to say.
    """

    def __init__(
        self,
        section: KeepersSection,
        actors: Sequence[int] | IntArray,
        *,
        name: str,
        market: int,
        outages: Sequence[Outage] = (),
        asset: int | None = None,
        unit: int = 1,
    ) -> None:
        """Report a market, or instead an asset of the collateral registry with so many units a token."""
        self.section = section
        self.name = name
        self.latency_blocks = section.latency_blocks
        self.market = market
        self.asset = asset
        self._unit = unit
        self._outages = tuple(outages)
        self._static_fees = section.static_fees
        self._index = ActorIndex(actors)
        count = len(self._index)
        self._static: BoolArray = np.arange(count) < round(section.static_fee_share * count)
        pooled = 0 if asset is None else round(section.pool_share * count)
        self._from_pool: BoolArray = np.arange(count) >= count - pooled
        self._thresholds: FloatArray | None = None
        # last report that was included; 0 means none yet
        self._price: FloatArray = np.zeros(count)
        self._published_at: IntArray = np.zeros(count, dtype=np.int64)
        # report that waits in the mempool; 0 means none
        self._pending_since: IntArray = np.full(count, -1, dtype=np.int64)
        self._pending_max: list[int] = [0] * count
        self._pending_tip: list[int] = [0] * count

    def describe(self) -> str:
        """Return one sentence for users."""
        section, count = self.section, len(self._index)
        static = round(section.static_fee_share * count)
        stubborn = f", {static} of them {self._static_fees.describe()}" if static else ""
        where = f"market {self.market}" if self.asset is None else f"collateral {self.asset}"
        pooled = int(self._from_pool.sum())
        source = f", {pooled} of them of that in its spot pool" if pooled else ""
        return (
            f"{count} oracle keepers on {where}, reporting on moves of "
            f"{section.deviation_threshold:.2%} or every {section.heartbeat_seconds} s, "
            f"within {section.price_noise:.2%} of the outside price{source}{stubborn}."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return new reports, and pending ones replaced by fresher prices at higher bids."""
        section = self.section
        published_at, outside = self._outside(state)
        stream = f"agent:oracle_keeper:{self.name}:noise"
        prices = outside * draws.lognormal(stream, state.block, len(self._index), section.price_noise)
        moved = np.abs(prices - self._price) >= self._own_thresholds(draws) * self._price
        due = moved | (state.timestamp - self._published_at >= section.heartbeat_seconds)
        due &= published_at > self._published_at
        due &= ~silent_members(self._outages, state.block + self.latency_blocks, len(self._index))
        if not bool(np.any(due)):
            return []
        waiting = self._pending_since >= 0
        patience_over = state.block - self._pending_since >= section.rebid_blocks
        fresh = np.flatnonzero(due & ~waiting)
        again = np.flatnonzero(due & waiting & patience_over & ~self._static)
        batches = []
        if len(fresh):
            bids = self._bids(fresh, state)
            batches.append(self._report(state, fresh, prices, published_at, bids, replace=False))
        if len(again):
            again, bids = self._raised(again, state)
        if len(again):
            batches.append(self._report(state, again, prices, published_at, bids, replace=True))
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Remember what is on chain now and forget what no longer waits."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0 or result.kind not in _KINDS or result.status == "replaced":
                continue
            self._pending_since[row] = -1
            if result.status == "success":
                self._price[row] = from_wad(result.args[1])
                self._published_at[row] = result.args[3]

    def _outside(self, state: State) -> tuple[int, FloatArray]:
        """Return when the outside price was last observed, and what each looks at: it, or the spot pool."""
        if self.asset is None:
            price = float(state.external_prices[self.market])
            return int(state.external_published_at[self.market]), np.full(len(self._index), price)
        price, pool = float(state.asset_prices[self.asset]), state.assets[self.asset]
        there = pool.pool_quote / TOKEN_UNIT / (pool.pool_asset / self._unit) if pool.pool_asset else price
        return int(state.asset_published_at[self.asset]), np.where(self._from_pool, there or price, price)

    def record_genesis(self, price: float, published_at: int) -> None:
        """Tell the reporters of a first report that was made for them before block 0."""
        self._price[:] = price
        self._published_at[:] = published_at

    def _own_thresholds(self, draws: Streams) -> FloatArray:
        if self._thresholds is None:
            uniform = draws.draw(f"agent:oracle_keeper:{self.name}:threshold", 0).uniform(len(self._index))
            spread = self.section.threshold_spread * (2.0 * uniform - 1.0)
            self._thresholds = self.section.deviation_threshold * (1.0 + spread)
        return self._thresholds

    def _confidences(self, state: State, prices: FloatArray) -> FloatArray:
        """Return half-widths that widen with volatility, as market makers' spreads do."""
        market = state.markets[self.market] if self.asset is None else state.assets[self.asset]
        daily = float(np.sqrt(max(market.variance_fast, market.variance_slow) / WAD / 365.0))
        return prices * (self.section.confidence_ratio + self.section.confidence_volatility * daily)

    def _bids(self, rows: IntArray, state: State) -> tuple[list[int], list[int]]:
        adaptive = self.section.fees.bid(state.base_fee_wei)
        static = self._static_fees.bid(state.base_fee_wei)
        chosen = [static if stubborn else adaptive for stubborn in self._static[rows].tolist()]
        return [bid[0] for bid in chosen], [bid[1] for bid in chosen]

    def _raised(self, rows: IntArray, state: State) -> tuple[IntArray, tuple[list[int], list[int]]]:
        """Return who can still raise, with the new bids: the policy's, at least the minimum raise."""
        if self.section.fees.policy == "static":
            return rows[:0], ([], [])
        section = self.section
        cap = int(section.fees.max_fee_gwei * GWEI)
        offered, tip_offered = self.section.fees.bid(state.base_fee_wei)
        kept: list[int] = []
        max_fees: list[int] = []
        tips: list[int] = []
        for row in rows.tolist():
            max_fee = max(offered, raise_bid(self._pending_max[row], section.bid_raise))
            bump = int(self.section.bump_gwei * GWEI)
            tip = max(
                tip_offered,
                raise_bid(self._pending_tip[row], section.bid_raise),
                self._pending_tip[row] + bump,
            )
            max_fee = max(max_fee, min(state.base_fee_wei + tip, cap))
            if max_fee <= cap:
                kept.append(row)
                max_fees.append(max_fee)
                tips.append(min(tip, max_fee))
        return np.array(kept, dtype=np.int64), (max_fees, tips)

    def _report(
        self,
        state: State,
        rows: IntArray,
        prices: FloatArray,
        published_at: int,
        bids: tuple[list[int], list[int]],
        *,
        replace: bool,
    ) -> ActionBatch:
        max_fees, tips = bids
        self._pending_since[rows] = state.block
        for row, max_fee, tip in zip(rows.tolist(), max_fees, tips, strict=True):
            self._pending_max[row] = max_fee
            self._pending_tip[row] = tip
        confidences = self._confidences(state, prices[rows])
        send = actions.report if self.asset is None else actions.report_collateral
        return send(
            self.name,
            self._index.actors[rows],
            self.market if self.asset is None else self.asset,
            to_wad_list(prices[rows]),
            to_wad_list(confidences),
            published_at,
            Fees(max_fees, tips),
            replace=replace,
        )


class _Keepers(AgentKind[KeepersSection]):
    name = "keepers"
    order = 50
    can_fail = True
    section = KeepersSection

    def groups(self, section: KeepersSection, setting: Setting) -> Iterable[Group]:
        for market, name in enumerate(setting.market_names):
            yield Group(
                name=_group(market),
                count=section.count,
                label=f"{name} keepers",
                reports=market,
                first_confidence_ratio=section.first_confidence_ratio,
            )
        for asset, name in enumerate(setting.asset_names):
            yield Group(
                name=_asset_group(asset),
                count=section.count,
                label=f"{name} collateral keepers",
                reports_asset=asset,
                first_confidence_ratio=section.first_confidence_ratio,
            )

    def agents(self, section: KeepersSection, start: Start) -> Iterable[OracleKeepers]:
        setting = start.setting
        for market, name in enumerate(setting.market_names):
            keepers = OracleKeepers(
                section,
                start.members[_group(market)],
                name=f"keepers_{name.lower()}",
                market=market,
                outages=setting.outages_of(self.name, market),
            )
            keepers.record_genesis(setting.prices[market], setting.first_report_at)
            yield keepers
        for asset, name in enumerate(setting.asset_names):
            keepers = OracleKeepers(
                section,
                start.members[_asset_group(asset)],
                name=f"collateral_keepers_{name.lower()}",
                market=0,
                asset=asset,
                unit=setting.protocol.assets[asset].unit,
                outages=[one for one in setting.outages_of(self.name) if one.market is None],
            )
            keepers.record_genesis(setting.asset_prices[asset], setting.first_report_at)
            yield keepers


def _group(market: int) -> str:
    return f"keepers:{market}"


def _asset_group(asset: int) -> str:
    return f"collateral_keepers:{asset}"


KEEPERS = _Keepers()
AGENTS.add(KEEPERS)
