"""Expected shortfall read off a margin, and its tests: Acerbi-Szekely and the e-backtest.

A margin is one number, not a distribution. It becomes a forecast of value at risk and expected shortfall by
the models' own assumption: margin = z sigma with normal losses. A margin that promises to be exceeded with
probability p therefore states a standard deviation of margin / z_p, and with it VaR and ES at any tail. For
a static model this is the same constant claim every day, whatever the market does: its VaR and ES say what
the fixed ratio would have to be worth under normal losses, not that the model forecasts anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray
from sim.core.rng import Streams
from sim.metrics.margin_model.windows import LEVEL, Side, Verdict, Windows, verdict
from sim.metrics.statistics.expected_shortfall import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    e_values,
    growth_bets,
)

ES_TAIL: Final = 0.025
"""Basel's ES97.5, the tail of the critical values in quant 3.1."""

SIMULATIONS: Final = 4_000
"""Assumption: places the 5 % critical value of Z2 within its 4.3 % and 5.7 % points (two standard errors)."""

REJECTION_WEALTH: Final = 1.0 / LEVEL
_T_DEGREES: Final = 3
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NullDistribution:
    """Z2 of a correct forecast under one law of losses."""

    law: str
    critical: float
    """Rejected at 5 % at or below it."""
    p_value: float
    """(1 + simulations at or below the observed) / (1 + simulations)."""
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallResult:
    """Tests of one side's expected shortfall."""

    side: Side
    tail: float
    windows: int
    breaches: int
    """Losses beyond value at risk at the tail."""
    z2: float
    """0 expected; negative if risk is underestimated."""
    z1: float | None
    """Of the breaches alone; None without one."""
    normal: NullDistribution
    student: NullDistribution
    """Student t3 losses whose own VaR and ES the forecast states: what heavy tails alone do to Z2."""
    largest_log10_wealth: float
    """Of the e-backtest, decimal logarithm; a wealth of 20, 1.30, rejects at 5 % whenever it is reached."""
    rejected_at: int | None
    """Index of the first window at whose end wealth reached 20; None if it never did."""
    log10_wealth: FloatArray
    """After each window, float64[w]."""
    sequential: Verdict


