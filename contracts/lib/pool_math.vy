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
# Shares are minted while at least this part of the reserves is not the traders'.
LEAST_FREE_PART: constant(uint256) = 10


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
def _followed_depth(
    depth: uint256,
    variance: uint256,
    reference_variance: uint256,
    reserves: uint256,
    reference_reserves: uint256,
    share_min: uint256,
) -> uint256:
    """
    @dev Depth that withdraws: inversely with volatility above its reference, and with what the
         pool has left below its reference. Never more than is quoted.
    @param depth Depth that is quoted (WAD quote).
    @param variance Annualised variance (WAD).
    @param reference_variance Variance up to which all of it is believed (WAD), 0 for any.
    @param reserves Tokens of the pool (WAD quote).
    @param reference_reserves Reserves from which all of it is believed (WAD quote), 0 for any.
    @param share_min Share of the depth that is always believed (WAD), at most one.
    @return uint256 Depth (WAD quote).
    """
    # NOTE: rounds down at each step, less depth asks for more margin.
    share: uint256 = constants.WAD
    if reserves < reference_reserves:
        share = fixed_point._mul_div_down(constants.WAD, reserves, reference_reserves)
    if reference_variance != 0 and variance > reference_variance:
        calm: uint256 = fixed_point._div_wad_down(reference_variance, variance)
        share = fixed_point._mul_wad_down(share, fixed_point._sqrt_wad(calm))
    return fixed_point._mul_wad_down(depth, max(share, share_min))


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


@pure
@internal
def _closing_gain(
    net_size: int256,
    net_entry_notional: int256,
    price: uint256,
    skew_scale: uint256,
    max_premium: uint256,
) -> int256:
    """
    @dev What the traders of a market would gain together if their skew were closed now. At
         the price that the close would get: whoever opens pays a premium that a close gives
         back, so at the index alone a trade would move what shares are worth.
    @param net_size Long minus short open interest (WAD base).
    @param net_entry_notional Entry notional of all positions (WAD quote).
    @param price Index or average price (WAD).
    @param skew_scale Skew at a premium of 100 % (WAD base).
    @param max_premium Largest absolute premium (WAD).
    @return int256 Gain (WAD quote), rounded down by less than a token unit.
    """
    close_price: uint256 = price
    if net_size != 0:
        close_price = self._fill_price(price, net_size, -net_size, skew_scale, max_premium)
    value: int256 = fixed_point._floor_div_signed(
        net_size * convert(close_price, int256), SIGNED_WAD
    )
    return value - net_entry_notional


@pure
@internal
def _exit_assets(
    reserves: uint256, owed: uint256, open_debt: uint256, rounding: uint256
) -> uint256:
    """
    @dev What shares are worth to those who leave: tokens, minus what the traders have
         gained. What traders owe is not there yet; it only lessens what they are owed.
    @param reserves Booked tokens (WAD quote).
    @param owed Traders' gains, of the markets in which they have gained (WAD quote).
    @param open_debt Negative collateral of traders with positions (WAD quote).
    @param rounding What the gains may be rounded down by (WAD quote).
    @return uint256 Assets (WAD quote), not below zero.
    """
    liability: uint256 = rounding
    if owed > open_debt:
        liability += owed - open_debt
    if liability >= reserves:
        return 0
    return unsafe_sub(reserves, liability)


@pure
@internal
def _entry_assets(
    reserves: uint256,
    total_collateral: uint256,
    total_debt: uint256,
    pending_deficit: uint256,
    gain: int256,
    rounding: uint256,
) -> uint256:
    """
    @dev What shares cost those who come: tokens and all that traders owe, as far as they have
         collateral to pay it from.
    @param reserves Booked tokens (WAD quote).
    @param total_collateral Positive collateral of all traders (WAD quote).
    @param total_debt Negative collateral of all traders (WAD quote).
    @param pending_deficit The part of it that the fund may still pay (WAD quote).
    @param gain Traders' gains, of all markets together (WAD quote).
    @param rounding What the gains may be rounded up by (WAD quote).
    @return uint256 Assets (WAD quote), not below zero.
    """
    limit: int256 = convert(reserves + total_collateral + pending_deficit, int256)
    assets: int256 = convert(reserves + total_debt + rounding, int256) - gain
    return convert(max(min(assets, limit), 0), uint256)


@pure
@internal
def _is_enterable(entry_assets: uint256, reserves: uint256) -> bool:
    """
    @dev Whether the pool may mint shares: not while nearly all its tokens are owed to traders,
         when a little money would buy the pool and a turn of the price would fill it.
    @param entry_assets What shares cost together (WAD quote).
    @param reserves Booked tokens (WAD quote).
    @return bool True if a tenth of the reserves is free.
    """
    return entry_assets * LEAST_FREE_PART >= reserves
