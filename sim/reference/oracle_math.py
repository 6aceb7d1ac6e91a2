"""Oracle formulas, bit-exact twin of ``contracts/lib/oracle_math.vy``.

Prices, widths and variances are WAD integers, times are seconds. Each function returns
what the contract's function of the same name returns.
"""

from collections.abc import Sequence
from math import isqrt

from sim.reference.fixed_point import WAD, ceil_div, exp_wad, ln_wad, mul_wad_down, mul_wad_up

YEAR_SECONDS = 31_536_000
MAX_LOG_MOVE = 20 * WAD

STATUS_VALID = 0
STATUS_UNCERTAIN = 1
STATUS_INSUFFICIENT = 2
STATUS_STALE = 3
STATUS_TOO_VOLATILE = 4
STATUS_NONE = 5


def aggregate(prices: Sequence[int], weights: Sequence[int], confidences: Sequence[int]) -> tuple[int, int]:
    """Lower weighted median of the prices, and max(median confidence, half the range).

    Parameters
    ----------
    prices, weights, confidences
        One entry per fresh source, at least one.

    Returns
    -------
    tuple[int, int]
        Index price and confidence (WAD).
    """
    ranked = sorted(zip(prices, weights, strict=True))
    total = sum(weights)
    index_price = 0
    cumulative = 0
    for price, weight in ranked:
        cumulative += weight
        if 2 * cumulative >= total:
            index_price = price
            break
    median_confidence = sorted(confidences)[len(confidences) // 2]
    return index_price, max(median_confidence, (ranked[-1][0] - ranked[0][0] + 1) // 2)


def decay(elapsed: int, tau: int) -> int:
    """Weight exp(-elapsed/tau) that the past keeps (WAD)."""
    return exp_wad(-(elapsed * WAD // tau))


def observed_variance(price: int, previous_price: int, elapsed: int, max_return: int) -> int:
    """Annualised variance r**2*YEAR/elapsed of one capped log return, rounded up (WAD)."""
    ratio = max(price * WAD // previous_price, 1)
    log_return = min(abs(ln_wad(ratio)), max_return)
    return ceil_div(log_return * log_return * YEAR_SECONDS, WAD * elapsed)


def blend_up(old: int, new: int, weight: int) -> int:
    """weight*old + (1 - weight)*new, rounded up; exactly ``old`` if both are equal."""
    return ceil_div(weight * old + (WAD - weight) * new, WAD)


def blend_down(old: int, new: int, weight: int) -> int:
    """weight*old + (1 - weight)*new, rounded down; exactly ``old`` if both are equal."""
    return (weight * old + (WAD - weight) * new) // WAD


def limit_price(
    index_price: int,
    base_price: int,
    elapsed: int,
    variance: int,
    *,
    horizon: int,
    minimum: int,
    coefficient: int,
) -> int:
    """The index, moved from the base by at most b*sqrt(elapsed/horizon) in log terms.

    b = max(minimum, coefficient*sqrt(variance*horizon)), variance per year, horizon in
    seconds. The result lies between the base and the index.
    """
    bound_squared = (
        max(minimum * minimum, coefficient * coefficient * variance * horizon // (YEAR_SECONDS * WAD))
        * elapsed
        // horizon
    )
    lower = min(index_price, base_price)
    move = min(abs(index_price - base_price) * WAD // lower + 1, MAX_LOG_MOVE)
    if index_price == base_price or move * move <= bound_squared:
        return index_price
    bound = isqrt(bound_squared)
    if index_price > base_price:
        return min(index_price, mul_wad_down(base_price, exp_wad(bound)))
    return max(index_price, mul_wad_up(base_price, exp_wad(-bound)))


def status(
    index_price: int,
    ema_price: int,
    confidence: int,
    *,
    enough_valid: bool,
    enough_minimum: bool,
    max_confidence_ratio: int,
    max_divergence: int,
) -> int:
    """The highest rung of the status ladder that applies, 0 VALID to 4 TOO_VOLATILE."""
    if max(index_price, ema_price) * WAD > max_divergence * min(index_price, ema_price):
        return STATUS_TOO_VOLATILE
    if not enough_minimum:
        return STATUS_STALE
    if not enough_valid:
        return STATUS_INSUFFICIENT
    if confidence * WAD > max_confidence_ratio * index_price:
        return STATUS_UNCERTAIN
    return STATUS_VALID
