"""Who the traders of a cohort are at the start: side, leverage, size, collateral and wallet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from sim.agents.several_markets import SeveralOfManySection, signed_shares
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.documents.sections import Problem, Section, number
from sim.core.portable_math import exp, log, normal_cdf, normal_ppf, ordered_sum, power
from sim.core.rng import Streams


class LognormalLeverage(Section):
    """Leverage at entry drawn from a lognormal, truncated to the bounds.

    Leverage on BitMEX is right-skewed (size-weighted mean 22-30x; 80 % of longs at most 54x, of shorts 47x;
    Cointelegraph, May 2019), so lognormal truncated at what the venue allows.
    """

    distribution: Literal["lognormal"]
    median: float = number(
        8.0, 0.01, 1_000.0, "1", "Median leverage.", source="assumption: below BitMEX's 22-30x mean"
    )
    deviation: float = number(
        0.7, 0.0, 5.0, "log", "Deviation of its log.", source="assumption: 16 % above twice the median"
    )
    minimum: float = number(1.0, 0.01, 1_000.0, "1", "Lower truncation.", source="spot is 1x")
    maximum: float = number(
        20.0, 0.01, 1_000.0, "1", "Upper truncation.", source="assumption: dYdX v4 mid-cap limit, 20x"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield truncation bounds that exclude the median."""
        if not self.minimum <= self.median <= self.maximum:
            yield ("median",), f"must lie in [{self.minimum:g}, {self.maximum:g}], was {self.median:g}"

    @property
    def lowest(self) -> float:
        """Least leverage of the law."""
        return self.minimum

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return leverage for uniform draws in (0, 1), by inverse distribution function."""
        return truncated_lognormal(uniform, self.median, self.deviation, self.minimum, self.maximum)

    def describe(self) -> str:
        """Return a phrase for reports."""
        return f"leverage around {self.median:g}x (lognormal, {self.minimum:g}x to {self.maximum:g}x)"


class UniformLeverage(Section):
    """Leverage at entry drawn evenly between the bounds."""

    distribution: Literal["uniform"]
    minimum: float = number(
        3.0, 0.01, 1_000.0, "1", "Lower bound.", source="mechanisms notes 0.3: 4-30 % equity"
    )
    maximum: float = number(20.0, 0.01, 1_000.0, "1", "Upper bound.", source="mechanisms notes 0.3")

    def problems(self) -> Iterator[Problem]:
        """Yield bounds in the wrong order."""
        if self.minimum > self.maximum:
            yield ("minimum",), f"must be at most maximum {self.maximum:g}, was {self.minimum:g}"

    @property
    def lowest(self) -> float:
        """Least leverage of the law."""
        return self.minimum

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return leverage for uniform draws in (0, 1)."""
        return self.minimum + (self.maximum - self.minimum) * uniform

    def describe(self) -> str:
        """Return a phrase for reports."""
        return f"leverage evenly between {self.minimum:g}x and {self.maximum:g}x"


