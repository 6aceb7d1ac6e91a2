# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin checks
@custom:contract-name margin_checks
@license Apache-2.0
@author Seawall contributors
@notice The three checks, each with its inputs in the log, and what a liquidation is decided
        on.
@dev Only the holder of the ledger's lock may ask for a check: anybody else could forge the
     record of one.
"""

from ..interfaces import ILedger
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..lib import constants
from . import account_risk
from . import believed_depth
from . import clusters

uses: account_risk
uses: believed_depth
uses: clusters


@external
def check_initial(account: uint256, market: uint256, snapshot: IMarketRegistry.MarketSnapshot):
    """
    @notice Guarantees that every price of an account's markets is good enough to add risk at,
            and that the account holds its initial requirement, a hedge its maintenance
            requirement too; with other assets, that it owes no quote.
    @param account Account, after the trade.
    @param market Market of the trade.
    @param snapshot That market, with open interest and skew after the trade.
    """
    self._check_holder()
    held: ILedger.Account = staticcall account_risk.LEDGER.account_of(account)
    # What others front to it must not buy risk: its assets would have to be sold for it first.
    assert held.assets == 0 or held.collateral >= 0, "margin_checks: owes quote"
    self._check_prices(held.open_markets, constants.ACTION_OPEN)
    snapshots: IMarketRegistry.MarketSnapshot[8] = empty(IMarketRegistry.MarketSnapshot[8])
    others: uint256 = held.open_markets & ~(1 << market)
    if others != 0:
        snapshots = account_risk._snapshots(others)
    snapshots[market] = snapshot
    self._check_margin(account, held, account_risk.INITIAL, snapshots)
    if held.mode == constants.MODE_PORTFOLIO:
        # Ratios of a position without size may have moved with open interest.
        snapshots[market] = account_risk._snapshots(1 << market)[market]
        self._check_kept(account, held, snapshots)


@external
def check_withdraw(account: uint256, amount: uint256):
    """
    @notice Guarantees that an account has an amount, and with positions that their prices are
            good enough to withdraw at and that the withdrawal rule holds after.
    @param account Account, before the withdrawal.
    @param amount What is to be taken out (WAD quote).
    """
    self._check_holder()
    held: ILedger.Account = staticcall account_risk.LEDGER.account_of(account)
    held.collateral -= convert(amount, int256)
    assert held.collateral >= 0, "margin_checks: collateral too low"
    if held.open_markets == 0:
        return
    self._check_prices(held.open_markets, constants.ACTION_WITHDRAW)
    snapshots: IMarketRegistry.MarketSnapshot[8] = account_risk._snapshots(held.open_markets)
    self._check_margin(account, held, account_risk.WITHDRAW, snapshots)
    if held.mode == constants.MODE_PORTFOLIO:
        self._check_kept(account, held, snapshots)


@external
def check_maintenance(account: uint256, market: uint256) -> IRiskEngine.LiquidationAccount:
    """
    @notice Touches a market and returns what a liquidation is decided on.
    @param account Account.
    @param market Market that the caller expects a liquidation to close.
    @return LiquidationAccount Inputs.
    """
    self._check_holder()
    held: ILedger.Account = staticcall account_risk.LEDGER.account_of(account)
    snapshots: IMarketRegistry.MarketSnapshot[8] = (
        extcall account_risk.MARKET_REGISTRY.touch(market, held.open_markets)
    )
    found: account_risk.Assessment = account_risk._assess(
        account, held, account_risk.MAINTENANCE, snapshots
    )
    account_risk._log_check(account, held, account_risk.MAINTENANCE, found, snapshots)
    return self._legs(held, found, snapshots)


@view
@external
@reentrant
def liquidation_inputs(account: uint256, market: uint256) -> IRiskEngine.LiquidationInputs:
    """
    @notice An account and one of its markets, as the maintenance check sees them now.
    @param account Account.
    @param market Market id.
    @return LiquidationInputs Inputs.
    """
    held: ILedger.Account = staticcall account_risk.LEDGER.account_of(account)
    snapshots: IMarketRegistry.MarketSnapshot[8] = (
        account_risk._snapshots(held.open_markets | (1 << market))
    )
    found: account_risk.Assessment = account_risk._assess(
        account, held, account_risk.MAINTENANCE, snapshots
    )
    return self._inputs(market, held, found, snapshots[market])


@view
@external
@reentrant
def liquidation_account(account: uint256) -> IRiskEngine.LiquidationAccount:
    """
    @notice What a liquidation would be decided on now.
    @param account Account.
    @return LiquidationAccount Inputs.
    """
    held: ILedger.Account = staticcall account_risk.LEDGER.account_of(account)
    snapshots: IMarketRegistry.MarketSnapshot[8] = account_risk._snapshots(held.open_markets)
    found: account_risk.Assessment = account_risk._assess(
        account, held, account_risk.MAINTENANCE, snapshots
    )
    return self._legs(held, found, snapshots)


@view
@external
@reentrant
def entry_ratio(
    account: uint256,
    market: uint256,
    size_delta: int256,
    snapshot: IMarketRegistry.MarketSnapshot,
) -> uint256:
    """
    @notice Entry maintenance ratio of a position after it grows.
    @param account Account, before the trade.
    @param market Market of the trade.
    @param size_delta Signed base units, in the direction of the position (WAD).
    @param snapshot That market.
    @return uint256 Ratio (WAD).
    """
    return account_risk._entry_ratio(account, market, size_delta, snapshot)


@internal
def _check_margin(
    id: uint256,
    account: ILedger.Account,
    kind: uint256,
    snapshots: IMarketRegistry.MarketSnapshot[8],
):
    """
    @dev Guarantees the initial or the withdrawal rule, and logs what it was checked on.
    @param id Account.
    @param account What is booked of it.
    @param kind 0 initial, 2 withdraw.
    @param snapshots Its markets.
    """
    believed: IMarketRegistry.MarketSnapshot[8] = believed_depth._believed(
        snapshots, account.open_markets
    )
    found: account_risk.Assessment = account_risk._assess(id, account, kind, believed)
    if clusters.cluster_of[id] != 0:
        found = clusters._with_linked(id, account, believed, found)
    assert found.equity >= convert(found.requirement, int256), "margin_checks: margin too low"
    account_risk._log_check(id, account, kind, found, believed)


@view
@internal
def _check_kept(
    id: uint256, account: ILedger.Account, snapshots: IMarketRegistry.MarketSnapshot[8]
):
    """
    @dev Guarantees that a hedge can stay as it is: with less its own action would let it be
         liquidated. That it can begin so does not say it. Its initial scans may lean less than
         its maintenance scans, a believed depth may make the lighter leg look like more of a
         hedge, and at a worse price the heavier leg is smaller.
    @param id Account in portfolio mode.
    @param account What is booked of it.
    @param snapshots Its markets, as a liquidation would see them.
    """
    kept: account_risk.Assessment = account_risk._assess(
        id, account, account_risk.MAINTENANCE, snapshots
    )
    assert kept.equity >= convert(kept.requirement, int256), "margin_checks: margin too low"


@view
@internal
def _legs(
    account: ILedger.Account,
    found: account_risk.Assessment,
    snapshots: IMarketRegistry.MarketSnapshot[8],
) -> IRiskEngine.LiquidationAccount:
    """
    @dev Puts together what a liquidation is decided on.
    @param account Account.
    @param found Its maintenance check.
    @param snapshots Its markets.
    @return LiquidationAccount Inputs.
    """
    inputs: IRiskEngine.LiquidationAccount = empty(IRiskEngine.LiquidationAccount)
    inputs.equity = found.equity
    inputs.maintenance_requirement = found.maintenance_requirement
    inputs.entry_requirement = found.entry_requirement
    inputs.open_markets = account.open_markets
    inputs.alone_share = found.alone_share
    inputs.together_share = found.together_share
    for market: uint256 in range(8):
        if account.open_markets >> market == 0:
            break
        if (account.open_markets >> market) & 1 == 0:
            continue
        snapshot: IMarketRegistry.MarketSnapshot = snapshots[market]
        allowed: bool = staticcall account_risk.PRICE_ORACLE.is_allowed(
            market, constants.ACTION_LIQUIDATE
        )
        inputs.min_position_notional = snapshot.min_position_notional
        inputs.legs[market] = IRiskEngine.LiquidationLeg(
            size=account.positions[market].size,
            notional=found.notionals[market],
            maintenance_ratio=found.ratios[market],
            index_price=snapshot.index_price,
            risk_price=snapshot.risk_price,
            ema_price=snapshot.ema_price,
            premium=snapshot.premium,
            funding_index=snapshot.funding_index,
            variance=max(snapshot.variance_fast, snapshot.variance_slow),
            depth=snapshot.depth,
            allowed=1 if allowed else 0,
            scan_ratio=found.scan_ratios[market],
        )
    return inputs


@view
@internal
def _inputs(
    market: uint256,
    account: ILedger.Account,
    found: account_risk.Assessment,
    snapshot: IMarketRegistry.MarketSnapshot,
) -> IRiskEngine.LiquidationInputs:
    """
    @dev Puts together what deleveraging is decided on.
    @param market Market id.
    @param account Account.
    @param found Its maintenance check.
    @param snapshot The market.
    @return LiquidationInputs Inputs.
    """
    return IRiskEngine.LiquidationInputs(
        equity=found.equity,
        maintenance_requirement=found.maintenance_requirement,
        entry_requirement=found.entry_requirement,
        size=account.positions[market].size,
        notional=found.notionals[market],
        maintenance_ratio=found.ratios[market],
        index_price=snapshot.index_price,
        risk_price=snapshot.risk_price,
        funding_index=snapshot.funding_index,
        variance=max(snapshot.variance_fast, snapshot.variance_slow),
        depth=snapshot.depth,
        min_position_notional=snapshot.min_position_notional,
        allowed=staticcall account_risk.PRICE_ORACLE.is_allowed(
            market, constants.ACTION_LIQUIDATE
        ),
    )


@view
@internal
def _check_prices(markets: uint256, action: uint256):
    """
    @dev Guarantees that every one of several markets has a price good enough.
    @param markets Bit m set: market m.
    @param action What the price is for, see `constants.vy`.
    """
    for market: uint256 in range(8):
        if (markets >> market) & 1 == 1:
            assert staticcall account_risk.PRICE_ORACLE.is_allowed(
                market, action
            ), "margin_checks: price not valid"


@view
@internal
def _check_holder():
    """
    @dev Guarantees that the caller holds the ledger's lock.
    """
    assert (
        msg.sender == staticcall account_risk.LEDGER.holder()
    ), "margin_checks: not holder of the lock"
