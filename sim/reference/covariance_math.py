"""Correlation of two markets, bit-exact twin of ``contracts/lib/covariance_math.vy``.

Prices, returns, variances and correlations are WAD integers, times are seconds. Each function returns what
the contract's function of the same name returns.
"""

from __future__ import annotations

from math import isqrt

from sim.reference.fixed_point import WAD, checked_int, floor_div_signed, ln_wad

YEAR_SECONDS = 31_536_000
HOUR_SECONDS = 3_600
LEAST_VARIANCE = 10**14


def log_return(price: int, previous_price: int, max_return: int) -> int:
    """ln(price/previous), capped on both sides."""
    return min(max(ln_wad(max(price * WAD // previous_price, 1)), -max_return), max_return)


def observed_covariance(first: int, second: int, elapsed: int) -> int:
    """Annualised product first*second*YEAR/elapsed of two returns, rounded down."""
    return floor_div_signed(checked_int(first * second * YEAR_SECONDS), WAD * elapsed)


def blend_floor(old: int, new: int, decay: int) -> int:
    """decay*old + (1 - decay)*new, rounded down; exactly ``old`` if both are equal."""
    return floor_div_signed(checked_int(decay * old + (WAD - decay) * new), WAD)


def correlation(first: int, second: int, covariance: int) -> int:
    """covariance/sqrt(first*second), rounded down, from -1 to 1; 1 if one of them hardly moves."""
    if min(first, second) < LEAST_VARIANCE:
        return WAD
    root = isqrt(first * second)
    if covariance > 0 and root * root < first * second:
        root += 1
    return min(max(floor_div_signed(checked_int(covariance * WAD), root), -WAD), WAD)


def limited_fall(previous: int, target: int, elapsed: int, fall_per_hour: int) -> int:
    """Return the target, but no farther below what it was than a rate allows."""
    return max(target, previous - fall_per_hour * elapsed // HOUR_SECONDS)
