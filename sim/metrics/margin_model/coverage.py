"""Coverage of a margin: how often losses over the margin period of risk exceed it, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaln

from sim.core.arrays import BoolArray, FloatArray
from sim.core.rng import Streams
from sim.metrics.margin_model.windows import Side, Verdict, Windows, verdict
from sim.metrics.statistics.bootstrap import bootstrap_interval
from sim.metrics.statistics.coverage import (
    KupiecTest,
    Zone,
    independence_statistic,
    kupiec_test,
    traffic_light,
)
from sim.metrics.statistics.intervals import Interval, clopper_pearson

_ROUNDING = 1e-9  # statistics of equal transitions differ by less


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactIndependence:
    """Do breaches follow breaches, given how many there are."""

    statistic: float
    """Christoffersen's likelihood ratio."""
    p_value: float
    """Share of all arrangements of as many breaches whose statistic is at least as large: exact."""
    transitions: tuple[int, int, int, int]
    """n00, n01, n10, n11."""
    pattern: Literal["clustered", "spaced"]
    """Whether breaches follow breaches more often than chance, or less: the statistic rejects both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageResult:
    """What non-overlapping windows say about one side's margin."""

    side: Side
    target: float
    """Probability of a breach the margin promises at most."""
    windows: int
    breaches: int
    rate: Interval
    """Share of windows breached, Clopper-Pearson. Its upper end is what no breach still leaves open."""
    kupiec: KupiecTest
    exact: Verdict
    """Two-sided: neither too many breaches nor too few."""
    safety: Verdict
    """One-sided: not too many."""
    independence: ExactIndependence | None
    """None with fewer than two breaches, or nothing else: nothing can follow anything."""
    independent: Verdict
    zone: Zone
    yellow_from: int
    red_from: int
    mean_breach: Interval | None
    """Mean of (loss - margin) / margin over breaches, bootstrap over breaches; None with fewer than two."""
    largest_breach: float | None
    """Largest of them. It has no interval: the bootstrap of a maximum is inconsistent."""


def evaluate_coverage(
    windows: Windows, side: Side, streams: Streams, *, target: float, name: str
) -> CoverageResult:
    """Test the coverage of one side.

    Parameters
    ----------
    windows
        At least one.
    side
        Long or short.
    streams, name
        Randomness of the bootstrap.
    target
        Breach probability, 0.01 for the 99 % of PFMI principle 6.

    Raises
    ------
    ValueError
        No window.
    """
    n = len(windows)
    if n < 1:
        raise ValueError("no window")
    loss = windows.loss(side)
    hits = loss > windows.margin
    breaches = int(np.count_nonzero(hits))
    kupiec = kupiec_test(breaches, n, target)
    light = traffic_light(n, target)
    expected = n * target
    independence = exact_independence(hits) if 2 <= breaches < n else None
    excess = (loss[hits] - windows.margin[hits]) / windows.margin[hits]
    mean_breach = None
    if breaches >= 2:
        mean_breach = bootstrap_interval(
            excess, lambda sample: float(sample.mean()), streams, name=f"breaches:{name}"
        )
    return CoverageResult(
        side=side,
        target=target,
        windows=n,
        breaches=breaches,
        rate=clopper_pearson(breaches, n),
        kupiec=kupiec,
        exact=verdict(kupiec.exact_p_value, expected),
        safety=verdict(kupiec.too_many_p_value, expected),
        independence=independence,
        independent="too few windows" if independence is None else verdict(independence.p_value, breaches),
        zone=light.zone(breaches),
        yellow_from=light.yellow_from,
        red_from=light.red_from,
        mean_breach=mean_breach,
        largest_breach=float(excess.max()) if breaches else None,
    )


def exact_independence(hits: BoolArray) -> ExactIndependence:
    """Test the independence of breaches over time without simulation.

    Given their number, independent breaches are a random arrangement, and an arrangement enters
    Christoffersen's statistic through its runs and ends alone. How many arrangements of b breaches in n
    windows have r runs and given ends is (b - 1 choose r - 1) (n - b - 1 choose g - 1) with g the groups of
    windows between and around them (Stevens, Annals of Eugenics 9, 1939), so the Monte Carlo p-value that
    quant 3.1 asks for has an exact limit; `christoffersen_test` converges to it.

    Parameters
    ----------
    hits
        bool[n] in order of time, with at least one breach and one window without.

    Raises
    ------
    ValueError
        All windows are alike.
    """
    hits = np.asarray(hits, dtype=np.bool_)
    n, b = hits.size, int(np.count_nonzero(hits))
    if not 0 < b < n:
        raise ValueError(f"need breaches and windows without, was {b} of {n}")
    before, after = hits[:-1], hits[1:]
    pairs = (~before & ~after, ~before & after, before & ~after, before & after)
    observed = np.array([np.count_nonzero(pair) for pair in pairs], dtype=np.float64)
    statistic = float(independence_statistic(observed))
    runs = np.arange(1, min(b, n - b + 1) + 1, dtype=np.float64)
    log_all = _log_choose(n, np.array(b, dtype=np.float64))
    p_value = 0.0
    for starts in (0, 1):
        for ends in (0, 1):
            groups = runs + 1 - starts - ends
            possible = (groups >= 1) & (groups <= n - b)
            r, g = runs[possible], groups[possible]
            if not r.size:
                continue
            log_ways = _log_choose(b - 1, r - 1) + _log_choose(n - b - 1, g - 1)
            transitions = np.stack((n - b - g, r - starts, r - ends, b - r), axis=-1)
            extreme = independence_statistic(transitions) >= statistic - _ROUNDING
            p_value += float(np.exp(log_ways[extreme] - log_all).sum())
    counts = observed.astype(np.int64).tolist()
    return ExactIndependence(
        statistic=statistic,
        p_value=min(p_value, 1.0),
        transitions=(counts[0], counts[1], counts[2], counts[3]),
        # Of n - 1 pairs of neighbours, a random arrangement has b (b - 1) / n that are both breaches.
        pattern="clustered" if counts[3] * n > b * (b - 1) else "spaced",
    )


def _log_choose(n: int, k: FloatArray) -> FloatArray:
    value: FloatArray = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return value
