# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin arithmetic
@custom:contract-name margin_math
@license Apache-2.0
@author Seawall contributors
@notice Notional, unrealised profit, requirements and the prices they are taken at.
        Twin: `sim/reference/margin_math.py`, equal to the last bit.
"""

from . import constants
from . import fixed_point


SIGNED_WAD: constant(int256) = 10**18


@pure
@internal
def _notional(size: int256, price: uint256) -> uint256:
    """
    @dev |size| * price.
    @param size Signed base units (WAD).
    @param price Price (WAD).
    @return uint256 Notional (WAD quote).
    """
    # NOTE: rounds up, a requirement is never understated.
    return fixed_point._mul_wad_up(convert(abs(size), uint256), price)


@pure
@internal
def _skew_notional(skew: int256, price: uint256) -> int256:
    """
    @dev skew * price, signed.
    @param skew Long minus short open interest (WAD base).
    @param price Price (WAD).
    @return int256 Skew (WAD quote).
    """
    # NOTE: rounds toward zero, the same for a market and its mirror image.
    return skew * convert(price, int256) // SIGNED_WAD


@pure
@internal
def _unrealized_pnl(size: int256, price: uint256, entry_notional: int256) -> int256:
    """
    @dev size * price - entry notional, the same for longs and shorts.
    @param size Signed base units (WAD).
    @param price Price (WAD).
    @param entry_notional Signed cost of the position (WAD quote).
    @return int256 Profit, negative for a loss (WAD quote).
    """
    # NOTE: rounds down, against the account.
    return fixed_point._mul_wad_signed_floor(size, convert(price, int256)) - entry_notional


@pure
@internal
def _entry_cost(size_delta: int256, fill_price: uint256) -> int256:
    """
    @dev What a fill adds to the entry notional: size * price, signed.
    @param size_delta Signed base units (WAD).
    @param fill_price Price (WAD).
    @return int256 Signed cost (WAD quote).
    """
    # NOTE: rounds up, a higher cost is a lower profit on either side.
    return -fixed_point._mul_wad_signed_floor(-size_delta, convert(fill_price, int256))


@pure
@internal
def _released_entry(entry_notional: int256, size: int256, closed: int256) -> int256:
    """
    @dev Share of the entry notional that belongs to the closed part.
    @param entry_notional Signed cost of the position (WAD quote).
    @param size Size of the position before (WAD), not zero.
    @param closed Part of it that closes, same sign, |closed| <= |size|.
    @return int256 Signed cost of the closed part (WAD quote); all of it for a full close.
    """
    if closed == size:
        return entry_notional
    # NOTE: rounds up, against the account; the rest stays in the position.
    return -fixed_point._mul_div_signed_floor(-entry_notional, abs(closed), abs(size))


@pure
@internal
def _realized_pnl(closed: int256, fill_price: uint256, released_entry: int256) -> int256:
    """
    @dev Profit of a close, booked in whole quanta.
    @param closed Signed part of the position that closes (WAD).
    @param fill_price Price (WAD).
    @param released_entry Its cost (WAD quote).
    @return int256 Profit (WAD quote, multiple of the quantum).
    """
    # NOTE: rounds down, against the account.
    return fixed_point._quantize_down(self._unrealized_pnl(closed, fill_price, released_entry))


@pure
@internal
def _requirement(notional: uint256, ratio: uint256) -> uint256:
    """
    @dev notional * ratio.
    @param notional Notional (WAD quote).
    @param ratio Margin ratio (WAD).
    @return uint256 Requirement (WAD quote).
    """
    # NOTE: rounds up, against the account.
    return fixed_point._mul_wad_up(notional, ratio)


@pure
@internal
def _fee(notional: uint256, rate: uint256) -> uint256:
    """
    @dev notional * rate, booked in whole quanta.
    @param notional Notional (WAD quote).
    @param rate Fee rate (WAD).
    @return uint256 Fee (WAD quote, multiple of the quantum).
    """
    # NOTE: rounds up, against the account.
    exact: uint256 = fixed_point._mul_wad_up(notional, rate)
    return convert(fixed_point._quantize_up(convert(exact, int256)), uint256)


@pure
@internal
def _share(amount: uint256, share: uint256) -> uint256:
    """
    @dev amount * share, booked in whole quanta.
    @param amount Amount (WAD quote).
    @param share Share (WAD).
    @return uint256 Part (WAD quote, multiple of the quantum).
    """
    # NOTE: rounds down; what is left over stays with the remaining party.
    part: uint256 = fixed_point._mul_wad_down(amount, share)
    return part - part % constants.QUANTUM


@pure
@internal
def _credited_gain(gain: uint256, weight: uint256, cap: uint256) -> uint256:
    """
    @dev What unrealised gains count for: weighted, then capped (mechanisms 9.4).
    @param gain Sum of the positions' unrealised gains (WAD quote).
    @param weight Weight in [0, WAD].
    @param cap Most credit per account (WAD quote).
    @return uint256 Credit (WAD quote).
    """
    # NOTE: rounds down, against the account.
    return min(fixed_point._mul_wad_down(gain, weight), cap)


@pure
@internal
def _haircut_collateral(collateral: int256, haircut: uint256) -> int256:
    """
    @dev What collateral counts for; a debt counts in full.
    @param collateral Signed collateral (WAD quote).
    @param haircut Fraction that does not count, in [0, WAD].
    @return int256 Value (WAD quote).
    """
    if collateral <= 0 or haircut == 0:
        return collateral
    # NOTE: rounds down, against the account.
    return fixed_point._mul_wad_signed_floor(collateral, SIGNED_WAD - convert(haircut, int256))


@pure
@internal
def _worse_price(size: int256, first: uint256, second: uint256) -> uint256:
    """
    @dev The price at which a position is worth less.
    @param size Signed base units.
    @param first Price (WAD).
    @param second Price (WAD).
    @return uint256 The lower one for a long, the higher one for a short.
    """
    return min(first, second) if size > 0 else max(first, second)


@pure
@internal
def _close_out_impact(size: int256, index_price: uint256, fill_price: uint256) -> uint256:
    """
    @dev What closing the whole position would cost against the index price.
    @param size Signed base units of the position (WAD).
    @param index_price Index price (WAD).
    @param fill_price Price at which it would close (WAD).
    @return uint256 Cost (WAD quote), zero if the fill is better than the index.
    """
    worse: uint256 = 0
    if size > 0 and fill_price < index_price:
        worse = index_price - fill_price
    elif size < 0 and fill_price > index_price:
        worse = fill_price - index_price
    # NOTE: rounds up, against the account.
    return fixed_point._mul_wad_up(convert(abs(size), uint256), worse)
