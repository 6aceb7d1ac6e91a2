# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Account risk
@custom:contract-name account_risk
@license Apache-2.0
@author Seawall contributors
@notice What an account is worth and what it must hold, for each kind of check. No state: an
        account and its markets in, a judgement out.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import ILedger
from ..interfaces import ILiquidityPool
from ..interfaces import IMarketRegistry
from ..interfaces import IPortfolioRiskModel
from ..interfaces import IPriceOracle
from ..interfaces import IRiskEngine
from ..interfaces import IRiskModel
from ..lib import constants
from ..lib import funding_math
from ..lib import margin_math
from ..lib import ramp_math
from ..lib import risk_inputs
from . import formulas
from . import portfolio_formula
from . import risk_params

uses: portfolio_formula
uses: risk_params


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
    asset_value: uint256  # what other assets than the quote token count for
    notional: uint256
    prices: uint256[8]
    notionals: uint256[8]
    ratios: uint256[8]
    scan_ratios: uint256[8]  # part of each that others may offset; one in other modes
    alone_share: uint256  # of a scan that a close on the heavier side frees (WAD)
    together_share: uint256  # of both scans that a close on either side frees (WAD)


PRICE_ORACLE: immutable(IPriceOracle)
LEDGER: immutable(ILedger)
MARKET_REGISTRY: immutable(IMarketRegistry)
LIQUIDITY_POOL: immutable(ILiquidityPool)
COLLATERAL_REGISTRY: immutable(ICollateralRegistry)


@deploy
def __init__(
    price_oracle: address,
    ledger: address,
    market_registry: address,
    liquidity_pool: address,
    collateral_registry: address,
):
    """
    @notice Fixes the contracts around.
    @param price_oracle Price oracle.
    @param ledger Ledger.
    @param market_registry Market registry.
    @param liquidity_pool Liquidity pool.
    @param collateral_registry Collateral registry.
    """
    for x: address in [
        price_oracle, ledger, market_registry, liquidity_pool, collateral_registry
    ]:
        assert x != empty(address), "account_risk: zero address"
    PRICE_ORACLE = IPriceOracle(price_oracle)
    LEDGER = ILedger(ledger)
    MARKET_REGISTRY = IMarketRegistry(market_registry)
    LIQUIDITY_POOL = ILiquidityPool(liquidity_pool)
    COLLATERAL_REGISTRY = ICollateralRegistry(collateral_registry)


@view
@internal
def _assess(
    id: uint256,
    account: ILedger.Account,
    kind: uint256,
    snapshots: IMarketRegistry.MarketSnapshot[8],
) -> Assessment:
    """
    @dev Values an account for a check. Maintenance: at the risk price. Initial: at the worse
         of risk and index price. Withdraw: at the worse of risk, index and average price.
         The last two count what closing each position would cost now: a premium that a trader
         has made or been paid is no gain before somebody else bears it. Other assets than the
         quote token count in all three, each with a haircut of its own.
    @param id Account.
    @param account What is booked of it.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @param snapshots Its markets.
    @return Assessment What was found.
    """
    found: Assessment = empty(Assessment)
    gains: uint256 = 0
    haircut: uint256 = 0
    for market: uint256 in range(8):
        if account.open_markets >> market == 0:
            break
        if (account.open_markets >> market) & 1 == 0:
            continue
        snapshot: IMarketRegistry.MarketSnapshot = snapshots[market]
        position: ILedger.Position = account.positions[market]

        # PRICE
        price: uint256 = snapshot.risk_price
        if kind != MAINTENANCE:
            price = margin_math._worse_price(position.size, price, snapshot.index_price)
        if kind == WITHDRAW:
            price = margin_math._worse_price(position.size, price, snapshot.ema_price)
        notional: uint256 = margin_math._notional(position.size, price)

        # EQUITY
        pnl: int256 = self._profit(position, snapshot.funding_index, price)
        if kind != MAINTENANCE:
            pnl -= self._cost_of_exit(market, position.size, snapshot.index_price)
        if kind == MAINTENANCE or pnl < 0:
            found.equity += pnl
        else:
            gains += convert(pnl, uint256)
        if kind != MAINTENANCE:
            haircut = max(haircut, formulas._haircut(snapshot))
        found.notional += notional
        found.prices[market] = price
        found.notionals[market] = notional

    # REQUIREMENT, whose formulas know the notional in all markets
    for market: uint256 in range(8):
        if account.open_markets >> market == 0:
            break
        if (account.open_markets >> market) & 1 == 0:
            continue
        notional: uint256 = found.notionals[market]
        position: ILedger.Position = account.positions[market]
        ratios: IRiskModel.MarginRatios = formulas._target_ratios(
            snapshots[market],
            notional,
            risk_inputs._side(position.size),
            found.notional,
            kind != MAINTENANCE,
        )
        effective: uint256 = self._effective_ratio(
            ratios.maintenance, position, snapshots[market]
        )
        found.initial_requirement += margin_math._requirement(notional, ratios.initial)
        found.maintenance_requirement += margin_math._requirement(notional, effective)
        found.entry_requirement += margin_math._requirement(
            notional, min(effective, position.entry_maintenance_ratio)
        )
        found.ratios[market] = effective if kind == MAINTENANCE else ratios.initial
        found.scan_ratios[market] = constants.WAD

    # ACCOUNT
    if account.assets != 0:
        found.asset_value = staticcall COLLATERAL_REGISTRY.value_of(id, account.assets, kind)
        found.equity += convert(found.asset_value, int256)
    found.alone_share = constants.WAD
    found.together_share = constants.WAD
    if kind == MAINTENANCE:
        found.equity += account.collateral
        if account.mode == constants.MODE_PORTFOLIO:
            found = self._maintained_together(account, found, snapshots)
        found.requirement = found.maintenance_requirement
        return found
    if account.mode == constants.MODE_PORTFOLIO:
        found.initial_requirement = portfolio_formula._answer(
            self._portfolio(account, found.notionals, found.ratios, INITIAL, snapshots)
        )
    found.equity += margin_math._haircut_collateral(account.collateral, haircut)
    found.equity += convert(
        margin_math._credited_gain(
            gains, risk_params.parameters.upnl_weight, risk_params.parameters.upnl_cap
        ),
        int256,
    )
    found.requirement = found.initial_requirement
    if kind == WITHDRAW:
        found.requirement = max(
            found.requirement,
            margin_math._requirement(
                found.notional, risk_params.parameters.withdraw_margin_ratio
            ),
        )
    return found


