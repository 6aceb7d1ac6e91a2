"""Does margin cover what it promises: how many breaches, how clustered, and which zone they mean.

Breaches are windows whose loss exceeded the margin held; windows must not overlap (quant 1, C1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from scipy.special import xlog1py, xlogy

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.rng import Streams

Zone = Literal["green", "yellow", "red"]
_CHUNK = 1 << 21  # uniforms held at once, 16 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class KupiecTest:
    """Proportion of failures against its target."""

    breaches: int
    observations: int
    statistic: float
    asymptotic_p_value: float
    """From chi-square with one degree; its true size is far from nominal at few expected breaches."""
    exact_p_value: float
    """Two-sided binomial: the one to use."""
    too_many_p_value: float
    """P(at least this many breaches): one-sided, for safety."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependenceTest:
    """Do breaches follow breaches."""

    statistic: float
    p_value: float
    """Monte Carlo, (1 + simulations at least as extreme) / (1 + simulations)."""
    simulations: int
    transitions: tuple[int, int, int, int]
    """n00, n01, n10, n11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficLight:
    """Zones of breaches: green below `yellow_from`, red from `red_from`."""

    yellow_from: int
    red_from: int

    def zone(self, breaches: int) -> Zone:
        """Return the zone of a number of breaches."""
        if breaches < self.yellow_from:
            return "green"
        return "yellow" if breaches < self.red_from else "red"


def kupiec_statistic(breaches: int | IntArray, observations: int, probability: float) -> FloatArray:
    """Return Kupiec's likelihood ratio, asymptotically chi-square with one degree, shaped like `breaches`.

    -2 [(T-x) ln(1-p) + x ln p - (T-x) ln(1-x/T) - x ln(x/T)] with 0 ln 0 = 0: Kupiec, Journal of Derivatives
    3 (1995).
    """
    _check(observations, probability)
    x = np.asarray(breaches, dtype=np.float64)
    if np.any((x < 0) | (x > observations)):
        raise ValueError(f"breaches must be in 0..{observations}")
    share = x / observations
    model = xlog1py(observations - x, -probability) + xlogy(x, probability)
    fitted = xlog1py(observations - x, -share) + xlogy(x, share)
    ratio: FloatArray = np.maximum(-2.0 * (model - fitted), 0.0)
    return ratio


def kupiec_test(breaches: int, observations: int, probability: float) -> KupiecTest:
    """Test the number of breaches against its target probability, asymptotically and exactly."""
    statistic = float(kupiec_statistic(breaches, observations, probability))
    exact = stats.binomtest(breaches, observations, probability)
    return KupiecTest(
        breaches=breaches,
        observations=observations,
        statistic=statistic,
        asymptotic_p_value=float(stats.chi2.sf(statistic, 1)),
        exact_p_value=float(exact.pvalue),
        too_many_p_value=float(stats.binom.sf(breaches - 1, observations, probability)),
    )


def independence_statistic(transitions: FloatArray) -> FloatArray:
    """Return Christoffersen's independence likelihood ratio of transition counts [..., (n00, n01, n10, n11)].

    Christoffersen, International Economic Review 39 (1998); 0 ln 0 = 0.
    """
    n00, n01, n10, n11 = np.moveaxis(np.asarray(transitions, dtype=np.float64), -1, 0)
    after_none, after_breach = n00 + n01, n10 + n11
    total, breaches = after_none + after_breach, n01 + n11
    free = _bernoulli(n01, after_none) + _bernoulli(n11, after_breach)
    ratio: FloatArray = np.maximum(2.0 * (free - _bernoulli(breaches, total)), 0.0)
    return ratio


def christoffersen_test(
    hits: BoolArray, streams: Streams, *, name: str = "christoffersen", simulations: int = 9_999
) -> IndependenceTest:
    """Test whether breaches are independent over time, by Monte Carlo instead of chi-square (quant 3.1).

    Parameters
    ----------
    hits
        bool[T] in order of time, T >= 2.
    streams, name
        Randomness of the simulated series.
    simulations
        Assumption: 9,999 make the p-value near 5 % certain to +-0.4 % (two standard errors).

    Notes
    -----
    An independent series, given how many breaches it has, is a random arrangement of them. Simulating
    arrangements of the same number needs no breach probability and makes the level exact.
    """
    hits = np.asarray(hits, dtype=np.bool_)
    if hits.ndim != 1 or hits.size < 2 or simulations < 1:
        raise ValueError("need a series of at least two windows and at least one simulation")
    length, breaches = hits.size, int(np.count_nonzero(hits))
    counts = _transitions(hits[np.newaxis, :])[0]
    observed = float(independence_statistic(counts))
    rows = max(1, _CHUNK // length)
    extreme = 0
    for step, start in enumerate(range(0, simulations, rows)):
        size = min(rows, simulations - start)
        order = np.argsort(streams.draw(name, step).uniform(size * length).reshape(size, length), axis=1)
        simulated = independence_statistic(_transitions(order < breaches))
        extreme += int(np.count_nonzero(simulated >= observed - 1e-9))
    return IndependenceTest(
        statistic=observed,
        p_value=(1 + extreme) / (1 + simulations),
        simulations=simulations,
        transitions=(int(counts[0]), int(counts[1]), int(counts[2]), int(counts[3])),
    )


def traffic_light(
    observations: int, probability: float, *, yellow: float = 0.95, red: float = 0.9999
) -> TrafficLight:
    """Return the zones for any number of observations and target.

    A zone begins at the first count whose cumulative probability reaches `yellow` or `red`: the rule of the
    Basel Committee (Supervisory framework for backtesting, 1996) for 250 days and 1 %, generalised (quant
    3.1).
    """
    _check(observations, probability)
    cumulative = stats.binom.cdf(np.arange(observations + 1), observations, probability)
    return TrafficLight(
        yellow_from=int(np.searchsorted(cumulative, yellow)), red_from=int(np.searchsorted(cumulative, red))
    )


def _check(observations: int, probability: float) -> None:
    if observations < 1 or not 0.0 < probability < 1.0:
        raise ValueError(f"need observations >= 1 and 0 < probability < 1, was {observations}, {probability}")


def _bernoulli(events: FloatArray, trials: FloatArray) -> FloatArray:
    share = np.divide(events, trials, out=np.zeros_like(trials), where=trials > 0)
    likelihood: FloatArray = xlogy(events, share) + xlog1py(trials - events, -share)
    return likelihood


def _transitions(hits: BoolArray) -> FloatArray:
    before, after = hits[:, :-1], hits[:, 1:]
    pairs = (~before & ~after, ~before & after, before & ~after, before & after)
    return np.stack([np.count_nonzero(pair, axis=1) for pair in pairs], axis=1).astype(np.float64)