def normal_forecast(deviation: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Return VaR and ES of centred normal losses: z sigma and phi(z) sigma / tail (McNeil, Frey, Embrechts).

    Parameters
    ----------
    deviation
        Standard deviations, float64[n], positive.
    tail
        Probability of the tail, 0..1.
    """
    z = -float(special.ndtri(tail))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return z * deviation, density / tail * deviation


def implied_deviation(margin: FloatArray, promised: float) -> FloatArray:
    """Return the standard deviation a margin states: margin / z at the breach probability it promises."""
    return margin / -float(special.ndtri(promised))


def evaluate_shortfall(
    windows: Windows, deviation: FloatArray, side: Side, streams: Streams, *, name: str, tail: float = ES_TAIL
) -> ShortfallResult:
    """Test the expected shortfall that standard deviations state for one side.

    Parameters
    ----------
    windows
        Losses; at least one.
    deviation
        Stated standard deviation of each window's loss, float64[w].
    side
        Long or short.
    streams, name
        Randomness of the critical values.
    tail
        Of VaR and ES.
    """
    loss = windows.loss(side)
    at_risk, shortfall = normal_forecast(deviation, tail)
    breach = loss > at_risk
    breaches = int(np.count_nonzero(breach))
    z2 = acerbi_szekely_z2(-loss, at_risk, shortfall, tail)
    expected = len(windows) * tail
    normal = simulated_z2(len(windows), tail, streams, law="normal", name=f"z2:{name}")
    student = simulated_z2(len(windows), tail, streams, law="t3", name=f"z2:{name}")
    evidence = e_values(loss, at_risk, shortfall, tail)
    log10_wealth = log10_e_wealth(evidence, growth_bets(evidence))
    reached = np.flatnonzero(log10_wealth >= math.log10(REJECTION_WEALTH))
    return ShortfallResult(
        side=side,
        tail=tail,
        windows=len(windows),
        breaches=breaches,
        z2=z2,
        z1=acerbi_szekely_z1(-loss, at_risk, shortfall) if breaches else None,
        normal=_judged("normal", normal, z2, expected),
        student=_judged("Student t3", student, z2, expected),
        largest_log10_wealth=float(log10_wealth.max()),
        rejected_at=int(reached[0]) if reached.size else None,
        log10_wealth=log10_wealth,
        sequential=verdict(0.0 if reached.size else 1.0, expected),
    )


def log10_e_wealth(evidence: FloatArray, bets: FloatArray) -> FloatArray:
    """Return the decimal logarithm of `e_backtest_wealth`, which leaves the range of doubles on long series.

    Parameters
    ----------
    evidence
        e-values, float64[n].
    bets
        Stakes, 0 up to but without 1, float64[n].
    """
    logs: FloatArray = np.cumsum(np.log10(1.0 - bets + bets * evidence))
    return logs


def simulated_z2(
    observations: int,
    tail: float,
    streams: Streams,
    *,
    law: str,
    name: str = "z2",
    simulations: int = SIMULATIONS,
) -> FloatArray:
    """Return Z2 of a correct forecast, simulated, sorted, float64[simulations].

    Only the losses beyond value at risk enter Z2. Their number is binomial, and given it they are independent
    draws from the tail: nothing else needs to be simulated.

    Parameters
    ----------
    observations
        Length of the series.
    tail
        Of VaR and ES.
    streams, name
        Randomness.
    law
        ``normal`` or ``t3``; scale does not matter, losses and forecast share it.
    simulations
        How many.
    """
    z = -float(_quantile(np.array([tail]), law)[0])
    shortfall = _shortfall_of(z, tail, law)
    uniforms = streams.draw(f"{name}:{law}:counts").uniform(simulations)
    counts = _binomial_quantiles(uniforms, observations, tail)
    sums = np.zeros(simulations)
    first, step = 0, 0
    ends = np.cumsum(counts)
    while first < simulations:
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
        drawn = int(ends[last - 1]) - before
        if drawn:
            levels = streams.draw(f"{name}:{law}:losses", step).uniform(drawn) * tail
            losses = -_quantile(levels, law)
            owner = np.repeat(np.arange(first, last), counts[first:last])
            sums += np.bincount(owner, weights=losses, minlength=simulations)
        first, step = last, step + 1
    return np.sort(1.0 - sums / (observations * tail * shortfall))


def _binomial_quantiles(uniforms: FloatArray, n: int, p: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the binomial counts whose distribution functions first reach the uniforms."""
    spread = math.sqrt(n * p * (1.0 - p))
    high = min(n, math.ceil(n * p + 40.0 * spread + 40.0))  # beyond it less than 2**-52 is left
    cumulative = special.bdtr(np.arange(high + 1, dtype=np.float64), n, p)
    return np.searchsorted(cumulative, uniforms).astype(np.int64)


def _quantile(levels: FloatArray, law: str) -> FloatArray:
    values: FloatArray = special.ndtri(levels) if law == "normal" else special.stdtrit(_T_DEGREES, levels)
    return values


def _shortfall_of(z: float, tail: float, law: str) -> float:
    """Return ES of a standard normal or t3; t: density(z) (nu + z**2) / ((nu - 1) tail)."""
    if law == "normal":
        return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / tail
    nu = _T_DEGREES
    log_density = (
        special.gammaln((nu + 1) / 2)
        - special.gammaln(nu / 2)
        - 0.5 * math.log(nu * math.pi)
        - (nu + 1) / 2 * math.log1p(z * z / nu)
    )
    return math.exp(log_density) * (nu + z * z) / ((nu - 1) * tail)


def _judged(law: str, simulated: FloatArray, observed: float, expected: float) -> NullDistribution:
    below = int(np.searchsorted(simulated, observed, side="right"))
    p_value = (1 + below) / (1 + simulated.size)
    return NullDistribution(
        law=law,
        critical=float(np.quantile(simulated, LEVEL, method="inverted_cdf")),
        p_value=p_value,
        verdict=verdict(p_value, expected),
    )
