# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Insurance fund vault
@custom:contract-name fund_vault
@license Apache-2.0
@author Seawall contributors
@notice ERC-4626 face of the fund: shares of its booked reserves.
"""

from ..interfaces import ILedger
from ..lib import constants
from . import erc4626_vault
from . import token

uses: erc4626_vault
uses: token


# @dev Ledger whose losses the fund absorbs.
LEDGER: immutable(ILedger)


@deploy
def __init__(ledger: address):
    """
    @notice Fixes the ledger.
    @param ledger Ledger.
    """
    assert ledger != empty(address), "fund: zero address"
    LEDGER = ILedger(ledger)


@view
@external
@reentrant
def ledger() -> address:
    """
    @notice Ledger whose losses the fund absorbs.
    @return address Ledger.
    """
    return LEDGER.address


@view
@internal
def _check_ledger_free():
    """
    @dev Guarantees that no operation on accounts is under way: in the middle of one, a loss
         may be known that the fund has not borne yet.
    """
    assert staticcall LEDGER.holder() == empty(address), "fund: ledger locked"


@view
@internal
def _total_assets() -> uint256:
    """
    @dev The reserves, which are whole token units.
    @return uint256 Token units.
    """
    return erc4626_vault.reserves // constants.QUANTUM


@view
@internal
def _withdrawable() -> uint256:
    """
    @dev Tokens that may leave.
    @return uint256 Token units.
    """
    return erc4626_vault.reserves // constants.QUANTUM


@view
@external
@reentrant
def totalAssets() -> uint256:
    """
    @notice What all shares are worth.
    @return uint256 Token units.
    """
    return self._total_assets()


@view
@external
@reentrant
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares that assets are worth.
    @param assets Token units.
    @return uint256 Shares, rounded down.
    """
    return erc4626_vault._shares_down(assets, self._total_assets())


@view
@external
@reentrant
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Assets that shares are worth.
    @param shares Shares.
    @return uint256 Token units, rounded down.
    """
    return erc4626_vault._assets_down(shares, self._total_assets())


@view
@external
@reentrant
def maxDeposit(receiver: address) -> uint256:
    """
    @notice Most assets that may be deposited now: no limit.
    @param receiver Who would get the shares.
    @return uint256 Token units.
    """
    return max_value(uint256)


@view
@external
@reentrant
def maxMint(receiver: address) -> uint256:
    """
    @notice Most shares that may be minted now: no limit.
    @param receiver Who would get the shares.
    @return uint256 Shares.
    """
    return max_value(uint256)


@view
@external
@reentrant
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Most assets that an owner may take out now.
    @param owner Whose shares.
    @return uint256 Token units.
    """
    worth: uint256 = erc4626_vault._assets_down(token.balanceOf[owner], self._total_assets())
    return min(worth, self._withdrawable())


@view
@external
@reentrant
def maxRedeem(owner: address) -> uint256:
    """
    @notice Most shares that an owner may redeem now.
    @param owner Whose shares.
    @return uint256 Shares.
    """
    limit: uint256 = self._withdrawable()
    # NOTE: rounds down, redeeming this many never asks for more than may leave.
    return min(
        token.balanceOf[owner], erc4626_vault._shares_down(limit, self._total_assets())
    )


@view
@external
@reentrant
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that a deposit would give.
    @param assets Token units.
    @return uint256 Shares.
    """
    return erc4626_vault._shares_down(assets, self._total_assets())


@view
@external
@reentrant
def previewMint(shares: uint256) -> uint256:
    """
    @notice Assets that minting would take.
    @param shares Shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_up(shares, self._total_assets())


@view
@external
@reentrant
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that a withdrawal would burn.
    @param assets Token units.
    @return uint256 Shares.
    """
    return erc4626_vault._shares_up(assets, self._total_assets())


@view
@external
@reentrant
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Assets that a redemption would give.
    @param shares Shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_down(shares, self._total_assets())


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Deposits assets for shares.
    @param assets Token units, taken from the caller.
    @param receiver Who gets the shares.
    @return uint256 Shares minted.
    """
    self._check_ledger_free()
    shares: uint256 = erc4626_vault._shares_down(assets, self._total_assets())
    erc4626_vault._enter(assets, shares, receiver)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Deposits what a number of shares costs.
    @param shares Shares.
    @param receiver Who gets the shares.
    @return uint256 Token units taken from the caller.
    """
    self._check_ledger_free()
    assets: uint256 = erc4626_vault._assets_up(shares, self._total_assets())
    erc4626_vault._enter(assets, shares, receiver)
    return assets


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Takes assets out for shares.
    @param assets Token units.
    @param receiver Who gets the tokens.
    @param owner Whose shares.
    @return uint256 Shares burned.
    """
    self._check_ledger_free()
    assert assets <= self._withdrawable(), "vault: not withdrawable"
    shares: uint256 = erc4626_vault._shares_up(assets, self._total_assets())
    erc4626_vault._leave(assets, shares, receiver, owner)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Takes out what a number of shares is worth.
    @param shares Shares.
    @param receiver Who gets the tokens.
    @param owner Whose shares.
    @return uint256 Token units sent.
    """
    self._check_ledger_free()
    assets: uint256 = erc4626_vault._assets_down(shares, self._total_assets())
    assert assets <= self._withdrawable(), "vault: not withdrawable"
    erc4626_vault._leave(assets, shares, receiver, owner)
    return assets
