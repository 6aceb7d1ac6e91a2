# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Account risk
@custom:contract-name account_risk
@license Apache-2.0
@author Seawall contributors
@notice Equity and requirement of an account under the three checks: initial, maintenance,
        withdraw. One model call per position, one reading per market.
"""

from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from ..interfaces import IRiskModel
from ..lib import funding_math
from ..lib import margin_math
from ..lib import ramp_math
from . import connections
from . import ledger
from . import margin_params
from . import market_state

uses: connections
uses: ledger
uses: margin_params
uses: market_state


INITIAL: constant(uint256) = 0
MAINTENANCE: constant(uint256) = 1
WITHDRAW: constant(uint256) = 2


# What one check found; the arrays hold its inputs by market.
struct Assessment:
    equity: int256
    requirement: uint256  # that the check compares with
    initial_requirement: uint256
    maintenance_requirement: uint256
    entry_requirement: uint256
    notional: uint256
    prices: uint256[8]
    notionals: uint256[8]
    ratios: uint256[8]


@view
@external
@reentrant
def account_states(
    accounts: DynArray[address, 512]
) -> DynArray[IMarginEngine.AccountState, 512]:
    """
    @notice Margin state of many accounts at the risk price; every market is read once.
    @param accounts Accounts.
    @return DynArray One state per account, in order.
    """
    snapshots: IMarginEngine.MarketSnapshot[8] = self._snapshots(max_value(uint256))
    states: DynArray[IMarginEngine.AccountState, 512] = []
    for account: address in accounts:
        found: Assessment = self._assess(account, MAINTENANCE, snapshots)
        states.append(
            IMarginEngine.AccountState(
                collateral=ledger.collateral[account],
                equity=found.equity,
                initial_requirement=found.initial_requirement,
                maintenance_requirement=found.maintenance_requirement,
                notional=found.notional,
            )
        )
    return states


@view
@internal
def _snapshots(markets: uint256) -> IMarginEngine.MarketSnapshot[8]:
    """
    @dev Reads several markets.
    @param markets Bit m set: read market m; bits beyond the last market do not matter.
    @return MarketSnapshot[8] By market id, empty where not read.
    """
    snapshots: IMarginEngine.MarketSnapshot[8] = empty(IMarginEngine.MarketSnapshot[8])
    for market: uint256 in range(ledger.market_count, bound=8):
        if (markets >> market) & 1 == 1:
            snapshots[market] = market_state._snapshot(market)
    return snapshots


@view
@internal
def _effective_ratio(
    position: IMarginEngine.Position, snapshot: IMarginEngine.MarketSnapshot
) -> uint256:
    """
    @dev Maintenance ratio that a position must hold now.
    @param position Position.
    @param snapshot Its market.
    @return uint256 Ratio (WAD).
    """
    notional: uint256 = margin_math._notional(position.size, snapshot.risk_price)
    return ramp_math._effective_ratio(
        market_state._ratios(snapshot, notional).maintenance,
        snapshot.maintenance_ratio,
        snapshot.ramped_maintenance_ratio,
        position.entry_maintenance_ratio,
    )


@view
@internal
def _assess(
    account: address, kind: uint256, snapshots: IMarginEngine.MarketSnapshot[8]
) -> Assessment:
    """
    @dev Values an account for a check. Maintenance: at the risk price. Initial: at the worse
         of risk and index price. Withdraw: at the worse of risk, index and average price,
         minus the cost of closing out.
    @param account Account.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @param snapshots Its markets.
    @return Assessment What was found.
    """
    found: Assessment = empty(Assessment)
    gains: uint256 = 0
    haircut: uint256 = 0
    markets: uint256 = ledger.open_markets[account]
    for market: uint256 in range(8):
        if (markets >> market) & 1 == 0:
            continue
        snapshot: IMarginEngine.MarketSnapshot = snapshots[market]
        position: IMarginEngine.Position = ledger.positions[account][market]

        # PRICE
        price: uint256 = snapshot.risk_price
        if kind != MAINTENANCE:
            price = margin_math._worse_price(position.size, price, snapshot.index_price)
        if kind == WITHDRAW:
            price = margin_math._worse_price(position.size, price, snapshot.ema_price)
        notional: uint256 = margin_math._notional(position.size, price)

        # EQUITY
        pnl: int256 = margin_math._unrealized_pnl(
            position.size, price, position.entry_notional
        ) - funding_math._funding_owed(
            position.size, snapshot.funding_index - position.funding_index
        )
        if kind == MAINTENANCE or pnl < 0:
            found.equity += pnl
        else:
            gains += convert(pnl, uint256)
        if kind != MAINTENANCE:
            haircut = max(
                haircut, staticcall IRiskModel(snapshot.risk_model).collateral_haircut()
            )
        if kind == WITHDRAW:
            fill_price: uint256 = staticcall ILiquidityPool(connections.liquidity_pool).quote(
                market, -position.size, snapshot.index_price
            )
            found.equity -= convert(
                margin_math._close_out_impact(position.size, snapshot.index_price, fill_price),
                int256,
            )

        # REQUIREMENT
        ratios: IRiskModel.MarginRatios = market_state._ratios(snapshot, notional)
        effective: uint256 = ramp_math._effective_ratio(
            ratios.maintenance,
            snapshot.maintenance_ratio,
            snapshot.ramped_maintenance_ratio,
            position.entry_maintenance_ratio,
        )
        found.notional += notional
        found.initial_requirement += margin_math._requirement(notional, ratios.initial)
        found.maintenance_requirement += margin_math._requirement(notional, effective)
        found.entry_requirement += margin_math._requirement(
            notional, min(effective, position.entry_maintenance_ratio)
        )
        found.prices[market] = price
        found.notionals[market] = notional
        found.ratios[market] = effective if kind == MAINTENANCE else ratios.initial

    # ACCOUNT
    if kind == MAINTENANCE:
        found.equity += ledger.collateral[account]
        found.requirement = found.maintenance_requirement
        return found
    found.equity += margin_math._haircut_collateral(ledger.collateral[account], haircut)
    found.equity += convert(
        margin_math._credited_gain(
            gains, margin_params.parameters.upnl_weight, margin_params.parameters.upnl_cap
        ),
        int256,
    )
    found.requirement = found.initial_requirement
    if kind == WITHDRAW:
        found.requirement = max(
            found.requirement,
            margin_math._requirement(
                found.notional, margin_params.parameters.withdraw_margin_ratio
            ),
        )
    return found


@internal
def _log_check(
    account: address,
    kind: uint256,
    found: Assessment,
    snapshots: IMarginEngine.MarketSnapshot[8],
):
    """
    @dev Logs the inputs of a check, one event per position, so that anyone can redo it.
    @param account Account.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @param found What the check found.
    @param snapshots Markets.
    """
    markets: uint256 = ledger.open_markets[account]
    for market: uint256 in range(8):
        if (markets >> market) & 1 == 0:
            continue
        snapshot: IMarginEngine.MarketSnapshot = snapshots[market]
        log IMarginEngine.MarginChecked(
            account=account,
            market=market,
            kind=kind,
            price=found.prices[market],
            risk_price=snapshot.risk_price,
            variance_fast=snapshot.variance_fast,
            variance_slow=snapshot.variance_slow,
            confidence=snapshot.confidence,
            open_interest=snapshot.open_interest,
            depth=snapshot.depth,
            notional=found.notionals[market],
            ratio=found.ratios[market],
            equity=found.equity,
            requirement=found.requirement,
            round_id=snapshot.round_id,
        )
