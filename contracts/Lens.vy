# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Lens
@custom:contract-name Lens
@license Apache-2.0
@author Seawall contributors
@notice Batched views of the whole protocol. Structs of static words only, so that a reader
        can decode an answer as one array of 32-byte integers.
@custom:kill Not applicable: no state.
@custom:invariants None: no state.
"""

from .interfaces import IBatchedRiskModel
from .interfaces import IERC20
from .interfaces import IInsuranceFund
from .interfaces import ILedger
from .interfaces import ILiquidationEngine
from .interfaces import ILiquidityPool
from .interfaces import IMarketRegistry
from .interfaces import IPriceOracle
from .interfaces import IRiskEngine
from .interfaces import IRiskModel
from .lib import constants
from .lib import margin_math
from .lib import pool_math
from .lib import ramp_math
from .lib import risk_inputs
from .modules import formulas


# One market as of now (WAD unless said otherwise).
struct MarketState:
    index_price: uint256
    risk_price: uint256
    ema_price: uint256
    confidence: uint256
    variance_fast: uint256
    variance_slow: uint256
    updated_at: uint256  # timestamp
    round_id: uint256  # count
    status: uint256  # code
    long_open_interest: uint256  # base
    short_open_interest: uint256  # base
    mark_price: uint256
    funding_index: int256
    funding_rate: int256  # per hour
    initial_ratio: uint256  # at zero notional
    maintenance_ratio: uint256  # at zero notional
    ramped_maintenance_ratio: uint256
    depth: uint256
    throttle_capacity: uint256  # max uint256 if off
    pool_position: int256  # base
    net_entry_notional: int256


# The whole protocol (WAD quote unless said otherwise).
struct ProtocolState:
    ledger_token_balance: uint256
    total_collateral: uint256
    total_debt: uint256
    accrued_fees: uint256
    pool_reserves: uint256
    pool_token_balance: uint256
    pool_assets: uint256
    fund_reserves: uint256
    fund_token_balance: uint256
    bad_debt: uint256
    fund_draws: uint256
    haircuts: uint256
    socialized_loss: uint256
    pending_deficit: uint256
    tips: uint256
    liquidations: uint256  # count
    exceptions: uint256  # count


# One position with the ratio it must hold now.
struct PositionState:
    size: int256
    entry_notional: int256
    funding_index: int256
    entry_maintenance_ratio: uint256
    effective_maintenance_ratio: uint256


LEDGER: immutable(ILedger)
MARKET_REGISTRY: immutable(IMarketRegistry)
RISK_ENGINE: immutable(IRiskEngine)
LIQUIDITY_POOL: immutable(ILiquidityPool)
INSURANCE_FUND: immutable(IInsuranceFund)
LIQUIDATION_ENGINE: immutable(ILiquidationEngine)
PRICE_ORACLE: immutable(IPriceOracle)
QUOTE_TOKEN: immutable(IERC20)


@deploy
def __init__(
    ledger: address,
    market_registry: address,
    risk_engine: address,
    liquidity_pool: address,
    insurance_fund: address,
    liquidation_engine: address,
    price_oracle: address,
    quote_token: address,
):
    """
    @notice Fixes what is looked at.
    @param ledger Ledger.
    @param market_registry Market registry.
    @param risk_engine Risk engine.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    @param liquidation_engine Liquidation engine.
    @param price_oracle Price oracle.
    @param quote_token Token of all collateral.
    """
    LEDGER = ILedger(ledger)
    MARKET_REGISTRY = IMarketRegistry(market_registry)
    RISK_ENGINE = IRiskEngine(risk_engine)
    LIQUIDITY_POOL = ILiquidityPool(liquidity_pool)
    INSURANCE_FUND = IInsuranceFund(insurance_fund)
    LIQUIDATION_ENGINE = ILiquidationEngine(liquidation_engine)
    PRICE_ORACLE = IPriceOracle(price_oracle)
    QUOTE_TOKEN = IERC20(quote_token)


@view
@external
def market_states() -> DynArray[MarketState, 8]:
    """
    @notice Every market as of now.
    @return DynArray One state per market, in order.
    """
    states: DynArray[MarketState, 8] = []
    for market: uint256 in range(staticcall MARKET_REGISTRY.market_count(), bound=8):
        states.append(self._market_state(market))
    return states


@view
@external
def protocol_state() -> ProtocolState:
    """
    @notice Balances and counters of the whole protocol.
    @return ProtocolState State.
    """
    totals: ILedger.Totals = staticcall LEDGER.totals()
    claims: IMarketRegistry.PoolClaims = staticcall MARKET_REGISTRY.pool_claims()
    pool_reserves: uint256 = staticcall LIQUIDITY_POOL.reserves()
    exceptions: uint256 = 0
    for market: uint256 in range(staticcall MARKET_REGISTRY.market_count(), bound=8):
        exceptions += (staticcall LEDGER.aggregates_of(market)).exceptions
    return ProtocolState(
        ledger_token_balance=self._token_balance(LEDGER.address),
        total_collateral=totals.total_collateral,
        total_debt=totals.total_debt,
        accrued_fees=totals.accrued_fees,
        pool_reserves=pool_reserves,
        pool_token_balance=self._token_balance(LIQUIDITY_POOL.address),
        pool_assets=pool_math._pool_assets(
            pool_reserves - min(totals.held_gains, pool_reserves),
            claims.total_debt,
            claims.unrealized_pnl,
            claims.unsettled_funding,
        ),
        fund_reserves=staticcall INSURANCE_FUND.reserves(),
        fund_token_balance=self._token_balance(INSURANCE_FUND.address),
        bad_debt=totals.bad_debt,
        fund_draws=totals.fund_draws,
        haircuts=totals.haircuts,
        socialized_loss=totals.socialized_loss,
        pending_deficit=totals.pending_deficit,
        tips=totals.tips,
        liquidations=staticcall LIQUIDATION_ENGINE.liquidations(),
        exceptions=exceptions,
    )


@view
@external
def margin_curve(
    market: uint256, notionals: DynArray[uint256, 16]
) -> DynArray[IRiskModel.MarginRatios, 16]:
    """
    @notice Target ratios of a long by notional, in an account without another position.
    @param market Market id.
    @param notionals Notionals (WAD quote).
    @return DynArray One pair of ratios per notional, in order.
    """
    snapshot: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    return self._curve(snapshot, notionals)


@view
@external
def margin_curves(
    notionals: DynArray[uint256, 16], largest: uint256
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @notice Target ratios of every market by kind of position and by notional, now.
    @param notionals Notionals (WAD quote).
    @param largest Notional in all markets of an account that has other positions too (WAD
           quote), 0 to leave such accounts out.
    @return DynArray For each market in order: those of a long and of a short, each without
            another position, then of a long and of a short of the largest account.
    """
    snapshots: IMarketRegistry.MarketSnapshot[8] = staticcall MARKET_REGISTRY.snapshots(
        max_value(uint256)
    )
    curves: DynArray[IRiskModel.MarginRatios, 512] = []
    for market: uint256 in range(staticcall MARKET_REGISTRY.market_count(), bound=8):
        asked: DynArray[IBatchedRiskModel.PositionInputs, 512] = []
        for kind: uint256 in range(2 if largest == 0 else 4, bound=4):
            for notional: uint256 in notionals:
                asked.append(
                    IBatchedRiskModel.PositionInputs(
                        notional=notional,
                        side=1 if kind % 2 == 0 else -1,
                        account_notional=notional if kind < 2 else max(notional, largest),
                    )
                )
        answers: DynArray[IRiskModel.MarginRatios, 512] = formulas._ratios_of_many(
            snapshots[market], asked
        )
        for ratios: IRiskModel.MarginRatios in answers:
            curves.append(ratios)
    return curves


