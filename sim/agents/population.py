"""Who the traders of a cohort are at the start: side, leverage, size, collateral and wallet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from sim.agents.base import bounded, require
from sim.core.arrays import BoolArray, FloatArray
from sim.core.portable_math import exp, log, normal_cdf, normal_ppf, power
from sim.core.rng import Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageLaw:
    """Distribution of notional over collateral at entry.

    Shape: leverage on BitMEX is right-skewed (size-weighted mean 22-30x; 80 % of longs at most
    54x, of shorts 47x; Cointelegraph, May 2019), so lognormal truncated at what the venue allows.
    """

    distribution: Literal["lognormal", "uniform", "fixed"] = "lognormal"
    median: float = 8.0
    """Lognormal only. Assumption: below BitMEX's mean, because our margin ratios are higher."""
    deviation: float = 0.7
    """Lognormal only: deviation of the log. Assumption: 16 % have more than twice the median."""
    minimum: float = 1.0
    """Lower truncation or bound; 1x is unlevered."""
    maximum: float = 20.0
    """Upper truncation or bound. Assumption: dYdX v4's limit for mid-size markets."""
    value: float = 10.0
    """Fixed only: everybody's leverage."""

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return leverage for uniform draws in (0, 1), by inverse distribution function."""
        if self.distribution == "fixed":
            return np.full(len(uniform), self.value)
        if self.distribution == "uniform":
            return self.minimum + (self.maximum - self.minimum) * uniform
        return truncated_lognormal(uniform, self.median, self.deviation, self.minimum, self.maximum)

    def describe(self) -> str:
        """Return a phrase for reports."""
        if self.distribution == "fixed":
            return f"leverage {self.value:g}x"
        if self.distribution == "uniform":
            return f"leverage evenly between {self.minimum:g}x and {self.maximum:g}x"
        return f"leverage around {self.median:g}x (lognormal, {self.minimum:g}x to {self.maximum:g}x)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLaw:
    """Distribution of notional at entry, in quote."""

    distribution: Literal["pareto", "lognormal", "fixed"] = "pareto"
    minimum: float = 5_000.0
    """Pareto only, quote. Assumption: a retail position."""
    maximum: float = 500_000.0
    """Truncation, quote. Assumption: larger accounts are modelled as whales."""
    shape: float = 1.5
    """Pareto only: tail exponent. Gabaix et al.: about 1.5 for trade volume, range 1.1 to 2."""
    median: float = 10_000.0
    """Lognormal only, quote. Assumption."""
    deviation: float = 1.2
    """Lognormal only: deviation of the log. Bitcoin balances are near lognormal; value assumed."""
    value: float = 10_000.0
    """Fixed only, quote."""

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return notionals for uniform draws in (0, 1), by inverse distribution function."""
        if self.distribution == "fixed":
            return np.full(len(uniform), self.value)
        if self.distribution == "lognormal":
            return truncated_lognormal(uniform, self.median, self.deviation, 0.0, self.maximum)
        tail = power(self.minimum / self.maximum, self.shape)
        return self.minimum * power(1.0 - uniform * (1.0 - tail), -1.0 / self.shape)

    def describe(self) -> str:
        """Return a phrase for reports."""
        if self.distribution == "fixed":
            return f"positions of {self.value:,.0f}"
        if self.distribution == "lognormal":
            return f"positions around {self.median:,.0f} (lognormal, up to {self.maximum:,.0f})"
        return (
            f"positions from {self.minimum:,.0f} to {self.maximum:,.0f} (Pareto with exponent {self.shape:g})"
        )


