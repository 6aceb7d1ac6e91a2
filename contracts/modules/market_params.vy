# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Market parameters
@custom:contract-name market_params
@license Apache-2.0
@author Seawall contributors
@notice What the owner may change about ramp, funding and the least position, and its bounds.
"""

from ..interfaces import IMarketRegistry
from ..lib import constants
from ..lib import ramp_math


parameters: public(reentrant(IMarketRegistry.MarketParameters))


@deploy
def __init__(parameters: IMarketRegistry.MarketParameters):
    """
    @notice Sets the first parameters.
    @param parameters Market parameters.
    """
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: IMarketRegistry.MarketParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters Market parameters.
    """
    wad: uint256 = constants.WAD
    if parameters.ramp_per_hour != ramp_math.NO_RAMP:
        self._check_bound(parameters.ramp_per_hour, 10**24)
    self._check_bound(parameters.funding_coefficient, 100 * wad)
    self._check_bound(parameters.funding_margin_coefficient, 100 * wad)
    self._check_bound(parameters.max_funding_rate_per_hour, wad)
    self._check_bound(parameters.min_position_notional, 10**30)
    self.parameters = parameters
    log IMarketRegistry.MarketParametersSet(parameters=parameters)


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "market_params: out of bounds"
