"""Likelihood region of a generalised Pareto tail: how far a mean beyond a threshold may reach.

A sample does not show the largest losses of its distribution, and an interval from its own spread, Student's
or a bootstrap's, is too short at the side they lie on. Far enough out every tail of the usual kind is a
generalised Pareto distribution (Pickands, Annals of Statistics 3, 1975), and its likelihood says which means
the exceedances seen are compatible with, those with losses nobody has seen included.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from sim.core.arrays import BoolArray, FloatArray

EXCEEDANCES = (20, 200)
"""Fewest and most exceedances wanted: with a tenth of the paths between them. Assumption: below twenty the
region nearly always reaches infinite means, beyond two hundred the threshold leaves the tail."""
SHARE = 0.1
"""Assumption: the tail is the largest tenth, the usual choice."""
LEAST = 10
"""Fewer exceedances say nothing about a tail."""
HEAVIEST = 0.8
"""Assumption: losses have more than 1.25 finite moments. Those of a protocol are bounded by what is in it, so
that their mean is finite; a sample that looks heavier than this gets no end on its heavy side."""
_SHAPES = np.arange(-10, 21) / 20.0
"""Below -1/2 the likelihood is irregular (Smith, Biometrika 72, 1985), at 1 the mean is infinite."""
SMALL_SAMPLE = 10.0
"""Assumption: the likelihood ratio of k exceedances is 1 + 10/k times too large, the form of Bartlett's
correction; by simulation of exponential and Pareto tails, without it 95 % are 93 % at k = 100."""
_STEPS = 14  # of bisection: 1e-3 of a likeliest log scale, which moves the likelihood by 1e-6, 3e-4 of an end


@dataclass(frozen=True, slots=True)
class TailSplit:
    """The values above a threshold."""

    threshold: float
    excess: FloatArray
    """What lies strictly above, less the threshold."""


def split_tail(values: FloatArray) -> TailSplit:
    """Split off about the largest tenth of values float64[n], within `EXCEEDANCES`.

    The threshold is a value of the sample. Where many values tie at it, what lies strictly above is the tail,
    however little, unless it is less than `LEAST`: then the next smaller value is the threshold.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    wanted = max(EXCEEDANCES[0], min(math.ceil(SHARE * ordered.size), EXCEEDANCES[1]))
    threshold = float(ordered[max(ordered.size - wanted - 1, 0)])
    if np.count_nonzero(ordered > threshold) < LEAST:
        smaller = ordered[ordered < threshold]
        threshold = float(smaller[-1]) if smaller.size else threshold
    return TailSplit(threshold, ordered[ordered > threshold] - threshold)


def mean_reach(
    excess: FloatArray,
    *,
    worst: float = 1.0,
    confidence: float,
    inflation: float = 1.0,
    upper_only: bool = False,
) -> tuple[float, float]:
    """Return the least and largest mean of the worst share of excesses that their likelihood allows.

    Parameters
    ----------
    excess
        float64[k], positive, at least three and not all alike.
    worst
        Share of the excesses that is averaged, above 0 and at most 1: 1 for their mean.
    confidence
        Of the two ends together.
    inflation
        By how many times dependence lowers the information (a design effect), at least 1: the likelihood
        ratio is divided by it (Chandler and Bate, Biometrika 94, 2007).
    upper_only
        The lower end is not wanted, and NaN.

    Returns
    -------
    Lower and upper end; the upper one is infinite if the likeliest tail is heavier than `HEAVIEST`.

    Notes
    -----
    The image, under (shape, scale) -> mean of the worst share, of all pairs whose log likelihood lies within
    t**2 / 2 of the largest: the profile likelihood interval (McNeil, Frey, Embrechts, Quantitative Risk
    Management, on threshold exceedances), with Student's quantile of k - 2 degrees in place of the normal one
    for the two fitted numbers.
    """
    unit = float(excess.mean())
    sample = excess / unit
    least, top, best = _ridge(sample, _SHAPES)
    floor = _floor(best, sample.size, confidence, inflation)
    heavy = float(_SHAPES[int(best.argmax())]) > HEAVIEST
    allowed = (best >= floor) & ((_SHAPES <= HEAVIEST) | heavy)
    shapes, inside = _SHAPES[allowed], top[allowed]

    def likely(scale: FloatArray) -> BoolArray:
        return _log_likelihood(sample, scale, shapes) >= floor

    # Near its top it falls by k d**2 / (2 (1 + 2 xi)) at a distance d; more than that is searched.
    distance = 0.5 + 6.0 * math.sqrt((float(best.max()) - floor) / sample.size)
    factor = _worst_mean(worst, shapes)
    upper = np.exp(_bisect(inside, inside + distance, likely)) * factor
    lower = math.nan
    if not upper_only:
        near = np.maximum(least[allowed], inside - distance)
        lower = unit * float((np.exp(_bisect(inside, near, likely)) * factor).min())
    return lower, math.inf if heavy else unit * float(upper.max())


