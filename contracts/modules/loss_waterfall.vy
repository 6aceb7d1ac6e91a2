# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Loss waterfall
@custom:contract-name loss_waterfall
@license Apache-2.0
@author Seawall contributors
@notice The order in which a loss is borne: the account, the fund, winners, the pool. This
        module has the fund and the pool; winners are in `deleveraging.vy`, the account's other
        assets in `forced_sales.vy`. Each part is booked as bad debt when it is resolved, once.
@dev What an account's own assets are to cover is not asked of others for a window of time from
     the deficit on, nor does it close withdrawals.
@custom:invariants total_secured = sum of secured; no account is secured for more than it owed
             when it was last looked at.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import IInsuranceFund
from ..interfaces import ILedger
from ..interfaces import ILossWaterfall
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..lib import constants
from . import waterfall_params

uses: waterfall_params


# More than any deficit, in whole quanta.
MOST: constant(uint256) = 10**48 * constants.QUANTUM

LEDGER: immutable(ILedger)
MARKET_REGISTRY: immutable(IMarketRegistry)
RISK_ENGINE: immutable(IRiskEngine)
INSURANCE_FUND: immutable(IInsuranceFund)
COLLATERAL_REGISTRY: immutable(ICollateralRegistry)

# @dev Part of an account's deficit that its own assets are to cover yet, as of the last look
# (WAD quote, whole quanta).
secured_of: public(reentrant(HashMap[uint256, uint256]))
# @dev Sum of these.
total_secured: public(reentrant(uint256))

# @dev Part of an account's lien that the pool has borne (WAD quote, whole quanta).
borne_by_pool: HashMap[uint256, uint256]
# @dev When an account's own assets were last found to cover nothing of its deficit any more.
unsecured_at: HashMap[uint256, uint256]


@deploy
def __init__(
    ledger: address,
    market_registry: address,
    risk_engine: address,
    insurance_fund: address,
    collateral_registry: address,
):
    """
    @notice Fixes the contracts around.
    @param ledger Ledger, which must register the waterfall as an operator.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param insurance_fund Insurance fund.
    @param collateral_registry Collateral registry.
    """
    for x: address in [
        ledger, market_registry, risk_engine, insurance_fund, collateral_registry
    ]:
        assert x != empty(address), "loss_waterfall: zero address"
    LEDGER = ILedger(ledger)
    MARKET_REGISTRY = IMarketRegistry(market_registry)
    RISK_ENGINE = IRiskEngine(risk_engine)
    INSURANCE_FUND = IInsuranceFund(insurance_fund)
    COLLATERAL_REGISTRY = ICollateralRegistry(collateral_registry)


@external
def resolve(account: uint256):
    """
    @notice Covers a deficit that a close has just left, as far as the fund can. Holder of the
            ledger's lock only.
    @param account Account.
    """
    assert msg.sender == staticcall LEDGER.holder(), "loss_waterfall: not holder of the lock"
    self._cover(account)


@external
def cover_deficit(account: uint256) -> uint256:
    """
    @notice Draws the insurance fund against an account's pending deficit, as far as its own
            assets are not to cover it yet. Anyone may call.
    @param account Account without a position and with negative collateral.
    @return uint256 Deficit still pending (WAD quote).
    """
    extcall LEDGER.lock()
    pending: uint256 = self._cover(account)
    extcall LEDGER.unlock()
    return pending


@external
def socialize_loss(bankrupt: uint256):
    """
    @notice Lets gains that are held pay the rest of a deficit, and writes off against the
            pool what they do not cover: after the window, or at once if nobody is left to
            deleverage, and not while the account's own assets are to cover it. Returns without a
            loss if the fund covers it now.
    @param bankrupt Account with a pending deficit.
    """
    extcall LEDGER.lock()
    record: ILedger.PendingDeficit = self._record(bankrupt)
    pending: uint256 = self._cover(bankrupt)
    if pending != 0:
        self._check_unsecured(bankrupt)
        self._check_nobody_left(bankrupt, record)
        for market: uint256 in range(8):
            extcall LEDGER.use_held(bankrupt, market, 0, MOST)
        amount: uint256 = 0
        if staticcall LEDGER.pending_deficit_of(bankrupt) != 0:
            amount = extcall LEDGER.write_off(bankrupt)
            log ILossWaterfall.LossSocialized(account=bankrupt, amount=amount)
        self._take_lien(bankrupt, pending, amount)
    extcall LEDGER.unlock()


@external
def release_held(account: uint256, market: uint256) -> uint256:
    """
    @notice Credits an account with what was held of its gains and no deficit needs any more.
            Anyone may call.
    @param account Account.
    @param market Market of the gains.
    @return uint256 Amount credited (WAD quote).
    """
    extcall LEDGER.lock()
    released: uint256 = extcall LEDGER.release_held(account, market)
    self._look_again(account)
    extcall LEDGER.unlock()
    return released


