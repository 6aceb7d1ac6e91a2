"""Funding arithmetic (premium over eight hours, margin cap), twin of ``contracts/lib/funding_math.vy``."""

from sim.reference.fixed_point import (
    WAD,
    floor_div_signed,
    mul_wad_down,
    mul_wad_signed_floor,
    quantize_up,
    truncating_div,
)

HOUR_SECONDS = 3_600


def funding_rate(
    premium: int,
    coefficient: int,
    margin_coefficient: int,
    max_rate: int,
    initial_ratio: int,
    maintenance_ratio: int,
) -> int:
    """Return premium * coefficient within +-min(max_rate, margin_coefficient * (im - mm)), per hour.

    Positive: longs pay. Rounded toward zero.
    """
    rate = truncating_div(premium * coefficient, WAD)
    limit = min(max_rate, mul_wad_down(initial_ratio - maintenance_ratio, margin_coefficient))
    return min(max(rate, -limit), limit)


def index_growth(rate: int, index_price: int, elapsed_seconds: int) -> int:
    """Return rate * price * elapsed per base unit, rounded toward zero."""
    return truncating_div(rate * index_price * elapsed_seconds, WAD * HOUR_SECONDS)


def funding_owed(size: int, growth: int) -> int:
    """Return what a position owes since its last settlement, rounded up."""
    return -mul_wad_signed_floor(-size, growth)


def funding_payment(size: int, growth: int) -> int:
    """Return what is booked at a settlement: ``funding_owed`` in whole quanta, rounded up."""
    return quantize_up(funding_owed(size, growth))


def unsettled_funding(net_size: int, funding_index: int, net_funding_index: int) -> int:
    """Return what all positions of a market owe together, rounded down."""
    return floor_div_signed(net_size * funding_index - net_funding_index, WAD)
