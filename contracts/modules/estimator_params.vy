# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Parameters of volatility estimators
@custom:contract-name estimator_params
@license Apache-2.0
@author Seawall contributors
@notice How each market's variance is estimated and chosen, and the bounds of that.
"""

from ..interfaces import IVolatilityOracle
from ..lib import constants


MAX_WEIGHT: constant(uint256) = 10 * constants.WAD
MIN_BUCKET_SECONDS: constant(uint256) = 60
DECADE_SECONDS: constant(uint256) = 10 * constants.YEAR_SECONDS
MAX_RATE: constant(uint256) = 100_000 * constants.WAD
# What a market starts with: nothing is chosen. Sources are with the table of parameters.
BUCKET_SECONDS: constant(uint256) = constants.HOUR_SECONDS
MAX_RANGE: constant(uint256) = constants.WAD // 2


# @dev By market.
_parameters: HashMap[uint256, IVolatilityOracle.EstimatorParameters]


@view
@external
@reentrant
def parameters(market: uint256) -> IVolatilityOracle.EstimatorParameters:
    """
    @notice How a market's variance is estimated and chosen.
    @param market Market id.
    @return EstimatorParameters All zero of an unknown market.
    """
    return self._parameters[market]


@internal
def _start(market: uint256):
    """
    @dev Sets what a market starts with: every weight zero, no floor, no buffer, no limit.
    @param market Market id.
    """
    p: IVolatilityOracle.EstimatorParameters = empty(IVolatilityOracle.EstimatorParameters)
    p.bucket_seconds = BUCKET_SECONDS
    p.tau_range_seconds = constants.DAY_SECONDS
    p.max_range = MAX_RANGE
    p.implied_age_seconds = constants.HOUR_SECONDS
    p.tau_long_seconds = constants.YEAR_SECONDS
    p.rise_per_hour = MAX_RATE
    p.fall_per_hour = MAX_RATE
    p.expiry_seconds = constants.HOUR_SECONDS
    self._set(market, p)


@internal
def _set(market: uint256, parameters: IVolatilityOracle.EstimatorParameters):
    """
    @dev Checks every bound, then sets.
    @param market Market id.
    @param parameters New parameters.
    """
    p: IVolatilityOracle.EstimatorParameters = parameters
    for weight: uint256 in [
        p.fast_weight, p.slow_weight, p.range_weight, p.true_range_weight, p.implied_weight
    ]:
        self._check(weight, 0, MAX_WEIGHT)
    self._check(p.bucket_seconds, MIN_BUCKET_SECONDS, constants.DAY_SECONDS)
    self._check(p.tau_range_seconds, MIN_BUCKET_SECONDS, DECADE_SECONDS)
    self._check(p.max_range, 1, constants.WAD)
    self._check(p.implied_age_seconds, 1, 30 * constants.DAY_SECONDS)
    self._check(p.tau_long_seconds, p.tau_range_seconds, DECADE_SECONDS)
    self._check(p.floor_weight, 0, constants.WAD)
    self._check(p.buffer, 0, constants.WAD)
    self._check(p.rise_per_hour, 1, MAX_RATE)
    self._check(p.fall_per_hour, 1, MAX_RATE)
    self._check(p.expiry_seconds, MIN_BUCKET_SECONDS, 30 * constants.DAY_SECONDS)
    self._parameters[market] = p
    log IVolatilityOracle.EstimatorSet(market=market, parameters=p)


@pure
@internal
def _check(x: uint256, least: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is within its bounds.
    @param x Parameter.
    @param least Least value.
    @param most Largest value.
    """
    assert x >= least and x <= most, "estimator_params: out of bounds"
