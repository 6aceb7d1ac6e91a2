"""Records what each block did: table rows, running totals and the digest.

The digest is SHA-256 over canonical receipts and the protocol's state words after each block, and
over every account at the end. Nothing in it depends on the engine, on floats or on the clock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.core.digest import Digest
from sim.core.portable_math import ordered_sum
from sim.core.units import GWEI, WAD
from sim.engine.blocks.tables import TABLES, TableWriter
from sim.metrics.cascade import Attribution, CascadeForest
from sim.metrics.margin import CoverageTest, Procyclicality
from sim.protocol.events import ProtocolEvent
from sim.protocol.mirror import Valuation
from sim.protocol.state import MarketState, ProtocolState

MARGIN_CALL_MULTIPLE = 1.25
"""Equity under this many maintenance requirements is a margin call (mechanisms 9.6)."""

ETHER = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """The outside market of one block."""

    external: float
    fundamental: float
    impact_log: float
    depth: float
    forced_flow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeFacts:
    """Block space of one block."""

    base_fee_wei: int
    gas_used: int
    gas_demanded: int
    mempool_size: int
    included: int
    reverted: int
    evicted: int


@dataclass(slots=True)
class Totals:
    """Running figures that the summary needs and no table row holds."""

    transactions: int = 0
    reverted: int = 0
    liquidated_notional: float = 0.0
    endogenous_notional: float = 0.0
    margin_induced: int = 0
    auto_deleveraged_notional: float = 0.0
    margin_calls: int = 0
    cured_margin_calls: int = 0
    bounties: int = 0
    liquidator_gas_wei: int = 0
    oracle_age_max: int = 0
    base_fee_max: int = 0
    fund_min: int = 2**256
    price_min: float = float("inf")
    drawdown: float = 0.0
    overshoot: float = 0.0
    """Largest fall of the outside price below the fundamental price, a share of it."""
    highest: float = 0.0
    initial_weighted: list[float] = field(default_factory=list)
    maintenance_weighted: list[float] = field(default_factory=list)
    notional: list[float] = field(default_factory=list)


class Recorder:
    """Accumulates one run."""

    def __init__(self, actors: int) -> None:
        self.tables = {name: TableWriter(name) for name in TABLES}
        self.forest = CascadeForest()
        self.coverage = CoverageTest()
        self.procyclicality = Procyclicality()
        self.totals = Totals()
        self.liquidations_of = np.zeros(actors, dtype=np.int64)
        self.liquidated_notional_of = np.zeros(actors)
        self.margin_calls_of = np.zeros(actors, dtype=np.int64)
        self.realized_pnl_of = [0] * actors
        self.fees_of = [0] * actors
        self.funding_of = [0] * actors
        self.topped_up_of = [0] * actors
        self.gas_paid_of = [0] * actors
        self._called = np.zeros(actors, dtype=np.bool_)
        self._digest = Digest("seawall-run-1")
        self._block_digests: list[str] = []

    @property
    def digest(self) -> str:
        """Digest of everything recorded so far."""
        return self._digest.hexdigest()

    def hash_block(self, block: int, receipts: Sequence[tuple[object, ...]], words: Sequence[int]) -> str:
        """Add one block's canonical receipts and state words to the digest; return the digest so far."""
        self._digest.update(repr((block, tuple(receipts), tuple(words))).encode())
        return self._digest.hexdigest()

    def hash_final(self, accounts: Sequence[tuple[int, ...]]) -> str:
        """Add the final state of every account; return the run's digest."""
        self._digest.update(repr(tuple(accounts)).encode())
        return self._digest.hexdigest()

    def margin_calls(self, valuation: Valuation, liquidated: NDArray[np.int64]) -> int:
        """Count accounts that fell under a margin call this block, and calls that were cured."""
        open_accounts = valuation.notional > 0.0
        requirement = MARGIN_CALL_MULTIPLE * valuation.maintenance_requirement
        under = open_accounts & (valuation.equity < requirement)
        called = under & ~self._called
        cleared = self._called & ~under
        cleared[liquidated] = False
        count = int(np.count_nonzero(called))
        self.totals.margin_calls += count
        self.totals.cured_margin_calls += int(np.count_nonzero(cleared))
        self.margin_calls_of += called
        # A liquidated account's call is closed by force, not cured.
        self._called = under
        return count

    def block(
        self,
        *,
        block: int,
        timestamp: int,
        market_id: int,
        outside: MarketFacts,
        fees: FeeFacts,
        market: MarketState,
        protocol: ProtocolState,
        valuation: Valuation,
        position_size: NDArray[np.float64],
        liquidations: int,
        liquidated_notional: float,
        margin_calls: int,
        block_digest: str,
    ) -> None:
        """Append the row of one market in one block and update the running figures."""
        index_price = market.index_price / WAD
        held = np.flatnonzero(position_size)
        notional = np.abs(position_size[held]) * (market.risk_price / WAD)
        total_notional = ordered_sum(notional)
        ratio = valuation.maintenance_ratio[market_id][held]
        mean_maintenance = ordered_sum(notional * ratio) / total_notional if total_notional else 0.0
        account_notional = valuation.notional[held]
        share = notional / np.where(account_notional > 0.0, account_notional, 1.0)
        mean_initial = (
            ordered_sum(valuation.initial_requirement[held] * share) / total_notional
            if total_notional
            else 0.0
        )
        equity = ordered_sum(np.maximum(valuation.equity[held], 0.0) * share)
        under = (valuation.notional > 0.0) & (valuation.equity < valuation.maintenance_requirement)
        age = timestamp - market.updated_at
        self.tables["blocks"].append(
            (
                block, timestamp, market_id,
                outside.external, outside.fundamental, index_price, market.risk_price / WAD,
                market.mark_price / WAD, market.ema_price / WAD,
                _volatility(market.variance_fast), _volatility(market.variance_slow),
                market.initial_ratio / WAD, market.maintenance_ratio / WAD,
                market.ramped_maintenance_ratio / WAD,
                mean_initial, mean_maintenance,
                market.long_open_interest / WAD, market.short_open_interest / WAD, total_notional,
                total_notional / equity if equity > 0.0 else 0.0, len(held),
                protocol.fund_reserves / WAD, protocol.pool_assets / WAD, protocol.bad_debt / WAD,
                protocol.fund_draws / WAD, protocol.haircuts / WAD, protocol.socialized_loss / WAD,
                protocol.pending_deficit / WAD,
                liquidations, liquidated_notional, margin_calls, outside.forced_flow,
                outside.impact_log, outside.depth,
                fees.base_fee_wei / GWEI, fees.gas_used, fees.gas_demanded, fees.mempool_size,
                fees.included, fees.reverted, fees.evicted,
                age, market.status, int(np.count_nonzero(under)), block_digest,
            )
        )  # fmt: skip
        totals = self.totals
        totals.oracle_age_max = max(totals.oracle_age_max, age)
        if market_id == 0:
            totals.base_fee_max = max(totals.base_fee_max, fees.base_fee_wei)
            totals.fund_min = min(totals.fund_min, protocol.fund_reserves)
            totals.price_min = min(totals.price_min, outside.external)
            totals.highest = max(totals.highest, outside.external)
            totals.overshoot = max(totals.overshoot, 1.0 - outside.external / outside.fundamental)
            totals.drawdown = max(totals.drawdown, 1.0 - outside.external / totals.highest)
            self.coverage.observe(timestamp, index_price, position_size, valuation.maintenance_ratio[0])
            self.procyclicality.observe(timestamp, market.maintenance_ratio / WAD)
        totals.initial_weighted.append(mean_initial * total_notional)
        totals.maintenance_weighted.append(mean_maintenance * total_notional)
        totals.notional.append(total_notional)

    def event(self, block: int, event: ProtocolEvent) -> None:
        """Append one protocol event and book what it did to its account."""
        values = event.values
        if event.name == "PositionChanged":
            actor = event.actor
            self.realized_pnl_of[actor] += values["realized_pnl"]
            self.fees_of[actor] += values["fee"]
            self.funding_of[actor] += values["funding"]
            if values["cause"] == 2:
                self.totals.auto_deleveraged_notional += (
                    abs(values["size_delta"]) * values["index_price"] / WAD / WAD
                )
        elif event.name == "CollateralChanged" and values["reason"] == 1:
            self.fees_of[event.actor] -= values["delta"]
        elif event.name == "Deposited":
            self.topped_up_of[event.actor] += values["amount"]
        if event.contract != "token":
            data = json.dumps(values, separators=(",", ":"))
            self.tables["events"].append(
                (block, event.position, event.contract, event.name, event.actor, data)
            )

    def liquidation(
        self,
        *,
        block: int,
        timestamp: int,
        event: ProtocolEvent,
        attribution: Attribution,
        fundamental_price: float,
        leverage_at_entry: float,
    ) -> int:
        """Append one liquidation with its place in the cascade; return its id."""
        values = event.values
        index, root, depth = self.forest.add(attribution)
        size = values["size_closed"] / WAD
        risk_price = values["risk_price"] / WAD
        notional = abs(size) * risk_price
        requirement = values["maintenance_requirement"] / WAD
        equity = values["equity"] / WAD
        self.tables["liquidations"].append(
            (
                index, block, timestamp, event.actor, values["market"], event.other,
                size, values["fill_price"] / WAD, risk_price, fundamental_price, notional,
                equity, requirement, values["fee"] / WAD, values["bounty"] / WAD,
                values["insurance_fee"] / WAD, values["tip"] / WAD, values["deficit"] / WAD,
                attribution.cause, attribution.parent, root, depth, root,
                len(attribution.parents), leverage_at_entry,
                (requirement - equity) / requirement if requirement else 0.0,
                "parameter" if values["breach_cause"] else "price",
            )
        )  # fmt: skip
        totals = self.totals
        totals.liquidated_notional += notional
        if attribution.cause != "exogenous":
            totals.endogenous_notional += notional
        if "margin" in attribution.cause:
            totals.margin_induced += 1
        totals.bounties += values["bounty"] + values["tip"]
        self.liquidations_of[event.actor] += 1
        self.liquidated_notional_of[event.actor] += notional
        return index


def _volatility(variance: int) -> float:
    """Return annualised volatility from a WAD variance."""
    return float(np.sqrt(variance / WAD))
