# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Risk parameters
@custom:contract-name risk_params
@license Apache-2.0
@author Seawall contributors
@notice What the owner may change about credits, withdrawals and the depth that checks believe,
        and its bounds.
"""

from ..interfaces import IRiskEngine
from ..lib import constants
from . import access

uses: access


parameters: public(reentrant(IRiskEngine.RiskParameters))


@deploy
def __init__(parameters: IRiskEngine.RiskParameters):
    """
    @notice Sets the first parameters.
    @param parameters Risk parameters.
    """
    self._set_parameters(parameters)


@external
def set_parameters(parameters: IRiskEngine.RiskParameters):
    """
    @notice Changes the risk parameters. Owner only.
    @param parameters Risk parameters.
    """
    access._check_owner()
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: IRiskEngine.RiskParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters Risk parameters.
    """
    self._check_bound(parameters.upnl_weight, constants.WAD)
    self._check_bound(parameters.upnl_cap, 10**36)
    self._check_bound(parameters.withdraw_margin_ratio, constants.WAD)
    self._check_bound(parameters.depth_variance, 10**26)
    self._check_bound(parameters.depth_reserves, 10**38)
    self._check_bound(parameters.depth_share_min, constants.WAD)
    assert parameters.depth_share_min != 0, "risk_params: zero depth"
    self.parameters = parameters
    log IRiskEngine.RiskParametersSet(parameters=parameters)


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "risk_params: out of bounds"