class FixedLeverage(Section):
    """The same leverage for everybody."""

    distribution: Literal["fixed"]
    value: float = number(..., 0.01, 1_000.0, "1", "Leverage.", source="stated by the scenario")

    @property
    def lowest(self) -> float:
        """Least leverage of the law."""
        return self.value

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return the same leverage for every draw."""
        return np.full(len(uniform), self.value)

    def describe(self) -> str:
        """Return a phrase for reports."""
        return f"leverage {self.value:g}x"


class ParetoSize(Section):
    """Notional at entry drawn from a truncated Pareto law."""

    distribution: Literal["pareto"]
    minimum: float = number(5_000.0, 1.0, 1e12, "quote", "Smallest notional.", source="assumption")
    maximum: float = number(
        500_000.0, 1.0, 1e12, "quote", "Largest notional.", source="assumption: whales are listed apart"
    )
    shape: float = number(
        1.5, 0.1, 20.0, "1", "Tail exponent.", source="quant notes 5.4: zeta 1.5, range 1.1-2"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield bounds in the wrong order."""
        if self.minimum >= self.maximum:
            yield ("minimum",), f"must be below maximum {self.maximum:g}, was {self.minimum:g}"

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return notionals for uniform draws in (0, 1), by inverse distribution function."""
        tail = power(self.minimum / self.maximum, self.shape)
        return self.minimum * power(1.0 - uniform * (1.0 - tail), -1.0 / self.shape)

    def describe(self) -> str:
        """Return a phrase for reports."""
        return (
            f"positions from {self.minimum:,.0f} to {self.maximum:,.0f} (Pareto with exponent {self.shape:g})"
        )


class LognormalSize(Section):
    """Notional at entry drawn from a lognormal."""

    distribution: Literal["lognormal"]
    median: float = number(10_000.0, 1.0, 1e12, "quote", "Median notional.", source="assumption")
    deviation: float = number(
        1.2, 0.0, 5.0, "log", "Deviation of its log.", source="quant notes 5.4: wealth is lognormal"
    )
    maximum: float = number(
        1_000_000.0, 1.0, 1e12, "quote", "Upper truncation.", source="assumption: whales are listed apart"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a truncation below the median."""
        if self.median > self.maximum:
            yield ("median",), f"must be at most maximum {self.maximum:g}, was {self.median:g}"

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return notionals for uniform draws in (0, 1), by inverse distribution function."""
        return truncated_lognormal(uniform, self.median, self.deviation, 0.0, self.maximum)

    def describe(self) -> str:
        """Return a phrase for reports."""
        return f"positions around {self.median:,.0f} (lognormal, up to {self.maximum:,.0f})"


class FixedSize(Section):
    """The same notional for everybody."""

    distribution: Literal["fixed"]
    value: float = number(..., 1.0, 1e12, "quote", "Notional.", source="stated by the scenario")

    def sample(self, uniform: FloatArray) -> FloatArray:
        """Return the same notional for every draw."""
        return np.full(len(uniform), self.value)

    def describe(self) -> str:
        """Return a phrase for reports."""
        return f"positions of {self.value:,.0f}"


Leverage = Annotated[LognormalLeverage | UniformLeverage | FixedLeverage, Field(discriminator="distribution")]
Size = Annotated[ParetoSize | LognormalSize | FixedSize, Field(discriminator="distribution")]


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
class Population:
    """Accounts of a cohort as columns of equal length."""

    side: FloatArray
    """+1.0 long, -1.0 short; of several positions that of the largest."""
    leverage: FloatArray
    """Notional over collateral."""
    notional: FloatArray
    """Quote, in all markets."""
    collateral: FloatArray
    """Quote to deposit before opening."""
    wallet: FloatArray
    """Quote kept outside the protocol."""
    attentive: BoolArray
    """Reacts to margin pressure."""
    automated: BoolArray
    """Reacts at once, through a bot; implies attentive."""
    market: int = 0
    """Market they trade."""
    markets: IntArray | None = None
    """Market each trades, of several the one with its largest position; None: all the same."""
    held: Mapping[int, tuple[float, float]] | None = None
    """Market -> notional long and short, of accounts that hold several; None: all of it is in ``market``."""
    legs: tuple[int, ...] = ()
    """Markets of accounts that hold several, in the order of ``shares``."""
    shares: FloatArray | None = None
    """Signed share of each one's notional, [leg, account]; None: all of it is in ``market``."""
    entry: FloatArray | None = None
    """Price at which each opened, over the price at block 0, [leg, account] where there are legs; None:
    everybody at that of block 0."""

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.side)

    def sizes(self, price: float, leg: int = 0) -> FloatArray:
        """Return signed base sizes, of one leg where there are several; ``price`` is that of block 0."""
        entry = self.entries(leg)
        share = self.side if self.shares is None else self.shares[leg]
        return share * self.notional / (price if entry is None else price * entry)

    def entries(self, leg: int = 0) -> FloatArray | None:
        """Return the price at which each opened over that at block 0, of one leg where there are several."""
        return self.entry if self.entry is None or self.shares is None else self.entry[leg]

    def share_in(self, market: int) -> FloatArray:
        """Return each account's signed share of its notional in a market."""
        if self.shares is not None:
            return self.shares[self.legs.index(market)] if market in self.legs else np.zeros(len(self))
        return self.side if market == self.market else np.zeros(len(self))

    def side_notional(self, side: Literal["long", "short"], market: int) -> float:
        """Return the notional of one side of a market at entry, quote."""
        if self.held is not None:
            return self.held.get(market, (0.0, 0.0))[0 if side == "long" else 1]
        if market != self.market:
            return 0.0
        return ordered_sum(self.notional[self.side == (1.0 if side == "long" else -1.0)])


