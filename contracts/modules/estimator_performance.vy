# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Historical performance of margin
@custom:contract-name estimator_performance
@license Apache-2.0
@author Seawall contributors
@notice Exceptions of each market in a rolling window, and what its margin is multiplied by for
        them: a traffic light, as Basel's of 1996, whose effect decays.
@dev An exception is a liquidation that ended in a deficit; the ledger counts them. The window is
     eight slots in one word, so that nothing loops over exceptions. Exceptions count from the
     update that finds them on.
"""

from ..interfaces import ILedger
from ..interfaces import IVolatilityOracle
from ..lib import constants
from ..lib import estimator_math


MAX_COUNT: constant(uint256) = 10**6
MAX_MULTIPLIER: constant(uint256) = 10 * constants.WAD
TIME_MASK: constant(uint256) = 2**40 - 1

LEDGER: immutable(ILedger)

# @dev By market.
_performance_parameters: HashMap[uint256, IVolatilityOracle.PerformanceParameters]
# @dev market -> number of the newest slot 64 bits, counts of eight slots 192.
_windows: HashMap[uint256, uint256]
# @dev market -> multiplier 88 bits, exceptions of all time 64, time of both 40.
_records: HashMap[uint256, uint256]


@deploy
def __init__(ledger: address):
    """
    @notice Fixes whose count of exceptions is read.
    @param ledger Ledger.
    """
    assert ledger != empty(address), "estimators: zero address"
    LEDGER = ILedger(ledger)


@view
@external
@reentrant
def performance_parameters(market: uint256) -> IVolatilityOracle.PerformanceParameters:
    """
    @notice What a market's margin is multiplied by for how it did.
    @param market Market id.
    @return PerformanceParameters All zero before the first are set.
    """
    return self._performance_parameters[market]


@view
@external
@reentrant
def performance(market: uint256) -> IVolatilityOracle.Performance:
    """
    @notice How a market's margin did, as of the last update.
    @param market Market id.
    @return Performance All zero before the first parameters are set.
    """
    return IVolatilityOracle.Performance(
        count=estimator_math._counted(self._windows[market] & estimator_math.WINDOW_MASK),
        multiplier=self._records[market] >> 104,
    )


@internal
def _set_performance(
    market: uint256, parameters: IVolatilityOracle.PerformanceParameters
):
    """
    @dev Checks every bound, then sets. The window begins empty; the multiplier stays, if red is as much.
    @param market Market id.
    @param parameters New parameters.
    """
    p: IVolatilityOracle.PerformanceParameters = parameters
    self._check_within(p.window_seconds, constants.HOUR_SECONDS, constants.YEAR_SECONDS)
    self._check_within(p.yellow_count, 1, MAX_COUNT)
    self._check_within(p.red_count, p.yellow_count, MAX_COUNT)
    self._check_within(p.yellow_multiplier, constants.WAD, MAX_MULTIPLIER)
    self._check_within(p.red_multiplier, p.yellow_multiplier, MAX_MULTIPLIER)
    self._check_within(p.decay_seconds, 60, constants.YEAR_SECONDS)
    before: uint256 = min(self._records[market] >> 104, p.red_multiplier)
    self._performance_parameters[market] = p
    self._windows[market] = 0
    self._store_record(market, max(before, constants.WAD), self._exceptions(market))
    log IVolatilityOracle.PerformanceSet(market=market, parameters=p)


@internal
def _multiplier_now(market: uint256) -> uint256:
    """
    @dev Counts what is new, and brings the multiplier up to now.
    @param market Market id.
    @return uint256 What margin is multiplied by (WAD); one where no zone multiplies.
    """
    if self._performance_parameters[market].red_multiplier <= constants.WAD:
        return constants.WAD
    p: IVolatilityOracle.PerformanceParameters = self._performance_parameters[market]
    record: uint256 = self._records[market]
    total: uint256 = self._exceptions(market)
    slot: uint256 = block.timestamp // (p.window_seconds // estimator_math.SLOTS)
    window: uint256 = self._windows[market]
    counts: uint256 = estimator_math._rolled(
        window & estimator_math.WINDOW_MASK,
        slot - (window >> 192),
        total - ((record >> 40) & (2**64 - 1)),
    )
    count: uint256 = estimator_math._counted(counts)
    multiplier: uint256 = estimator_math._multiplier(
        record >> 104,
        count,
        block.timestamp - (record & TIME_MASK),
        p.yellow_count,
        p.red_count,
        p.yellow_multiplier,
        p.red_multiplier,
        p.decay_seconds,
    )
    self._windows[market] = (slot << 192) | counts
    self._store_record(market, multiplier, total)
    if multiplier != record >> 104:
        log IVolatilityOracle.PerformanceUpdated(
            market=market, count=count, multiplier=multiplier
        )
    return multiplier


@internal
def _store_record(market: uint256, multiplier: uint256, total: uint256):
    """
    @dev Packs a record, as of now.
    @param market Market id.
    @param multiplier Of margin (WAD).
    @param total Exceptions of all time.
    """
    self._records[market] = (multiplier << 104) | (total << 40) | block.timestamp


@view
@internal
def _exceptions(market: uint256) -> uint256:
    """
    @dev Exceptions of a market.
    @param market Market id.
    @return uint256 Of all time.
    """
    return (staticcall LEDGER.aggregates_of(market)).exceptions


@pure
@internal
def _check_within(x: uint256, least: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is within its bounds.
    @param x Parameter.
    @param least Least value.
    @param most Largest value.
    """
    assert x >= least and x <= most, "estimator_performance: out of bounds"
