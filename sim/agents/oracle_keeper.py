"""Oracle keepers: the reporters of one market, each with its own threshold, noise and patience."""

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
    raise_bid,
    require,
    silent_members,
)
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.portable_math import exp
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD, from_wad, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.state import State

KIND = "price_oracle.report"


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleKeeperConfig:
    """The reporters of one market."""

    name: str = "keepers"
    market: int = 0
    count: int = 5
    """Reporters. Design: at least three sources."""
    deviation_threshold: float = 0.005
    """Move since its last report that makes a reporter report. Chainlink ETH/USD, 0.5 %."""
    threshold_spread: float = 0.2
    """Reporters' own thresholds lie within this share around it. Assumption: operators differ."""
    heartbeat_seconds: int = 600
    """Longest silence while the outside price is fresh. Assumption: well inside the oracle's own."""
    price_noise: float = 0.0003
    """Deviation of a reporter's error, log. Assumption: 3 bp."""
    confidence_ratio: float = 0.001
    """Reported half-width over price in quiet times. Assumption: typical of Pyth, 10 bp."""
    confidence_volatility: float = 0.02
    """Half-width added per unit of daily volatility. Assumption: at 300 % a year, 31 bp more."""
    latency_blocks: int = 0
    """Age of the price reported."""
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=500.0, priority_fee_gwei=2.0))
    static_fee_share: float = 0.0
    """Share of the reporters (lowest indices) that never raise ``static_fees``."""
    static_fees: FeePolicy = field(
        default_factory=lambda: FeePolicy(policy="static", max_fee_gwei=40.0, priority_fee_gwei=2.0)
    )
    """Default: 40 gwei, the users' cap of an automation service in March 2020 (DeFi Saver)."""
    rebid_blocks: int = 1
    """Blocks without inclusion after which an adaptive reporter replaces its report. Chainlink nodes
    bump after three; scenarios whose blocks stand for several make one of them."""
    bump_gwei: float = 5.0
    """Least raise of the tip of a replacement. Default of Chainlink nodes (``BumpMin``)."""
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        """Refuse thresholds and shares outside their range."""
        require(
            [
                bounded("deviation_threshold", self.deviation_threshold, 0.0),
                bounded("threshold_spread", self.threshold_spread, 0.0, 1.0),
                bounded("heartbeat_seconds", self.heartbeat_seconds, 1),
                bounded("static_fee_share", self.static_fee_share, 0.0, 1.0),
            ]
        )

    def describe(self) -> str:
        """Return one sentence for users."""
        static = round(self.static_fee_share * self.count)
        stubborn = f", {static} of them {self.static_fees.describe()}" if static else ""
        return (
            f"{self.count} oracle keepers on market {self.market}, reporting on moves of "
            f"{self.deviation_threshold:.2%} or every {self.heartbeat_seconds} s, "
            f"within {self.price_noise:.2%} of the outside price{stubborn}."
        )


class OracleKeepers:
    """Reporters of one market; every report is a transaction that can be late, outbid or refused.

    A reporter compares the outside price with the last price it got on chain. It stays silent when
    the outside price is not newer than that report: through a gap in the data there is nothing to say.
    """

    def __init__(self, config: OracleKeeperConfig, actors: Sequence[int] | IntArray) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self._index = ActorIndex(actors)
        count = config.count
        require([(count == len(self._index), "keepers need one participant each")])
        self._static: BoolArray = np.arange(count) < round(config.static_fee_share * count)
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
        return self.config.describe()

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return new reports, and pending ones replaced by fresher prices at higher bids."""
        config = self.config
        published_at = int(state.external_published_at[config.market])
        outside = float(state.external_prices[config.market])
        noise = draws.draw(f"agent:oracle_keeper:{self.name}:noise", state.block).normal(config.count)
        prices = outside * exp(config.price_noise * noise)
        moved = np.abs(prices - self._price) >= self._own_thresholds(draws) * self._price
        due = moved | (state.timestamp - self._published_at >= config.heartbeat_seconds)
        due &= published_at > self._published_at
        due &= ~silent_members(config.outages, state.block + self.latency_blocks, config.count)
        waiting = self._pending_since >= 0
        patience_over = state.block - self._pending_since >= config.rebid_blocks
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
            if row < 0 or result.kind != KIND or result.status == "replaced":
                continue
            self._pending_since[row] = -1
            if result.status == "success":
                self._price[row] = from_wad(result.args[1])
                self._published_at[row] = result.args[3]

    def record_genesis(self, price: float, published_at: int) -> None:
        """Tell the reporters of a first report that was made for them before block 0."""
        self._price[:] = price
        self._published_at[:] = published_at

    def _own_thresholds(self, draws: Streams) -> FloatArray:
        if self._thresholds is None:
            uniform = draws.draw(f"agent:oracle_keeper:{self.name}:threshold", 0).uniform(self.config.count)
            spread = self.config.threshold_spread * (2.0 * uniform - 1.0)
            self._thresholds = self.config.deviation_threshold * (1.0 + spread)
        return self._thresholds

    def _confidences(self, state: State, prices: FloatArray) -> FloatArray:
        """Return half-widths that widen with volatility, as market makers' spreads do."""
        market = state.markets[self.config.market]
        daily = float(np.sqrt(max(market.variance_fast, market.variance_slow) / WAD / 365.0))
        return prices * (self.config.confidence_ratio + self.config.confidence_volatility * daily)

    def _bids(self, rows: IntArray, state: State) -> tuple[list[int], list[int]]:
        adaptive = self.config.fees.bid(state.base_fee_wei)
        static = self.config.static_fees.bid(state.base_fee_wei)
        chosen = [static if stubborn else adaptive for stubborn in self._static[rows].tolist()]
        return [bid[0] for bid in chosen], [bid[1] for bid in chosen]

    def _raised(self, rows: IntArray, state: State) -> tuple[IntArray, tuple[list[int], list[int]]]:
        """Return who can still raise, with the new bids: the policy's, at least the minimum raise."""
        if self.config.fees.policy == "static":
            return rows[:0], ([], [])
        cap = int(self.config.fees.max_fee_gwei * GWEI)
        offered, tip_offered = self.config.fees.bid(state.base_fee_wei)
        kept: list[int] = []
        max_fees: list[int] = []
        tips: list[int] = []
        for row in rows.tolist():
            max_fee = max(offered, raise_bid(self._pending_max[row]))
            bump = int(self.config.bump_gwei * GWEI)
            tip = max(tip_offered, raise_bid(self._pending_tip[row]), self._pending_tip[row] + bump)
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
        return actions.report(
            self.name,
            self._index.actors[rows],
            self.config.market,
            to_wad_list(prices[rows]),
            to_wad_list(confidences),
            published_at,
            Fees(max_fees, tips),
            replace=replace,
        )
