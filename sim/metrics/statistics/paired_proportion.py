"""Difference of two probabilities seen on the same paths: Tango's score interval."""

from __future__ import annotations

import math

from scipy import special
from scipy.optimize import brentq

from sim.metrics.statistics.intervals import Interval, check_confidence


def paired_proportion_difference(
    only_first: int, only_second: int, pairs: int, *, confidence: float = 0.95
) -> Interval:
    """Return P(second) - P(first) with its score interval.

    Parameters
    ----------
    only_first, only_second
        Pairs in which only one arm had the event.
    pairs
        All pairs, concordant ones included.
    confidence
        Of the two-sided interval: near nominal from some tens of pairs on, and, unlike an interval of the
        differences' mean, of positive width when no pair differs.

    Raises
    ------
    ValueError
        Counts or confidence out of range.

    Notes
    -----
    The interval holds each difference that the score test, with the maximum-likelihood estimate restricted to
    that difference, does not reject: Tango, Statistics in Medicine 17 (1998).
    """
    check_confidence(confidence)
    if min(only_first, only_second) < 0 or pairs < 1 or only_first + only_second > pairs:
        raise ValueError(f"{only_first} and {only_second} discordant of {pairs} pairs is impossible")
    limit = float(special.ndtri(0.5 + confidence / 2))
    estimate = (only_second - only_first) / pairs

    def end(low: float, high: float, sign: float) -> float:
        def gap(difference: float) -> float:
            return tango_score(only_first, only_second, pairs, difference) - sign * limit

        if gap(low) * gap(high) > 0.0:
            return low if sign > 0 else high
        return float(brentq(gap, low, high, xtol=1e-13))

    near = 1.0 - 1e-12
    return Interval(
        estimate=estimate,
        lower=max(end(-near, max(estimate, -near), 1.0), -1.0) if estimate > -1.0 else -1.0,
        upper=min(end(min(estimate, near), near, -1.0), 1.0) if estimate < 1.0 else 1.0,
        confidence=confidence,
    )


def tango_score(only_first: int, only_second: int, pairs: int, difference: float) -> float:
    """Return the score statistic, standard normal if P(second) - P(first) is `difference`."""
    b, c, n, delta = only_second, only_first, pairs, difference
    first = 2.0 * n
    second = -b - c + (2.0 * n - b + c) * delta
    third = -c * delta * (1.0 - delta)
    root = math.sqrt(max(second * second - 4.0 * first * third, 0.0))
    discordant = (root - second) / (2.0 * first)  # restricted estimate of P(only first)
    variance = n * (2.0 * discordant + delta * (1.0 - delta))
    numerator = b - c - n * delta
    if variance <= 0.0:
        return math.copysign(math.inf, numerator) if numerator else 0.0
    return numerator / math.sqrt(variance)
