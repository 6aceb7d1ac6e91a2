# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Connections of the pool
@custom:contract-name pool_connections
@license Apache-2.0
@author Seawall contributors
@notice The contracts that the pool stands beside.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import ILedger
from ..interfaces import IMarketRegistry
from . import access

uses: access


event Connected:
    market_registry: indexed(address)


# @dev Ledger of the traders that the pool stands against.
LEDGER: immutable(ILedger)

# @dev What knows of whom the pool may get back what it has borne.
COLLATERAL_REGISTRY: immutable(ICollateralRegistry)

# @dev What knows the markets' funding and their oracle.
market_registry: public(reentrant(address))


@deploy
def __init__(ledger: address, collateral_registry: address):
    """
    @notice Fixes what is deployed before the pool.
    @param ledger Ledger.
    @param collateral_registry Collateral registry.
    """
    assert ledger != empty(address), "pool: zero address"
    assert collateral_registry != empty(address), "pool: zero address"
    LEDGER = ILedger(ledger)
    COLLATERAL_REGISTRY = ICollateralRegistry(collateral_registry)


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
