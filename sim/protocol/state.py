"""What a participant can see: one frozen view of the world, the same for everyone.

Integers are WAD as the contracts return them; arrays are float estimates of the mirror
(``sim/protocol/mirror.py``) and never decide anything on their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.columns import exact
from sim.core.units import from_wad_list

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MarketState:
    """One market; fields are the words of ``Lens.MarketState`` in order."""

    index_price: Annotated[int, exact("quote / base, WAD", "weighted median of fresh oracle reports")]
    risk_price: Annotated[int, exact("quote / base, WAD", "index with bounded speed: margin uses it")]
    ema_price: Annotated[int, exact("quote / base, WAD", "exponential average of the index")]
    confidence: Annotated[int, exact("quote / base, WAD", "half-width around the index")]
    variance_fast: Annotated[int, exact("per year, WAD", "short-memory variance of log returns")]
    variance_slow: Annotated[int, exact("per year, WAD", "long-memory variance of log returns")]
    updated_at: Annotated[int, exact("seconds", "time of the index since 1970")]
    round_id: Annotated[int, exact("count", "rounds of the oracle so far")]
    status: Annotated[int, exact("code", "status of the index: `OracleStatus`")]
    long_open_interest: Annotated[int, exact("base, WAD", "sum of long sizes")]
    short_open_interest: Annotated[int, exact("base, WAD", "sum of short sizes")]
    mark_price: Annotated[int, exact("quote / base, WAD", "price of an infinitesimal fill by the pool")]
    funding_index: Annotated[int, exact("quote / base, WAD", "funding a long of one unit has paid so far")]
    funding_rate: Annotated[int, exact("per hour, WAD", "share of notional that longs pay shorts")]
    initial_ratio: Annotated[int, exact("share, WAD", "initial ratio of a position near zero")]
    maintenance_ratio: Annotated[int, exact("share, WAD", "maintenance ratio of a new position near zero")]
    ramped_maintenance_ratio: Annotated[
        int, exact("share, WAD", "what existing positions must hold while the target rises")
    ]
    depth: Annotated[int, exact("quote, WAD", "notional that moves the mark price by 1 %")]
    throttle_capacity: Annotated[
        int,
        exact("quote, WAD", "notional that may be liquidated now; 2^256 - 1 without a throttle"),
    ]
    pool_position: Annotated[int, exact("base, WAD", "signed size of the pool")]
    net_entry_notional: Annotated[
        int, exact("quote, WAD", "signed sum of size times fill price over all positions")
    ]

    def words(self) -> tuple[int, ...]:
        """Return the fields in order."""
        words: tuple[int, ...] = _market_words(self)
        return words


@dataclass(frozen=True, slots=True)
class ProtocolState:
    """Protocol totals; fields are the words of ``Lens.ProtocolState`` in order."""

    ledger_token_balance: Annotated[int, exact("quote, WAD", "tokens of the ledger")]
    total_collateral: Annotated[int, exact("quote, WAD", "sum of positive collateral")]
    total_debt: Annotated[int, exact("quote, WAD", "sum of negative collateral, without sign")]
    accrued_fees: Annotated[int, exact("quote, WAD", "trading fees not paid out yet")]
    pool_reserves: Annotated[int, exact("quote, WAD", "quote that the liquidity pool books")]
    pool_token_balance: Annotated[int, exact("quote, WAD", "tokens of the liquidity pool")]
    pool_assets: Annotated[int, exact("quote, WAD", "what the pool's shares are worth, claims at the index")]
    fund_reserves: Annotated[int, exact("quote, WAD", "quote that the insurance fund books")]
    fund_token_balance: Annotated[int, exact("quote, WAD", "tokens of the insurance fund")]
    bad_debt: Annotated[int, exact("quote, WAD", "loss that fund, winners or pool bore so far")]
    fund_draws: Annotated[int, exact("quote, WAD", "bad debt that the insurance fund paid so far")]
    haircuts: Annotated[int, exact("quote, WAD", "bad debt that winners' gains, open or held, paid so far")]
    socialized_loss: Annotated[int, exact("quote, WAD", "bad debt written off against the pool so far")]
    pending_deficit: Annotated[int, exact("quote, WAD", "owed without a position: not in `bad_debt`")]
    tips: Annotated[int, exact("quote, WAD", "what the fund added to small bounties so far")]
    liquidations: Annotated[int, exact("count", "forced closes so far")]
    exceptions: Annotated[int, exact("count", "liquidations that left a deficit so far")]

    def words(self) -> tuple[int, ...]:
        """Return the fields in order."""
        words: tuple[int, ...] = _protocol_words(self)
        return words


_market_words = attrgetter(*MarketState.__slots__)
_protocol_words = attrgetter(*ProtocolState.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetState:
    """One asset of the collateral registry: its price as its oracle has it, and its spot pool."""

    index_price: int
    """Quote for a whole token, WAD; as risk and average price."""
    risk_price: int
    ema_price: int
    confidence: int
    variance_fast: int
    """Per year, WAD."""
    variance_slow: int
    updated_at: int
    """Time of the index, seconds since 1970."""
    status: int
    """`OracleStatus`."""
    pool_asset: int
    """Reserve of the asset in its pool, its token units."""
    pool_quote: int
    """Reserve of quote there, quote token units."""
    total: int
    """What all accounts have of it, its token units."""


class AssetDebt(NamedTuple):
    """An account with assets that owes quote or whose assets owe others."""

    account: int
    """Participant index."""
    debt: float
    """Quote it owes."""
    lien: float
    """Quote that others have paid of its debt and its assets have not paid back."""
    counted: float
    """What its assets count for, lien taken off, quote."""
    has_position: bool


@dataclass(frozen=True, slots=True)
class PendingDeficit:
    """A bankrupt account whose deficit the insurance fund could not cover."""

    account: int
    """Participant index."""
    market: int
    """Where the largest loss behind it arose that nobody has borne yet."""
    deficit: int
    """WAD quote still missing."""
    side: int
    """1 if longs lost, -1 if shorts did."""
    at: int
    """Timestamp of the close, or of when the debtor's own assets were out of the way."""
    secured: int = 0
    """Part of it (WAD quote) that the account's own assets are to cover first, as last looked at."""


