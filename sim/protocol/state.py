"""What a participant can see: one frozen view of the world, the same for everyone.

Integers are WAD as the contracts return them; arrays are float estimates of the mirror
(``sim/protocol/mirror.py``) and never decide anything on their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MarketState:
    """One market; fields are the words of ``Lens.MarketState`` in order."""

    index_price: int
    risk_price: int
    ema_price: int
    confidence: int
    variance_fast: int
    variance_slow: int
    updated_at: int
    round_id: int
    status: int
    long_open_interest: int
    short_open_interest: int
    mark_price: int
    funding_index: int
    funding_rate: int
    initial_ratio: int
    maintenance_ratio: int
    ramped_maintenance_ratio: int
    depth: int
    throttle_capacity: int
    pool_position: int
    net_entry_notional: int

    def words(self) -> tuple[int, ...]:
        """Return the fields in order."""
        return _words(self, MarketState)


@dataclass(frozen=True, slots=True)
class ProtocolState:
    """Protocol totals; fields are the words of ``Lens.ProtocolState`` in order."""

    engine_token_balance: int
    total_collateral: int
    total_debt: int
    accrued_fees: int
    pool_reserves: int
    pool_token_balance: int
    pool_assets: int
    fund_reserves: int
    fund_token_balance: int
    bad_debt: int
    fund_draws: int
    haircuts: int
    socialized_loss: int
    pending_deficit: int
    tips: int
    liquidations: int
    exceptions: int

    def words(self) -> tuple[int, ...]:
        """Return the fields in order."""
        return _words(self, ProtocolState)


def _words(
    state: MarketState | ProtocolState, kind: type[MarketState] | type[ProtocolState]
) -> tuple[int, ...]:
    return tuple([getattr(state, name) for name in kind.__slots__])


MARKET_WORDS = len(fields(MarketState))
PROTOCOL_WORDS = len(fields(ProtocolState))


@dataclass(frozen=True, slots=True)
class PendingDeficit:
    """A bankrupt account whose deficit the insurance fund could not cover."""

    account: int
    """Participant index."""
    market: int
    deficit: int
    """WAD quote still missing."""
    size: int
    """Signed size (WAD) whose close produced it."""
    at: int
    """Timestamp of the close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Observation of one block, shared by every agent (arrays are read-only)."""

    block: int
    timestamp: int
    seconds_per_block: int
    base_fee_wei: int
    gas_limit: int
    external_prices: Floats
    """[market] price on the outside market now, quote per base unit."""
    external_published_at: Integers
    """[market] when that price was last observed; old during a gap in the data."""
    external_depth: Floats
    """[market] quote that moves the outside price by 1 %, now."""
    markets: tuple[MarketState, ...]
    protocol: ProtocolState
    sizes: Floats
    """[market, actor] signed base units."""
    entry_notional: Floats
    """[market, actor] signed quote."""
    collateral: Floats
    """[actor] booked quote collateral."""
    wallet: Floats
    """[actor] quote outside the protocol."""
    equity: Floats
    """[actor] quote, at the risk price."""
    notional: Floats
    """[actor] quote, at the risk price."""
    maintenance_requirement: Floats
    """[actor] quote, upper estimate."""
    initial_requirement: Floats
    """[actor] quote, upper estimate."""
    native_balance_wei: tuple[int, ...]
    """[actor] native balance that pays fees."""
    exact_accounts: Integers
    """Participants read exactly, on chain, this block."""
    exact_equity: tuple[int, ...] | list[int]
    exact_maintenance: tuple[int, ...] | list[int]
    exact_notional: tuple[int, ...] | list[int]
    pending_deficits: tuple[PendingDeficit, ...]
    gas: Mapping[str, int]
    """Gas of a successful call of each entry point."""
    native_price: float
    """Quote per native coin."""
