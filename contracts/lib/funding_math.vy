# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Funding arithmetic
@custom:contract-name funding_math
@license Apache-2.0
@author Seawall contributors
@notice Hourly rate from the premium, growth of the index, what a position owes
        (mechanisms 9.12). Twin: `sim/reference/funding_math.py`, equal to the last bit.
"""

from . import constants
from . import fixed_point


SIGNED_WAD: constant(int256) = 10**18


@pure
@internal
def _funding_rate(
    premium: int256,
    coefficient: uint256,
    margin_coefficient: uint256,
    max_rate: uint256,
    initial_ratio: uint256,
    maintenance_ratio: uint256,
) -> int256:
    """
    @dev premium * coefficient within +-min(max_rate, margin_coefficient * (im - mm)).
    @param premium Of the mark over the index price (WAD).
    @param coefficient Hourly rate per unit of premium (WAD).
    @param margin_coefficient Hourly cap per unit of initial minus maintenance ratio (WAD).
    @param max_rate Absolute hourly cap (WAD).
    @param initial_ratio Base initial ratio (WAD).
    @param maintenance_ratio Base maintenance ratio, not above the initial one (WAD).
    @return int256 Hourly rate (WAD), positive: longs pay.
    """
    # NOTE: rounds toward zero, neither side is favoured.
    rate: int256 = premium * convert(coefficient, int256) // SIGNED_WAD
    # NOTE: rounds down, a tighter cap.
    margin_cap: uint256 = fixed_point._mul_wad_down(
        initial_ratio - maintenance_ratio, margin_coefficient
    )
    limit: int256 = convert(min(max_rate, margin_cap), int256)
    return min(max(rate, -limit), limit)


@pure
@internal
def _index_growth(rate: int256, index_price: uint256, elapsed_seconds: uint256) -> int256:
    """
    @dev rate * price * elapsed / 1 h: quote per unit of base.
    @param rate Hourly rate (WAD).
    @param index_price Index price (WAD).
    @param elapsed_seconds Seconds since the last accrual.
    @return int256 Growth of the funding index (WAD quote per base unit).
    """
    product: int256 = rate * convert(index_price, int256) * convert(elapsed_seconds, int256)
    # NOTE: rounds toward zero, neither side is favoured: below one WAD unit per accrual.
    return product // (SIGNED_WAD * convert(constants.HOUR_SECONDS, int256))


@pure
@internal
def _funding_owed(size: int256, index_growth: int256) -> int256:
    """
    @dev size * growth of the index since the position's last settlement.
    @param size Signed base units (WAD).
    @param index_growth Growth (WAD quote per base unit).
    @return int256 Owed by the account (WAD quote), negative if it receives.
    """
    # NOTE: rounds up, against the account.
    return -fixed_point._mul_wad_signed_floor(-size, index_growth)


@pure
@internal
def _funding_payment(size: int256, index_growth: int256) -> int256:
    """
    @dev What is booked at a settlement: `_funding_owed` in whole quanta.
    @param size Signed base units (WAD).
    @param index_growth Growth (WAD quote per base unit).
    @return int256 Paid by the account (WAD quote, multiple of the quantum).
    """
    # NOTE: rounds up, against the account.
    return fixed_point._quantize_up(self._funding_owed(size, index_growth))


@pure
@internal
def _unsettled_funding(net_size: int256, funding_index: int256, net_funding_index: int256) -> int256:
    """
    @dev What all positions of a market owe together, from two exact sums.
    @param net_size Long minus short open interest (WAD base).
    @param funding_index Index now (WAD quote per base unit).
    @param net_funding_index Sum of size times index at settlement (WAD * WAD).
    @return int256 Owed by traders to the pool (WAD quote).
    """
    # NOTE: rounds down, the pool's claim is not overstated.
    return fixed_point._floor_div_signed(net_size * funding_index - net_funding_index, SIGNED_WAD)
