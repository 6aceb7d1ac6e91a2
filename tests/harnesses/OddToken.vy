# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Odd token
@license Apache-2.0
@author Seawall contributors
@notice A token that returns nothing, keeps a part of every transfer and can be stopped.
"""

from ...contracts.modules import token


initializes: token

exports: (
    token.name,
    token.symbol,
    token.decimals,
    token.totalSupply,
    token.balanceOf,
    token.allowance,
)


NOBODY: constant(address) = 0x000000000000000000000000000000000000dEaD

percent: uint256
is_stopped: bool


@deploy
def __init__(decimals: uint8):
    token.__init__("Odd", "ODD", decimals)


@external
def mint(receiver: address, amount: uint256):
    token._mint(receiver, amount)


@external
def set_fee(percent: uint256):
    """
    @notice Keeps so many hundredths of what is moved.
    """
    self.percent = percent


@external
def stop(is_stopped: bool):
    """
    @notice Lets no token move.
    """
    self.is_stopped = is_stopped


@external
def approve(spender: address, amount: uint256):
    # As some tokens do: no allowance replaces another one.
    assert amount == 0 or token.allowance[msg.sender][spender] == 0, "odd: allowance set"
    token.allowance[msg.sender][spender] = amount


@external
def transfer(receiver: address, amount: uint256):
    self._pay(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256):
    token._spend_allowance(sender, msg.sender, amount)
    self._pay(sender, receiver, amount)


@internal
def _pay(sender: address, receiver: address, amount: uint256):
    assert not self.is_stopped, "odd: stopped"
    kept: uint256 = amount * self.percent // 100
    token._move(sender, receiver, amount - kept)
    if kept != 0:
        token._move(sender, NOBODY, kept)
