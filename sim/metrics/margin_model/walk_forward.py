"""Walk-forward validation: calibrate on one stretch of history, be judged on the next, never look ahead.

One parameter is calibrated, the scale of the margin: the factor that would have made the share of breaches in
the training stretch its target. For margin = z sigma this is a calibration of z. The factor then meets the
next stretch, which it has not seen. The off-chain challenger, a GARCH(1,1) with Student t innovations, is
fitted to the same training stretch and filters the next one with those parameters.

A factor read off n windows is itself uncertain, and a stretch with large losses both breaches more and raises
the next factor. If losses over margin were independent, both would depend on ranks alone, whatever their law:
that null is exact (beta-binomial for one stretch, simulated for all), and what goes beyond it is the model's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import special, stats

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.rng import Streams
from sim.metrics.margin_model.windows import Side, Verdict, Windows, verdict
from sim.metrics.statistics.coverage import KupiecTest, kupiec_test
from sim.metrics.statistics.intervals import Interval, clopper_pearson

DEFAULT_FOLDS: Final = 8
"""Assumption: half a year each on four years of hours."""

SIMULATIONS: Final = 9_999
"""Of the drift test and of all stretches together; p near 5 % is certain to +-0.4 % (two standard errors)."""

LEAST_TRAINING: Final = 100
"""Assumption: one breach expected at 1 %; a fold with fewer training windows is not calibrated."""

_PERCENT: Final = 100.0  # arch wants returns of order one


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One stretch judged with what the stretch before it taught."""

    first_window: int
    """Of the stretch that is judged."""
    last_window: int
    """Excluded."""
    training: int
    """Windows calibrated on: those of the stretch before."""
    scale: float
    """Factor on the margin; for the challenger, VaR per unit of its own volatility."""
    breaches: int
    rate: Interval
    """Clopper-Pearson."""
    p_value: float
    """Two-sided, exact; the margin's allows for the factor's own error."""
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """All folds of one model and side."""

    model: str
    side: Side
    target: float
    folds: tuple[Fold, ...]
    windows: int
    breaches: int
    pooled_rate: Interval
    pooled: KupiecTest
    """Over all folds, as if every threshold had been given."""
    pooled_p_value: float
    """Over all folds, two-sided; the margin's allows for the errors of the factors."""
    verdict: Verdict
    """Of `pooled_p_value`."""
    drift_p_value: float
    """Monte Carlo: do breaches differ between folds by no more than chance, and calibration, let them."""
    drift: Verdict
    """rejected means drift: what one stretch teaches does not hold in the next alike."""


Calibrate = Callable[[int, int, int], tuple[FloatArray, float]]
"""(first training window, first window judged, window after the last) -> threshold of each window judged, and
the scale. It may look at windows before the first judged, no others."""


def walk_forward(
    windows: Windows, side: Side, streams: Streams, *, target: float, folds: int = DEFAULT_FOLDS, name: str
) -> WalkForward | None:
    """Validate the margin, scaled by what each stretch before says.

    Parameters
    ----------
    windows
        In order of time.
    side
        Long or short.
    streams, name
        Randomness of the drift test.
    target
        Breach probability.
    folds
        Stretches; the first only teaches.

    Returns
    -------
    WalkForward or None
        None if a stretch has fewer than `LEAST_TRAINING` windows.
    """
    loss, margin = windows.loss(side), windows.margin

    def calibrate(first: int, split: int, last: int) -> tuple[FloatArray, float]:
        scale = quantile_scale(loss[first:split] / margin[first:split], target)
        return scale * margin[split:last], scale

    return _validate(
        "margin, scaled", loss, side, calibrate, streams, target=target, folds=folds, name=name, by_rank=True
    )


