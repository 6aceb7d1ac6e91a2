# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle formulas
@custom:contract-name oracle_math
@license Apache-2.0
@author Seawall contributors
@notice Weighted median that no source decides alone, time-aware moving averages of price and
        variance, the limiter of the risk price, the status ladder, settlement prices.
@dev Pure; `sim/reference/oracle_math.py` is the bit-exact twin. Callers keep prices below
     2**96, variances below 2**87 and times below 2**32, and then nothing here overflows.

     The variance recursion weights r**2/dt by 1 - exp(-dt/tau). It is unbiased under any
     spacing of observations, also when they are fired by the size of the move; the
     textbook's fixed weight overstates variance by 2G = 1.83 there (G: Catalan's number).
"""

from . import constants
from . import fixed_point


# Log moves are compared up to this size; a bound above it (a factor 4.9e8) does not bind.
MAX_LOG_MOVE: constant(uint256) = 20 * 10**18
# Powers of ten by which feeds have been off, or whose decimals differ: cents, thousands, 6, 8
# and 12 decimals (18 less 6).
UNIT_POWERS: constant(uint256[5]) = [2, 3, 6, 8, 12]
# A price is off by a power of ten if it is within this factor of it.
UNIT_TOLERANCE: constant(uint256) = 2


@pure
@internal
def _sorted(values: uint256[constants.MAX_REPORTERS], count: uint256) -> uint256[constants.MAX_REPORTERS]:
    """
    @dev The first `count` values in increasing order (insertion sort: at most 7 values).
    @param values Any numbers.
    @param count How many are used.
    @return uint256[7] Sorted copy; entries from `count` on are unchanged.
    """
    result: uint256[constants.MAX_REPORTERS] = values
    for i: uint256 in range(count, bound=constants.MAX_REPORTERS):
        value: uint256 = result[i]
        position: uint256 = i
        for _: uint256 in range(constants.MAX_REPORTERS):
            if position == 0:
                break
            below: uint256 = result[unsafe_sub(position, 1)]
            if below <= value:
                break
            result[position] = below
            position = unsafe_sub(position, 1)
        result[position] = value
    return result


@pure
@internal
def _aggregate(
    prices: uint256[constants.MAX_REPORTERS],
    weights: uint256[constants.MAX_REPORTERS],
    confidences: uint256[constants.MAX_REPORTERS],
    count: uint256,
    previous_price: uint256,
) -> (uint256, uint256):
    """
    @dev What the sources say together, such that one of them, whichever it is, can neither
         take the index out of the range of the others nor widen the confidence beyond it.
         Three sources or more: the lower weighted median, no source weighing more than all
         others less one. Two: the price between theirs that is nearest to the last index,
         as neither can outvote the other. One: its price.
         Confidence: max(median confidence, half the range without the farther extreme). Of
         an even number of confidences the larger middle one counts; two sources have no
         extreme to leave out.
    @param prices Prices (WAD).
    @param weights Weights, each in [1, 2**16).
    @param confidences Half-widths (WAD quote).
    @param count Number of sources, 1 to 7.
    @param previous_price Last index (WAD).
    @return uint256 Index price (WAD).
    @return uint256 Confidence (WAD quote).
    """
    keys: uint256[constants.MAX_REPORTERS] = empty(uint256[constants.MAX_REPORTERS])
    total: uint256 = 0
    heaviest: uint256 = 0
    for i: uint256 in range(count, bound=constants.MAX_REPORTERS):
        keys[i] = (prices[i] << 16) | weights[i]
        total = unsafe_add(total, weights[i])
        heaviest = max(heaviest, weights[i])
    keys = self._sorted(keys, count)
    lowest: uint256 = keys[0] >> 16
    highest: uint256 = keys[unsafe_sub(count, 1)] >> 16

    index_price: uint256 = lowest
    spread: uint256 = unsafe_sub(highest, lowest)
    if count == 2:
        index_price = min(max(previous_price, lowest), highest)
    elif count > 2:
        others: uint256 = unsafe_sub(total, heaviest)
        cap: uint256 = heaviest
        if heaviest >= others:
            cap = unsafe_sub(others, 1)
            total = unsafe_add(others, cap)
        cumulative: uint256 = 0
        for i: uint256 in range(count, bound=constants.MAX_REPORTERS):
            cumulative = unsafe_add(cumulative, min(keys[i] & 65535, cap))
            if unsafe_mul(cumulative, 2) >= total:
                index_price = keys[i] >> 16
                break
        spread = min(
            unsafe_sub(highest, keys[1] >> 16),
            unsafe_sub(keys[unsafe_sub(count, 2)] >> 16, lowest),
        )

    median_confidence: uint256 = self._sorted(confidences, count)[unsafe_div(count, 2)]
    # NOTE: rounds up, against the account.
    return index_price, max(median_confidence, unsafe_div(unsafe_add(spread, 1), 2))


@pure
@internal
def _unit_jump(price: uint256, previous_price: uint256) -> int256:
    """
    @dev The power of ten by which a price is off another, if it looks like a wrong unit.
    @param price Price (WAD).
    @param previous_price Price it is held against (WAD), positive.
    @return int256 Exponent, positive if the price is the larger; 0 for no such jump.
    """
    larger: uint256 = max(price, previous_price)
    smaller: uint256 = min(price, previous_price)
    # Nearly always: nearer than any of the powers.
    if larger < 50 * smaller:
        return 0
    for power: uint256 in UNIT_POWERS:
        unit: uint256 = pow_mod256(10, power)
        if larger * UNIT_TOLERANCE >= smaller * unit and larger <= smaller * unit * UNIT_TOLERANCE:
            if price > previous_price:
                return convert(power, int256)
            return -convert(power, int256)
    return 0


@pure
@internal
def _decay(elapsed: uint256, tau: uint256) -> uint256:
    """
    @dev Weight exp(-elapsed/tau) that the past keeps.
    @param elapsed Time since the last observation (seconds).
    @param tau Memory (seconds), positive.
    @return uint256 Weight in [0, WAD].
    """
    # NOTE: the exponent rounds toward zero: the past keeps more, by less than one unit.
    return fixed_point._exp_wad(-convert(elapsed * constants.WAD // tau, int256))


@pure
@internal
def _observed_variance(
    price: uint256, previous_price: uint256, elapsed: uint256, max_return: uint256
) -> uint256:
    """
    @dev Annualised variance r**2*YEAR/elapsed of one log return, capped at the cap.
    @param price New price (WAD).
    @param previous_price Old price (WAD), positive.
    @param elapsed Time between them (seconds), positive.
    @param max_return Cap of |r| (WAD).
    @return uint256 Variance (WAD).
    """
    ratio: uint256 = max(price * constants.WAD // previous_price, 1)
    log_return: uint256 = min(convert(abs(fixed_point._ln_wad(ratio)), uint256), max_return)
    # NOTE: rounds up, against the account.
    return fixed_point._ceil_div(
        log_return * log_return * constants.YEAR_SECONDS, constants.WAD * elapsed
    )


@pure
@internal
def _blend_up(old: uint256, new: uint256, decay: uint256) -> uint256:
    """
    @dev decay*old + (1 - decay)*new; exactly `old` if both are equal.
    @param old Estimate so far.
    @param new New observation.
    @param decay Weight of the past, in [0, WAD].
    @return uint256 Estimate.
    """
    # NOTE: rounds up, against the account.
    return fixed_point._ceil_div(
        decay * old + unsafe_sub(constants.WAD, decay) * new, constants.WAD
    )


@pure
@internal
def _blend_down(old: uint256, new: uint256, decay: uint256) -> uint256:
    """
    @dev decay*old + (1 - decay)*new; exactly `old` if both are equal.
    @param old Estimate so far.
    @param new New observation.
    @param decay Weight of the past, in [0, WAD].
    @return uint256 Estimate.
    """
    # NOTE: rounds down.
    return (decay * old + unsafe_sub(constants.WAD, decay) * new) // constants.WAD


@pure
@internal
def _bound_squared(
    elapsed: uint256, variance: uint256, horizon: uint256, minimum: uint256, coefficient: uint256
) -> uint256:
    """
    @dev Square of how far a price may move in a time, b*sqrt(elapsed/horizon) in log terms,
         b = max(minimum, coefficient*sqrt(variance*horizon)); squares spare the roots.
    @param elapsed Seconds.
    @param variance Annualised variance (WAD).
    @param horizon Horizon T of the bound (seconds), positive.
    @param minimum Least bound over T (WAD).
    @param coefficient Standard deviations allowed over T (WAD).
    @return uint256 Squared log move (WAD**2).
    """
    # NOTE: rounds down, the bound is never wider than stated.
    return max(
        minimum * minimum,
        coefficient * coefficient * variance * horizon // (constants.YEAR_SECONDS * constants.WAD),
    ) * elapsed // horizon


@pure
@internal
def _limit_price(
    index_price: uint256,
    base_price: uint256,
    elapsed: uint256,
    variance: uint256,
    horizon: uint256,
    minimum: uint256,
    coefficient: uint256,
) -> uint256:
    """
    @dev The index, moved from the base by at most b*sqrt(elapsed/horizon) in log terms,
         b = max(minimum, coefficient*sqrt(variance*horizon)).
    @param index_price Where the price wants to be (WAD).
    @param base_price Where it was `elapsed` seconds ago (WAD), positive.
    @param elapsed Seconds since then.
    @param variance Annualised variance (WAD).
    @param horizon Horizon T of the bound (seconds), positive.
    @param minimum Least bound over T (WAD).
    @param coefficient Standard deviations allowed over T (WAD).
    @return uint256 Risk price (WAD), between the base and the index.
    """
    bound_squared: uint256 = self._bound_squared(elapsed, variance, horizon, minimum, coefficient)

    # |ln(a/b)| <= |a - b|/min(a, b): inside this, no logarithm is needed.
    rising: bool = index_price > base_price
    lower: uint256 = min(index_price, base_price)
    move: uint256 = min(
        unsafe_sub(max(index_price, base_price), lower) * constants.WAD // lower + 1, MAX_LOG_MOVE
    )
    if index_price == base_price or move * move <= bound_squared:
        return index_price

    bound: int256 = convert(isqrt(bound_squared), int256)
    if rising:
        # NOTE: rounds down, toward the base.
        return min(index_price, fixed_point._mul_wad_down(base_price, fixed_point._exp_wad(bound)))
    # NOTE: rounds up, toward the base.
    return max(index_price, fixed_point._mul_wad_up(base_price, fixed_point._exp_wad(-bound)))


@pure
@internal
def _settlement_prices(
    index_price: uint256,
    good_price: uint256,
    confidence: uint256,
    bound_squared: uint256,
    min_price: uint256,
    max_price: uint256,
) -> (uint256, uint256):
    """
    @dev Both ends of where the price may be while the index alone is not good enough: from
         the last good index to the newest one and its confidence, each end moved outwards by
         what the limiter allows for the time in which nothing was heard.
    @param index_price Newest index (WAD).
    @param good_price Last index that was good enough (WAD).
    @param confidence Half-width of the newest (WAD quote).
    @param bound_squared Squared log move since anything was heard (WAD**2), 0 for none.
    @param min_price Price that no report may have, nor be below (WAD).
    @param max_price Price that no report may have, nor be above (WAD).
    @return uint256 Least price (WAD), at which a long is reduced; above zero.
    @return uint256 Largest price (WAD), at which a short is reduced.
    """
    low: uint256 = min(good_price, unsafe_sub(index_price, min(confidence, index_price)))
    high: uint256 = max(good_price, index_price + confidence)
    if bound_squared != 0:
        bound: int256 = convert(min(isqrt(bound_squared), MAX_LOG_MOVE), int256)
        # NOTE: rounds outwards, against the account.
        low = fixed_point._mul_wad_down(low, fixed_point._exp_wad(-bound))
        high = fixed_point._mul_wad_up(high, fixed_point._exp_wad(bound))
    return max(low, max(min_price, 1)), min(high, max_price)


@pure
@internal
def _status(
    index_price: uint256,
    ema_price: uint256,
    confidence: uint256,
    enough_valid: bool,
    enough_minimum: bool,
    max_confidence_ratio: uint256,
    max_divergence: uint256,
) -> uint256:
    """
    @dev The highest rung that applies; NONE is the caller's to decide. A jump of unit is
         TOO_VOLATILE whatever divergence is allowed.
    @param index_price Index (WAD).
    @param ema_price Average the index is held against (WAD).
    @param confidence Half-width (WAD quote).
    @param enough_valid Whether enough sources are fresh for VALID.
    @param enough_minimum Whether enough sources are fresh for a price at all.
    @param max_confidence_ratio Confidence over price above which: UNCERTAIN (WAD).
    @param max_divergence Ratio of index and average above which: TOO_VOLATILE (WAD).
    @return uint256 Status, 0 to 4.
    """
    if max(index_price, ema_price) * constants.WAD > max_divergence * min(index_price, ema_price):
        return constants.STATUS_TOO_VOLATILE
    if self._unit_jump(index_price, ema_price) != 0:
        return constants.STATUS_TOO_VOLATILE
    if not enough_minimum:
        return constants.STATUS_STALE
    if not enough_valid:
        return constants.STATUS_INSUFFICIENT
    if confidence * constants.WAD > max_confidence_ratio * index_price:
        return constants.STATUS_UNCERTAIN
    return constants.STATUS_VALID