@view
@internal
def _maintained_together(
    account: ILedger.Account,
    alone: Assessment,
    snapshots: IMarketRegistry.MarketSnapshot[8],
) -> Assessment:
    """
    @dev A maintenance check whose positions require less together than alone.
    @param account Account in portfolio mode.
    @param alone What was found of its positions one by one.
    @param snapshots Its markets.
    @return Assessment The same of them together.
    """
    found: Assessment = alone
    legs: IPortfolioRiskModel.PortfolioLeg[8] = self._portfolio(
        account, found.notionals, found.ratios, MAINTENANCE, snapshots
    )
    margin: IPortfolioRiskModel.PortfolioMargin = portfolio_formula._margin_or_least(legs)
    found.maintenance_requirement = margin.requirement
    found.scan_ratios = margin.scan_ratios
    found.alone_share = margin.alone_share
    found.together_share = margin.together_share
    if found.equity < convert(found.maintenance_requirement, int256):
        # Whether it would not be had no ratio risen since entry.
        for market: uint256 in range(8):
            legs[market].ratio = min(
                legs[market].ratio, account.positions[market].entry_maintenance_ratio
            )
        found.entry_requirement = portfolio_formula._margin_or_least(legs).requirement
    else:
        found.entry_requirement = min(found.entry_requirement, margin.requirement)
    return found


@view
@internal
def _portfolio(
    account: ILedger.Account,
    notionals: uint256[8],
    ratios: uint256[8],
    kind: uint256,
    snapshots: IMarketRegistry.MarketSnapshot[8],
) -> IPortfolioRiskModel.PortfolioLeg[8]:
    """
    @dev What a portfolio model is asked with.
    @param account Account.
    @param notionals Of its positions (WAD quote).
    @param ratios That they must hold alone (WAD).
    @param kind 0 initial, 1 maintenance.
    @param snapshots Its markets.
    @return PortfolioLeg[8] By market id.
    """
    signed: int256[8] = empty(int256[8])
    max_premiums: uint256[8] = empty(uint256[8])
    for market: uint256 in range(8):
        if account.open_markets >> market == 0:
            break
        if (account.open_markets >> market) & 1 == 0:
            continue
        notional: int256 = convert(notionals[market], int256)
        signed[market] = notional if account.positions[market].size > 0 else -notional
        max_premiums[market] = self._max_premium(market)
    return self._legs(signed, ratios, kind, snapshots, max_premiums)


@view
@internal
def _legs(
    notionals: int256[8],
    ratios: uint256[8],
    kind: uint256,
    snapshots: IMarketRegistry.MarketSnapshot[8],
    max_premiums: uint256[8],
) -> IPortfolioRiskModel.PortfolioLeg[8]:
    """
    @dev What a portfolio model is asked with.
    @param notionals Of an account's positions, negative if short (WAD quote).
    @param ratios That they must hold alone (WAD).
    @param kind 0 initial, 1 maintenance.
    @param snapshots Its markets.
    @param max_premiums Largest premiums of these (WAD).
    @return PortfolioLeg[8] By market id.
    """
    legs: IPortfolioRiskModel.PortfolioLeg[8] = empty(IPortfolioRiskModel.PortfolioLeg[8])
    for market: uint256 in range(8):
        if notionals[market] == 0:
            continue
        base_ratio: uint256 = snapshots[market].initial_ratio
        if kind == MAINTENANCE:
            base_ratio = snapshots[market].maintenance_ratio
        legs[market] = IPortfolioRiskModel.PortfolioLeg(
            notional=notionals[market],
            ratio=ratios[market],
            base_ratio=base_ratio,
            confidence=snapshots[market].confidence,
            price=snapshots[market].index_price,
            max_premium=max_premiums[market],
        )
    return legs


