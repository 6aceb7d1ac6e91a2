# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Connections of the pool
@custom:contract-name pool_connections
@license Apache-2.0
@author Seawall contributors
@notice The contracts that the pool stands beside.
"""

from ..interfaces import ILedger
from ..interfaces import IMarketRegistry
from . import access

uses: access


event Connected:
    market_registry: indexed(address)


# @dev Ledger of the traders that the pool stands against.
LEDGER: immutable(ILedger)

# @dev What knows the markets' funding and their oracle.
market_registry: public(reentrant(address))


@deploy
def __init__(ledger: address):
    """
    @notice Fixes the ledger.
    @param ledger Ledger.
    """
    assert ledger != empty(address), "pool: zero address"
    LEDGER = ILedger(ledger)


@external
def connect(market_registry: address):
    """
    @notice Fixes what is deployed after the pool. Owner only, once.
    @param market_registry Market registry.
    """
    access._check_owner()
    assert self.market_registry == empty(address), "pool: connected"
    assert market_registry != empty(address), "pool: zero address"
    self.market_registry = market_registry
    log Connected(market_registry=market_registry)


@view
@external
@reentrant
def ledger() -> address:
    """
    @notice Ledger of the traders that the pool stands against.
    @return address Ledger.
    """
    return LEDGER.address


@view
@internal
def _registry() -> IMarketRegistry:
    """
    @dev What knows the markets' funding and their oracle.
    @return IMarketRegistry Market registry.
    """
    return IMarketRegistry(self.market_registry)


@view
@internal
def _check_ledger_free():
    """
    @dev Guarantees that no operation on accounts is under way: in the middle of one, what the
         traders hold and what the pool has do not belong together.
    """
    assert staticcall LEDGER.holder() == empty(address), "pool: ledger locked"