@view
@external
def account_states(
    accounts: DynArray[uint256, 512]
) -> DynArray[IRiskEngine.AccountState, 512]:
    """
    @notice Margin state of many accounts at the risk price; every market is read once.
    @param accounts Accounts.
    @return DynArray One state per account, in order.
    """
    return staticcall RISK_ENGINE.account_states(accounts)


@view
@external
def positions(
    market: uint256, accounts: DynArray[uint256, 512]
) -> DynArray[PositionState, 512]:
    """
    @notice Positions of many accounts in one market; every market is read once.
    @param market Market id.
    @param accounts Accounts.
    @return DynArray One state per account, in order.
    """
    snapshot: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    prices: uint256[8] = empty(uint256[8])
    for other: uint256 in range(staticcall MARKET_REGISTRY.market_count(), bound=8):
        prices[other] = (staticcall PRICE_ORACLE.asset_price(other)).risk_price
    held: DynArray[ILedger.Position, 512] = staticcall LEDGER.positions_of(market, accounts)
    summaries: DynArray[ILedger.AccountSummary, 512] = staticcall LEDGER.summaries_of(
        accounts, prices
    )

    # RATIOS
    asked: DynArray[IBatchedRiskModel.PositionInputs, 512] = []
    for i: uint256 in range(len(held), bound=512):
        if held[i].size != 0:
            asked.append(
                IBatchedRiskModel.PositionInputs(
                    notional=margin_math._notional(held[i].size, snapshot.risk_price),
                    side=risk_inputs._side(held[i].size),
                    account_notional=summaries[i].notional,
                )
            )
    ratios: DynArray[IRiskModel.MarginRatios, 512] = formulas._ratios_of_many(snapshot, asked)

    # STATES
    states: DynArray[PositionState, 512] = []
    found: uint256 = 0
    for position: ILedger.Position in held:
        effective: uint256 = 0
        if position.size != 0:
            effective = ramp_math._effective_ratio(
                ratios[found].maintenance,
                snapshot.maintenance_ratio,
                snapshot.ramped_maintenance_ratio,
                position.entry_maintenance_ratio,
            )
            found += 1
        states.append(
            PositionState(
                size=position.size,
                entry_notional=position.entry_notional,
                funding_index=position.funding_index,
                entry_maintenance_ratio=position.entry_maintenance_ratio,
                effective_maintenance_ratio=effective,
            )
        )
    return states


