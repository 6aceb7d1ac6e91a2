"""Formulas of volatility estimators, bit-exact twin of ``contracts/lib/estimator_math.vy``.

Prices, log ranges, variances and volatilities are WAD integers, times are seconds. Each function returns
what the contract's function of the same name returns.
"""

from collections.abc import Sequence

from sim.reference.fixed_point import (
    WAD,
    ceil_div,
    exp_wad,
    ln_wad,
    mul_wad_down,
    mul_wad_up,
    sqrt_wad_up,
)

YEAR_SECONDS = 31_536_000
HOUR_SECONDS = 3_600
MAX_VARIANCE = 10**26
MIN_VARIANCE = 10**14
SLOTS = 8
SLOT_BITS = 24
SLOT_MASK = 2**24 - 1
MAX_LOG_MOVE = 20 * WAD
FOUR_LN_TWO = 2_772588722239781237
EIGHTH_OF_PI = 392699081698724155


def log_range(high: int, low: int, max_range: int) -> int:
    """ln(high/low) of a bucket, capped."""
    return min(ln_wad(high * WAD // low), max_range)


def range_variance(log_range: int, elapsed: int) -> int:
    """Annualised variance range**2*YEAR/(4*ln(2)*elapsed) of one bucket, rounded up (Parkinson 1980)."""
    return ceil_div(log_range * log_range * YEAR_SECONDS, FOUR_LN_TWO * elapsed)


def range_volatility(log_range: int, elapsed: int) -> int:
    """Annualised volatility range*sqrt(pi/8)*sqrt(YEAR/elapsed) of one bucket, rounded up (Feller 1951)."""
    return sqrt_wad_up(ceil_div(log_range * log_range * YEAR_SECONDS * EIGHTH_OF_PI, WAD * WAD * elapsed))


def largest(estimates: Sequence[int], weights: Sequence[int]) -> int:
    """Return the largest estimate, each times its weight; 0 if all weights are 0."""
    return max(
        mul_wad_up(min(estimate, MAX_VARIANCE), weight)
        for estimate, weight in zip(estimates, weights, strict=True)
    )


def cushioned(variance: int, long_run: int, floor_weight: int, buffer: int) -> int:
    """Variance not below its floor, and with a buffer that may be used up.

    Parameters
    ----------
    long_run
        Long-run level of the variance.
    floor_weight
        Part of it that is the floor (WAD).
    buffer
        Share of margin, the root of variance, that is asked on top while variance is at or below the long
        run, and is used up once it has risen by that much beyond (WAD).
    """
    floored = max(variance, mul_wad_up(long_run, floor_weight))
    factor = mul_wad_up(WAD + buffer, WAD + buffer)
    return max(floored, mul_wad_up(min(floored, long_run), factor))


def limited(previous: int, target: int, elapsed: int, rise_per_hour: int, fall_per_hour: int) -> int:
    """The target, moved toward from before by at most a log rate (WAD an hour)."""
    rate = rise_per_hour if target > previous else fall_per_hour
    move = min(rate * elapsed // HOUR_SECONDS, MAX_LOG_MOVE)
    if target > previous:
        return min(target, mul_wad_down(previous, exp_wad(move)))
    return max(target, mul_wad_up(previous, exp_wad(-move)))


def bounded(variance: int) -> int:
    """Return a variance within what is estimated: from (1 %)**2 to (1,000,000 %)**2."""
    return min(max(variance, MIN_VARIANCE), MAX_VARIANCE)


def rolled(window: int, steps: int, added: int) -> int:
    """Return a rolling window of counts, some slots later and with more in its newest slot."""
    counts = [window >> (SLOT_BITS * slot) & SLOT_MASK for slot in range(SLOTS)]
    counts = ([0] * min(steps, SLOTS) + counts)[:SLOTS]
    counts[0] = min(counts[0] + added, SLOT_MASK)
    return sum(count << (SLOT_BITS * slot) for slot, count in enumerate(counts))


def counted(window: int) -> int:
    """Return the sum of a rolling window's counts."""
    return sum(window >> (SLOT_BITS * slot) & SLOT_MASK for slot in range(SLOTS))


def multiplier(
    previous: int,
    count: int,
    elapsed: int,
    yellow_count: int,
    red_count: int,
    yellow_multiplier: int,
    red_multiplier: int,
    tau: int,
) -> int:
    """Return what margin is multiplied by for how it did (WAD).

    That of the zone at once (green is one), and what it was `elapsed` seconds ago, decaying toward one.
    """
    zone = WAD
    if count >= red_count:
        zone = red_multiplier
    elif count >= yellow_count:
        zone = yellow_multiplier
    return max(zone, WAD + mul_wad_up(previous - WAD, exp_wad(-(elapsed * WAD // tau))))
