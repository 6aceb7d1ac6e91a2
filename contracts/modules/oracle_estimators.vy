# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle estimators
@custom:contract-name oracle_estimators
@license Apache-2.0
@author Seawall contributors
@notice Rounds of the index, and what is estimated from them: fast and slow variance, the
        average price, the risk price; the last index that was good enough to settle at.
@dev Estimators advance once per timestamp. The last round of a timestamp is an
     observation if two sources have reported since the last one (one, where one alone is
     fresh); it is stored when a round with a later timestamp arrives, so neither the
     number of reporters nor their order can change what is estimated. Until then, reads
     fold it in without storing it.

     Why two: the median of few sources lies between the reports of two honest ones, and one
     dishonest source can throw it from one to the other and back in every block. Each throw
     would be a return; as no observation, it is none.

     Four words per asset: the newest round (in the ring), the head, the variances, the
     averages. A round within the same timestamp writes two of them, the first round after
     an observation all four. A fifth is written when rounds stop being good.
"""

from ..interfaces import IPriceOracle
from ..lib import constants
from ..lib import oracle_math
from . import oracle_parameters
from . import oracle_sources
uses: oracle_parameters


# One asset, unpacked.
struct Estimate:
    round_id: uint256  # newest round
    index_price: uint256  # of the newest round
    confidence: uint256  # of the newest round
    updated_at: uint256  # of the newest round
    minimum_until: uint256  # of the newest round
    valid_until: uint256  # of the newest round
    risk_price: uint256  # of the newest round
    observed_price: uint256  # last stored observation
    observed_at: uint256  # its timestamp
    base_price: uint256  # risk price at that timestamp
    ema_price: uint256  # as of that timestamp
    variance_fast: uint256  # as of that timestamp
    variance_slow: uint256  # as of that timestamp
    is_observation: bool  # whether enough sources have reported since that timestamp
    is_good: bool  # whether the newest round was made at `settle_status` or better
    is_taken_in: bool  # whether an observation was that is not stored yet


# One past round.
struct Round:
    index_price: uint256
    confidence: uint256
    updated_at: uint256


# Rounds kept for audit.
ROUNDS: constant(uint256) = 256
VALUE_MASK: constant(uint256) = 2**96 - 1
HALF_MASK: constant(uint256) = 2**128 - 1
TIME_MASK: constant(uint256) = 2**32 - 1
# Two flags above the id of the newest round.
ID_MASK: constant(uint256) = 2**30 - 1
OBSERVATION: constant(uint256) = 2**30
NOT_GOOD: constant(uint256) = 2**31
# Reporters that an observation needs: one of them may be dishonest.
HEARD: constant(uint256) = 2
# Starting variance may not exceed this (WAD, annualised): a volatility of 1,000,000 %.
MAX_VARIANCE: constant(uint256) = 10**26


# @dev asset -> ring of rounds: index 96 bits, confidence 96, time 32, minimum_until 32.
_rounds: uint256[ROUNDS][constants.MAX_MARKETS]
# @dev asset -> observed price 96 bits, risk price 96, valid_until 32, flags 2, round id 30.
_heads: uint256[constants.MAX_MARKETS]
# @dev asset -> fast variance 128 bits, slow variance 128.
_variances: uint256[constants.MAX_MARKETS]
# @dev asset -> average price 96 bits, base of the risk price 96, time of observation 64.
_averages: uint256[constants.MAX_MARKETS]
# @dev asset -> index of the last good round, of use while the newest one is not.
_good_prices: uint256[constants.MAX_MARKETS]


@view
@external
@reentrant
def round(asset: uint256, round_id: uint256) -> Round:
    """
    @notice A past round, for audit. The last 256 are kept.
    @param asset Asset id.
    @param round_id Round id, from 1.
    @return Round All zero if the round does not exist or is no longer kept.
    """
    newest: uint256 = self._heads[asset] & ID_MASK
    if round_id == 0 or round_id > newest or round_id + ROUNDS <= newest:
        return empty(Round)
    word: uint256 = self._rounds[asset][round_id % ROUNDS]
    return Round(
        index_price=word >> 160,
        confidence=(word >> 64) & VALUE_MASK,
        updated_at=(word >> 32) & TIME_MASK,
    )


@internal
def _start(asset: uint256, price: uint256, variance_fast: uint256, variance_slow: uint256):
    """
    @dev Seeds an asset's estimators; the seed is an observation, but not a round.
    @param asset Asset id.
    @param price First price (WAD).
    @param variance_fast First fast variance (WAD).
    @param variance_slow First slow variance (WAD).
    """
    assert price > oracle_parameters.PARAMETERS.min_price, "oracle: price at minimum"
    assert price < oracle_parameters.PARAMETERS.max_price, "oracle: price at maximum"
    assert max(variance_fast, variance_slow) <= MAX_VARIANCE, "oracle: variance too large"
    self._heads[asset] = (price << 160) | (price << 64)
    self._variances[asset] = (variance_fast << 128) | variance_slow
    self._averages[asset] = (price << 160) | (price << 64) | block.timestamp


@view
@internal
def _prepared(asset: uint256) -> Estimate:
    """
    @dev An asset ready for a round: the observation of an earlier timestamp is taken in. Only
         a round stores it, as the newest round is held against the average without it.
    @param asset Asset id.
    @return Estimate The asset.
    """
    state: Estimate = self._load(asset)
    if state.is_observation and state.updated_at < block.timestamp:
        state = self._fold(state)
        state.base_price = state.risk_price
        state.is_observation = False
        state.is_taken_in = True
    return state


@internal
def _advance(asset: uint256, before: Estimate, fresh: oracle_sources.Aggregate) -> Estimate:
    """
    @dev Makes a new round; stores the observation that was taken in for it.
    @param asset Asset id.
    @param before The asset as `_prepared`.
    @param fresh What the fresh sources say, enough of them.
    @return Estimate The asset after the round, its observation not yet folded in.
    """
    state: Estimate = before
    if before.is_taken_in:
        self._variances[asset] = (state.variance_fast << 128) | state.variance_slow
        self._averages[asset] = (
            (state.ema_price << 160) | (state.base_price << 64) | state.observed_at
        )
        state.is_taken_in = False
    state.round_id = unsafe_add(state.round_id, 1)
    state.index_price = fresh.index_price
    state.confidence = fresh.confidence
    state.updated_at = block.timestamp
    state.minimum_until = fresh.minimum_until
    state.valid_until = fresh.valid_until
    state.is_observation = fresh.heard >= min(HEARD, fresh.count)
    state.is_good = self._status(state) <= oracle_parameters.PARAMETERS.settle_status
    if before.is_good and not state.is_good:
        self._good_prices[asset] = before.index_price
    state.risk_price = oracle_math._limit_price(
        state.index_price,
        state.base_price,
        unsafe_sub(block.timestamp, state.observed_at),
        max(state.variance_fast, state.variance_slow),
        oracle_parameters.PARAMETERS.limiter_horizon_seconds,
        oracle_parameters.PARAMETERS.limiter_minimum,
        oracle_parameters.PARAMETERS.limiter_coefficient,
    )
    self._store_round(asset, state)
    self._store_head(asset, state)
    return state


@internal
def _expire(asset: uint256):
    """
    @dev Ends the validity of the newest round, if there is one: too few of the sources that
         made it are left.
    @param asset Asset id.
    """
    state: Estimate = self._load(asset)
    if state.round_id != 0:
        state.minimum_until = 0
        state.valid_until = 0
        self._store_round(asset, state)
        self._store_head(asset, state)


@internal
def _store_round(asset: uint256, state: Estimate):
    """
    @dev Packs the newest round into the ring.
    @param asset Asset id.
    @param state The asset.
    """
    self._rounds[asset][state.round_id % ROUNDS] = (
        (state.index_price << 160)
        | (state.confidence << 64)
        | (state.updated_at << 32)
        | state.minimum_until
    )


@internal
def _store_head(asset: uint256, state: Estimate):
    """
    @dev Packs the head.
    @param asset Asset id.
    @param state The asset.
    """
    flags: uint256 = 0
    if state.is_observation:
        flags = OBSERVATION
    if not state.is_good:
        flags = flags | NOT_GOOD
    self._heads[asset] = (
        (state.observed_price << 160)
        | (state.risk_price << 64)
        | (state.valid_until << 32)
        | flags
        | state.round_id
    )


@view
@internal
def _load(asset: uint256) -> Estimate:
    """
    @dev Unpacks an asset. Before its first round, the seed stands in for one.
    @param asset Asset id.
    @return Estimate The asset as stored.
    """
    head: uint256 = self._heads[asset]
    variances: uint256 = self._variances[asset]
    averages: uint256 = self._averages[asset]
    state: Estimate = Estimate(
        round_id=head & ID_MASK,
        index_price=head >> 160,
        confidence=0,
        updated_at=averages & (2**64 - 1),
        minimum_until=0,
        valid_until=(head >> 32) & TIME_MASK,
        risk_price=(head >> 64) & VALUE_MASK,
        observed_price=head >> 160,
        observed_at=averages & (2**64 - 1),
        base_price=(averages >> 64) & VALUE_MASK,
        ema_price=averages >> 160,
        variance_fast=variances >> 128,
        variance_slow=variances & HALF_MASK,
        is_observation=head & OBSERVATION != 0,
        is_good=head & NOT_GOOD == 0,
        is_taken_in=False,
    )
    if state.round_id != 0:
        word: uint256 = self._rounds[asset][state.round_id % ROUNDS]
        state.index_price = word >> 160
        state.confidence = (word >> 64) & VALUE_MASK
        state.updated_at = (word >> 32) & TIME_MASK
        state.minimum_until = word & TIME_MASK
    return state


@view
@internal
def _fold(state: Estimate) -> Estimate:
    """
    @dev The estimators with the newest round taken in, if it is an observation.
    @param state An asset.
    @return Estimate The same with variances, average and observation brought up to date.
    """
    if not state.is_observation:
        return state
    result: Estimate = state
    elapsed: uint256 = unsafe_sub(state.updated_at, state.observed_at)
    if elapsed != 0:
        tau_fast: uint256 = oracle_parameters.PARAMETERS.tau_fast_seconds
        tau_ema: uint256 = oracle_parameters.PARAMETERS.tau_ema_seconds
        decay_fast: uint256 = oracle_math._decay(elapsed, tau_fast)
        decay_ema: uint256 = decay_fast
        if tau_ema != tau_fast:
            decay_ema = oracle_math._decay(elapsed, tau_ema)
        observed: uint256 = oracle_math._observed_variance(
            state.index_price,
            state.observed_price,
            elapsed,
            oracle_parameters.PARAMETERS.max_return,
        )
        result.variance_fast = oracle_math._blend_up(state.variance_fast, observed, decay_fast)
        result.variance_slow = oracle_math._blend_up(
            state.variance_slow,
            observed,
            oracle_math._decay(elapsed, oracle_parameters.PARAMETERS.tau_slow_seconds),
        )
        result.ema_price = oracle_math._blend_down(state.ema_price, state.index_price, decay_ema)
    result.observed_price = state.index_price
    result.observed_at = state.updated_at
    return result


@view
@internal
def _status(state: Estimate) -> uint256:
    """
    @dev Where an asset stands on the status ladder now. The index is held against the
         average as of the last observation but one, which it has not moved itself.
    @param state An asset as stored, not folded.
    @return uint256 Status, 0 VALID to 5 NONE.
    """
    if state.round_id == 0:
        return constants.STATUS_NONE
    return oracle_math._status(
        state.index_price,
        state.ema_price,
        state.confidence,
        block.timestamp <= state.valid_until,
        block.timestamp <= state.minimum_until,
        oracle_parameters.PARAMETERS.max_confidence_ratio,
        oracle_parameters.PARAMETERS.max_divergence,
    )


@view
@internal
def _settlement_prices(asset: uint256) -> (uint256, uint256):
    """
    @dev What reductions settle at: the index while the status is good enough for it, else both
         ends of where the price may be.
    @param asset Asset id.
    @return uint256 Price of a long (WAD).
    @return uint256 Price of a short (WAD).
    """
    state: Estimate = self._load(asset)
    if self._status(state) <= oracle_parameters.PARAMETERS.settle_status:
        return state.index_price, state.index_price
    good_price: uint256 = state.index_price
    if not state.is_good:
        good_price = self._good_prices[asset]
    bound_squared: uint256 = 0
    if block.timestamp > state.minimum_until:
        folded: Estimate = self._fold(state)
        bound_squared = oracle_math._bound_squared(
            unsafe_sub(block.timestamp, state.updated_at),
            max(folded.variance_fast, folded.variance_slow),
            oracle_parameters.PARAMETERS.limiter_horizon_seconds,
            oracle_parameters.PARAMETERS.limiter_minimum,
            oracle_parameters.PARAMETERS.limiter_coefficient,
        )
    return oracle_math._settlement_prices(
        state.index_price,
        good_price,
        state.confidence,
        bound_squared,
        oracle_parameters.PARAMETERS.min_price,
        oracle_parameters.PARAMETERS.max_price,
    )
