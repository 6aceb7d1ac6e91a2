# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Maintenance ramp
@custom:contract-name ramp
@license Apache-2.0
@author Seawall contributors
@notice How much of a risen base maintenance ratio existing positions must hold by now, and the
        last base ratios that the formula gave: what stands for them while it does not answer.
@dev One word a market: ramped ratio, time of the last touch, base initial and base maintenance
     ratio, 64 bits each; no ratio is above one, which has 60.
"""

from ..interfaces import IMarketRegistry
from ..interfaces import IRiskModel
from ..lib import ramp_math
from . import market_params

uses: market_params


PART: constant(uint256) = 2**64 - 1

words: HashMap[uint256, uint256]


@view
@internal
def _ratio_now(market: uint256, base_ratio: uint256) -> uint256:
    """
    @dev Ramped base ratio as of now.
    @param market Market id.
    @param base_ratio Model's maintenance ratio at zero notional (WAD).
    @return uint256 Ramped ratio (WAD), not above the base.
    """
    word: uint256 = self.words[market]
    return ramp_math._ramped_ratio(
        word >> 192,
        base_ratio,
        market_params.parameters.ramp_per_hour,
        block.timestamp - ((word >> 128) & PART),
    )


@view
@internal
def _good_ratios(market: uint256) -> IRiskModel.MarginRatios:
    """
    @dev The base ratios that the formula gave at the last touch at which it answered.
    @param market Market id.
    @return MarginRatios Ratios at zero notional, empty before the first touch.
    """
    word: uint256 = self.words[market]
    return IRiskModel.MarginRatios(initial=(word >> 64) & PART, maintenance=word & PART)


@internal
def _store(market: uint256, base: IRiskModel.MarginRatios, ramped: uint256):
    """
    @dev Ramps up to now.
    @param market Market id.
    @param base Model's ratios at zero notional, or the last good ones (WAD).
    @param ramped Ramped maintenance ratio as of now (WAD).
    """
    before: uint256 = self.words[market]
    self.words[market] = (
        (ramped << 192) | (block.timestamp << 128) | (base.initial << 64) | base.maintenance
    )
    if before >> 192 != ramped:
        log IMarketRegistry.RampUpdated(
            market=market, base_ratio=base.maintenance, ramped_ratio=ramped
        )
