"""Pool pricing arithmetic, bit-exact twin of ``contracts/lib/pool_math.vy``."""

from sim.reference.fixed_point import (
    WAD,
    div_wad_down,
    floor_div_signed,
    mul_div_down,
    mul_wad_down,
    mul_wad_up,
    sqrt_wad,
)

LEAST_FREE_PART = 10


def mark_premium(skew: int, skew_scale: int, max_premium: int) -> int:
    """Return skew / skew_scale within +-max_premium, rounded down."""
    return _clamp(floor_div_signed(skew * WAD, skew_scale), max_premium)


def fill_premium(skew: int, size_delta: int, skew_scale: int, max_premium: int) -> int:
    """Return the mean of the mark's premium over the skews a trade passes, rounded against the trader."""
    bound = skew_scale * max_premium // WAD
    low, high = sorted((skew, skew + size_delta))
    first, last = _clamp(low, bound), _clamp(high, bound)
    above, below = max(high, bound) - max(low, bound), min(high, -bound) - min(low, -bound)
    down = -1 if size_delta > 0 else 1
    linear = down * floor_div_signed(down * (first + last) * WAD, 2 * skew_scale)
    area = linear * (last - first) + max_premium * (above - below)
    return down * floor_div_signed(down * area, high - low)


def _clamp(value: int, limit: int) -> int:
    return min(max(value, -limit), limit)


def fill_price(index_price: int, skew: int, size_delta: int, skew_scale: int, max_premium: int) -> int:
    """Return index * (1 + premium), rounded against the trader."""
    if size_delta == 0:
        premium = mark_premium(skew, skew_scale, max_premium)
    else:
        premium = fill_premium(skew, size_delta, skew_scale, max_premium)
    factor = WAD + premium
    return mul_wad_up(index_price, factor) if size_delta > 0 else mul_wad_down(index_price, factor)


def depth(skew_scale: int, index_price: int) -> int:
    """Return the notional that moves the mark price by one percent of the index, rounded down."""
    return mul_wad_down(skew_scale, index_price) // 100


def followed_depth(
    depth: int,
    variance: int,
    reference_variance: int,
    reserves: int,
    reference_reserves: int,
    share_min: int,
) -> int:
    """Return depth that withdraws above a variance and below reserves of the pool, down to a share of it."""
    share = WAD
    if reserves < reference_reserves:
        share = mul_div_down(WAD, reserves, reference_reserves)
    if reference_variance != 0 and variance > reference_variance:
        share = mul_wad_down(share, sqrt_wad(div_wad_down(reference_variance, variance)))
    return mul_wad_down(depth, max(share, share_min))


def pool_assets(reserves: int, total_debt: int, unrealized_pnl: int, unsettled_funding: int) -> int:
    """Return tokens and receivables minus what traders have gained, not below zero."""
    return max(reserves + total_debt - unrealized_pnl + unsettled_funding, 0)


def closing_gain(
    net_size: int, net_entry_notional: int, price: int, skew_scale: int, max_premium: int
) -> int:
    """Return what the traders of a market gain together if their skew is closed now, rounded down."""
    close_price = fill_price(price, net_size, -net_size, skew_scale, max_premium) if net_size else price
    return floor_div_signed(net_size * close_price, WAD) - net_entry_notional


def exit_assets(reserves: int, owed: int, open_debt: int, rounding: int) -> int:
    """Return what shares are worth to those who leave: tokens minus what traders have gained."""
    return max(reserves - rounding - max(owed - open_debt, 0), 0)


def entry_assets(
    reserves: int, total_collateral: int, total_debt: int, pending_deficit: int, gain: int, rounding: int
) -> int:
    """Return what shares cost those who come: tokens and what traders owe and have."""
    limit = reserves + total_collateral + pending_deficit
    return max(min(reserves + total_debt + rounding - gain, limit), 0)


def is_enterable(entry: int, reserves: int) -> bool:
    """Return whether a tenth of the reserves is not owed to traders, so that shares may be minted."""
    return entry * LEAST_FREE_PART >= reserves