def walk_forward_garch(
    windows: Windows, side: Side, streams: Streams, *, target: float, folds: int = DEFAULT_FOLDS, name: str
) -> WalkForward | None:
    """Validate the challenger: value at risk of a GARCH(1,1)-t fitted to each stretch before.

    Returns
    -------
    WalkForward or None
        As `walk_forward`.
    """
    loss = windows.loss(side)
    returns = np.log1p(-windows.long_loss)
    sign = 1.0 if side == "long" else -1.0

    def calibrate(first: int, split: int, last: int) -> tuple[FloatArray, float]:
        deviation, mean, degrees = garch_filter(returns[first:split], returns[split:last])
        # Standardised t: quantile of t over its own deviation.
        quantile = float(special.stdtrit(degrees, target)) * math.sqrt((degrees - 2.0) / degrees)
        log_loss = sign * mean + quantile * deviation  # a long loses where the log return is this low
        return -np.expm1(log_loss) if side == "long" else np.expm1(-log_loss), -quantile

    return _validate(
        "GARCH(1,1)-t", loss, side, calibrate, streams, target=target, folds=folds, name=name, by_rank=False
    )


def quantile_scale(ratios: FloatArray, target: float) -> float:
    """Return the least factor k that at most a share `target` of loss / margin exceeds.

    The order statistic of rank ceil((1 - target) n); never below 1e-12, so that a market that only rises
    calibrates a margin, not a negative one.
    """
    ordered = np.sort(ratios)
    return max(float(ordered[ordered.size - 1 - _allowed(ordered.size, target)]), 1e-12)


def _allowed(n: int, target: float) -> int:
    """Return how many of n training windows may exceed the factor."""
    return n - max(math.ceil((1.0 - target) * n - 1e-9), 1)


def garch_filter(training: FloatArray, judged: FloatArray) -> tuple[FloatArray, float, float]:
    """Fit a GARCH(1,1) with constant mean and t innovations and carry its variance through later returns.

    Parameters
    ----------
    training, judged
        Log returns in order of time, float64.

    Returns
    -------
    deviation
        One-step forecast for each judged return, made before it, float64[judged].
    mean
        Of the return.
    degrees
        Of freedom.
    """
    from arch import arch_model  # noqa: PLC0415  (slow to import)

    sample = training * _PERCENT
    fitted = arch_model(sample, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False).fit(
        disp="off", show_warning=False
    )
    mu, omega, alpha, beta, nu = (float(value) for value in np.asarray(fitted.params))
    variance = float(np.asarray(fitted.conditional_volatility)[-1]) ** 2
    previous = float(sample[-1])
    deviation = np.empty(judged.size)
    for index, value in enumerate((judged * _PERCENT).tolist()):
        variance = omega + alpha * (previous - mu) ** 2 + beta * variance
        deviation[index] = math.sqrt(variance)
        previous = value
    return deviation / _PERCENT, mu / _PERCENT, max(nu, 2.05)


def rank_null(sizes: Sequence[int], target: float, streams: Streams, *, name: str) -> IntArray:
    """Simulate the breaches of every fold if losses over margin were independent with one law.

    Ranks decide everything, so uniforms stand for the ratios, and only the largest of a stretch matter: the
    least K of n uniforms are sums of exponentials over their total (Renyi). One simulation carries each
    stretch's factor into the next, as the procedure does.

    Parameters
    ----------
    sizes
        Windows of each stretch, the first of which only teaches.
    target
        Breach probability.
    streams, name
        Randomness.

    Returns
    -------
    int64[SIMULATIONS, len(sizes) - 1]
    """
    generator = _generator(streams, f"ranks:{name}")
    counts = np.empty((SIMULATIONS, len(sizes) - 1), dtype=np.int64)
    threshold: FloatArray | None = None
    for fold, n in enumerate(sizes):
        allowed = _allowed(n, target)
        kept = min(n, 6 * (allowed + 1) + 60)  # beyond five times the usual count nothing is ever counted
        sums = np.cumsum(generator.standard_exponential((SIMULATIONS, kept)), axis=1)
        total = sums[:, -1] + generator.standard_gamma(n + 1 - kept, SIMULATIONS)
        if threshold is not None:
            counts[:, fold - 1] = (sums < (threshold * total)[:, np.newaxis]).sum(axis=1)
        threshold = sums[:, allowed] / total
    return counts


