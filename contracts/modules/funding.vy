# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Funding
@custom:contract-name funding
@license Apache-2.0
@author Seawall contributors
@notice Funding index of each market. The pool is the counterparty; a position settles when
        it is touched.
"""

from ..interfaces import IMarketRegistry
from ..lib import funding_math
from . import market_params

uses: market_params


# @dev Cumulative funding per unit of base (WAD quote), by market.
funding_index: public(reentrant(HashMap[uint256, int256]))
# @dev Timestamp up to which the index is accrued, by market; 0 before the first time.
accrued_at: public(reentrant(HashMap[uint256, uint256]))


@view
@internal
def _rate(premium: int256, initial_ratio: uint256, maintenance_ratio: uint256) -> int256:
    """
    @dev Hourly rate since the last accrual.
    @param premium Of the mark over the index price (WAD).
    @param initial_ratio Base initial ratio of then (WAD).
    @param maintenance_ratio Base maintenance ratio of then (WAD).
    @return int256 Rate (WAD), positive: longs pay.
    """
    return funding_math._funding_rate(
        premium,
        market_params.parameters.funding_coefficient,
        market_params.parameters.funding_margin_coefficient,
        market_params.parameters.max_funding_rate_per_hour,
        initial_ratio,
        maintenance_ratio,
    )


@view
@internal
def _index_now(market: uint256, rate: int256, index_price: uint256) -> int256:
    """
    @dev Funding index as of now, at one rate and the price of now since the last accrual.
    @param market Market id.
    @param rate Hourly rate (WAD).
    @param index_price Index price (WAD).
    @return int256 Index (WAD quote per base unit).
    """
    accrued_at: uint256 = self.accrued_at[market]
    if accrued_at == 0:
        return 0
    return self.funding_index[market] + funding_math._index_growth(
        rate, index_price, block.timestamp - accrued_at
    )


@internal
def _store(market: uint256, rate: int256, index: int256):
    """
    @dev Accrues up to now.
    @param market Market id.
    @param rate Hourly rate that applied (WAD).
    @param index Index as of now.
    """
    if self.accrued_at[market] == block.timestamp:
        return
    self.funding_index[market] = index
    self.accrued_at[market] = block.timestamp
    log IMarketRegistry.FundingAccrued(
        market=market, funding_rate=rate, funding_index=index, accrued_at=block.timestamp
    )
