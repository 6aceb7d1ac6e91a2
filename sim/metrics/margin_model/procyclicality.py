"""Procyclicality of the margin of a constant position: how far and how fast it rises (quant 3.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray
from sim.metrics.statistics.intervals import Interval, quantile_interval

PERIODS: Final[Mapping[str, int]] = {"1 h": 3_600, "24 h": 86_400, "5 d": 432_000}
"""Periods of the n-step increase beside one step, seconds: Murphy, Vasios, Vause (2014) use 1, 5 and 30 days;
quant 3.3 adds an hour for markets that never close."""

LEAST_BLOCKS: Final = 20
"""Assumption: fewer pairs of volatility and margin leave a regression nothing to say."""

LEAST_STEPS: Final = 6
"""Assumption: returns a realised volatility needs; its own relative error is then 29 %."""

_HIGH: Final = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """Relative rises of margin over one period."""

    period: str
    steps: int
    largest: float
    """max (M_{t+n} - M_t) / M_t over every start, at least 0 if margin ever stood still."""
    high: Interval | None
    """99 % quantile of the rises over periods that do not overlap, order-statistic interval; an end beyond
    the sample is infinite. None with fewer than two periods."""
    periods: int
    """Periods without overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Procyclicality:
    """Measures of one margin series."""

    peak_to_trough: float
    """max M / min M."""
    mean: float
    increases: tuple[Increase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsiveness:
    """d ln M / d ln sigma by regression over blocks of time."""

    slope: float
    lower: float
    upper: float
    confidence: float
    blocks: int
    lags: int
    """Of the Newey-West error."""
    r_squared: float | None
    """None if margin never moved."""


def evaluate_procyclicality(margin: FloatArray, step_seconds: int) -> Procyclicality:
    """Measure a margin series.

    Parameters
    ----------
    margin
        Ratios at even steps, float64[n], n >= 2, positive.
    step_seconds
        Length of a step.

    Raises
    ------
    ValueError
        Too short, or not positive.
    """
    if margin.size < 2 or bool(np.any(margin <= 0.0)):
        raise ValueError("need at least two positive margins")
    periods = {f"1 step ({_in_words(step_seconds)})": 1}
    for name, seconds in PERIODS.items():
        steps = seconds // step_seconds
        if steps >= 1 and seconds % step_seconds == 0 and steps not in periods.values():
            periods[name] = steps
    increases = tuple(increase(margin, steps, name) for name, steps in periods.items() if steps < margin.size)
    return Procyclicality(
        peak_to_trough=float(margin.max() / margin.min()), mean=float(margin.mean()), increases=increases
    )


def increase(margin: FloatArray, steps: int, period: str) -> Increase:
    """Return the rises of a margin series over a number of steps, 1..n-1."""
    rises = margin[steps:] / margin[:-steps] - 1.0
    apart = rises[::steps]
    return Increase(
        period=period,
        steps=steps,
        largest=float(rises.max()),
        high=quantile_interval(apart, _HIGH) if apart.size >= 2 else None,
        periods=int(apart.size),
    )


def ewma_impulse(steps: FloatArray, decay: float, multiple: float) -> FloatArray:
    """Return M_n / M_0 of an EWMA margin after volatility is multiplied: sqrt(l**n + c**2 (1 - l**n)).

    Quant 8.15, in root mean square; exact for returns of constant size.

    Parameters
    ----------
    steps
        n, float64[k].
    decay
        l, the weight the past keeps at each step, 0..1.
    multiple
        c of the volatility.
    """
    kept = decay ** np.asarray(steps, dtype=np.float64)
    ratio: FloatArray = np.sqrt(kept + multiple * multiple * (1.0 - kept))
    return ratio


def alternating_path(
    price: float, deviation: float, multiple: float, *, calm_steps: int, stressed_steps: int
) -> FloatArray:
    """Return a price whose log returns have one size and alternate in sign, then a multiple of that size.

    Squared returns are then sigma**2 exactly: an EWMA stands still before the step and follows its closed
    form after it, without noise.

    Parameters
    ----------
    price
        First price.
    deviation
        Size of a log return before the step.
    multiple
        Size after it over size before.
    calm_steps, stressed_steps
        How many of each.

    Returns
    -------
    float64[1 + calm_steps + stressed_steps]
    """
    size = np.concatenate((np.full(calm_steps, deviation), np.full(stressed_steps, multiple * deviation)))
    sign = np.where(np.arange(size.size) % 2 == 0, 1.0, -1.0)
    path: FloatArray = price * np.exp(np.concatenate(([0.0], np.cumsum(size * sign))))
    return path


def realised_volatility(prices: FloatArray, step_seconds: int, steps: int) -> FloatArray:
    """Return the annual realised volatility of blocks of steps, float64[(n - 1) // steps]."""
    returns = np.diff(np.log(prices))
    blocks = returns[: returns.size // steps * steps].reshape(-1, steps)
    volatility: FloatArray = np.sqrt((blocks * blocks).mean(axis=1) * (31_536_000 / step_seconds))
    return volatility


def responsiveness(
    margin: FloatArray, prices: FloatArray, step_seconds: int, *, block_steps: int, confidence: float = 0.95
) -> Responsiveness | None:
    """Regress the log of mean margin on the log of realised volatility over blocks that do not overlap.

    Errors are Newey and West's (Econometrica 55, 1987) with 4 (k / 100)**(2/9) lags, because both series are
    persistent; the interval is normal and approximate.

    Parameters
    ----------
    margin, prices
        float64[n] at even steps.
    step_seconds
        Length of a step.
    block_steps
        Steps in a block, at least `LEAST_STEPS` for a volatility worth the name.
    confidence
        Of the interval.

    Returns
    -------
    Responsiveness or None
        None with too few blocks, too short ones, or a volatility that never moves.
    """
    volatility = realised_volatility(prices, step_seconds, block_steps)
    count = volatility.size
    held = margin[1:][: count * block_steps].reshape(-1, block_steps).mean(axis=1)
    moving = volatility > 0.0
    volatility, held = volatility[moving], held[moving]
    if volatility.size < LEAST_BLOCKS or block_steps < LEAST_STEPS or float(np.ptp(volatility)) == 0.0:
        return None
    x, y = np.log(volatility), np.log(held)
    lags = int(4 * (x.size / 100) ** (2 / 9))
    centred = x - x.mean()
    spread = float((centred * centred).sum())
    slope = float((centred * y).sum()) / spread
    if float(np.ptp(margin)) == 0.0:
        slope = 0.0  # not what rounding makes of it
    residual = y - y.mean() - slope * centred
    error = 0.0
    if float(np.ptp(margin)) > 0.0:
        from arch.covariance.kernel import Bartlett  # noqa: PLC0415  (slow to import)

        scores = Bartlett(centred * residual, bandwidth=lags, center=False)
        error = math.sqrt(x.size * float(np.squeeze(scores.cov.long_run))) / spread
    z = float(special.ndtri(0.5 + confidence / 2))
    varied = float(((y - y.mean()) ** 2).sum()) if float(np.ptp(margin)) > 0.0 else 0.0
    return Responsiveness(
        slope=slope,
        lower=slope - z * error,
        upper=slope + z * error,
        confidence=confidence,
        blocks=int(x.size),
        lags=lags,
        r_squared=1.0 - float((residual * residual).sum()) / varied if varied > 0.0 else None,
    )


def _in_words(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
