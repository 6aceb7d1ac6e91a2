"""Swaps against two reserves of constant product, bit-exact twin of ``contracts/lib/spot_math.vy``.

Token units, rounded for the pool; the fee is a WAD integer.
"""

from sim.reference.fixed_point import WAD, ceil_div, div_wad_up, mul_div_down, mul_div_up, mul_wad_down

MAX_UINT256 = 2**256 - 1


def amount_out(amount_in: int, reserve_in: int, reserve_out: int, fee_rate: int) -> int:
    """Return what a swap gives."""
    effective = mul_wad_down(amount_in, WAD - fee_rate)
    return mul_div_down(effective, reserve_out, reserve_in + effective)


def amount_in(amount_out: int, reserve_in: int, reserve_out: int, fee_rate: int) -> int:
    """Return what must go in for at least an amount to come out."""
    if amount_out >= reserve_out:
        return MAX_UINT256
    effective = mul_div_up(amount_out, reserve_in, reserve_out - amount_out)
    return div_wad_up(effective, WAD - fee_rate)


def least_forced(fee_rate: int, band: int) -> int:
    """Return the least that is sold by force where there is as much: fewer would fill below the band."""
    if band <= fee_rate:
        return 1
    return ceil_div(2 * WAD, band - fee_rate)


def most_forced(reserve: int, fee_rate: int, band: int) -> int:
    """Return how much of an asset may be sold by force at one time."""
    return mul_div_down(reserve, mul_wad_down(fee_rate, WAD - band), WAD)
