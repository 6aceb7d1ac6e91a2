# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Liquidation parameters
@custom:contract-name liquidation_params
@license Apache-2.0
@author Seawall contributors
@notice What the owner may change about liquidations, and its bounds.
"""

from ..interfaces import ILiquidationEngine
from ..lib import constants
from . import access

uses: access


parameters: public(reentrant(ILiquidationEngine.LiquidationParameters))


@deploy
def __init__(parameters: ILiquidationEngine.LiquidationParameters):
    """
    @notice Sets the first parameters.
    @param parameters Liquidation parameters.
    """
    self._set_parameters(parameters)


@external
def set_parameters(parameters: ILiquidationEngine.LiquidationParameters):
    """
    @notice Changes the liquidation parameters. Owner only.
    @param parameters Liquidation parameters.
    """
    access._check_owner()
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: ILiquidationEngine.LiquidationParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters Liquidation parameters.
    """
    wad: uint256 = constants.WAD
    self._check_bound(parameters.buffer, 10 * wad)
    self._check_bound(parameters.fee_base, parameters.fee_max)
    self._check_bound(parameters.fee_volatility_coefficient, 1000 * wad)
    self._check_bound(parameters.fee_shortfall_coefficient, 1000 * wad)
    self._check_bound(parameters.fee_max, wad // 2)
    # Below one: what is taken of a position stays below what it must hold, at any size.
    self._check_bound(parameters.fee_maintenance_share, wad - 1)
    self._check_bound(parameters.fee_equity_share, wad)
    self._check_bound(parameters.volatility_reference, 100 * wad)
    self._check_bound(wad // 1000, parameters.volatility_reference)
    self._check_bound(parameters.bounty_share_base, wad)
    self._check_bound(parameters.bounty_volatility_coefficient, 100 * wad)
    self._check_bound(parameters.bounty_adequacy_coefficient, 100 * wad)
    self._check_bound(parameters.bounty_share_min, parameters.bounty_share_max)
    self._check_bound(parameters.bounty_share_max, wad)
    self._check_bound(parameters.min_bounty, 10_000 * wad)
    self._check_bound(parameters.throttle_share_per_hour, 1000 * wad)
    self._check_bound(parameters.backstop_ratio, wad)
    self._check_bound(parameters.min_close_share, wad)
    self._check_bound(parameters.max_close_impact, parameters.backstop_close_impact)
    self._check_bound(wad // 100_000, parameters.max_close_impact)
    self._check_bound(parameters.backstop_close_impact, wad)
    self._check_bound(wad // 1000, parameters.average_price_band)
    self._check_bound(parameters.average_price_band, wad)
    assert (
        parameters.min_bounty % constants.QUANTUM == 0
    ), "liquidation_params: not whole quanta"
    self.parameters = parameters
    log ILiquidationEngine.LiquidationParametersSet(parameters=parameters)


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "liquidation_params: out of bounds"
