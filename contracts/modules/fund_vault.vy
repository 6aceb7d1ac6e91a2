# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Insurance fund vault
@custom:contract-name fund_vault
@license Apache-2.0
@author Seawall contributors
@notice ERC-4626 face of the fund: shares of its booked reserves. Shares leave through a
        cool-down, in which they bear losses like all others.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import IInsuranceFund
from ..interfaces import ILedger
from ..lib import constants
from ..lib import vault_math
from . import erc4626_vault
from . import exit_queue
from . import fund_draws
from . import token

uses: erc4626_vault
uses: exit_queue
uses: fund_draws
uses: token


# @dev Ledger whose losses the fund absorbs.
LEDGER: immutable(ILedger)

# @dev What knows of whom the fund may get back what it has paid.
COLLATERAL_REGISTRY: immutable(ICollateralRegistry)


@deploy
def __init__(ledger: address, collateral_registry: address):
    """
    @notice Fixes the contracts that the fund stands beside.
    @param ledger Ledger.
    @param collateral_registry Collateral registry.
    """
    assert ledger != empty(address), "fund: zero address"
    assert collateral_registry != empty(address), "fund: zero address"
    LEDGER = ILedger(ledger)
    COLLATERAL_REGISTRY = ICollateralRegistry(collateral_registry)


@external
def contribute(amount: uint256):
    """
    @notice Books tokens that the caller has just sent. Registered drawers, and operators of the
            ledger, who give back what the fund has paid.
    @param amount WAD quote, whole quanta.
    """
    if not fund_draws.is_drawer[msg.sender]:
        assert staticcall LEDGER.is_operator(msg.sender), "fund: not drawer"
    erc4626_vault._receive(amount)
    log IInsuranceFund.Contributed(
        contributor=msg.sender, amount=amount, reserves=erc4626_vault.reserves
    )


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
def _entry_assets() -> uint256:
    """
    @dev What shares cost: the reserves, and every lien that may still be repaid, whoever of fund
         and pool has paid for it. Who came in for less would take what those before him bore.
    @return uint256 Token units, rounded up.
    """
    liens: uint256 = staticcall COLLATERAL_REGISTRY.total_liens()
    return self._total_assets() + (liens + constants.QUANTUM - 1) // constants.QUANTUM


@view
@internal
def _free_assets() -> uint256:
    """
    @dev What leaves with all shares: the reserves less the deficits that anybody may have the
         fund pay at any time. Who leaves first must not leave them to the others.
    @return uint256 Token units.
    """
    reserves: uint256 = erc4626_vault.reserves
    if not fund_draws.is_drawer[LEDGER.address]:
        return reserves // constants.QUANTUM
    return (reserves - min(staticcall LEDGER.pending_deficit(), reserves)) // constants.QUANTUM


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
    return max_value(uint256) if self._is_receiver(receiver) else 0


@view
@external
@reentrant
def maxMint(receiver: address) -> uint256:
    """
    @notice Most shares that may be minted now, none whenever `maxDeposit` is none.
    @param receiver Who would get the shares.
    @return uint256 Shares.
    """
    return max_value(uint256) if self._is_receiver(receiver) else 0


@view
@external
@reentrant
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Most assets that an owner may take out now for what has cooled down.
    @param owner Whose shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_down(self._claimable(owner), self._free_assets())


@view
@external
@reentrant
def maxRedeem(owner: address) -> uint256:
    """
    @notice Most shares that an owner may redeem now: those that have cooled down, none if
            they would give nothing.
    @param owner Whose shares.
    @return uint256 Shares.
    """
    shares: uint256 = self._claimable(owner)
    if erc4626_vault._assets_down(shares, self._free_assets()) == 0:
        return 0
    return shares


