"""Price paths of markets that move together.

What drives market i in a block is x_i = sqrt(nu / W) * sum_j L_ij e_j: e_j are the market's own standard
normals, from the stream it has alone, L is the lower factor of the correlations that hold in that block, and
W is one chi-squared variable of nu degrees of freedom for all markets; for a Gaussian copula the root is 1.
Each x_i keeps its law, normal or Student's, whatever the correlations are, and a process turns it into what
it is made of through its probability, so that the law of each market's path is that of the process alone.

The draws are addressed by name and block as all others are. L is triangular in the order of the markets:
market 0 has the normals of its own stream, uncorrelated markets keep theirs under a Gaussian copula, and a
market added last changes the path of none before it. One put in between changes those after it in value,
not in law.

Correlations of stress are mixed in by what market 0 did up to the block before, and market 0's path depends
on no correlation: nothing looks ahead, and nothing goes round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.correlation_matrix import lower_factor
from sim.core.errors import InputError
from sim.market.correlation import CommonJumps, CorrelationSection
from sim.market.drivers import Driver, Shared
from sim.market.price_history import PriceHistory
from sim.market.price_paths import PricePath, poisson_counts
from sim.market.price_process import PathDraw, PriceProcess
from sim.market.student_draws import chi_squared

JOINT = "price:joint"
"""Begins the names of streams that markets share. No market has such a name, theirs are in capitals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDraw:
    """A market's process, and what it lays its path from."""

    market: str
    """Its short name."""
    process: PriceProcess
    draw: PathDraw


def drawn_paths(correlation: CorrelationSection | None, draws: Sequence[MarketDraw]) -> list[PricePath]:
    """Return the path of every market.

    Parameters
    ----------
    correlation
        None: each is drawn alone.
    draws
        Of all markets, in their order.

    Raises
    ------
    InputError
        A path cannot be drawn.
    """
    if correlation is None:
        return [one.process.drawn(one.draw) for one in draws]
    joint = JointDraws(correlation, draws)
    return [joint.path(market) for market in range(len(draws))]


