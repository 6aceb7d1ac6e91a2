# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Correlations
@custom:contract-name correlations
@license Apache-2.0
@author Seawall contributors
@notice Correlation of each two markets, estimated from the price oracle's rounds, and the least
        one between the longs and the shorts of an account.
@dev Anyone samples a pair. Its two prices are those that stood in the second before the last
     period ended, not those of the call: who chose the moment could otherwise take one market's
     move before the other's, and with it say that they part. A pair is sampled once a period,
     and only if both markets had a round in that period: a price that nobody reports stands
     still, and would look like a market that goes its own way.

     An estimate can only take offsets away: what is stated caps it (`portfolio_math`). It falls
     by no more than a rate, so that nobody's margin rises at once, and is forgotten if nobody
     renews it. It begins at one, as does what was forgotten. A gap that is longer than the
     memory begins the averages anew.

     Four words per pair; a reader takes one of them.
"""

from ..interfaces import IPriceOracle
from ..interfaces import IVolatilityOracle
from ..lib import constants
from ..lib import covariance_math
from ..lib import oracle_math
from ..lib import portfolio_math
from . import access
from . import estimator_updates

uses: access
uses: estimator_updates


# One pair, unpacked.
struct Pair:
    first_price: uint256  # at the last sample (WAD)
    second_price: uint256  # at the last sample (WAD)
    sampled_at: uint256  # end of the last sample's period, 0 before the first
    samples: uint256  # that the averages hold, up to those that are needed
    first_variance: uint256  # annualised (WAD)
    second_variance: uint256  # annualised (WAD)
    covariance: int256  # annualised (WAD)
    level: int256  # correlation as limited (WAD)
    valid_until: uint256  # when it is forgotten


# Halvings that find a round among the 256 that the price oracle keeps.
HALVINGS: constant(uint256) = 9
MAX_SAMPLES: constant(uint256) = 10_000
MAX_RETURN: constant(uint256) = constants.WAD // 2
MIN_SECONDS: constant(uint256) = 60
MAX_AGE_SECONDS: constant(uint256) = 30 * constants.DAY_SECONDS
DECADE_SECONDS: constant(uint256) = 10 * constants.YEAR_SECONDS
SIGNED_WAD: constant(int256) = 10**18
PRICE_MASK: constant(uint256) = 2**96 - 1
HALF_MASK: constant(uint256) = 2**128 - 1
TIME_MASK: constant(uint256) = 2**40 - 1
COUNT_MASK: constant(uint256) = 2**24 - 1


_correlation_parameters: IVolatilityOracle.CorrelationParameters
# @dev pair -> first price 96 bits, second price 96, sampled_at 40, samples 24.
_samples: uint256[portfolio_math.PAIRS]
# @dev pair -> first variance 128 bits, second variance 128.
_pair_variances: uint256[portfolio_math.PAIRS]
# @dev pair -> covariance.
_covariances: int256[portfolio_math.PAIRS]
# @dev pair -> 1 - level 216 bits, valid_until 40.
_correlation_levels: uint256[portfolio_math.PAIRS]


@view
@external
@reentrant
def correlation_parameters() -> IVolatilityOracle.CorrelationParameters:
    """
    @notice How correlations are estimated.
    @return CorrelationParameters All zero before the first are set.
    """
    return self._correlation_parameters


@view
@external
@reentrant
def correlation(first: uint256, second: uint256) -> IVolatilityOracle.Correlation:
    """
    @notice What is estimated of two markets, as of the last sample, forgotten or not.
    @param first Market id.
    @param second Market id, above the first.
    @return Correlation Of a pair that nobody sampled, one, with no samples.
    """
    assert first < second and second < constants.MAX_MARKETS, "correlations: no pair"
    state: Pair = self._load(portfolio_math._pair(first, second))
    return IVolatilityOracle.Correlation(
        level=state.level,
        estimate=covariance_math._correlation(
            state.first_variance, state.second_variance, state.covariance
        ),
        samples=state.samples,
        sampled_at=state.sampled_at,
        valid_until=state.valid_until,
    )


@view
@external
@reentrant
def least_correlation(longs: uint256, shorts: uint256) -> int256:
    """
    @notice Least estimated correlation between a market of one set and one of another. Never
            reverts.
    @param longs Markets, bit i for market i.
    @param shorts Others, likewise.
    @return int256 Correlation (WAD), 1 if none is estimated.
    """
    least: int256 = SIGNED_WAD
    for second: uint256 in range(constants.MAX_MARKETS):
        if ((longs | shorts) >> second) & 1 == 0:
            continue
        for first: uint256 in range(constants.MAX_MARKETS):
            if first == second:
                break
            if not self._is_against(first, second, longs, shorts):
                continue
            word: uint256 = self._correlation_levels[portfolio_math._pair(first, second)]
            if block.timestamp <= word & TIME_MASK:
                least = min(least, SIGNED_WAD - convert(word >> 40, int256))
    return least


@external
def set_correlation(parameters: IVolatilityOracle.CorrelationParameters):
    """
    @notice Changes how correlations are estimated, from the next sample on. Owner only.
    @param parameters New parameters.
    """
    access._check_owner()
    p: IVolatilityOracle.CorrelationParameters = parameters
    self._check_bounds(p.sample_seconds, MIN_SECONDS, constants.DAY_SECONDS)
    self._check_bounds(p.tau_seconds, p.sample_seconds, DECADE_SECONDS)
    self._check_bounds(p.max_return, 1, MAX_RETURN)
    self._check_bounds(p.least_sample_count, 1, MAX_SAMPLES)
    self._check_bounds(p.fall_per_hour, 1, 100 * constants.WAD)
    self._check_bounds(p.expiry_seconds, 2 * p.sample_seconds, MAX_AGE_SECONDS)
    self._correlation_parameters = p
    log IVolatilityOracle.CorrelationSet(parameters=p)


@external
def update_pair(first: uint256, second: uint256):
    """
    @notice Takes a sample of two markets, and with enough of them estimates their correlation.
            Reverts if there is nothing to sample: within a period, or while a market is silent.
    @param first Market id.
    @param second Market id, above the first.
    """
    assert (
        first < second and second < estimator_updates.market_count
    ), "correlations: no pair"
    p: IVolatilityOracle.CorrelationParameters = self._correlation_parameters
    assert p.sample_seconds != 0, "correlations: not estimated"
    pair: uint256 = portfolio_math._pair(first, second)
    state: Pair = self._load(pair)
    ended_at: uint256 = block.timestamp - block.timestamp % p.sample_seconds
    assert ended_at > state.sampled_at, "correlations: sampled already"
    began_at: uint256 = max(state.sampled_at, ended_at - p.sample_seconds)
    first_price: uint256 = self._price_before(ended_at, first, began_at)
    second_price: uint256 = self._price_before(ended_at, second, began_at)
    elapsed: uint256 = ended_at - state.sampled_at
    if elapsed > p.tau_seconds:
        state.samples = 0
        state.first_variance = 0
        state.second_variance = 0
        state.covariance = 0
    else:
        state = self._taken(state, first_price, second_price, elapsed, p)
    state.first_price = first_price
    state.second_price = second_price
    if state.samples >= p.least_sample_count:
        target: int256 = covariance_math._correlation(
            state.first_variance, state.second_variance, state.covariance
        )
        # By the reader's clock: who was read as one falls from one.
        if block.timestamp > state.valid_until:
            state.level = SIGNED_WAD
        else:
            state.level = covariance_math._limited_fall(
                state.level, target, elapsed, p.fall_per_hour
            )
        state.valid_until = ended_at + p.expiry_seconds
        log IVolatilityOracle.CorrelationUpdated(
            first=first,
            second=second,
            level=state.level,
            estimate=target,
            valid_until=state.valid_until,
        )
    state.sampled_at = ended_at
    self._store(pair, state)


@pure
@internal
def _taken(
    state: Pair,
    first_price: uint256,
    second_price: uint256,
    elapsed: uint256,
    parameters: IVolatilityOracle.CorrelationParameters,
) -> Pair:
    """
    @dev A pair with one more sample.
    @param state The pair.
    @param first_price Of the first market (WAD).
    @param second_price Of the second (WAD).
    @param elapsed Since the last sample (seconds).
    @param parameters Of the estimate.
    @return Pair The pair.
    """
    after: Pair = state
    cap: uint256 = parameters.max_return
    decay: uint256 = oracle_math._decay(elapsed, parameters.tau_seconds)
    after.first_variance = oracle_math._blend_up(
        state.first_variance,
        oracle_math._observed_variance(first_price, state.first_price, elapsed, cap),
        decay,
    )
    after.second_variance = oracle_math._blend_up(
        state.second_variance,
        oracle_math._observed_variance(second_price, state.second_price, elapsed, cap),
        decay,
    )
    after.covariance = covariance_math._blend_floor(
        state.covariance,
        covariance_math._observed_covariance(
            covariance_math._log_return(first_price, state.first_price, cap),
            covariance_math._log_return(second_price, state.second_price, cap),
            elapsed,
        ),
        decay,
    )
    after.samples = min(state.samples + 1, parameters.least_sample_count)
    return after


@view
@internal
def _price_before(time: uint256, market: uint256, began_at: uint256) -> uint256:
    """
    @dev Price of a market in the second before a time: of the last round before it. Reverts if
         that is older than another time, or no longer kept.
    @param time Time.
    @param market Market id.
    @param began_at Time that the round may not be older than.
    @return uint256 Price (WAD).
    """
    oracle: IPriceOracle = estimator_updates.PRICE_ORACLE
    newest: uint256 = (staticcall oracle.asset_price(market)).round_id
    oldest: uint256 = newest - min(newest, estimator_updates.KEPT)  # as good as before it, not kept
    # Times never fall along the ring: rounds up to `below` are before it, from `above` on not.
    below: uint256 = oldest
    above: uint256 = newest + 1
    for _: uint256 in range(HALVINGS):
        if above - below == 1:
            break
        middle: uint256 = (above + below) // 2
        if self._round(oracle, market, middle).updated_at < time:
            below = middle
        else:
            above = middle
    assert below != oldest, "correlations: no price"
    found: estimator_updates.Round = self._round(oracle, market, below)
    assert found.updated_at >= began_at, "correlations: silent market"
    return found.index_price


@view
@internal
def _round(oracle: IPriceOracle, market: uint256, id: uint256) -> estimator_updates.Round:
    """
    @dev A round of the price oracle's ring.
    @param oracle Price oracle.
    @param market Market id.
    @param id Of the round.
    @return Round Round.
    """
    return staticcall estimator_updates.IRounds(oracle.address).round(market, id)


@pure
@internal
def _is_against(first: uint256, second: uint256, longs: uint256, shorts: uint256) -> bool:
    """
    @dev Whether one of two markets is among the longs and the other among the shorts.
    @param first Market id.
    @param second Market id.
    @param longs Markets, bit i for market i.
    @param shorts Others, likewise.
    @return bool Whether it is so.
    """
    both: uint256 = (1 << first) | (1 << second)
    return longs & both != 0 and shorts & both != 0


@pure
@internal
def _check_bounds(x: uint256, least: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is within its bounds.
    @param x Parameter.
    @param least Least value.
    @param most Largest value.
    """
    assert x >= least and x <= most, "correlations: out of bounds"


