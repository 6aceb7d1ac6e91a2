# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Liquidity provider vault
@custom:contract-name pool_vault
@license Apache-2.0
@author Seawall contributors
@notice ERC-4626 face of the pool. Shares leave through the exit queue at what can be
        collected, with the gains of traders at the worse of index and average price. While
        no trader has a position, nothing hangs on a price and shares are minted at once;
        otherwise deposits wait, see `pool_entries`.
"""

from . import erc4626_vault
from . import exit_queue
from . import pool_connections
from . import pool_parameters
from . import pool_valuation

uses: erc4626_vault
uses: exit_queue
uses: pool_connections
uses: pool_parameters
uses: pool_valuation


@view
@external
@reentrant
def totalAssets() -> uint256:
    """
    @notice What all shares are worth on paper: every claim counts at the index price. What
            they give and cost, `previewRedeem` and `previewDeposit` say.
    @return uint256 Token units.
    """
    return pool_valuation._assets().paper


@view
@external
@reentrant
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares that assets are worth.
    @param assets Token units.
    @return uint256 Shares, rounded down.
    """
    return erc4626_vault._shares_down(assets, pool_valuation._assets().paper)


@view
@external
@reentrant
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Assets that shares are worth.
    @param shares Shares.
    @return uint256 Token units, rounded down.
    """
    return erc4626_vault._assets_down(shares, pool_valuation._assets().paper)


@view
@external
@reentrant
def maxDeposit(receiver: address) -> uint256:
    """
    @notice Most assets that may be deposited at once now: none while a trader has a position,
            `request_deposit` is open then, and none to a pool that is owed to traders.
    @param receiver Who would get the shares.
    @return uint256 Token units.
    """
    return max_value(uint256) if self._is_open(receiver) else 0


@view
@external
@reentrant
def maxMint(receiver: address) -> uint256:
    """
    @notice Most shares that may be minted at once now, none whenever `maxDeposit` is none.
    @param receiver Who would get the shares.
    @return uint256 Shares.
    """
    return max_value(uint256) if self._is_open(receiver) else 0


@view
@external
@reentrant
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Most assets that an owner may take out now for what waits in the exit queue.
    @param owner Whose shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_down(self._claimable(owner), pool_valuation._assets().exit)


@view
@external
@reentrant
def maxRedeem(owner: address) -> uint256:
    """
    @notice Most shares that an owner may redeem now: those in the exit queue that are ready,
            none if they would give nothing.
    @param owner Whose shares.
    @return uint256 Shares.
    """
    shares: uint256 = self._claimable(owner)
    if erc4626_vault._assets_down(shares, pool_valuation._assets().exit) == 0:
        return 0
    return shares


@view
@external
@reentrant
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice Shares that a deposit would give; of one that waits, the most it may give.
    @param assets Token units.
    @return uint256 Shares.
    """
    return erc4626_vault._shares_down(assets, pool_valuation._assets().entry)


@view
@external
@reentrant
def previewMint(shares: uint256) -> uint256:
    """
    @notice Assets that minting would take.
    @param shares Shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_up(shares, pool_valuation._assets().entry)


@view
@external
@reentrant
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice Shares that a withdrawal would burn.
    @param assets Token units.
    @return uint256 Shares.
    """
    return erc4626_vault._shares_up(assets, pool_valuation._assets().exit)


@view
@external
@reentrant
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice Assets that a redemption would give.
    @param shares Shares.
    @return uint256 Token units.
    """
    return erc4626_vault._assets_down(shares, pool_valuation._assets().exit)


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Deposits assets for shares, while no trader has a position.
    @param assets Token units, taken from the caller.
    @param receiver Who gets the shares.
    @return uint256 Shares minted.
    """
    pool_connections._check_ledger_free()
    shares: uint256 = erc4626_vault._shares_down(assets, self._open_assets())
    erc4626_vault._enter(assets, shares, receiver)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Deposits what a number of shares costs, while no trader has a position.
    @param shares Shares.
    @param receiver Who gets the shares.
    @return uint256 Token units taken from the caller.
    """
    pool_connections._check_ledger_free()
    assets: uint256 = erc4626_vault._assets_up(shares, self._open_assets())
    erc4626_vault._enter(assets, shares, receiver)
    return assets


@external
def request_exit(shares: uint256) -> uint256:
    """
    @notice Puts shares of the caller into the exit queue, where they bear losses and gains
            until they are redeemed. What waits already begins to wait anew.
    @param shares Shares; none to begin the wait of the others anew.
    @return uint256 Timestamp from which they may be redeemed, for a while.
    """
    exit_queue._request(shares, pool_parameters.parameters.queue_seconds)
    return block.timestamp + pool_parameters.parameters.queue_seconds


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Takes assets out for shares in the exit queue that are ready.
    @param assets Token units.
    @param receiver Who gets the tokens.
    @param owner Whose shares.
    @return uint256 Shares burned.
    """
    pool_connections._check_ledger_free()
    shares: uint256 = erc4626_vault._shares_up(assets, pool_valuation._assets().exit)
    erc4626_vault._leave(assets, shares, self._claimable(owner), receiver, owner)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Takes out what shares in the exit queue that are ready are worth.
    @param shares Shares.
    @param receiver Who gets the tokens.
    @param owner Whose shares.
    @return uint256 Token units sent.
    """
    pool_connections._check_ledger_free()
    assets: uint256 = erc4626_vault._assets_down(shares, pool_valuation._assets().exit)
    erc4626_vault._leave(assets, shares, self._claimable(owner), receiver, owner)
    return assets


@view
@internal
def _claimable(owner: address) -> uint256:
    """
    @dev Shares that an owner may redeem now. With an index that may not pay anybody out, they
         wait for half of the window; then they leave at the worse of the prices there are.
    @param owner Whose shares.
    @return uint256 Shares.
    """
    window: uint256 = pool_parameters.parameters.exit_window_seconds
    patience: uint256 = 0 if pool_valuation._is_price_good() else window // 2
    return exit_queue._claimable(owner, window, patience)


@view
@internal
def _is_open(receiver: address) -> bool:
    """
    @dev Whether shares may be minted at once.
    @param receiver Who would get them.
    @return bool True if they may.
    """
    assets: pool_valuation.Assets = pool_valuation._assets()
    return (
        not assets.is_exposed
        and assets.is_enterable
        and receiver != empty(address)
        and receiver != self
    )


@view
@internal
def _open_assets() -> uint256:
    """
    @dev Guarantees that shares may be minted at once.
    @return uint256 What all shares cost (token units).
    """
    assets: pool_valuation.Assets = pool_valuation._assets()
    assert not assets.is_exposed, "pool: deposits wait"
    assert assets.is_enterable, "pool: nearly worthless"
    return assets.entry
