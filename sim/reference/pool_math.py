"""Pool pricing arithmetic, bit-exact twin of ``contracts/lib/pool_math.vy``."""

from sim.reference.fixed_point import WAD, floor_div_signed, mul_wad_down, mul_wad_up


def premium(skew: int, size_delta: int, skew_scale: int, max_premium: int) -> int:
    """Return (skew + size_delta/2) / skew_scale within +-max_premium, rounded against the trader.

    A size of zero gives the premium of the mark price, rounded down.
    """
    doubled = (2 * skew + size_delta) * WAD
    scale = 2 * skew_scale
    exact = -floor_div_signed(-doubled, scale) if size_delta > 0 else floor_div_signed(doubled, scale)
    return min(max(exact, -max_premium), max_premium)


def fill_price(index_price: int, skew: int, size_delta: int, skew_scale: int, max_premium: int) -> int:
    """Return index * (1 + premium), rounded against the trader."""
    factor = WAD + premium(skew, size_delta, skew_scale, max_premium)
    return mul_wad_up(index_price, factor) if size_delta > 0 else mul_wad_down(index_price, factor)


def depth(skew_scale: int, index_price: int) -> int:
    """Return the notional that moves the mark price by one percent of the index, rounded down."""
    return mul_wad_down(skew_scale, index_price) // 100


def pool_assets(reserves: int, total_debt: int, unrealized_pnl: int, unsettled_funding: int) -> int:
    """Return tokens and receivables minus what traders have gained, not below zero."""
    return max(reserves + total_debt - unrealized_pnl + unsettled_funding, 0)
