"""What other assets count for as margin, bit-exact twin of ``contracts/lib/haircut_math.vy``.

Haircuts and amounts are WAD integers; haircuts round up and values down, against the account.
"""

from sim.reference.fixed_point import WAD, mul_div_down, mul_wad_down
from sim.reference.risk_math import MAX_AMOUNT, confidence_margin, liquidity_margin, volatility_margin


def value(units: int, scale: int, price: int) -> int:
    """Return token units at a price; ``scale`` is the WAD of one token unit."""
    return mul_wad_down(units * scale, price)


def base_haircut(
    haircut_min: int,
    z: int,
    horizon_seconds: int,
    confidence_coefficient: int,
    variance: int,
    confidence: int,
    price: int,
) -> int:
    """Return the part of the haircut that does not depend on the amount."""
    volatility = volatility_margin(variance, z, horizon_seconds)
    width = confidence_margin(confidence, price, confidence_coefficient)
    return min(haircut_min + volatility + width, WAD)


def haircut(base: int, value: int, depth: int, variance: int, size_coefficient: int) -> int:
    """Return the haircut of an amount that is worth ``value``."""
    return min(base + liquidity_margin(value, depth, variance, size_coefficient), WAD)


def largest_counted(base: int, depth: int, variance: int, size_coefficient: int) -> int:
    """Return the value beyond which more counts for nothing."""
    slope = liquidity_margin(depth, depth, variance, size_coefficient)
    if slope == 0:
        return MAX_AMOUNT
    twice, thrice = 2 * (WAD - base), 3 * slope
    return min(mul_div_down(min(depth, MAX_AMOUNT), twice * twice, thrice * thrice), MAX_AMOUNT)


def counted_value(value: int, base: int, depth: int, variance: int, size_coefficient: int) -> int:
    """Return what an amount that is worth ``value`` counts for."""
    counted = min(value, largest_counted(base, depth, variance, size_coefficient))
    return mul_wad_down(counted, WAD - haircut(base, counted, depth, variance, size_coefficient))
