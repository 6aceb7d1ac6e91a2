# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Waterfall parameters
@custom:contract-name waterfall_params
@license Apache-2.0
@author Seawall contributors
@notice What the owner may change about deleveraging, and its bounds.
"""

from ..interfaces import ILossWaterfall
from . import access

uses: access


parameters: public(reentrant(ILossWaterfall.WaterfallParameters))


@deploy
def __init__(parameters: ILossWaterfall.WaterfallParameters):
    """
    @notice Sets the first parameters.
    @param parameters Waterfall parameters.
    """
    self._set_parameters(parameters)


@external
def set_parameters(parameters: ILossWaterfall.WaterfallParameters):
    """
    @notice Changes the waterfall parameters. Owner only.
    @param parameters Waterfall parameters.
    """
    access._check_owner()
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: ILossWaterfall.WaterfallParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters Waterfall parameters.
    """
    self._check_bound(parameters.adl_window_seconds, 604_800)
    self.parameters = parameters
    log ILossWaterfall.WaterfallParametersSet(parameters=parameters)


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "waterfall_params: out of bounds"