def build_population(
    draws: Streams,
    prefix: str,
    *,
    market: int,
    count: int,
    long_share: float,
    leverage: Leverage,
    size: Size,
    size_discount: float = 0.0,
    wallet_ratio: float,
    wallet_deviation: float = 0.0,
    attentive_share: float,
    automated_share: float,
    entry_deviation: float = 0.0,
    several: SeveralOfManySection | None = None,
) -> Population:
    """Draw the accounts of a cohort.

    Each trait has its own stream (``<prefix>:side``, ``<prefix>:leverage``, ...), read at step 0,
    so that changing one parameter leaves every other trait of every account as it was.

    Parameters
    ----------
    draws, prefix
        Streams, and what the names of the cohort's begin with.
    market, count
        Market they trade, and how many accounts there are.
    long_share
        Probability that an account is long.
    leverage, size
        Laws of notional over collateral and of notional (quote).
    size_discount
        Exponent with which leverage falls in size relative to the smallest; 0: the two are independent.
    wallet_ratio, wallet_deviation
        Median of quote held outside the protocol over collateral, and the deviation of its log.
    attentive_share, automated_share
        Share that ever reacts to margin pressure, and the share of those whose reaction is automated.
    entry_deviation
        Deviation of the log of the price at which they opened, over that of block 0; 0: at that of block 0.
    several
        Which markets they hold together; None: each holds ``market`` alone. Sizes are of all markets.
    """

    def uniform(purpose: str) -> FloatArray:
        return draws.draw(f"{prefix}:{purpose}", 0).uniform(count)

    notional = size.sample(uniform("size"))
    ratio = leverage.sample(uniform("leverage"))
    if size_discount and count:
        smallest = float(np.min(notional))
        ratio = ratio * power(notional / smallest, -size_discount)
        ratio = np.maximum(ratio, min(leverage.lowest, 1.0))
    collateral = notional / ratio
    traits = draw_traits(
        draws,
        prefix,
        collateral,
        wallet_ratio=wallet_ratio,
        wallet_deviation=wallet_deviation,
        attentive_share=attentive_share,
        automated_share=automated_share,
    )
    side = np.where(uniform("side") < long_share, 1.0, -1.0)

    def entered(purpose: str) -> FloatArray:
        return exp(entry_deviation * normal_ppf(uniform(purpose)))

    alone = Population(
        market=market,
        entry=entered("entry") if entry_deviation and several is None else None,
        side=side,
        leverage=ratio,
        notional=notional,
        collateral=collateral,
        wallet=traits.wallet,
        attentive=traits.attentive,
        automated=traits.automated,
    )
    if several is None:
        return alone
    shares = signed_shares(
        several.signed_weights, side, uniform("several"), uniform("one_of_several"), several.share
    )
    entries = [entered(f"entry_{name}") for name in several.markets] if entry_deviation else None
    entry = None if entries is None else np.stack(entries)
    return holding_several(alone, several.ids, shares, entry)


def holding_several(
    people: Population, legs: tuple[int, ...], shares: FloatArray, entry: FloatArray | None = None
) -> Population:
    """Return accounts with positions in several markets.

    Parameters
    ----------
    people
        Accounts with their notional in all markets.
    legs
        Markets.
    shares
        Signed share of each one's notional, [leg, account].
    entry
        Price at which each opened over that of block 0, [leg, account]; None: at that of block 0.
    """
    largest = np.argmax(np.abs(shares), axis=0)  # the first of equals
    held = {
        market: (
            ordered_sum(np.maximum(share, 0.0) * people.notional),
            ordered_sum(np.maximum(-share, 0.0) * people.notional),
        )
        for market, share in zip(legs, shares, strict=True)
    }
    return replace(
        people,
        legs=legs,
        shares=shares,
        entry=entry,
        side=np.sign(np.take_along_axis(shares, largest[None, :], axis=0)[0]),
        markets=np.array(legs, dtype=np.int64)[largest],
        held=dict(sorted(held.items())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is drawn of an account whatever it holds."""

    wallet: FloatArray
    attentive: BoolArray
    automated: BoolArray


def draw_traits(
    draws: Streams,
    prefix: str,
    collateral: FloatArray,
    *,
    wallet_ratio: float,
    wallet_deviation: float,
    attentive_share: float,
    automated_share: float,
) -> Traits:
    """Draw wallets and attention, each from its own stream; parameters as of `build_population`."""

    def uniform(purpose: str) -> FloatArray:
        return draws.draw(f"{prefix}:{purpose}", 0).uniform(len(collateral))

    wallet = wallet_ratio * collateral
    if wallet_deviation:
        normals = normal_ppf(uniform("wallet"))
        wallet = wallet * exp(wallet_deviation * normals)
    attentive = uniform("attentive") < attentive_share
    automated = attentive & (uniform("automated") < automated_share)
    return Traits(wallet=wallet, attentive=attentive, automated=automated)