def truncated_lognormal(
    uniform: FloatArray, median: float, deviation: float, minimum: float, maximum: float
) -> FloatArray:
    """Return the quantiles of a lognormal truncated to [minimum, maximum]; exact, not clipped.

    With F the distribution function of the untruncated law, x = F^-1(F(a) + u (F(b) - F(a))).
    """
    if deviation == 0.0:
        return np.full(len(uniform), min(max(median, minimum), maximum))
    low = 0.0 if minimum <= 0.0 else normal_cdf(log(minimum / median) / deviation)
    high = normal_cdf(log(maximum / median) / deviation)
    normals = normal_ppf(low + uniform * (high - low))
    values = median * exp(deviation * normals)
    return np.minimum(np.maximum(values, minimum), maximum)  # rounding at the ends only


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationConfig:
    """The people of a cohort, before anything happens."""

    count: int
    """Accounts."""
    long_share: float = 0.6
    """Probability that an account is long. 60/40 in quiet times to 84/16 in stress (quoted
    long shares of liquidated positions, 10 October 2025)."""
    leverage: LeverageLaw = field(default_factory=LeverageLaw)
    size: SizeLaw = field(default_factory=SizeLaw)
    size_discount: float = 0.0
    """Exponent with which leverage falls in relative size. BitMEX: "large positions use small
    leverage"; the exponent is an assumption, 0 makes the two independent."""
    wallet_ratio: float = 0.5
    """Median quote held outside the protocol, as a multiple of collateral. Assumption."""
    wallet_deviation: float = 0.0
    """Deviation of the log of that multiple. Assumption: all alike."""
    attentive_share: float = 0.5
    """Share that ever reacts to margin pressure. Assumption; BlockAnalitica sorts owners into
    protected, unprotected and automated, of similar size."""
    automated_share: float = 0.1
    """Share of the attentive whose reaction is automated. Assumption: DeFi Saver's automation
    protected a minority in March 2020."""

    def __post_init__(self) -> None:
        """Refuse what no population can be."""
        require(
            [
                bounded("count", self.count, 0),
                bounded("long_share", self.long_share, 0.0, 1.0),
                bounded("wallet_ratio", self.wallet_ratio, 0.0),
                (self.leverage.minimum > 0.0, f"leverage must be above 0, was {self.leverage.minimum:g}"),
                (self.size.minimum > 0.0, f"size must be above 0, was {self.size.minimum:g}"),
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Accounts of a cohort as columns of equal length."""

    side: FloatArray
    """+1.0 long, -1.0 short."""
    leverage: FloatArray
    """Notional over collateral."""
    notional: FloatArray
    """Quote."""
    collateral: FloatArray
    """Quote to deposit before opening."""
    wallet: FloatArray
    """Quote kept outside the protocol."""
    attentive: BoolArray
    """Reacts to margin pressure."""
    automated: BoolArray
    """Reacts at once, through a bot; implies attentive."""

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.side)

    def sizes(self, price: float) -> FloatArray:
        """Return signed base sizes at entry ``price``."""
        return self.side * self.notional / price

    def limited(self, max_leverage: FloatArray | float) -> Population:
        """Return the same accounts with more collateral where leverage exceeds what the venue opens."""
        leverage = np.minimum(self.leverage, max_leverage)
        return replace(self, leverage=leverage, collateral=self.notional / leverage)


def build_population(config: PopulationConfig, draws: Streams, prefix: str) -> Population:
    """Draw the accounts of a cohort.

    Each trait has its own stream (``<prefix>:side``, ``<prefix>:leverage``, ...), read at step 0,
    so that changing one parameter leaves every other trait of every account as it was.
    """
    count = config.count

    def uniform(purpose: str) -> FloatArray:
        return draws.draw(f"{prefix}:{purpose}", 0).uniform(count)

    notional = config.size.sample(uniform("size"))
    leverage = config.leverage.sample(uniform("leverage"))
    if config.size_discount and count:
        smallest = float(np.min(notional))
        leverage = leverage * power(notional / smallest, -config.size_discount)
        leverage = np.maximum(leverage, min(config.leverage.minimum, 1.0))
    collateral = notional / leverage
    wallet = config.wallet_ratio * collateral
    if config.wallet_deviation:
        normals = normal_ppf(uniform("wallet"))
        wallet = wallet * exp(config.wallet_deviation * normals)
    attentive = uniform("attentive") < config.attentive_share
    return Population(
        side=np.where(uniform("side") < config.long_share, 1.0, -1.0),
        leverage=leverage,
        notional=notional,
        collateral=collateral,
        wallet=wallet,
        attentive=attentive,
        automated=attentive & (uniform("automated") < config.automated_share),
    )
