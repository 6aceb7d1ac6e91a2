# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Entry queue of the pool
@custom:contract-name pool_entries
@license Apache-2.0
@author Seawall contributors
@notice Deposits while traders have positions. The money is in the pool at once and bears its
        losses, but its shares wait, and in the end it has the fewer of those that it bought
        at the first and at the last price: whatever was known and not yet reported when
        it came is in the last one, so that it earns nothing at the cost of those inside.
        When a deposit has waited, anybody may have it settled, and after a while it has to
        wait anew: the moment of settling is not for its owner to choose.
@dev One request an account and no list: nobody's requests are in anybody's way.
"""

from ..interfaces import ILiquidityPool
from ..lib import constants
from ..lib import vault_math
from . import erc4626_vault
from . import pool_connections
from . import pool_parameters
from . import pool_valuation
from . import token

uses: erc4626_vault
uses: pool_connections
uses: pool_parameters
uses: pool_valuation
uses: token


deposits: HashMap[address, ILiquidityPool.DepositRequest]


@external
def request_deposit(assets: uint256) -> uint256:
    """
    @notice Deposits assets whose shares wait. What waits already begins to wait anew, with no
            more shares than it would get now.
    @param assets Token units, taken from the caller; none to begin the wait anew.
    @return uint256 Timestamp from which `claim_shares` works.
    """
    pool_connections._check_ledger_free()
    worth: pool_valuation.Assets = pool_valuation._assets()
    assert worth.is_enterable, "pool: nearly worthless"
    request: ILiquidityPool.DepositRequest = self.deposits[msg.sender]
    kept: uint256 = self._settled(request, worth)
    token._burn(self, request.shares - kept)
    shares: uint256 = erc4626_vault._shares_down(assets, worth.entry)
    request.assets += assets
    request.shares = kept + shares
    assert request.shares != 0, "vault: zero shares"
    request.ready_at = block.timestamp + pool_parameters.parameters.queue_seconds
    self.deposits[msg.sender] = request
    log ILiquidityPool.DepositRequested(
        owner=msg.sender,
        assets=request.assets,
        shares=request.shares,
        ready_at=request.ready_at,
    )
    if assets != 0:
        erc4626_vault._escrow(assets, shares)
    return request.ready_at


@external
def claim_shares(owner: address) -> uint256:
    """
    @notice Gives an owner the shares of a deposit that has waited: as many as it bought when
            it came, or as it would buy now if that is fewer. Anybody may call. Works for a
            while and with an index that may be used; otherwise see `cancel_deposit`.
    @param owner Whose deposit.
    @return uint256 Shares.
    """
    pool_connections._check_ledger_free()
    request: ILiquidityPool.DepositRequest = self._ready(owner)
    assert self._is_claimable(request), "pool: not claimable"
    self.deposits[owner] = empty(ILiquidityPool.DepositRequest)
    shares: uint256 = self._settled(request, pool_valuation._assets())
    log ILiquidityPool.SharesClaimed(
        owner=owner, shares=shares, burned=request.shares - shares
    )
    token._burn(self, request.shares - shares)
    token._move(self, owner, shares)
    return shares


@external
def cancel_deposit(min_assets: uint256) -> uint256:
    """
    @notice Gives the caller back a deposit that has waited and whose shares cannot be claimed:
            what they would give who leaves, at most what was deposited. No index and no
            formula can hold it back.
    @dev Traders can lower what shares give for a while, by closing at a gain what they keep as
         large a loss beside; who leaves meanwhile leaves it to the others.
    @param min_assets Least that the caller accepts (token units).
    @return uint256 Token units.
    """
    pool_connections._check_ledger_free()
    request: ILiquidityPool.DepositRequest = self._ready(msg.sender)
    assert not self._is_claimable(request), "pool: claimable"
    self.deposits[msg.sender] = empty(ILiquidityPool.DepositRequest)
    # NOTE: rounds down, for the vault.
    assets: uint256 = min(
        request.assets,
        erc4626_vault._assets_down(request.shares, pool_valuation._assets().exit),
    )
    assert assets != 0, "vault: zero assets"
    assert assets >= min_assets, "pool: less than asked for"
    log ILiquidityPool.DepositCancelled(owner=msg.sender, assets=assets)
    token._burn(self, request.shares)
    erc4626_vault._send(msg.sender, assets * constants.QUANTUM)
    return assets


@view
@external
@reentrant
def deposit_request(owner: address) -> ILiquidityPool.DepositRequest:
    """
    @notice A deposit that waits.
    @param owner Whose deposit.
    @return DepositRequest Request, empty if nothing waits.
    """
    return self.deposits[owner]


@view
@internal
def _ready(owner: address) -> ILiquidityPool.DepositRequest:
    """
    @dev Guarantees that an owner has a deposit that has waited long enough.
    @param owner Whose deposit.
    @return DepositRequest Request.
    """
    request: ILiquidityPool.DepositRequest = self.deposits[owner]
    assert request.assets != 0, "vault: nothing waits"
    assert block.timestamp >= request.ready_at, "pool: still waiting"
    return request


@view
@internal
def _is_claimable(request: ILiquidityPool.DepositRequest) -> bool:
    """
    @dev Whether the shares of a deposit that has waited may be given out.
    @param request Deposit.
    @return bool True within the window, with an index that may be used.
    """
    closes_at: uint256 = request.ready_at + pool_parameters.parameters.exit_window_seconds
    return block.timestamp <= closes_at and pool_valuation._is_price_good()


@view
@internal
def _settled(
    request: ILiquidityPool.DepositRequest, worth: pool_valuation.Assets
) -> uint256:
    """
    @dev Shares that a deposit is left with now: at the price without it. At the price with it
         the surplus that is burned would raise what the rest is worth.
    @param request Deposit, empty if there is none.
    @param worth What the pool is worth now.
    @return uint256 Shares, at most those that wait.
    """
    others: uint256 = token.totalSupply - request.shares
    # NOTE: rounds down, for the vault.
    return min(
        request.shares,
        vault_math._to_shares_down(
            request.assets, others, worth.entry - min(request.assets, worth.entry)
        ),
    )
