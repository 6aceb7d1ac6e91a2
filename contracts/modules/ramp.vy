# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Maintenance ramp
@custom:contract-name ramp
@license Apache-2.0
@author Seawall contributors
@notice How much of a risen base maintenance ratio existing positions must hold by now.
"""

from ..interfaces import IMarketRegistry
from ..lib import ramp_math
from . import market_params

uses: market_params


# @dev Ramped base ratio at the last touch (WAD), by market.
ramped_ratio: public(reentrant(HashMap[uint256, uint256]))
# @dev Timestamp of that touch, by market.
ramped_at: public(reentrant(HashMap[uint256, uint256]))


@view
@internal
def _ratio_now(market: uint256, base_ratio: uint256) -> uint256:
    """
    @dev Ramped base ratio as of now.
    @param market Market id.
    @param base_ratio Model's maintenance ratio at zero notional (WAD).
    @return uint256 Ramped ratio (WAD), not above the base.
    """
    return ramp_math._ramped_ratio(
        self.ramped_ratio[market],
        base_ratio,
        market_params.parameters.ramp_per_hour,
        block.timestamp - self.ramped_at[market],
    )


@internal
def _store(market: uint256, base_ratio: uint256, ramped: uint256):
    """
    @dev Ramps up to now.
    @param market Market id.
    @param base_ratio Model's maintenance ratio at zero notional (WAD).
    @param ramped Ramped ratio as of now (WAD).
    """
    self.ramped_at[market] = block.timestamp
    if self.ramped_ratio[market] == ramped:
        return
    self.ramped_ratio[market] = ramped
    log IMarketRegistry.RampUpdated(market=market, base_ratio=base_ratio, ramped_ratio=ramped)
