# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Pool pricing arithmetic
@custom:contract-name pool_math
@license Apache-2.0
@author Seawall contributors
@notice Premium of a fill over the index price: linear in the traders' skew up to a clamp,
        averaged over the trade, so that a trip in steps costs what it costs at once.
        Twin: `sim/reference/pool_math.py`, equal to the last bit.
"""

from . import constants
from . import fixed_point


SIGNED_WAD: constant(int256) = 10**18


@pure
@internal
def _mark_premium(skew: int256, skew_scale: uint256, max_premium: uint256) -> int256:
    """
    @dev Premium of the mark price: skew / skew_scale, clamped.
    @param skew Long minus short open interest (WAD base).
    @param skew_scale Skew at a premium of 100 % (WAD base).
    @param max_premium Largest absolute premium (WAD).
    @return int256 Premium (WAD).
    """
    # NOTE: rounds down.
    premium: int256 = fixed_point._floor_div_signed(
        skew * SIGNED_WAD, convert(skew_scale, int256)
    )
    limit: int256 = convert(max_premium, int256)
    return min(max(premium, -limit), limit)


@pure
@internal
def _fill_premium(
    skew: int256, size_delta: int256, skew_scale: uint256, max_premium: uint256
) -> int256:
    """
    @dev Mean of the mark's premium over every skew that a trade passes. The mean of the
         clamped curve, not the clamp of the mean: else steps past the clamp and one trade
         back would leave the trader a gain.
    @param skew Long minus short open interest before the trade (WAD base).
    @param size_delta Signed size of the trade (WAD base), not zero.
    @param skew_scale Skew at a premium of 100 % (WAD base).
    @param max_premium Largest absolute premium (WAD).
    @return int256 Premium (WAD).
    """
    scale: int256 = convert(skew_scale, int256)
    limit: int256 = convert(max_premium, int256)

    # SPLIT: what lies between the skews at which the clamp begins, and what lies beyond
    bound: int256 = scale * limit // SIGNED_WAD
    low: int256 = min(skew, skew + size_delta)
    high: int256 = max(skew, skew + size_delta)
    first: int256 = min(max(low, -bound), bound)
    last: int256 = min(max(high, -bound), bound)
    above: int256 = max(high, bound) - max(low, bound)
    below: int256 = min(high, -bound) - min(low, -bound)

    # MEAN
    # NOTE: a buy rounds up and a sell rounds down, against the trader.
    down: int256 = -1 if size_delta > 0 else 1
    linear: int256 = down * fixed_point._floor_div_signed(
        down * (first + last) * SIGNED_WAD, 2 * scale
    )
    area: int256 = linear * (last - first) + limit * (above - below)
    return down * fixed_point._floor_div_signed(down * area, high - low)


@pure
@internal
def _fill_price(
    index_price: uint256,
    skew: int256,
    size_delta: int256,
    skew_scale: uint256,
    max_premium: uint256,
) -> uint256:
    """
    @dev index * (1 + premium); the mark price if size_delta is zero.
    @param index_price Index price (WAD).
    @param skew Long minus short open interest before the trade (WAD base).
    @param size_delta Signed size of the trade (WAD base).
    @param skew_scale Skew at a premium of 100 % (WAD base).
    @param max_premium Largest absolute premium, below WAD.
    @return uint256 Price (WAD).
    """
    premium: int256 = 0
    if size_delta == 0:
        premium = self._mark_premium(skew, skew_scale, max_premium)
    else:
        premium = self._fill_premium(skew, size_delta, skew_scale, max_premium)
    factor: uint256 = convert(SIGNED_WAD + premium, uint256)
    # NOTE: a buy rounds up, a sell rounds down, against the trader.
    if size_delta > 0:
        return fixed_point._mul_wad_up(index_price, factor)
    return fixed_point._mul_wad_down(index_price, factor)


@pure
@internal
def _depth(skew_scale: uint256, index_price: uint256) -> uint256:
    """
    @dev Notional that moves the mark price by one percent of the index.
    @param skew_scale Skew at a premium of 100 % (WAD base).
    @param index_price Index price (WAD).
    @return uint256 Depth (WAD quote).
    """
    # NOTE: rounds down, less depth asks for more margin.
    return fixed_point._mul_wad_down(skew_scale, index_price) // 100


@pure
@internal
def _pool_assets(
    reserves: uint256, total_debt: uint256, unrealized_pnl: int256, unsettled_funding: int256
) -> uint256:
    """
    @dev What the pool owns: tokens and receivables, minus what it owes to traders.
    @param reserves Booked tokens (WAD quote).
    @param total_debt Negative collateral owed by traders (WAD quote).
    @param unrealized_pnl Of all traders (WAD quote).
    @param unsettled_funding Owed by all traders (WAD quote).
    @return uint256 Assets (WAD quote), not below zero.
    """
    assets: int256 = (
        convert(reserves + total_debt, int256) - unrealized_pnl + unsettled_funding
    )
    return convert(max(assets, 0), uint256)
