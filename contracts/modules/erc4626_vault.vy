# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ERC-4626 vault core
@custom:contract-name erc4626_vault
@license Apache-2.0
@author Seawall contributors
@notice Shares, booked reserves and their conversions. The owner of this module says what
        the assets are worth and which shares may leave; the reserves are counted here, so
        that tokens sent without a deposit change no price.
"""

from ..interfaces import IERC20
from ..lib import constants
from ..lib import vault_math
from . import exit_queue
from . import token

uses: exit_queue
uses: token


event Deposit:
    sender: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256


event Withdraw:
    sender: indexed(address)
    receiver: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256


# @dev Token whose units are the assets.
ASSET: immutable(address)

# @dev Booked tokens (WAD quote, whole quanta).
reserves: public(reentrant(uint256))


@deploy
def __init__(asset: address):
    """
    @notice Fixes the asset.
    @param asset Token of the assets, 6 decimals.
    """
    assert asset != empty(address), "vault: zero asset"
    ASSET = asset


@view
@external
@reentrant
def asset() -> address:
    """
    @notice Token whose units are the assets.
    @return address Token.
    """
    return ASSET


@internal
def _enter(assets: uint256, shares: uint256, receiver: address):
    """
    @dev Books a deposit, then takes the tokens from the caller.
    @param assets Token units.
    @param shares Shares to mint, not zero.
    @param receiver Who gets the shares; not the vault, where they would be lost.
    """
    assert receiver != self, "vault: receiver is the vault"
    self._mint_for(assets, shares, receiver)


@internal
def _escrow(assets: uint256, shares: uint256):
    """
    @dev Books a deposit whose shares stay with the vault for now.
    @param assets Token units.
    @param shares Shares to mint, not zero.
    """
    self._mint_for(assets, shares, self)


@internal
def _mint_for(assets: uint256, shares: uint256, receiver: address):
    """
    @dev Books a deposit, then takes the tokens from the caller.
    @param assets Token units.
    @param shares Shares to mint, not zero.
    @param receiver Who gets the shares.
    """
    assert shares != 0, "vault: zero shares"
    self.reserves += assets * constants.QUANTUM
    token._mint(receiver, shares)
    log Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)
    assert extcall IERC20(ASSET).transferFrom(
        msg.sender, self, assets, default_return_value=True
    ), "vault: transfer failed"


@internal
def _leave(
    assets: uint256, shares: uint256, claimable: uint256, receiver: address, owner: address
):
    """
    @dev Burns shares that waited in the exit queue, then sends the tokens.
    @param assets Token units, not zero: nobody burns shares for nothing.
    @param shares Shares to burn.
    @param claimable Shares of the owner that may leave now.
    @param receiver Who gets the tokens.
    @param owner Whose shares; the caller or someone who allowed it.
    """
    assert shares <= claimable, "vault: not claimable"
    assert assets != 0, "vault: zero assets"
    if msg.sender != owner:
        token._spend_allowance(owner, msg.sender, shares)
    exit_queue._take(owner, shares)
    token._burn(self, shares)
    log Withdraw(
        sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares
    )
    self._send(receiver, assets * constants.QUANTUM)


@internal
def _send(receiver: address, amount: uint256):
    """
    @dev Takes an amount off the reserves and sends it.
    @param receiver Who gets the tokens.
    @param amount WAD quote, whole quanta.
    """
    assert amount <= self.reserves, "vault: reserves too low"
    assert amount % constants.QUANTUM == 0, "vault: not whole quanta"
    self.reserves -= amount
    assert extcall IERC20(ASSET).transfer(
        receiver, amount // constants.QUANTUM, default_return_value=True
    ), "vault: transfer failed"


@internal
def _receive(amount: uint256):
    """
    @dev Books tokens that have already arrived.
    @param amount WAD quote, whole quanta.
    """
    assert amount % constants.QUANTUM == 0, "vault: not whole quanta"
    self.reserves += amount
    held: uint256 = staticcall IERC20(ASSET).balanceOf(self)
    assert held * constants.QUANTUM >= self.reserves, "vault: nothing received"


@view
@internal
def _shares_down(assets: uint256, total_assets: uint256) -> uint256:
    """
    @dev Shares for assets, rounded down.
    @param assets Token units.
    @param total_assets What all shares are worth (token units).
    @return uint256 Shares.
    """
    return vault_math._to_shares_down(assets, token.totalSupply, total_assets)


@view
@internal
def _shares_up(assets: uint256, total_assets: uint256) -> uint256:
    """
    @dev Shares for assets, rounded up.
    @param assets Token units.
    @param total_assets What all shares are worth (token units).
    @return uint256 Shares.
    """
    return vault_math._to_shares_up(assets, token.totalSupply, total_assets)


@view
@internal
def _assets_down(shares: uint256, total_assets: uint256) -> uint256:
    """
    @dev Assets for shares, rounded down.
    @param shares Shares.
    @param total_assets What all shares are worth (token units).
    @return uint256 Token units.
    """
    return vault_math._to_assets_down(shares, token.totalSupply, total_assets)


@view
@internal
def _assets_up(shares: uint256, total_assets: uint256) -> uint256:
    """
    @dev Assets for shares, rounded up.
    @param shares Shares.
    @param total_assets What all shares are worth (token units).
    @return uint256 Token units.
    """
    return vault_math._to_assets_up(shares, token.totalSupply, total_assets)
