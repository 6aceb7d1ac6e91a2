"""Margin arithmetic, bit-exact twin of ``contracts/lib/margin_math.vy``.

Sizes are WAD base units, prices and amounts WAD quote, ratios WAD; every rounding is against the account.
"""

from sim.reference.fixed_point import (
    QUANTUM,
    WAD,
    mul_div_signed_floor,
    mul_wad_down,
    mul_wad_signed_floor,
    mul_wad_up,
    quantize_down,
    quantize_up,
)


def notional(size: int, price: int) -> int:
    """Return abs(size) * price, rounded up."""
    return mul_wad_up(abs(size), price)


def skew_notional(skew: int, price: int) -> int:
    """Return skew * price, rounded toward zero."""
    magnitude = mul_wad_down(abs(skew), price)
    return magnitude if skew > 0 else -magnitude


def unrealized_pnl(size: int, price: int, entry_notional: int) -> int:
    """Return size * price - entry notional, rounded down."""
    return mul_wad_signed_floor(size, price) - entry_notional


def entry_cost(size_delta: int, fill_price: int) -> int:
    """Return what a fill adds to the entry notional, signed as the size, rounded up."""
    return -mul_wad_signed_floor(-size_delta, fill_price)


def released_entry(entry_notional: int, size: int, closed: int) -> int:
    """Return the share of the entry notional that belongs to the closed part, rounded up."""
    if closed == size:
        return entry_notional
    return -mul_div_signed_floor(-entry_notional, abs(closed), abs(size))


def realized_pnl(closed: int, fill_price: int, released: int) -> int:
    """Return the profit of a close in whole quanta, rounded down."""
    return quantize_down(unrealized_pnl(closed, fill_price, released))


def requirement(amount: int, ratio: int) -> int:
    """Return notional * ratio, rounded up."""
    return mul_wad_up(amount, ratio)


def largest_premium(maintenance_ratio: int, fee_rate: int) -> int:
    """Return the largest premium p that a ratio m carries at a fee rate f, rounded down; below zero for none.

    p + f * (1 + p) <= m: an account that nobody may close has, if it closes at the worst premium, at least
    m - p - f * (1 + p) of its notional left. If that is not below zero nobody can leave a debt at a constant
    price, and without a debt no coalition gains: ``docs/formulas.md``.
    """
    return mul_div_signed_floor(maintenance_ratio - fee_rate, WAD, WAD + fee_rate)


def fee(amount: int, rate: int) -> int:
    """Return notional * rate in whole quanta, rounded up."""
    return quantize_up(mul_wad_up(amount, rate))


def share(amount: int, part: int) -> int:
    """Return amount * part in whole quanta, rounded down."""
    exact = mul_wad_down(amount, part)
    return exact - exact % QUANTUM


def credited_gain(gain: int, weight: int, cap: int) -> int:
    """Return what unrealised gains count for: weighted, then capped."""
    return min(mul_wad_down(gain, weight), cap)


def haircut_collateral(collateral: int, haircut: int) -> int:
    """Return what collateral counts for after a haircut; a debt counts in full."""
    if collateral <= 0 or haircut == 0:
        return collateral
    return mul_wad_signed_floor(collateral, WAD - haircut)


def worse_price(size: int, first: int, second: int) -> int:
    """Return the price at which a position is worth less."""
    return min(first, second) if size > 0 else max(first, second)


def close_out_impact(size: int, index_price: int, fill_price: int) -> int:
    """Return what closing a whole position costs against the index price, rounded up."""
    worse = index_price - fill_price if size > 0 else fill_price - index_price
    return mul_wad_up(abs(size), max(worse, 0))
