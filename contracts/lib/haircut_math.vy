# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Haircuts of collateral
@custom:contract-name haircut_math
@license Apache-2.0
@author Seawall contributors
@notice What an amount of another asset counts for as margin (mechanisms 9.4):
        haircut = min(1, least + z*sigma*sqrt(horizon) + Y*sigma_day*sqrt(V/D) + k*confidence/P)
        for the value V that an account has of the asset. Haircuts round up, values round down,
        against the account. Twin: `sim/reference/haircut_math.py`, equal to the last bit.
@dev V*(1 - haircut(V)) has a largest value: with b the part of the haircut that does not
     depend on V and s = Y*sigma_day, V*(1 - b - s*sqrt(V/D)) grows until
     V = D*(2*(1 - b)/(3*s))**2 and falls beyond. What an account has beyond that counts for
     nothing instead of less than nothing: adding collateral never lowers what it counts for.
"""

from . import constants
from . import fixed_point
from . import risk_math


@pure
@internal
def _value(units: uint256, scale: uint256, price: uint256) -> uint256:
    """
    @dev Token units at a price.
    @param units Token units, below 2**96.
    @param scale WAD of one token unit: 10**(18 - decimals).
    @param price Price of a whole token (WAD quote), below 2**96.
    @return uint256 Value (WAD quote).
    """
    # NOTE: rounds down, against the account.
    return fixed_point._mul_wad_down(units * scale, price)


@pure
@internal
def _base_haircut(
    haircut_min: uint256,
    z: uint256,
    horizon_seconds: uint256,
    confidence_coefficient: uint256,
    variance: uint256,
    confidence: uint256,
    price: uint256,
) -> uint256:
    """
    @dev The part of the haircut that does not depend on the amount.
    @param haircut_min Least haircut (WAD).
    @param z Standard deviations covered (WAD), at most 1,000.
    @param horizon_seconds Time it takes to sell, at most a year.
    @param confidence_coefficient Haircut per unit of confidence over price (WAD).
    @param variance Annualised variance of the asset (WAD).
    @param confidence Half-width around its price (WAD quote).
    @param price Its price (WAD); zero counts as no confidence at all.
    @return uint256 Haircut (WAD), at most one.
    """
    # NOTE: rounds up, against the account.
    return min(
        haircut_min
        + risk_math._volatility_margin(variance, z, horizon_seconds)
        + risk_math._confidence_margin(confidence, price, confidence_coefficient),
        constants.WAD,
    )


@pure
@internal
def _haircut(
    base: uint256, worth: uint256, depth: uint256, variance: uint256, size_coefficient: uint256
) -> uint256:
    """
    @dev Haircut of an amount.
    @param base The part that does not depend on it (WAD).
    @param worth The amount at its price (WAD quote).
    @param depth Liquidity that a sale meets (WAD quote), positive.
    @param variance Annualised variance of the asset (WAD).
    @param size_coefficient Y (WAD), at most 1,000.
    @return uint256 Haircut (WAD), at most one.
    """
    # NOTE: rounds up, against the account.
    return min(
        base + risk_math._liquidity_margin(worth, depth, variance, size_coefficient),
        constants.WAD,
    )


@pure
@internal
def _largest_counted(
    base: uint256, depth: uint256, variance: uint256, size_coefficient: uint256
) -> uint256:
    """
    @dev Value beyond which more counts for nothing: D*(2*(1 - b)/(3*s))**2.
    @param base The part of the haircut that does not depend on the amount (WAD), at most one.
    @param depth Liquidity that a sale meets (WAD quote), positive.
    @param variance Annualised variance of the asset (WAD).
    @param size_coefficient Y (WAD), at most 1,000.
    @return uint256 Value (WAD quote), at most 1e20 quote.
    """
    slope: uint256 = risk_math._liquidity_margin(depth, depth, variance, size_coefficient)
    if slope == 0:
        return risk_math.MAX_AMOUNT
    twice: uint256 = 2 * (constants.WAD - base)
    thrice: uint256 = 3 * slope
    # NOTE: rounds down, against the account.
    return min(
        fixed_point._mul_div_down(
            min(depth, risk_math.MAX_AMOUNT), twice * twice, thrice * thrice
        ),
        risk_math.MAX_AMOUNT,
    )


@pure
@internal
def _counted_value(
    worth: uint256, base: uint256, depth: uint256, variance: uint256, size_coefficient: uint256
) -> uint256:
    """
    @dev What an amount counts for as margin.
    @param worth The amount at its price (WAD quote).
    @param base The part of the haircut that does not depend on the amount (WAD), at most one.
    @param depth Liquidity that a sale meets (WAD quote), positive.
    @param variance Annualised variance of the asset (WAD).
    @param size_coefficient Y (WAD), at most 1,000.
    @return uint256 Value after the haircut (WAD quote).
    """
    counted: uint256 = min(
        worth, self._largest_counted(base, depth, variance, size_coefficient)
    )
    # NOTE: rounds down, against the account.
    return fixed_point._mul_wad_down(
        counted,
        constants.WAD - self._haircut(base, counted, depth, variance, size_coefficient),
    )
