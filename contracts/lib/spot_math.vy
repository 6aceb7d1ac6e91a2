# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Constant product
@custom:contract-name spot_math
@license Apache-2.0
@author Seawall contributors
@notice A swap against two reserves whose product never falls, with a fee on what goes in, and
        how much may be sold by force at one time so that a trade around it does not pay. Token
        units, rounded for the pool. Twin: `sim/reference/spot_math.py`, equal to the last bit.
@dev Why a sale of f*(1 - b)*X does not pay a sandwich. Let f be the fee, g = 1 - f, a what an
     attacker sells before, as a share of the reserve of the asset, u*X the forced sale, X the
     reserve that it finds. Who buys back with what the first sale gave gets
     g**2*(1 + a)*(1 + u)*(1 + g*u)/(1 + g**2*a*(1 + g*u)) of the asset that was sold, which is
     at most one if g**2*(1 + g*u)*(1 + u*(1 + a)) is. With u = f*(1 - b) and
     (1 + a)*(1 - b) <= 1 that is below (1 - f)**2*(1 + f)**2 < 1. The band b sees to the latter:
     a pool that stood at the reference price would else fill below the reference less b.
"""

from . import constants
from . import fixed_point


@pure
@internal
def _amount_out(
    amount_in: uint256, reserve_in: uint256, reserve_out: uint256, fee_rate: uint256
) -> uint256:
    """
    @dev What a swap gives.
    @param amount_in What goes in.
    @param reserve_in Reserve of the same token before, positive.
    @param reserve_out Reserve of the other token before.
    @param fee_rate Share of what goes in that buys nothing (WAD), below one.
    @return uint256 What comes out, below its reserve.
    """
    # NOTE: rounds down twice, for the pool.
    effective: uint256 = fixed_point._mul_wad_down(amount_in, constants.WAD - fee_rate)
    return fixed_point._mul_div_down(effective, reserve_out, reserve_in + effective)


@pure
@internal
def _amount_in(
    amount_out: uint256, reserve_in: uint256, reserve_out: uint256, fee_rate: uint256
) -> uint256:
    """
    @dev The least that gives at least an amount, but for one unit of rounding.
    @param amount_out What must come out.
    @param reserve_in Reserve of what goes in, positive.
    @param reserve_out Reserve of what comes out.
    @param fee_rate Share of what goes in that buys nothing (WAD), below one.
    @return uint256 What must go in, max uint256 if the pool has not as much.
    """
    if amount_out >= reserve_out:
        return max_value(uint256)
    # NOTE: rounds up twice, for the pool.
    effective: uint256 = fixed_point._mul_div_up(
        amount_out, reserve_in, reserve_out - amount_out
    )
    return fixed_point._div_wad_up(effective, constants.WAD - fee_rate)


@pure
@internal
def _least_forced(fee_rate: uint256, band: uint256) -> uint256:
    """
    @dev Least that is sold by force where there is as much: 2/(band - fee) units, of which the
         one that a swap rounds away takes at most half of what the band leaves beyond the fee.
         Fewer of a coarse token would fill below the band, and the debt stay.
    @param fee_rate Fee of the pool (WAD).
    @param band How far below its reference a fill may be (WAD).
    @return uint256 Token units, one if the band leaves nothing.
    """
    if band <= fee_rate:
        return 1
    # NOTE: rounds up, sells more.
    return fixed_point._ceil_div(2 * constants.WAD, band - fee_rate)


@pure
@internal
def _most_forced(reserve: uint256, fee_rate: uint256, band: uint256) -> uint256:
    """
    @dev Most of an asset that may be sold by force at one time: fee*(1 - band)*reserve.
    @param reserve Reserve of the asset.
    @param fee_rate Fee of the pool (WAD).
    @param band How far below its reference a fill may be (WAD), at most one.
    @return uint256 Amount.
    """
    # NOTE: rounds down, sells less.
    return fixed_point._mul_div_down(
        reserve, fixed_point._mul_wad_down(fee_rate, constants.WAD - band), constants.WAD
    )
