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
@dev One request an account and no list: nobody's requests are in anybody's way.
"""

from ..interfaces import ILiquidityPool
from ..lib import constants
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
    @notice Deposits assets whose shares wait. What waits already begins to wait anew.
    @param assets Token units, taken from the caller.
    @return uint256 Timestamp from which `claim_shares` works.
    """
    pool_connections._check_ledger_free()
    worth: pool_valuation.Assets = pool_valuation._assets()
    assert worth.is_enterable, "pool: nearly worthless"
    shares: uint256 = erc4626_vault._shares_down(assets, worth.entry)
    request: ILiquidityPool.DepositRequest = self.deposits[msg.sender]
    request.assets += assets
    request.shares += shares
    request.ready_at = block.timestamp + pool_parameters.parameters.queue_seconds
    self.deposits[msg.sender] = request
    log ILiquidityPool.DepositRequested(
        owner=msg.sender,
        assets=request.assets,
        shares=request.shares,
        ready_at=request.ready_at,
    )
    erc4626_vault._escrow(assets, shares)
    return request.ready_at


@external
def claim_shares() -> uint256:
    """
    @notice Gives the caller the shares of a deposit that has waited: as many as it bought
            when it came, or as it would buy now if that is fewer. Waits for an index that
            may be used; `cancel_deposit` does not.
    @return uint256 Shares.
    """
    pool_connections._check_ledger_free()
    request: ILiquidityPool.DepositRequest = self._ready()
    assert pool_valuation._is_price_good(), "pool: price not usable"
    self.deposits[msg.sender] = empty(ILiquidityPool.DepositRequest)
    # NOTE: rounds down, for the vault.
    shares: uint256 = min(
        request.shares,
        erc4626_vault._shares_down(request.assets, pool_valuation._assets().entry),
    )
    log ILiquidityPool.SharesClaimed(
        owner=msg.sender, shares=shares, burned=request.shares - shares
    )
    token._burn(self, request.shares - shares)
    token._move(self, msg.sender, shares)
    return shares


@external
def cancel_deposit() -> uint256:
    """
    @notice Gives the caller back a deposit that has waited: what its shares would give who
            leaves, at most what was deposited. No index and no formula can hold it back.
    @return uint256 Token units.
    """
    pool_connections._check_ledger_free()
    request: ILiquidityPool.DepositRequest = self._ready()
    self.deposits[msg.sender] = empty(ILiquidityPool.DepositRequest)
    # NOTE: rounds down, for the vault.
    assets: uint256 = min(
        request.assets,
        erc4626_vault._assets_down(request.shares, pool_valuation._assets().exit),
    )
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
def _ready() -> ILiquidityPool.DepositRequest:
    """
    @dev Guarantees that the caller has a deposit that has waited long enough.
    @return DepositRequest Request.
    """
    request: ILiquidityPool.DepositRequest = self.deposits[msg.sender]
    assert request.assets != 0, "vault: nothing waits"
    assert block.timestamp >= request.ready_at, "pool: still waiting"
    return request
