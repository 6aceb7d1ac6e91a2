# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Connections
@custom:contract-name connections
@license Apache-2.0
@author Seawall contributors
@notice Token, pool and fund of the ledger, fixed once.
"""

from ..interfaces import IERC20
from ..interfaces import IInsuranceFund
from ..interfaces import ILedger
from ..interfaces import ILiquidityPool
from ..lib import constants
from . import access

uses: access


# @dev Token of all collateral, 6 decimals.
QUOTE_TOKEN: immutable(IERC20)

liquidity_pool: public(reentrant(address))
insurance_fund: public(reentrant(address))


@deploy
def __init__(quote_token: address):
    """
    @notice Fixes what exists before the ledger.
    @param quote_token Token of all collateral.
    """
    self._check_address(quote_token)
    QUOTE_TOKEN = IERC20(quote_token)


@external
def connect(liquidity_pool: address, insurance_fund: address):
    """
    @notice Fixes what is deployed after the ledger. Owner only, once.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    """
    access._check_owner()
    assert self.liquidity_pool == empty(address), "connections: connected"
    self._check_address(liquidity_pool)
    self._check_address(insurance_fund)
    self.liquidity_pool = liquidity_pool
    self.insurance_fund = insurance_fund
    log ILedger.Connected(liquidity_pool=liquidity_pool, insurance_fund=insurance_fund)


@view
@external
@reentrant
def quote_token() -> address:
    """
    @notice Token of all collateral.
    @return address Token.
    """
    return QUOTE_TOKEN.address


@internal
def _send_tokens(receiver: address, amount: uint256):
    """
    @dev Sends quote tokens out of the ledger.
    @param receiver Who gets them.
    @param amount WAD quote, whole quanta.
    """
    if amount == 0:
        return
    assert extcall QUOTE_TOKEN.transfer(
        receiver, amount // constants.QUANTUM, default_return_value=True
    ), "connections: transfer failed"


@internal
def _send_to_pool(amount: uint256):
    """
    @dev Sends quote tokens to the pool and lets it book them.
    @param amount WAD quote, whole quanta.
    """
    if amount == 0:
        return
    self._send_tokens(self.liquidity_pool, amount)
    extcall ILiquidityPool(self.liquidity_pool).collect(amount)


@view
@internal
def _has_fund() -> bool:
    """
    @dev Whether the fund pays and takes: unregistering the ledger there stops both, and must
         stop nothing else.
    @return bool True if the ledger is one of its drawers.
    """
    return staticcall IInsuranceFund(self.insurance_fund).is_drawer(self)


@internal
def _draw_from_fund(amount: uint256, receiver: address) -> uint256:
    """
    @dev Draws the fund, as far as it pays.
    @param amount WAD quote, whole quanta.
    @param receiver Who gets the tokens.
    @return uint256 Amount paid (WAD quote).
    """
    if not self._has_fund():
        return 0
    return extcall IInsuranceFund(self.insurance_fund).draw(amount, receiver)


@internal
def _send_to_fund(amount: uint256):
    """
    @dev Sends quote tokens to the fund and lets it book them.
    @param amount WAD quote, whole quanta.
    """
    if amount == 0:
        return
    self._send_tokens(self.insurance_fund, amount)
    extcall IInsuranceFund(self.insurance_fund).contribute(amount)


@pure
@internal
def _check_address(x: address):
    """
    @dev Guarantees that an address is given.
    @param x Address.
    """
    assert x != empty(address), "connections: zero address"