@view
@external
@reentrant
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that a deposit would give.
    @param assets Token units.
    @return uint256 Shares.
    """
    return vault_math._to_shares_down(assets, self._supply(), self._entry_assets())


@view
@external
@reentrant
def previewMint(shares: uint256) -> uint256:
    """
    @notice Assets that minting would take.
    @param shares Shares.
    @return uint256 Token units.
    """
    return vault_math._to_assets_up(shares, self._supply(), self._entry_assets())


@view
@external
@reentrant
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that a withdrawal would burn: more while deficits pend.
    @param assets Token units.
    @return uint256 Shares.
    """
    return erc4626_vault._shares_up(assets, self._free_assets())


@view
@external
@reentrant
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Assets that a redemption would give: less while deficits pend.
    @param shares Shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_down(shares, self._free_assets())


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Deposits assets for shares. The first deposit into a fund that has lost everything
            opens a new epoch: the shares before it keep a claim of zero.
    @param assets Token units, taken from the caller.
    @param receiver Who gets the shares.
    @return uint256 Shares minted.
    """
    self._check_ledger_free()
    self._open()
    shares: uint256 = erc4626_vault._shares_down(assets, self._entry_assets())
    erc4626_vault._enter(assets, shares, receiver)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Deposits what a number of shares costs; opens an epoch as `deposit` does.
    @param shares Shares.
    @param receiver Who gets the shares.
    @return uint256 Token units taken from the caller.
    """
    self._check_ledger_free()
    self._open()
    assets: uint256 = erc4626_vault._assets_up(shares, self._entry_assets())
    erc4626_vault._enter(assets, shares, receiver)
    return assets


@external
def request_exit(shares: uint256) -> uint256:
    """
    @notice Begins the cool-down of the caller's shares, in which they bear losses like all
            others. What cools down already begins anew.
    @param shares Shares; none to begin the cool-down of the others anew.
    @return uint256 Timestamp from which they may be redeemed, for a while.
    """
    exit_queue._request(shares, fund_draws.parameters.cooldown_seconds)
    return block.timestamp + fund_draws.parameters.cooldown_seconds


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Takes assets out for shares that have cooled down.
    @param assets Token units.
    @param receiver Who gets the tokens.
    @param owner Whose shares.
    @return uint256 Shares burned.
    """
    self._check_ledger_free()
    shares: uint256 = erc4626_vault._shares_up(assets, self._free_assets())
    erc4626_vault._leave(assets, shares, self._claimable(owner), receiver, owner)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Takes out what shares that have cooled down are worth.
    @param shares Shares.
    @param receiver Who gets the tokens.
    @param owner Whose shares.
    @return uint256 Token units sent.
    """
    self._check_ledger_free()
    assets: uint256 = erc4626_vault._assets_down(shares, self._free_assets())
    erc4626_vault._leave(assets, shares, self._claimable(owner), receiver, owner)
    return assets


@internal
def _open():
    """
    @dev Begins anew if shares are worth nothing, or so little that supplies would outgrow
         their words. The crumbs of the old epoch belong to nobody, so that nobody begins a
         new one for their sake.
    """
    entry_assets: uint256 = self._entry_assets()
    if vault_math._is_mintable(token.totalSupply, entry_assets):
        return
    token._open_epoch()
    token._mint(self, entry_assets * vault_math.VIRTUAL_SHARES)


@view
@internal
def _supply() -> uint256:
    """
    @dev Shares that the next deposit stands beside, those of nobody in a new epoch.
    @return uint256 Shares.
    """
    entry_assets: uint256 = self._entry_assets()
    if vault_math._is_mintable(token.totalSupply, entry_assets):
        return token.totalSupply
    return entry_assets * vault_math.VIRTUAL_SHARES


@view
@internal
def _is_receiver(receiver: address) -> bool:
    """
    @dev Whether shares may be minted for somebody.
    @param receiver Who would get them.
    @return bool True but for nobody and for the fund itself.
    """
    return receiver != empty(address) and receiver != self


@view
@internal
def _claimable(owner: address) -> uint256:
    """
    @dev Shares of an owner that have cooled down. Their price hangs on no index.
    @param owner Whose shares.
    @return uint256 Shares.
    """
    return exit_queue._claimable(owner, fund_draws.parameters.exit_window_seconds, 0)
