"""What the contracts of one protocol are deployed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.core.units import TOKEN_UNIT
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.parameters.words import Number

Words = Mapping[str, Number]
"""Values of one struct in people's units, by field name."""

WEIGHTS = ("fast_weight", "slow_weight", "range_weight", "true_range_weight", "implied_weight")
"""Words of ``estimator`` that choose what counts; all zero: nothing is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParameters:
    """One market: where its oracle starts, and the structs it has of its own."""

    name: str
    initial_price: float
    initial_variance_fast: float
    initial_variance_slow: float
    pricing_terms: Words
    market: Words
    risk_model: Words
    """Constructor values of the risk model."""
    estimator: Words
    performance: Words

    @property
    def counts_exceptions(self) -> bool:
        """Whether the market's margin depends on how it did."""
        return self.performance["red_multiplier"] > 1

    @property
    def has_estimator(self) -> bool:
        """Whether the market chooses among estimates of its variance."""
        return any(value for name, value in self.estimator.items() if name in WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetParameters:
    """One asset of the collateral registry: token, where its oracle starts, its pool, and its struct."""

    name: str
    decimals: int
    initial_price: float
    initial_variance_fast: float
    initial_variance_slow: float
    pool_fee_rate: float
    pool_depth: float = 0.0
    """Quote in its spot pool at the start; as much of the asset at its first price stands against it."""
    terms: Words
    """`sim.protocol.parameters.collateral.ASSET`."""

    @property
    def pool_quote_units(self) -> int:
        """Quote in its pool at the start, quote token units."""
        return int(self.pool_depth * TOKEN_UNIT)

    @property
    def unit(self) -> int:
        """Its token units of a whole token."""
        return int(10**self.decimals)

    def units(self, quote: float) -> int:
        """Return what an amount of quote buys of it at its first price, its token units, rounded down."""
        return int(quote / self.initial_price * self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolParameters:
    """Everything the contracts are deployed with, by struct of the table and field."""

    fees: Words
    risk: Words
    registry: Words
    liquidation: Words
    waterfall: Words
    oracle: Words
    reporter: Words
    fund: Words
    pool: Words
    markets: Sequence[MarketParameters]
    assets: Sequence[AssetParameters] = ()
    """Other collateral than the quote token; none is as if there were no registry."""
    portfolio: Words | None = None
    """Parameters of the portfolio model; None deploys none."""
    correlations: Sequence[float] = ()
    """That it believes, by pair of markets: (0, 1), (0, 2), (1, 2), (0, 3) and so on; none is 0 for all."""
    correlation: Words = field(default_factory=lambda: STRUCTS["correlation"].defaults)
    estimates_correlations: bool = False
    """Whether it believes what is estimated, where that is less."""