class UnderMaintenance(NamedTuple):
    """Accounts whose equity is below their maintenance requirement by the chain's own integers.

    Columns of one length, read-only. Rows are in the order of `State.exact_accounts`; values are the doubles
    nearest to the integers.
    """

    accounts: Integers
    """Participant indices."""
    equity: Floats
    """Quote."""
    maintenance: Floats
    """Quote."""
    notional: Floats
    """Quote, at the risk price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Observation of one block of one world, shared by every agent.

    Columns are numpy arrays over participants or markets, read-only, of the shape that each names: float64 in
    quote or base units, int64 for numbers of participants and times. There is no axis over worlds
    (docs/decisions/0014). What must be exact is a Python integer.
    """

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
    assets: tuple[AssetState, ...] = ()
    """Of the collateral registry; as the two that follow, by asset."""
    asset_prices: Floats = field(default_factory=lambda: np.zeros(0))
    """[asset] quote for a whole token on the outside market now."""
    asset_published_at: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """[asset] when that price was last observed."""
    asset_debts: tuple[AssetDebt, ...] = ()
    """In order of the accounts."""
    gas: Mapping[str, int]
    """Gas of a successful call of each entry point."""
    native_price: float
    """Quote per native coin."""
    _under_maintenance: UnderMaintenance | None = field(default=None, init=False, repr=False, compare=False)

    def under_maintenance(self) -> UnderMaintenance:
        """Return the accounts that may be liquidated; found once, whoever asks."""
        known = self._under_maintenance
        if known is None:
            pairs = zip(self.exact_equity, self.exact_maintenance, strict=True)
            rows = [row for row, (equity, required) in enumerate(pairs) if equity < required]
            known = UnderMaintenance(
                self.exact_accounts[rows],
                from_wad_list([self.exact_equity[row] for row in rows]),
                from_wad_list([self.exact_maintenance[row] for row in rows]),
                from_wad_list([self.exact_notional[row] for row in rows]),
            )
            for column in known:
                column.flags.writeable = False  # seen by everybody who asks
            object.__setattr__(self, "_under_maintenance", known)
        return known
