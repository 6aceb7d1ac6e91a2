# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title State of volatility estimators
@custom:contract-name estimator_state
@license Apache-2.0
@author Seawall contributors
@notice Highs and lows of each market's open bucket, what the closed ones have left behind, what
        is reported, and what is chosen from them.
@dev A bucket begins at the last round of the one before, so that a gap between two buckets
     belongs to the second: its range is a true range. Every step is weighed by the time between
     rounds; who updates, and how often, does not matter to the ranges.

     Five words per market. A read for the registry takes three of them and no parameter.
"""

from ..interfaces import IVolatilityOracle
from ..lib import constants
from ..lib import estimator_math
from ..lib import oracle_math


# One market, unpacked.
struct State:
    high: uint256  # of the open bucket (WAD)
    low: uint256  # of the open bucket (WAD)
    opened_at: uint256  # last round of the bucket before
    last_at: uint256  # last round taken in
    last_price: uint256  # its price (WAD)
    round_id: uint256  # its id
    variance: uint256  # of squared ranges of closed buckets (WAD)
    volatility: uint256  # of the average true range of closed buckets (WAD)
    long_run: uint256  # variance of closed buckets, long memory (WAD)
    ranged: uint256  # the first with the open bucket taken in, at the last update (WAD)
    level: uint256  # variance as limited, at the last update (WAD)
    is_chosen: bool  # whether it stands for the market's
    updated_at: uint256  # of the last update
    valid_until: uint256  # when its choice is forgotten


PRICE_MASK: constant(uint256) = 2**96 - 1
HALF_MASK: constant(uint256) = 2**128 - 1
LEVEL_MASK: constant(uint256) = 2**88 - 1
CLOCK_MASK: constant(uint256) = 2**32 - 1
TIME_MASK: constant(uint256) = 2**39 - 1


# @dev market -> high 96 bits, low 96, opened_at 32, last_at 32.
_buckets: HashMap[uint256, uint256]
# @dev market -> variance of ranges 128 bits, volatility of true ranges 128.
_memories: HashMap[uint256, uint256]
# @dev market -> last price 96 bits, round id 32, variance with the open bucket 88.
_marks: HashMap[uint256, uint256]
# @dev market -> long-run variance 88 bits, level 88, updated_at 39, valid_until 39, flag 1.
_levels: HashMap[uint256, uint256]
# @dev market -> implied variance 88 bits, valid_until 64.
_implied: HashMap[uint256, uint256]


@internal
def _store(market: uint256, state: State):
    """
    @dev Packs a market.
    @param market Market id.
    @param state The market.
    """
    self._buckets[market] = (
        (state.high << 160) | (state.low << 64) | (state.opened_at << 32) | state.last_at
    )
    self._memories[market] = (state.variance << 128) | state.volatility
    self._marks[market] = (
        (state.last_price << 160) | (state.round_id << 128) | state.ranged
    )
    flag: uint256 = 1 if state.is_chosen else 0
    self._levels[market] = (
        (state.long_run << 168)
        | (state.level << 80)
        | (state.updated_at << 41)
        | (state.valid_until << 1)
        | flag
    )


@view
@internal
def _load(market: uint256) -> State:
    """
    @dev Unpacks a market.
    @param market Market id.
    @return State The market as stored.
    """
    bucket: uint256 = self._buckets[market]
    memory: uint256 = self._memories[market]
    mark: uint256 = self._marks[market]
    level: uint256 = self._levels[market]
    return State(
        high=bucket >> 160,
        low=(bucket >> 64) & PRICE_MASK,
        opened_at=(bucket >> 32) & CLOCK_MASK,
        last_at=bucket & CLOCK_MASK,
        last_price=mark >> 160,
        round_id=(mark >> 128) & CLOCK_MASK,
        variance=memory >> 128,
        volatility=memory & HALF_MASK,
        long_run=level >> 168,
        ranged=mark & LEVEL_MASK,
        level=(level >> 80) & LEVEL_MASK,
        is_chosen=level & 1 == 1,
        updated_at=(level >> 41) & TIME_MASK,
        valid_until=(level >> 1) & TIME_MASK,
    )


@pure
@internal
def _fold(
    state: State,
    price: uint256,
    at: uint256,
    parameters: IVolatilityOracle.EstimatorParameters,
) -> State:
    """
    @dev A market with one more round, the last one of its second.
    @param state The market.
    @param price Price of the round (WAD).
    @param at When it was.
    @param parameters Of the market.
    @return State The market; a bucket that is full is closed first.
    """
    result: State = state
    if at <= state.last_at:
        return result
    if at - state.opened_at > parameters.bucket_seconds and state.last_at > state.opened_at:
        result = self._closed(state, parameters)
        result.opened_at = state.last_at
        result.high = state.last_price
        result.low = state.last_price
    result.high = max(result.high, price)
    result.low = min(result.low, price)
    result.last_at = at
    result.last_price = price
    return result


@pure
@internal
def _closed(
    state: State, parameters: IVolatilityOracle.EstimatorParameters
) -> State:
    """
    @dev A market whose open bucket is taken into its memories.
    @param state The market.
    @param parameters Of the market.
    @return State The market.
    """
    if state.last_at == state.opened_at:
        return state
    result: State = state
    elapsed: uint256 = state.last_at - state.opened_at
    log_range: uint256 = estimator_math._log_range(
        state.high, state.low, parameters.max_range
    )
    variance: uint256 = estimator_math._range_variance(log_range, elapsed)
    decay: uint256 = oracle_math._decay(elapsed, parameters.tau_range_seconds)
    result.variance = oracle_math._blend_up(state.variance, variance, decay)
    result.volatility = oracle_math._blend_up(
        state.volatility, estimator_math._range_volatility(log_range, elapsed), decay
    )
    result.long_run = oracle_math._blend_up(
        state.long_run, variance, oracle_math._decay(elapsed, parameters.tau_long_seconds)
    )
    return result


@view
@internal
def _implied_now(market: uint256) -> uint256:
    """
    @dev Implied variance of a market.
    @param market Market id.
    @return uint256 As reported (WAD), 0 if that was too long ago.
    """
    word: uint256 = self._implied[market]
    return word >> 168 if block.timestamp <= word & (2**64 - 1) else 0
