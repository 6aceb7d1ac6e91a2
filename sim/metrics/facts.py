"""What a metric may read: the totals, readings and recorded rows of one finished run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sim.metrics.margin import CoverageTest, Procyclicality
from sim.metrics.matching import Totals as MatchTotals
from sim.metrics.worlds import OtherWorld
from sim.protocol.mirror import Valuation
from sim.protocol.state import MarketState, ProtocolState


@dataclass(slots=True)
class Totals:
    """Running figures of a run that metrics need and no table row holds."""

    transactions: int = 0
    reverted: int = 0
    liquidations: int = 0
    liquidated_notional: float = 0.0
    auto_deleveraged_notional: float = 0.0
    margin_calls: int = 0
    cured_margin_calls: int = 0
    bounties: int = 0
    """Paid to liquidators who work for themselves, tips included, WAD."""
    liquidator_gas_wei: int = 0
    closer_gas_wei: int = 0
    """Gas of those who work for the protocol."""
    oracle_age_max: int = 0
    base_fee_max: int = 0
    fund_min: int = 2**256
    negative_equity_max: float = 0.0
    """Most that open accounts owed beyond their collateral at the end of a block, quote."""
    price_min: float = float("inf")
    drawdown: float = 0.0
    overshoot: float = 0.0
    """Largest fall of the outside price below the fundamental price, a share of it."""
    highest: float = 0.0
    collateral_sales: int = 0
    """Forced sales of other collateral than the quote coin."""
    collateral_sold: int = 0
    """What they raised, token units."""
    collateral_drawdown: float = 0.0
    """Largest fall of the outside price of an asset below its peak, a share of it."""
    initial_weighted: list[float] = field(default_factory=list)
    maintenance_weighted: list[float] = field(default_factory=list)
    notional: list[float] = field(default_factory=list)
    """Open interest at the risk price, quote: one for each market of each block, as the weighted ratios."""
    open_interest_start: float = 0.0
    """Of all markets after the first block, quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Accounts that stand below a requirement."""

    accounts: int
    notional: float
    """Of all their positions at the risk price, quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is short of what before the first block."""

    liquidatable: Shortfall
    """Below maintenance as the ramp asks for it: anybody may close them at once."""
    after_ramp: Shortfall
    """Below maintenance once the ramp has let everything through, were nothing else to change."""
    initial: Shortfall
    """Below initial margin: they can add nothing and withdraw nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One finished run as metrics see it; integers of the contracts are WAD."""

    blocks: int
    """Blocks simulated, those of settlement among them."""
    settlement_blocks: int
    """Blocks after the last of the scenario."""
    totals: Totals
    """Summed or extreme over the blocks; prices, fund and drawdown are read with market 0."""
    coverage: CoverageTest
    """Of market 0."""
    procyclicality: Procyclicality
    """Of a position in market 0 held throughout."""
    before: ProtocolState
    """The protocol before the first block."""
    after: ProtocolState
    """The protocol after the last block."""
    market_before: MarketState
    """Market 0 before the first block."""
    valuation: Valuation
    """Every account after the last block."""
    price_start: float
    """Outside price of market 0 at the start, quote."""
    price_end: float
    """Outside price of market 0 after the last block, quote."""
    native_price: float
    """Quote per native coin."""
    start: Standing
    added_at_set_up: float
    """What openings deposited beyond what their leverage asks for, to pass the initial check, quote."""
    added_in_run: float
    """What was deposited into accounts after block 0, quote."""
    invariants_checked: int
    invariant_violations: int
    column: Callable[[str, str], Sequence[object]]
    """(table, column) -> that column's values, one a row, of ``blocks``, ``transactions``, ``liquidations``,
    ``events`` or ``formula_failures``; ``accounts`` is written after the metrics are computed."""
    silent_oracles: int = 0
    """Markets whose oracle took no report from first block to last and had no usable price at the end."""
    trader_loss: float = 0.0
    """What those who hold positions without a leg outside lost, quote: fall of equity, counted down to zero,
    and wallet."""
    worlds: Mapping[OtherWorld, RunFacts] = field(default_factory=dict)
    """The worlds that were run beside it, on the same random numbers."""
    matched: Mapping[OtherWorld, MatchTotals] = field(default_factory=dict)
    """What was closed by force here and there, unit by unit, for each of them."""
