# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Exception counter
@license Apache-2.0
@author Seawall contributors
@notice A ledger of which only the count of exceptions is looked at, as large as a test says.
"""

from ...contracts.interfaces import ILedger

count: uint256


@external
def add(more: uint256):
    self.count += more


@view
@external
@reentrant
def aggregates_of(market: uint256) -> ILedger.MarketAggregates:
    info: ILedger.MarketAggregates = empty(ILedger.MarketAggregates)
    info.exceptions = self.count if market == 0 else 0
    return info
