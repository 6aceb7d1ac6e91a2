"""Records what each block did: table rows, running totals and the digest.

The digest is that of `sim.engine.blocks.run_digest`, over the rows themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.core.portable_math import ordered_sums, sqrt
from sim.core.units import GWEI, WAD
from sim.engine.blocks.rows import (
    BlockRow,
    EventRow,
    FinalState,
    LiquidationRow,
    MarketStateRow,
    ProtocolStateRow,
    TransactionRow,
)
from sim.engine.blocks.run_digest import RunDigest
from sim.engine.blocks.tables import RunTables
from sim.metrics.facts import Totals
from sim.metrics.margin import MARGIN_CALL_MULTIPLE, CoverageTest, Procyclicality
from sim.metrics.matching import Close
from sim.protocol.codes import BreachCause, CollateralReason, PositionCause
from sim.protocol.events import ProtocolEvent
from sim.protocol.mirror import Valuation
from sim.protocol.state import MarketState, ProtocolState

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


class Recorder:
    """Accumulates one run."""

    def __init__(self, actors: int) -> None:
        self.tables = RunTables()
        self.coverage = CoverageTest()
        self.procyclicality = Procyclicality()
        self.totals = Totals()
        self.closes: list[Close] = []
        self.liquidations_of = np.zeros(actors, dtype=np.int64)
        self.liquidated_notional_of = np.zeros(actors)
        self.margin_calls_of = np.zeros(actors, dtype=np.int64)
        self.realized_pnl_of = [0] * actors
        self.fees_of = [0] * actors
        self.funding_of = [0] * actors
        self.topped_up_of = [0] * actors
        self.gas_paid_of = [0] * actors
        self.is_settling = False
        """The run is over and settles: margin is judged on the path that was drawn, not on one held still."""
        self._called = np.zeros(actors, dtype=np.bool_)
        self._asset_peaks: list[float] = []
        self._digest = RunDigest()

    @property
    def digest(self) -> str:
        """Digest of everything recorded so far."""
        return self._digest.hexdigest()

    def state(
        self,
        block: int,
        transactions: Sequence[TransactionRow],
        events: Sequence[EventRow],
        markets: Sequence[MarketState],
        protocol: ProtocolState,
    ) -> str:
        """Append the exact state after a block; add the block to the digest and return the digest so far."""
        for market, state in enumerate(markets):
            self.tables.market_states.append(MarketStateRow(block, market, state))
        self.tables.protocol_states.append(ProtocolStateRow(block, protocol))
        return self._digest.block(block, transactions, events, markets, protocol)

    def final(self, states: Sequence[FinalState]) -> str:
        """Add the final state of every participant to the digest; return the run's digest."""
        return self._digest.accounts(states)

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
        account_notional = valuation.notional[held]
        share = notional / np.where(account_notional > 0.0, account_notional, 1.0)
        total_notional, maintenance, initial, equity = ordered_sums(
            notional,
            notional * valuation.maintenance_ratio[market_id][held],
            valuation.initial_requirement[held] * share,
            np.maximum(valuation.equity[held], 0.0) * share,
        )
        mean_maintenance = maintenance / total_notional if total_notional else 0.0
        mean_initial = initial / total_notional if total_notional else 0.0
        under = (valuation.notional > 0.0) & (valuation.equity < valuation.maintenance_requirement)
        unbooked = valuation.negative_equity()
        age = timestamp - market.updated_at
        self.tables.blocks.append(
            BlockRow(
                block=block,
                timestamp=timestamp,
                market=market_id,
                external_price=outside.external,
                fundamental_price=outside.fundamental,
                index_price=index_price,
                risk_price=market.risk_price / WAD,
                mark_price=market.mark_price / WAD,
                ema_price=market.ema_price / WAD,
                volatility_fast=_volatility(market.variance_fast),
                volatility_slow=_volatility(market.variance_slow),
                initial_margin_ratio=market.initial_ratio / WAD,
                maintenance_margin_ratio=market.maintenance_ratio / WAD,
                ramped_maintenance_margin_ratio=market.ramped_maintenance_ratio / WAD,
                mean_initial_margin_ratio=mean_initial,
                mean_maintenance_margin_ratio=mean_maintenance,
                long_open_interest=market.long_open_interest / WAD,
                short_open_interest=market.short_open_interest / WAD,
                open_interest_notional=total_notional,
                mean_leverage=total_notional / equity if equity > 0.0 else 0.0,
                accounts_open=len(held),
                insurance_fund=protocol.fund_reserves / WAD,
                pool_assets=protocol.pool_assets / WAD,
                bad_debt=protocol.bad_debt / WAD,
                fund_draws=protocol.fund_draws / WAD,
                haircuts=protocol.haircuts / WAD,
                socialized_loss=protocol.socialized_loss / WAD,
                pending_deficit=protocol.pending_deficit / WAD,
                negative_equity=unbooked,
                liquidations=liquidations,
                liquidated_notional=liquidated_notional,
                margin_calls=margin_calls,
                forced_flow=outside.forced_flow,
                impact_log=outside.impact_log,
                depth=outside.depth,
                base_fee_gwei=fees.base_fee_wei / GWEI,
                gas_used=fees.gas_used,
                gas_demanded=fees.gas_demanded,
                mempool_size=fees.mempool_size,
                included=fees.included,
                reverted=fees.reverted,
                evicted=fees.evicted,
                oracle_age_seconds=age,
                oracle_status=market.status,
                liquidatable_accounts=int(np.count_nonzero(under)),
                block_digest=block_digest,
            )
        )
        totals = self.totals
        totals.oracle_age_max = max(totals.oracle_age_max, age)
        if market_id == 0:
            totals.base_fee_max = max(totals.base_fee_max, fees.base_fee_wei)
            totals.fund_min = min(totals.fund_min, protocol.fund_reserves)
            totals.negative_equity_max = max(totals.negative_equity_max, unbooked)
            totals.price_min = min(totals.price_min, outside.external)
            totals.highest = max(totals.highest, outside.external)
            totals.overshoot = max(totals.overshoot, 1.0 - outside.external / outside.fundamental)
            totals.drawdown = max(totals.drawdown, 1.0 - outside.external / totals.highest)
        if self.is_settling:
            return
        if market_id == 0:
            self.coverage.observe(timestamp, index_price, position_size, valuation.maintenance_ratio[0])
            self.procyclicality.observe(timestamp, market.maintenance_ratio, market.ramped_maintenance_ratio)
        totals.initial_weighted.append(mean_initial * total_notional)
        totals.maintenance_weighted.append(mean_maintenance * total_notional)
        totals.notional.append(total_notional)
        if block == 1:
            totals.open_interest_start += total_notional

    def collateral_prices(self, prices: Sequence[float]) -> None:
        """Take the outside prices of a block's assets into account."""
        self._asset_peaks = [max(pair) for pair in zip(prices, self._asset_peaks or prices, strict=True)]
        falls = [1.0 - price / peak for price, peak in zip(prices, self._asset_peaks, strict=True)]
        self.totals.collateral_drawdown = max(self.totals.collateral_drawdown, *falls)

    def event(self, block: int, event: ProtocolEvent) -> EventRow:
        """Append one event and book what it did to its account; return its row."""
        values = event.values
        if event.name == "PositionChanged":
            actor = event.actor
            self.realized_pnl_of[actor] += values["realized_pnl"]
            self.fees_of[actor] += values["fee"]
            self.funding_of[actor] += values["funding"]
            if values["cause"] == PositionCause.DELEVERAGE:
                self.totals.auto_deleveraged_notional += (
                    abs(values["size_delta"]) * values["index_price"] / WAD / WAD
                )
        elif event.name == "CollateralChanged" and values["reason"] == CollateralReason.LIQUIDATION_FEE:
            self.fees_of[event.actor] -= values["delta"]
        elif event.name == "CollateralSold":
            self.totals.collateral_sales += 1
            self.totals.collateral_sold += values["proceeds"]
            self.topped_up_of[event.actor] -= values["repaid"]  # booked as a deposit, and brought by nobody
        elif event.name == "Deposited":
            self.topped_up_of[event.actor] += values["amount"]
        log = event.log
        row = EventRow(
            block=block,
            position=event.position,
            contract=event.contract,
            event=event.name,
            account=event.actor,
            data=values,
            address=log.address,
            topics=tuple(log.topics),
            raw_data=log.data,
        )
        self.tables.events.append(row)
        return row

    def liquidation(
        self,
        *,
        block: int,
        timestamp: int,
        event: ProtocolEvent,
        leverage_at_entry: float,
        is_paid_by_fund: bool = False,
    ) -> Close:
        """Append one liquidation; return what it closed."""
        values = event.values
        size = values["size_closed"] / WAD
        risk_price = values["risk_price"] / WAD
        notional = abs(size) * risk_price
        requirement = values["maintenance_requirement"] / WAD
        equity = values["equity"] / WAD
        self.tables.liquidations.append(
            LiquidationRow(
                id=len(self.closes),
                block=block,
                timestamp=timestamp,
                account=event.actor,
                market=values["market"],
                liquidator=event.other,
                size=size,
                price=values["fill_price"] / WAD,
                risk_price=risk_price,
                notional=notional,
                equity=equity,
                maintenance_requirement=requirement,
                fee=values["fee"] / WAD,
                bounty=values["bounty"] / WAD,
                insurance_fee=values["insurance_fee"] / WAD,
                tip=values["tip"] / WAD,
                deficit=values["deficit"] / WAD,
                leverage_at_entry=leverage_at_entry,
                overshoot=(requirement - equity) / requirement if requirement else 0.0,
                breach_cause=BreachCause(values["breach_cause"]).name.lower(),
            )
        )
        close = Close(event.actor, values["market"], values["size_closed"], timestamp, notional)
        self.closes.append(close)
        totals = self.totals
        totals.liquidations += 1
        totals.liquidated_notional += notional
        if not is_paid_by_fund:
            totals.bounties += values["bounty"] + values["tip"]
        self.liquidations_of[event.actor] += 1
        self.liquidated_notional_of[event.actor] += notional
        return close


def _volatility(variance: int) -> float:
    """Return annualised volatility from a WAD variance."""
    return sqrt(variance / WAD)