def heterogeneity(breaches: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return Pearson's statistic of breaches [..., fold] against one common rate; 0 where there are none."""
    expected = breaches.sum(axis=-1, keepdims=True) * sizes / sizes.sum()
    parts = np.divide((breaches - expected) ** 2, expected, out=np.zeros_like(expected), where=expected > 0)
    statistic: FloatArray = parts.sum(axis=-1)
    return statistic


def drift_p_value(breaches: Sequence[int], windows: Sequence[int], streams: Streams, *, name: str) -> float:
    """Return the p-value of one breach rate in every fold, for thresholds that are given.

    Pearson's statistic, with the breaches dealt out at random among all windows: no chi-square approximation,
    which needs more breaches in a fold than there are.
    """
    hits, sizes = np.asarray(breaches, dtype=np.float64), np.asarray(windows, dtype=np.int64)
    total = int(hits.sum())
    dealt = _generator(streams, f"drift:{name}").multivariate_hypergeometric(
        sizes, total, size=SIMULATIONS, method="marginals"
    )
    weights = sizes.astype(np.float64)
    return _upper_p(heterogeneity(hits, weights), heterogeneity(dealt.astype(np.float64), weights))


def _generator(streams: Streams, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=streams.draw(name).words(2)))


def _upper_p(observed: FloatArray, simulated: FloatArray) -> float:
    return float((1 + np.count_nonzero(simulated >= observed - 1e-9)) / (1 + simulated.size))


def _both_sides(below: float, above: float) -> float:
    """Return a two-sided p-value from the probabilities of as few and of as many."""
    return min(1.0, 2.0 * min(below, above))


def _validate(
    model: str,
    loss: FloatArray,
    side: Side,
    calibrate: Calibrate,
    streams: Streams,
    *,
    target: float,
    folds: int,
    name: str,
    by_rank: bool,
) -> WalkForward | None:
    if folds < 2:
        raise ValueError(f"need at least two folds, was {folds}")
    edges = [loss.size * fold // folds for fold in range(folds + 1)]
    stretches = [later - earlier for earlier, later in pairwise(edges)]
    if min(stretches) < LEAST_TRAINING:
        return None
    judged: list[Fold] = []
    for first, split, last in zip(edges, edges[1:], edges[2:], strict=False):
        threshold, scale = calibrate(first, split, last)
        hits: BoolArray = loss[split:last] > threshold
        breaches, size = int(np.count_nonzero(hits)), last - split
        p_value = float(stats.binomtest(breaches, size, target).pvalue)
        if by_rank:
            allowed = _allowed(split - first, target)
            law = stats.betabinom(size, allowed + 1, split - first - allowed)
            p_value = _both_sides(float(law.cdf(breaches)), float(law.sf(breaches - 1)))
        judged.append(
            Fold(
                first_window=split,
                last_window=last,
                training=split - first,
                scale=scale,
                breaches=breaches,
                rate=clopper_pearson(breaches, size),
                p_value=p_value,
                verdict=verdict(p_value, size * target),
            )
        )
    counts = np.array([fold.breaches for fold in judged], dtype=np.float64)
    total, sizes = int(counts.sum()), stretches[1:]
    windows = sum(sizes)
    pooled = kupiec_test(total, windows, target)
    pooled_p_value = pooled.exact_p_value
    if by_rank:
        simulated = rank_null(stretches, target, streams, name=f"{name}:{side}").astype(np.float64)
        totals = simulated.sum(axis=1)
        above, below = _upper_p(np.array(total), totals), _upper_p(np.array(-total), -totals)
        pooled_p_value = _both_sides(below, above)
        weights = np.array(sizes, dtype=np.float64)
        drift = _upper_p(heterogeneity(counts, weights), heterogeneity(simulated, weights))
    else:
        drift = drift_p_value([fold.breaches for fold in judged], sizes, streams, name=f"{name}:{side}")
    return WalkForward(
        model=model,
        side=side,
        target=target,
        folds=tuple(judged),
        windows=windows,
        breaches=total,
        pooled_rate=clopper_pearson(total, windows),
        pooled=pooled,
        pooled_p_value=pooled_p_value,
        verdict=verdict(pooled_p_value, windows * target),
        drift_p_value=drift,
        drift=verdict(drift, windows * target),
    )
