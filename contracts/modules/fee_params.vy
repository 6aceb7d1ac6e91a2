# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Fee parameters
@custom:contract-name fee_params
@license Apache-2.0
@author Seawall contributors
@notice What the owner may change about trade fees, and its bounds.
"""

from ..interfaces import ITradingDesk
from ..lib import constants
from . import access

uses: access


parameters: public(reentrant(ITradingDesk.FeeParameters))


@deploy
def __init__(parameters: ITradingDesk.FeeParameters):
    """
    @notice Sets the first parameters.
    @param parameters Fee parameters.
    """
    self._set_parameters(parameters)


@external
def set_parameters(parameters: ITradingDesk.FeeParameters):
    """
    @notice Changes the fee parameters. Owner only.
    @param parameters Fee parameters.
    """
    access._check_owner()
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: ITradingDesk.FeeParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters Fee parameters.
    """
    self._check_bound(parameters.trade_fee_rate, constants.WAD // 10)
    self._check_bound(parameters.pool_fee_share + parameters.fund_fee_share, constants.WAD)
    self.parameters = parameters
    log ITradingDesk.FeeParametersSet(parameters=parameters)


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "fee_params: out of bounds"