@internal
def _store(pair: uint256, state: Pair):
    """
    @dev Packs a pair.
    @param pair Its place.
    @param state The pair.
    """
    self._samples[pair] = (
        (state.first_price << 160)
        | (state.second_price << 64)
        | (state.sampled_at << 24)
        | state.samples
    )
    self._pair_variances[pair] = (state.first_variance << 128) | state.second_variance
    self._covariances[pair] = state.covariance
    self._correlation_levels[pair] = (
        convert(SIGNED_WAD - state.level, uint256) << 40
    ) | state.valid_until


@view
@internal
def _load(pair: uint256) -> Pair:
    """
    @dev Unpacks a pair.
    @param pair Its place.
    @return Pair The pair as stored.
    """
    sample: uint256 = self._samples[pair]
    variances: uint256 = self._pair_variances[pair]
    level: uint256 = self._correlation_levels[pair]
    return Pair(
        first_price=sample >> 160,
        second_price=(sample >> 64) & PRICE_MASK,
        sampled_at=(sample >> 24) & TIME_MASK,
        samples=sample & COUNT_MASK,
        first_variance=variances >> 128,
        second_variance=variances & HALF_MASK,
        covariance=self._covariances[pair],
        level=SIGNED_WAD - convert(level >> 40, int256),
        valid_until=level & TIME_MASK,
    )
