# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ERC20Mock
@custom:contract-name ERC20Mock
@license Apache-2.0
@author Seawall contributors
@notice The quote token of the simulator's local chain: anyone may mint.
@dev Never deploy outside a test chain.
@custom:kill Not applicable: it holds nothing of value.
@custom:invariants Sum of balances equals the supply.
"""

from ..modules import token


initializes: token

exports: (
    token.name,
    token.symbol,
    token.decimals,
    token.totalSupply,
    token.balanceOf,
    token.allowance,
    token.transfer,
    token.transferFrom,
    token.approve,
)


@deploy
def __init__(name: String[32], symbol: String[16], decimals: uint8):
    """
    @notice Deploys a token without supply.
    @param name Name.
    @param symbol Ticker.
    @param decimals Digits after the point of one whole token.
    """
    token.__init__(name, symbol, decimals)


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Makes tokens for one account.
    @param receiver Who gets them.
    @param amount Token units.
    """
    token._mint(receiver, amount)


@external
def mint_many(receivers: DynArray[address, 512], amount: uint256):
    """
    @notice Makes the same amount of tokens for many accounts.
    @param receivers Who gets them.
    @param amount Token units for each.
    """
    for receiver: address in receivers:
        token._mint(receiver, amount)
