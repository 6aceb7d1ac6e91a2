"""Oracle formulas, bit-exact twin of ``contracts/lib/oracle_math.vy``.

Prices, widths and variances are WAD integers, times are seconds. Each function returns
what the contract's function of the same name returns.
"""

from collections.abc import Sequence
from math import isqrt

from sim.reference.fixed_point import WAD, ceil_div, exp_wad, ln_wad, mul_wad_down, mul_wad_up

YEAR_SECONDS = 31_536_000
MAX_LOG_MOVE = 20 * WAD
UNIT_POWERS = (2, 3, 6, 8, 12)
UNIT_TOLERANCE = 2

STATUS_VALID = 0
STATUS_UNCERTAIN = 1
STATUS_INSUFFICIENT = 2
STATUS_STALE = 3
STATUS_TOO_VOLATILE = 4
STATUS_NONE = 5


def aggregate(
    prices: Sequence[int], weights: Sequence[int], confidences: Sequence[int], previous_price: int
) -> tuple[int, int]:
    """What the sources say together, such that one of them, whichever it is, decides nothing alone.

    Three sources or more: the lower weighted median, no source weighing more than all others less one. Two:
    the price between theirs that is nearest to the last index. One: its price. The confidence is
    max(median confidence, half the range without the farther extreme); two sources have none to leave out.

    Parameters
    ----------
    prices, weights, confidences
        One entry per fresh source, at least one.
    previous_price
        Last index.

    Returns
    -------
    tuple[int, int]
        Index price and confidence (WAD).
    """
    ranked = sorted(zip(prices, weights, strict=True))
    low, high = ranked[0][0], ranked[-1][0]
    index_price, spread = low, high - low
    if len(ranked) == 2:
        index_price = min(max(previous_price, low), high)
    elif len(ranked) > 2:
        heaviest = max(weights)
        others = sum(weights) - heaviest
        cap = min(heaviest, others - 1)
        cumulative = 0
        for price, weight in ranked:
            cumulative += min(weight, cap)
            if 2 * cumulative >= others + cap:
                index_price = price
                break
        spread = min(high - ranked[1][0], ranked[-2][0] - low)
    median_confidence = sorted(confidences)[len(confidences) // 2]
    return index_price, max(median_confidence, (spread + 1) // 2)


def unit_jump(price: int, previous_price: int) -> int:
    """Power of ten by which a price is off another, to a factor of two; 0 if it is none of a wrong unit."""
    larger, smaller = max(price, previous_price), min(price, previous_price)
    for power in UNIT_POWERS:
        unit = smaller * 10**power
        if unit <= larger * UNIT_TOLERANCE and larger <= unit * UNIT_TOLERANCE:
            return power if price > previous_price else -power
    return 0


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


def squared_bound(elapsed: int, variance: int, *, horizon: int, minimum: int, coefficient: int) -> int:
    """Square of how far a price may move in a time, in log terms (WAD**2); twin of ``_bound_squared``."""
    over_horizon = coefficient * coefficient * variance * horizon // (YEAR_SECONDS * WAD)
    return max(minimum * minimum, over_horizon) * elapsed // horizon


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
    bound_squared = squared_bound(
        elapsed, variance, horizon=horizon, minimum=minimum, coefficient=coefficient
    )
    lower = min(index_price, base_price)
    move = min(abs(index_price - base_price) * WAD // lower + 1, MAX_LOG_MOVE)
    if index_price == base_price or move * move <= bound_squared:
        return index_price
    bound = isqrt(bound_squared)
    if index_price > base_price:
        return min(index_price, mul_wad_down(base_price, exp_wad(bound)))
    return max(index_price, mul_wad_up(base_price, exp_wad(-bound)))


def settlement_prices(
    index_price: int,
    good_price: int,
    confidence: int,
    bound_squared: int,
    *,
    min_price: int,
    max_price: int,
) -> tuple[int, int]:
    """Both ends of where the price may be while the index alone is not good enough.

    From the last good index to the newest one and its confidence, each end moved outwards by what the
    limiter allows for the time in which nothing was heard. A long is reduced at the first, a short at the
    second.
    """
    low = min(good_price, index_price - min(confidence, index_price))
    high = max(good_price, index_price + confidence)
    if bound_squared:
        bound = min(isqrt(bound_squared), MAX_LOG_MOVE)
        low, high = mul_wad_down(low, exp_wad(-bound)), mul_wad_up(high, exp_wad(bound))
    return max(low, min_price, 1), min(high, max_price)


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
    """The highest rung of the status ladder that applies, 0 VALID to 4 TOO_VOLATILE.

    A jump of unit is TOO_VOLATILE whatever divergence is allowed.
    """
    if max(index_price, ema_price) * WAD > max_divergence * min(index_price, ema_price):
        return STATUS_TOO_VOLATILE
    if unit_jump(index_price, ema_price):
        return STATUS_TOO_VOLATILE
    if not enough_minimum:
        return STATUS_STALE
    if not enough_valid:
        return STATUS_INSUFFICIENT
    if confidence * WAD > max_confidence_ratio * index_price:
        return STATUS_UNCERTAIN
    return STATUS_VALID