class JointDraws:
    """The draws of one set of paths.

    A market whose process is driven by nothing stays independent of the others by the copula, as one whose
    price is replaced by a recorded one does; one that takes no jumps has none.
    """

    def __init__(self, correlation: CorrelationSection, draws: Sequence[MarketDraw]) -> None:
        """Draw nothing yet: what is needed is drawn when a path is asked for."""
        names = [one.market for one in draws]
        self._correlation = correlation
        self._draws = draws
        self._calm = correlation.calm_rows(names)
        self._stress = correlation.stress_rows(names)
        self._scores: dict[int, FloatArray] = {}
        self._shares: FloatArray | None = None
        self._factor: tuple[int, list[list[FloatArray]]] | None = None
        self._moments = self._shared_moments()

    def path(self, market: int, blocks: int | None = None) -> PricePath:
        """Return the path of a market.

        Parameters
        ----------
        blocks
            Where it is to be longer than the run.
        """
        one = self._draws[market]
        draw = one.draw
        if blocks is not None:
            draw = replace(draw, clock=replace(draw.clock, blocks=blocks))
        return one.process.drawn(replace(draw, shared=self._shared(market)))

    def stress_shares(self, n: int) -> FloatArray:
        """Return how far correlations have gone to those of stress in the first n blocks, 0 to 1, float64[n].

        The variance v starts at the calm one and takes in squared returns with a half-life; the share of the
        return into block i + 1 knows the price of block i and none after it.
        """
        stress = self._correlation.stress
        if stress is None:
            return np.zeros(n)
        if self._shares is None or self._shares.size < n:
            clock = self._draws[0].draw.clock
            prices = self.path(0, max(n, clock.blocks)).prices
            returns = portable_math.log(prices[1:] / prices[:-1])
            squares = (returns * returns / clock.years_per_block).tolist()
            kept = portable_math.power(0.5, clock.seconds_per_block / stress.half_life_seconds)
            variance, variances = stress.calm_volatility * stress.calm_volatility, []
            for square in squares:  # each needs the last, in this order
                variances.append(variance)
                variance = kept * variance + (1.0 - kept) * square
            volatilities = portable_math.sqrt(np.array(variances))
            way = stress.stress_volatility - stress.calm_volatility
            self._shares = np.clip((volatilities - stress.calm_volatility) / way, 0.0, 1.0)
        return self._shares[:n]

    def scores(self, market: int, n: int) -> FloatArray:
        """Return what drives the first n blocks of a market, float64[n]."""
        known = self._scores.get(market)
        if known is not None and known.size >= n:
            return known[:n]
        total = np.zeros(n)
        for other, weight in enumerate(self._factor_row(market, n)):
            if bool(weight.any()):
                total = total + weight * self._draws[other].draw.series("diffusion").normal(0, n)
        nu = self._correlation.nu
        if nu is not None:
            mixing = chi_squared(nu, n, streams=self._draws[0].draw.streams, name=JOINT)
            total = total * portable_math.sqrt(nu / mixing)
        self._scores[market] = total
        return total

    def _factor_row(self, market: int, n: int) -> list[FloatArray]:
        """Return row `market` of the factor, each entry float64[1], or float64[n] where it changes."""
        if market == 0:
            return [np.ones(1)]
        if self._factor is None or self._factor[0] < n:
            self._factor = n, lower_factor(self._rows(n))
        return [entry[:n] for entry in self._factor[1][market]]

    def _rows(self, n: int) -> list[list[FloatArray]]:
        if self._stress is None:
            return [[np.array([value]) for value in row] for row in self._calm]
        share = self.stress_shares(n)
        pairs = [
            zip(calm, stress, strict=True) for calm, stress in zip(self._calm, self._stress, strict=True)
        ]
        return [[(1.0 - share) * calm + share * stress for calm, stress in row] for row in pairs]

    def _shared(self, market: int) -> Shared:
        process, jumps = self._draws[market].process, self._correlation.jumps
        takes = jumps is not None and process.takes_jumps
        return Shared(
            driver=Driver(lambda n: self.scores(market, n), self._correlation.nu)
            if process.is_driven
            else None,
            jumps=(lambda n: self._jumps(market, n)) if takes else None,
            moments=JOINT if self._moments and process.draws_moments else None,
        )

    def _jumps(self, market: int, n: int) -> FloatArray:
        """Return what common jumps add to the log returns of a market, compensation included, float64[n]."""
        jumps, one = self._correlation.jumps, self._draws[market]
        assert jumps is not None  # noqa: S101  (narrowing: asked for only where there are some)
        loading = jumps.loadings.get(one.market, 0.0)
        if loading == 0.0:
            return np.zeros(n)
        years = one.draw.clock.years_per_block
        streams = one.draw.streams
        counts = poisson_counts(streams.series(f"{JOINT}:jump_count").uniform(0, n), jumps.intensity * years)
        sizes = streams.series(f"{JOINT}:jump_size").normal(0, n)
        common = counts * jumps.mean + np.sqrt(counts) * jumps.deviation * sizes
        return loading * common - jump_compensation(jumps, loading) * years

    def _shared_moments(self) -> bool:
        """Return whether markets repeat the same moments of files; refuse files of other times."""
        together = [one for one in self._draws if one.process.draws_moments]
        if not self._correlation.same_moments or len(together) < 2:
            return False
        seconds = together[0].draw.clock.seconds_per_block
        first = _moments_of(together[0], seconds)
        for one in together[1:]:
            if _moments_of(one, seconds) != first:
                raise InputError(
                    f"correlation.same_moments: files of {together[0].market} and {one.market} must begin "
                    f"at the same second, cover as many blocks of {seconds} s, and be drawn in blocks of one "
                    f"mean length, and are {_in_words(first)}, {_in_words(_moments_of(one, seconds))}"
                )
        return True


def jump_compensation(jumps: CommonJumps, loading: float) -> float:
    """Return what common jumps of a loading b add to an expected price a year: l (E e^(b J) - 1)."""
    deviation = loading * jumps.deviation
    return jumps.intensity * portable_math.expm1(loading * jumps.mean + 0.5 * (deviation * deviation))


def _moments_of(one: MarketDraw, seconds_per_block: int) -> tuple[int, int, int]:
    history: PriceHistory = one.draw.recorded
    length = int(getattr(one.process, "mean_block_seconds", 0))
    return history.start_time, history.blocks_covered(seconds_per_block), length


def _in_words(moments: tuple[int, int, int]) -> str:
    start, blocks, length = moments
    return f"from {start} s since 1970, {blocks:,} blocks, mean length {length:,} s"