def likeliest_shape(excess: FloatArray) -> float:
    """Return the maximum likelihood estimate of the shape xi, between -1/2 and 2."""
    shapes = np.arange(-10, 41) / 20.0
    best = _ridge(excess / float(excess.mean()), shapes)[2]
    top = int(np.clip(best.argmax(), 1, shapes.size - 2))
    below, here, above = best[top - 1 : top + 2]
    bend = below - 2.0 * here + above
    step = 0.5 * (below - above) / bend if bend < 0.0 else 0.0  # the parabola through three points
    return float(shapes[top] + (shapes[1] - shapes[0]) * np.clip(step, -1.0, 1.0))


def shape_reach(excess: FloatArray, *, confidence: float) -> tuple[float, float]:
    """Return the profile likelihood interval of the shape xi, infinite where it leaves -1/2 to 2.

    Arguments and correction for small samples as `mean_reach` has them.
    """
    shapes = np.arange(-10, 41) / 20.0
    sample = excess / float(excess.mean())
    best = _ridge(sample, shapes)[2]
    floor = _floor(best, sample.size, confidence, 1.0 + SMALL_SAMPLE / sample.size)
    inside = np.flatnonzero(best >= floor)
    first, last = int(inside[0]), int(inside[-1])
    lower = upper = math.inf
    if first > 0:
        lower = float(np.interp(floor, best[first - 1 : first + 1], shapes[first - 1 : first + 1]))
    if last < shapes.size - 1:
        upper = float(np.interp(-floor, -best[last : last + 2], shapes[last : last + 2]))
    return -lower if first == 0 else lower, upper


def _ridge(sample: FloatArray, shapes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return for each shape the least and likeliest log scale, and the log likelihood there."""
    least = np.log(np.maximum(1e-6, -shapes * float(sample.max()) * (1.0 + 1e-9)))
    top = _bisect(least, np.full(shapes.size, 4.0), lambda scale: _slope(sample, scale, shapes) > 0.0)
    return least, top, _log_likelihood(sample, top, shapes)


def _floor(best: FloatArray, size: int, confidence: float, inflation: float) -> float:
    quantile = float(special.stdtrit(max(size / inflation - 2.0, 1.0), 0.5 + confidence / 2.0))
    return float(best.max()) - 0.5 * quantile**2 * inflation


def _bisect(inside: FloatArray, outside: FloatArray, holds: Callable[[FloatArray], BoolArray]) -> FloatArray:
    """Return the log scales, one for each shape, up to which a condition holds going outwards."""
    near, far = inside.copy(), outside.copy()
    for _ in range(_STEPS):
        middle = 0.5 * (near + far)
        kept = holds(middle)
        near, far = np.where(kept, middle, near), np.where(kept, far, middle)
    return near


def _slope(sample: FloatArray, log_scale: FloatArray, shapes: FloatArray) -> FloatArray:
    """Return the derivative of the log likelihood by the log scale, over k, one for each shape."""
    ratio = sample / np.exp(log_scale)[:, np.newaxis]
    inner = 1.0 + shapes[:, np.newaxis] * ratio
    slope: FloatArray = (1.0 + shapes) * (ratio / inner).mean(axis=1) - 1.0
    return slope


def _log_likelihood(sample: FloatArray, log_scale: FloatArray, shapes: FloatArray) -> FloatArray:
    """Return the log likelihood of a generalised Pareto distribution, one for each shape."""
    ratio = sample / np.exp(log_scale)[:, np.newaxis]
    inner = 1.0 + shapes[:, np.newaxis] * ratio
    with np.errstate(invalid="ignore", divide="ignore"):
        logarithm = np.log(inner).sum(axis=1)
        power = np.where(shapes == 0.0, ratio.sum(axis=1), (1.0 + 1.0 / shapes) * logarithm)
    return np.where(np.isnan(power), -np.inf, -sample.size * log_scale - power)


def _worst_mean(worst: float, shapes: FloatArray) -> FloatArray:
    """Return the mean of the worst share over the scale, one for each shape; infinite at shape 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(shapes == 0.0, -math.log(worst), (worst**-shapes - 1.0) / shapes)
        factor: FloatArray = np.where(shapes >= 1.0, np.inf, (depth + 1.0) / (1.0 - shapes))
    return factor
