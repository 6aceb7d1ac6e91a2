"""Ramp of the maintenance ratio on existing positions, twin of ``contracts/lib/ramp_math.vy``."""

from sim.reference.fixed_point import UINT_MAX, WAD, ceil_div, mul_div_up

HOUR_SECONDS = 3_600
MAX_STEP_SECONDS = 600
"""The ramp moves on for at most this long without being touched."""
NO_RAMP = UINT_MAX
"""This rate means that there is no ramp."""


def ramped_ratio(previous: int, target: int, ramp_per_hour: int, elapsed_seconds: int) -> int:
    """Return min(target, previous * (1 + ramp * elapsed)): falls at once, rises slowly, rounded up."""
    if previous == 0 or previous >= target or ramp_per_hour == NO_RAMP:
        return target
    step = min(elapsed_seconds, MAX_STEP_SECONDS)
    return min(target, previous + mul_div_up(previous, ramp_per_hour * step, WAD * HOUR_SECONDS))


def effective_ratio(target: int, base_target: int, ramped_base: int, entry_ratio: int) -> int:
    """Return min(target, max(target * ramped/base, entry ratio)), rounded up."""
    if ramped_base >= base_target:
        return target
    return min(target, max(mul_div_up(target, ramped_base, base_target), entry_ratio))


def blended_ratio(old_size: int, old_ratio: int, added_size: int, target: int) -> int:
    """Return the size-weighted mean of the old ratio and the target of what is added, rounded up."""
    return ceil_div(old_size * old_ratio + added_size * target, old_size + added_size)