@view
@internal
def _market_state(market: uint256) -> MarketState:
    """
    @dev One market as of now.
    @param market Market id.
    @return MarketState State.
    """
    asset: IPriceOracle.AssetPrice = staticcall PRICE_ORACLE.asset_price(market)
    info: ILedger.MarketAggregates = staticcall LEDGER.aggregates_of(market)
    snapshot: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    return MarketState(
        index_price=asset.index_price,
        risk_price=asset.risk_price,
        ema_price=asset.ema_price,
        confidence=asset.confidence,
        variance_fast=asset.variance_fast,
        variance_slow=asset.variance_slow,
        updated_at=asset.updated_at,
        round_id=asset.round_id,
        status=asset.status,
        long_open_interest=info.long_open_interest,
        short_open_interest=info.short_open_interest,
        mark_price=staticcall LIQUIDITY_POOL.quote(market, 0, asset.index_price),
        funding_index=snapshot.funding_index,
        funding_rate=snapshot.funding_rate,
        initial_ratio=snapshot.initial_ratio,
        maintenance_ratio=snapshot.maintenance_ratio,
        ramped_maintenance_ratio=snapshot.ramped_maintenance_ratio,
        depth=snapshot.depth,
        throttle_capacity=staticcall LIQUIDATION_ENGINE.throttle_capacity(market),
        pool_position=staticcall LIQUIDITY_POOL.position(market),
        net_entry_notional=info.net_entry_notional,
    )


@view
@internal
def _curve(
    snapshot: IMarketRegistry.MarketSnapshot, notionals: DynArray[uint256, 16]
) -> DynArray[IRiskModel.MarginRatios, 16]:
    """
    @dev Target ratios by notional, of an account without another position.
    @param snapshot Market.
    @param notionals Notionals (WAD quote).
    @return DynArray One pair of ratios per notional, in order: of a long.
    """
    curve: DynArray[IRiskModel.MarginRatios, 16] = []
    for notional: uint256 in notionals:
        curve.append(formulas._target_ratios(snapshot, notional, 1, notional, False))
    return curve


@view
@internal
def _token_balance(holder: address) -> uint256:
    """
    @dev Tokens of a contract.
    @param holder Contract.
    @return uint256 WAD quote.
    """
    return (staticcall QUOTE_TOKEN.balanceOf(holder)) * constants.QUANTUM