@external
def refresh_secured(account: uint256):
    """
    @notice Looks again at what an account owes and what its own assets are to cover of it.
            Anyone may call.
    @param account Account.
    """
    self._secure(account, staticcall LEDGER.pending_deficit_of(account))


@view
@external
@reentrant
def withdrawals_open() -> bool:
    """
    @notice Whether collateral may leave: no deficit pends beyond the fund and what debtors' own
            assets are to cover.
    @return bool True if they may.
    """
    pending: uint256 = staticcall LEDGER.pending_deficit()
    if pending == 0:
        return True
    pending -= min(self.total_secured, pending)
    return (
        pending <= staticcall INSURANCE_FUND.reserves()
        and staticcall INSURANCE_FUND.is_drawer(LEDGER.address)
    )


@internal
def _cover(account: uint256) -> uint256:
    """
    @dev Pays the pool from the fund what an account without a position owes and its own assets
         are not to cover yet.
    @param account Account.
    @return uint256 Deficit still pending (WAD quote).
    """
    deficit: uint256 = staticcall LEDGER.pending_deficit_of(account)
    secured: uint256 = self._secure(account, deficit)
    if deficit == 0:
        return 0
    paid: uint256 = extcall LEDGER.draw_fund(account, deficit - secured)
    log ILossWaterfall.BadDebtCovered(account=account, amount=paid, pending=deficit - paid)
    self._take_lien(account, paid, 0)
    return deficit - paid


@internal
def _secure(account: uint256, deficit: uint256) -> uint256:
    """
    @dev What an account's own assets are to cover of its deficit: what those count for that can
         be sold now, for each one's window of time from the deficit on.
    @param account Account.
    @param deficit What it owes without a position (WAD quote).
    @return uint256 Part of the deficit (WAD quote, whole quanta).
    """
    before: uint256 = self.secured_of[account]
    secured: uint256 = 0
    if deficit != 0 and staticcall LEDGER.assets_of(account) != 0:
        worth: uint256 = staticcall COLLATERAL_REGISTRY.sellable_value_of(
            account, (staticcall LEDGER.deficit_of(account)).recorded_at
        )
        secured = min(deficit, worth - worth % constants.QUANTUM)
    if secured == before:
        return secured
    self.secured_of[account] = secured
    self.total_secured = self.total_secured + secured - before
    if secured == 0:
        self.unsecured_at[account] = block.timestamp
    log ILossWaterfall.DeficitSecured(account=account, amount=secured)
    return secured


@internal
def _look_again(account: uint256):
    """
    @dev Own assets must not go on counting for what a gain that was held has repaid.
    @param account Account that may have been credited.
    """
    if self.secured_of[account] != 0:
        self._secure(account, staticcall LEDGER.pending_deficit_of(account))


@internal
def _take_lien(account: uint256, paid: uint256, by_pool: uint256):
    """
    @dev Books what others have paid of an account's debt as a lien on its own assets.
    @param account Account.
    @param paid Amount (WAD quote).
    @param by_pool Part of it that the pool has borne (WAD quote).
    """
    if paid == 0 or staticcall LEDGER.assets_of(account) == 0:
        return
    if staticcall COLLATERAL_REGISTRY.lien_of(account) == 0:
        self.borne_by_pool[account] = 0  # an earlier lien has ended with its assets
    self.borne_by_pool[account] += by_pool
    extcall COLLATERAL_REGISTRY.raise_lien(account, paid)


@view
@internal
def _check_unsecured(bankrupt: uint256):
    """
    @dev Guarantees that an account's own assets are not to cover its deficit any more, as just
         looked at.
    @param bankrupt Account with the pending deficit.
    """
    assert self.secured_of[bankrupt] == 0, "loss_waterfall: collateral left"


@view
@internal
def _record(bankrupt: uint256) -> ILedger.PendingDeficit:
    """
    @dev Guarantees that an account has a pending deficit.
    @param bankrupt Account.
    @return PendingDeficit Its record.
    """
    record: ILedger.PendingDeficit = staticcall LEDGER.deficit_of(bankrupt)
    assert record.recorded_at != 0, "loss_waterfall: no deficit"
    return record


@view
@internal
def _check_nobody_left(bankrupt: uint256, record: ILedger.PendingDeficit):
    """
    @dev Guarantees that winners have had their turn: the window is over, which begins when the
         account's own assets are out of the way, or nobody is on the other side in any market
         with a share.
    @param bankrupt Account with the pending deficit.
    @param record Its record.
    """
    if (
        block.timestamp
        >= max(record.recorded_at, self.unsecured_at[bankrupt])
        + waterfall_params.parameters.adl_window_seconds
    ):
        return
    for market: uint256 in range(8):
        side: int256 = (staticcall LEDGER.deficit_share_of(bankrupt, market)).side
        if side == 0:
            continue
        info: ILedger.MarketAggregates = staticcall LEDGER.aggregates_of(market)
        opposite: uint256 = info.short_open_interest if side > 0 else info.long_open_interest
        assert opposite == 0, "loss_waterfall: window open"
