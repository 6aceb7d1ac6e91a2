# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle formulas
@custom:contract-name oracle_math
@license Apache-2.0
@author Seawall contributors
@notice Weighted median of sources, time-aware moving averages of price and variance, the
        limiter of the risk price, and the status ladder.
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
) -> (uint256, uint256):
    """
    @dev Lower weighted median of the prices, and max(median confidence, half the range).
         Of an even number of confidences the larger middle one counts.
    @param prices Prices (WAD).
    @param weights Weights, each in [1, 2**16).
    @param confidences Half-widths (WAD quote).
    @param count Number of sources, 1 to 7.
    @return uint256 Index price (WAD).
    @return uint256 Confidence (WAD quote).
    """
    keys: uint256[constants.MAX_REPORTERS] = empty(uint256[constants.MAX_REPORTERS])
    total: uint256 = 0
    for i: uint256 in range(count, bound=constants.MAX_REPORTERS):
        keys[i] = (prices[i] << 16) | weights[i]
        total = unsafe_add(total, weights[i])
    keys = self._sorted(keys, count)

    index_price: uint256 = 0
    cumulative: uint256 = 0
    for i: uint256 in range(count, bound=constants.MAX_REPORTERS):
        cumulative = unsafe_add(cumulative, keys[i] & 65535)
        if unsafe_mul(cumulative, 2) >= total:
            index_price = keys[i] >> 16
            break

    median_confidence: uint256 = self._sorted(confidences, count)[unsafe_div(count, 2)]
    # NOTE: rounds up, against the account.
    spread: uint256 = unsafe_sub(keys[unsafe_sub(count, 1)] >> 16, keys[0] >> 16)
    return index_price, max(median_confidence, unsafe_div(unsafe_add(spread, 1), 2))


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
    # Squared bounds, in WAD**2, spare the roots.
    # NOTE: rounds down, the bound is never wider than stated.
    bound_squared: uint256 = max(
        minimum * minimum,
        coefficient * coefficient * variance * horizon // (constants.YEAR_SECONDS * constants.WAD),
    ) * elapsed // horizon

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
    @dev The highest rung that applies; NONE is the caller's to decide.
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
    if not enough_minimum:
        return constants.STATUS_STALE
    if not enough_valid:
        return constants.STATUS_INSUFFICIENT
    if confidence * constants.WAD > max_confidence_ratio * index_price:
        return constants.STATUS_UNCERTAIN
    return constants.STATUS_VALID
