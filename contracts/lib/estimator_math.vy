# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Formulas of volatility estimators
@custom:contract-name estimator_math
@license Apache-2.0
@author Seawall contributors
@notice Variance from highs and lows, the largest of several estimates, a floor and a buffer from
        the long run, limits to how fast an estimate may move.
@dev Pure; `sim/reference/estimator_math.py` is the bit-exact twin. Callers keep prices below
     2**96, variances below 2**87 and times below 2**32, and then nothing here overflows.

     Highs and lows of a bucket are those of a Brownian path seen at its rounds. For a path seen
     always, E[ln(high/low)**2] = 4*ln(2)*variance*time (Parkinson 1980) and
     E[ln(high/low)] = sqrt(8/pi)*volatility*sqrt(time) (Feller 1951). Seen n times a bucket, the
     range is short by about 2*0.5826/sqrt(n) standard deviations of the bucket (Broadie,
     Glasserman and Kou 1997): at 300 rounds an hour the variance is 8 % too low. A margin that
     must not be has a weight above one.
"""

from . import constants
from . import fixed_point


# Largest and least variance that is estimated (WAD, annualised): a volatility of 1,000,000 %, and
# one of 1 %, from which a limited estimate can rise again.
MAX_VARIANCE: constant(uint256) = 10**26
MIN_VARIANCE: constant(uint256) = 10**14
# A rolling window of counts: slots in one word, the newest lowest.
SLOTS: constant(uint256) = 8
SLOT_BITS: constant(uint256) = 24
SLOT_MASK: constant(uint256) = 2**24 - 1
WINDOW_MASK: constant(uint256) = 2**192 - 1
# Log moves are limited up to this size (a factor 4.9e8).
MAX_LOG_MOVE: constant(uint256) = 20 * 10**18
# 4*ln(2) and pi/8 (WAD).
FOUR_LN_TWO: constant(uint256) = 2_772588722239781237
EIGHTH_OF_PI: constant(uint256) = 392699081698724155


@pure
@internal
def _log_range(high: uint256, low: uint256, max_range: uint256) -> uint256:
    """
    @dev ln(high/low), capped.
    @param high Largest price of a bucket (WAD), not below the least.
    @param low Least price of it (WAD), positive.
    @param max_range Cap (WAD).
    @return uint256 Range (WAD), 0 or more.
    """
    # NOTE: rounds to the nearest; the ratio rounds down by less than one unit.
    return min(
        convert(fixed_point._ln_wad(high * constants.WAD // low), uint256), max_range
    )


@pure
@internal
def _range_variance(log_range: uint256, elapsed: uint256) -> uint256:
    """
    @dev Annualised variance range**2*YEAR/(4*ln(2)*elapsed) of one bucket (Parkinson).
    @param log_range Log range of the bucket (WAD), at most one.
    @param elapsed Its length (seconds), positive.
    @return uint256 Variance (WAD).
    """
    # NOTE: rounds up, against the account.
    return fixed_point._ceil_div(
        log_range * log_range * constants.YEAR_SECONDS, FOUR_LN_TWO * elapsed
    )


@pure
@internal
def _range_volatility(log_range: uint256, elapsed: uint256) -> uint256:
    """
    @dev Annualised volatility range*sqrt(pi/8)*sqrt(YEAR/elapsed) of one bucket: what an
         average true range is an average of.
    @param log_range Log range of the bucket (WAD), at most one.
    @param elapsed Its length (seconds), positive.
    @return uint256 Volatility (WAD).
    """
    # NOTE: rounds up twice, against the account.
    return fixed_point._sqrt_wad_up(
        fixed_point._ceil_div(
            log_range * log_range * constants.YEAR_SECONDS * EIGHTH_OF_PI,
            constants.WAD * constants.WAD * elapsed,
        )
    )


@pure
@internal
def _largest(estimates: uint256[5], weights: uint256[5]) -> uint256:
    """
    @dev The largest estimate, each times its weight.
    @param estimates Variances (WAD).
    @param weights Weights (WAD), at most ten; 0 leaves an estimate out.
    @return uint256 Variance (WAD), 0 if all are left out.
    """
    result: uint256 = 0
    for i: uint256 in range(5):
        # NOTE: rounds up, against the account.
        result = max(
            result, fixed_point._mul_wad_up(min(estimates[i], MAX_VARIANCE), weights[i])
        )
    return result


@pure
@internal
def _cushioned(
    variance: uint256, long_run: uint256, floor_weight: uint256, buffer: uint256
) -> uint256:
    """
    @dev Variance not below its floor, and with a buffer that may be used up: a margin is by
         `buffer` larger than asked while variance is at or below the long run, stays where it
         is while variance rises by that much beyond, and is what is asked from there on.
    @param variance Annualised variance (WAD).
    @param long_run Its long-run level (WAD).
    @param floor_weight Part of the long-run level that is the floor (WAD).
    @param buffer Share of margin, the root of variance (WAD).
    @return uint256 Variance (WAD).
    """
    # NOTE: rounds up three times, against the account.
    floored: uint256 = max(variance, fixed_point._mul_wad_up(long_run, floor_weight))
    factor: uint256 = fixed_point._mul_wad_up(constants.WAD + buffer, constants.WAD + buffer)
    return max(floored, fixed_point._mul_wad_up(min(floored, long_run), factor))


@pure
@internal
def _limited(
    previous: uint256,
    target: uint256,
    elapsed: uint256,
    rise_per_hour: uint256,
    fall_per_hour: uint256,
) -> uint256:
    """
    @dev The target, moved toward from before by at most a rate; in log terms, so that how
         often it is asked does not matter.
    @param previous Variance `elapsed` seconds ago (WAD), positive.
    @param target Where it wants to be (WAD).
    @param elapsed Seconds since then.
    @param rise_per_hour Largest log rise in an hour (WAD).
    @param fall_per_hour Largest log fall in an hour (WAD).
    @return uint256 Variance (WAD), between before and target.
    """
    rate: uint256 = rise_per_hour if target > previous else fall_per_hour
    move: int256 = convert(
        min(rate * elapsed // constants.HOUR_SECONDS, MAX_LOG_MOVE), int256
    )
    if target > previous:
        # NOTE: rounds down, toward before.
        return min(target, fixed_point._mul_wad_down(previous, fixed_point._exp_wad(move)))
    # NOTE: rounds up, toward before.
    return max(target, fixed_point._mul_wad_up(previous, fixed_point._exp_wad(-move)))


@pure
@internal
def _bounded(variance: uint256) -> uint256:
    """
    @dev A variance within what is estimated.
    @param variance Annualised variance (WAD).
    @return uint256 Variance (WAD), from (1 %)**2 to (1,000,000 %)**2.
    """
    return min(max(variance, MIN_VARIANCE), MAX_VARIANCE)


@pure
@internal
def _rolled(window: uint256, steps: uint256, added: uint256) -> uint256:
    """
    @dev A rolling window of counts, some slots later and with more in its newest slot.
    @param window Counts by slot.
    @param steps Slots that have begun since.
    @param added What is counted now; a slot holds up to 16 million.
    @return uint256 Counts by slot; what is older than the window is gone.
    """
    result: uint256 = 0
    if steps < SLOTS:
        result = (window << (SLOT_BITS * steps)) & WINDOW_MASK
    newest: uint256 = result & SLOT_MASK
    return result - newest + min(newest + min(added, SLOT_MASK), SLOT_MASK)


@pure
@internal
def _counted(window: uint256) -> uint256:
    """
    @dev What a rolling window holds.
    @param window Counts by slot.
    @return uint256 Their sum.
    """
    total: uint256 = 0
    for i: uint256 in range(SLOTS):
        total += (window >> (SLOT_BITS * i)) & SLOT_MASK
    return total


@pure
@internal
def _multiplier(
    previous: uint256,
    count: uint256,
    elapsed: uint256,
    yellow_count: uint256,
    red_count: uint256,
    yellow_multiplier: uint256,
    red_multiplier: uint256,
    tau: uint256,
) -> uint256:
    """
    @dev What margin is multiplied by for how it did: that of the zone at once, and what it was
         before, decaying toward one.
    @param previous Multiplier `elapsed` seconds ago (WAD), one or more.
    @param count Exceptions in the window.
    @param elapsed Seconds.
    @param yellow_count Exceptions from which the zone is yellow; fewer are green.
    @param red_count Exceptions from which it is red.
    @param yellow_multiplier Multiplier of yellow (WAD).
    @param red_multiplier Multiplier of red (WAD).
    @param tau Time in which what is above one falls to 1/e (seconds), positive.
    @return uint256 Multiplier (WAD), one or more.
    """
    zone: uint256 = constants.WAD
    if count >= red_count:
        zone = red_multiplier
    elif count >= yellow_count:
        zone = yellow_multiplier
    # NOTE: rounds up, against the account; the exponent as in `oracle_math._decay`.
    kept: uint256 = fixed_point._mul_wad_up(
        previous - constants.WAD,
        fixed_point._exp_wad(-convert(elapsed * constants.WAD // tau, int256)),
    )
    return max(zone, constants.WAD + kept)
