# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Connections
@custom:contract-name connections
@license Apache-2.0
@author Seawall contributors
@notice The contracts around the margin engine, fixed once.
"""

from ..interfaces import IERC20
from ..interfaces import IInsuranceFund
from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from ..interfaces import IPriceOracle
from ..lib import constants
from . import access

uses: access


# @dev Token of all collateral, 6 decimals.
QUOTE_TOKEN: immutable(IERC20)
PRICE_ORACLE: immutable(IPriceOracle)

liquidity_pool: public(reentrant(address))
insurance_fund: public(reentrant(address))
liquidation_engine: public(reentrant(address))


@deploy
def __init__(quote_token: address, price_oracle: address):
    """
    @notice Fixes what exists before the engine.
    @param quote_token Token of all collateral.
    @param price_oracle Price oracle.
    """
    self._check_address(quote_token)
    self._check_address(price_oracle)
    QUOTE_TOKEN = IERC20(quote_token)
    PRICE_ORACLE = IPriceOracle(price_oracle)


@external
def connect(liquidity_pool: address, insurance_fund: address, liquidation_engine: address):
    """
    @notice Fixes what is deployed after the engine. Owner only, once.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    @param liquidation_engine Liquidation engine.
    """
    access._check_owner()
    assert self.liquidity_pool == empty(address), "connections: connected"
    self._check_address(liquidity_pool)
    self._check_address(insurance_fund)
    self._check_address(liquidation_engine)
    self.liquidity_pool = liquidity_pool
    self.insurance_fund = insurance_fund
    self.liquidation_engine = liquidation_engine
    log IMarginEngine.Connected(
        liquidity_pool=liquidity_pool,
        insurance_fund=insurance_fund,
        liquidation_engine=liquidation_engine,
    )


@view
@external
@reentrant
def quote_token() -> address:
    """
    @notice Token of all collateral.
    @return address Token.
    """
    return QUOTE_TOKEN.address


@view
@external
@reentrant
def price_oracle() -> address:
    """
    @notice Price oracle.
    @return address Oracle.
    """
    return PRICE_ORACLE.address


@internal
def _send_tokens(receiver: address, amount: uint256):
    """
    @dev Sends quote tokens out of the engine.
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


@view
@internal
def _check_liquidation_engine():
    """
    @dev Guarantees that the caller is the liquidation engine.
    """
    assert msg.sender == self.liquidation_engine, "connections: not liquidation engine"


@pure
@internal
def _check_address(x: address):
    """
    @dev Guarantees that an address is given.
    @param x Address.
    """
    assert x != empty(address), "connections: zero address"
