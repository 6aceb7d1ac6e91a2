# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin parameters
@custom:contract-name margin_params
@license Apache-2.0
@author Seawall contributors
@notice What the owner may change about fees, credits, ramp and funding, and its bounds.
"""

from ..interfaces import IMarginEngine
from ..lib import constants
from ..lib import ramp_math


parameters: public(reentrant(IMarginEngine.MarginParameters))


@deploy
def __init__(parameters: IMarginEngine.MarginParameters):
    """
    @notice Sets the first parameters.
    @param parameters Margin parameters.
    """
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: IMarginEngine.MarginParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters Margin parameters.
    """
    wad: uint256 = constants.WAD
    self._check_bound(parameters.trade_fee_rate, wad // 10)
    self._check_bound(parameters.pool_fee_share + parameters.fund_fee_share, wad)
    self._check_bound(parameters.upnl_weight, wad)
    self._check_bound(parameters.upnl_cap, 10**36)
    self._check_bound(parameters.withdraw_margin_ratio, wad)
    if parameters.ramp_per_hour != ramp_math.NO_RAMP:
        self._check_bound(parameters.ramp_per_hour, 10**24)
    self._check_bound(parameters.funding_coefficient, 100 * wad)
    self._check_bound(parameters.funding_margin_coefficient, 100 * wad)
    self._check_bound(parameters.max_funding_rate_per_hour, wad)
    self._check_bound(parameters.min_position_notional, 10**30)
    self.parameters = parameters
    log IMarginEngine.ParametersSet(parameters=parameters)


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "margin_params: out of bounds"
