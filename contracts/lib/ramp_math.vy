# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Ramp arithmetic
@custom:contract-name ramp_math
@license Apache-2.0
@author Seawall contributors
@notice How fast a risen maintenance ratio reaches existing positions (mechanisms 9.3).
        Twin: `sim/reference/ramp_math.py`, equal to the last bit.
"""

from . import constants
from . import fixed_point


# The ramp moves on for at most this long without being touched.
MAX_STEP_SECONDS: constant(uint256) = 600
# This rate means that there is no ramp.
NO_RAMP: constant(uint256) = max_value(uint256)


@pure
@internal
def _ramped_ratio(
    previous: uint256, target: uint256, ramp_per_hour: uint256, elapsed_seconds: uint256
) -> uint256:
    """
    @dev min(target, previous * (1 + ramp * elapsed/1 h)): falls at once, rises slowly.
    @param previous Ramped ratio at the last touch (WAD), 0 before the first.
    @param target Base ratio of the model now (WAD).
    @param ramp_per_hour Relative growth (WAD), max uint256 for no ramp.
    @param elapsed_seconds Since the last touch; no more than ten minutes count.
    @return uint256 Ramped ratio (WAD).
    """
    if previous == 0 or previous >= target or ramp_per_hour == NO_RAMP:
        return target
    step: uint256 = min(elapsed_seconds, MAX_STEP_SECONDS)
    # NOTE: rounds up, against the account.
    growth: uint256 = fixed_point._mul_div_up(
        previous, ramp_per_hour * step, constants.WAD * constants.HOUR_SECONDS
    )
    return min(target, previous + growth)


@pure
@internal
def _effective_ratio(
    target: uint256, base_target: uint256, ramped_base: uint256, entry_ratio: uint256
) -> uint256:
    """
    @dev min(target, max(target * ramped/base, entry ratio)).
    @param target Model's ratio at the position's notional (WAD).
    @param base_target Model's ratio at zero notional (WAD).
    @param ramped_base What the ramp lets through of it (WAD), not above it.
    @param entry_ratio Ratio the position was opened at (WAD).
    @return uint256 Ratio the position must hold (WAD).
    """
    if ramped_base >= base_target:
        return target
    # NOTE: rounds up, against the account.
    ramped: uint256 = fixed_point._mul_div_up(target, ramped_base, base_target)
    return min(target, max(ramped, entry_ratio))


@pure
@internal
def _blended_ratio(
    old_size: uint256, old_ratio: uint256, added_size: uint256, target: uint256
) -> uint256:
    """
    @dev Size-weighted mean: what is added gets no free ride on the ramp.
    @param old_size Magnitude before (WAD base).
    @param old_ratio Effective ratio before (WAD).
    @param added_size Magnitude added (WAD base), not zero.
    @param target Model's ratio now (WAD).
    @return uint256 Entry ratio of the whole (WAD).
    """
    weighted: uint256 = old_size * old_ratio + added_size * target
    # NOTE: rounds up, against the account.
    return fixed_point._ceil_div(weighted, old_size + added_size)
