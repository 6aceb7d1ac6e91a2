# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Covariance arithmetic
@custom:contract-name covariance_math
@license Apache-2.0
@author Seawall contributors
@notice Correlation of two markets from their returns over the same times: moving averages of both
        variances and of the covariance, and a limit to how fast it falls.
@dev Pure; `sim/reference/covariance_math.py` is the bit-exact twin. Callers keep prices below
     2**96, returns within a half and times from one to 2**32 seconds, and then nothing here
     overflows: an annualised product is below 2**83.

     The averages start at zero and share their weights, which cancel in a correlation: it needs no
     first value. Variances are those of `oracle_math`, weighed by time.
"""

from . import constants
from . import fixed_point


SIGNED_WAD: constant(int256) = 10**18
SIGNED_YEAR: constant(int256) = 31_536_000
# Least variance whose market says anything (WAD, annualised): a volatility of 1 %.
LEAST_VARIANCE: constant(uint256) = 10**14


@pure
@internal
def _log_return(price: uint256, previous_price: uint256, max_return: uint256) -> int256:
    """
    @dev ln(price/previous), capped on both sides.
    @param price New price (WAD).
    @param previous_price Old price (WAD), positive.
    @param max_return Cap (WAD).
    @return int256 Return (WAD).
    """
    # NOTE: as `oracle_math._observed_variance` rounds.
    ratio: uint256 = max(price * constants.WAD // previous_price, 1)
    cap: int256 = convert(max_return, int256)
    return min(max(fixed_point._ln_wad(ratio), -cap), cap)


@pure
@internal
def _observed_covariance(first: int256, second: int256, elapsed: uint256) -> int256:
    """
    @dev Annualised product first*second*YEAR/elapsed of two returns.
    @param first Return of one market (WAD).
    @param second Return of the other over the same time (WAD).
    @param elapsed That time (seconds), positive.
    @return int256 Covariance (WAD).
    """
    # NOTE: rounds down, against the account: less correlation offsets less.
    return fixed_point._floor_div_signed(
        first * second * SIGNED_YEAR, SIGNED_WAD * convert(elapsed, int256)
    )


@pure
@internal
def _blend_floor(old: int256, new: int256, decay: uint256) -> int256:
    """
    @dev decay*old + (1 - decay)*new; exactly `old` if both are equal.
    @param old Estimate so far.
    @param new New observation.
    @param decay Weight of the past, in [0, WAD].
    @return int256 Estimate.
    """
    kept: int256 = convert(decay, int256)
    # NOTE: rounds down, against the account.
    return fixed_point._floor_div_signed(kept * old + (SIGNED_WAD - kept) * new, SIGNED_WAD)


@pure
@internal
def _correlation(first: uint256, second: uint256, covariance: int256) -> int256:
    """
    @dev covariance/sqrt(first*second), from -1 to 1; 1 if one of them hardly moves: that says
         nothing against what is stated, and what rounding leaves of a covariance would.
    @param first Variance of one market (WAD).
    @param second Variance of the other (WAD).
    @param covariance Their covariance (WAD).
    @return int256 Correlation (WAD).
    """
    if min(first, second) < LEAST_VARIANCE:
        return SIGNED_WAD
    root: uint256 = isqrt(first * second)
    # NOTE: rounds down twice, against the account: nearer to zero above it, farther below it.
    if covariance > 0 and root * root < first * second:
        root += 1
    quotient: int256 = fixed_point._floor_div_signed(
        covariance * SIGNED_WAD, convert(root, int256)
    )
    return min(max(quotient, -SIGNED_WAD), SIGNED_WAD)


@pure
@internal
def _limited_fall(
    previous: int256, target: int256, elapsed: uint256, fall_per_hour: uint256
) -> int256:
    """
    @dev The target, but no farther below what it was than a rate allows; a rise is free, as what
         is stated caps it.
    @param previous Correlation `elapsed` seconds ago (WAD).
    @param target Where it wants to be (WAD).
    @param elapsed Seconds since then.
    @param fall_per_hour Largest fall in an hour (WAD).
    @return int256 Correlation (WAD).
    """
    # NOTE: rounds up, toward before.
    return max(
        target, previous - convert(fall_per_hour * elapsed // constants.HOUR_SECONDS, int256)
    )