@view
@internal
def _snapshots(markets: uint256) -> IMarketRegistry.MarketSnapshot[8]:
    """
    @dev Markets as they are now.
    @param markets Bit m set: market m.
    @return MarketSnapshot[8] By market id, empty for others.
    """
    return staticcall MARKET_REGISTRY.snapshots(markets)


@view
@internal
def _max_premium(market: uint256) -> uint256:
    """
    @dev Largest premium of a fill in a market.
    @param market Market id.
    @return uint256 Premium (WAD).
    """
    return (staticcall LIQUIDITY_POOL.pricing_terms(market)).max_premium


@view
@internal
def _entry_ratio(
    account: uint256,
    market: uint256,
    size_delta: int256,
    snapshot: IMarketRegistry.MarketSnapshot,
) -> uint256:
    """
    @dev Entry maintenance ratio of a position after it grows: of the formula for what is new,
         blended with what the old part must hold. The account's positions in other markets
         count at their entry: reading seven prices for a bound of the ramp would cost more
         than the trade.
    @param account Account, before the trade.
    @param market Market of the trade.
    @param size_delta Signed base units, in the direction of the position (WAD).
    @param snapshot That market.
    @return uint256 Ratio (WAD).
    """
    held: ILedger.Account = staticcall LEDGER.account_of(account)
    elsewhere: uint256 = 0
    for other: uint256 in range(8):
        if held.open_markets >> other == 0:
            break
        if other != market:
            elsewhere += convert(abs(held.positions[other].entry_notional), uint256)
    position: ILedger.Position = held.positions[market]
    side: int256 = risk_inputs._side(size_delta)
    notional: uint256 = margin_math._notional(
        position.size + size_delta, snapshot.index_price
    )
    target: uint256 = formulas._target_ratios(
        snapshot, notional, side, elsewhere + notional, True
    ).maintenance
    if position.size == 0:
        return target
    notional = margin_math._notional(position.size, snapshot.risk_price)
    return ramp_math._blended_ratio(
        convert(abs(position.size), uint256),
        self._effective_ratio(
            formulas._target_ratios(
                snapshot, notional, side, elsewhere + notional, True
            ).maintenance,
            position,
            snapshot,
        ),
        convert(abs(size_delta), uint256),
        target,
    )


@pure
@internal
def _profit(
    position: ILedger.Position, funding_index: int256, price: uint256
) -> int256:
    """
    @dev Unrealised profit of a position, funding included.
    @param position Position.
    @param funding_index Of its market, as of now.
    @param price Price (WAD).
    @return int256 Profit (WAD quote).
    """
    return margin_math._unrealized_pnl(
        position.size, price, position.entry_notional
    ) - funding_math._funding_owed(
        position.size, funding_index - position.funding_index
    )


@view
@internal
def _cost_of_exit(market: uint256, size: int256, index_price: uint256) -> int256:
    """
    @dev What closing a whole position now would cost against the index price.
    @param market Market id.
    @param size Signed base units of the position (WAD).
    @param index_price Index price (WAD).
    @return int256 Cost (WAD quote), zero if the fill is better than the index.
    """
    fill_price: uint256 = staticcall LIQUIDITY_POOL.quote(market, -size, index_price)
    return convert(margin_math._close_out_impact(size, index_price, fill_price), int256)


@pure
@internal
def _effective_ratio(
    target: uint256, position: ILedger.Position, snapshot: IMarketRegistry.MarketSnapshot
) -> uint256:
    """
    @dev Maintenance ratio that a position must hold now.
    @param target Formula's ratio at its notional (WAD).
    @param position Position.
    @param snapshot Its market.
    @return uint256 Ratio (WAD).
    """
    return ramp_math._effective_ratio(
        target,
        snapshot.maintenance_ratio,
        snapshot.ramped_maintenance_ratio,
        position.entry_maintenance_ratio,
    )


@internal
def _log_check(
    id: uint256,
    account: ILedger.Account,
    kind: uint256,
    found: Assessment,
    snapshots: IMarketRegistry.MarketSnapshot[8],
):
    """
    @dev Logs the inputs of a check, one event per position, so that anyone can redo it.
    @param id Account.
    @param account What is booked of it.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @param found What the check found.
    @param snapshots Markets.
    """
    if account.assets != 0:
        log IRiskEngine.AssetsCounted(
            account=id, kind=kind, assets=account.assets, asset_value=found.asset_value
        )
        # A check that has seen a price vouched for is what its next silence goes back to.
        extcall COLLATERAL_REGISTRY.note_prices(id)
    for market: uint256 in range(8):
        if account.open_markets >> market == 0:
            break
        if (account.open_markets >> market) & 1 == 0:
            continue
        snapshot: IMarketRegistry.MarketSnapshot = snapshots[market]
        log IRiskEngine.MarginChecked(
            account=id,
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
