# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Markets
@custom:contract-name markets
@license Apache-2.0
@author Seawall contributors
@notice Formula and cap of each market, and its snapshot: oracle, pool, open interest,
        formula, funding and ramp as of now. A view and a transaction at the same time see the
        same snapshot.
"""

from ..interfaces import ILedger
from ..interfaces import ILiquidityPool
from ..interfaces import IMarketRegistry
from ..interfaces import IPriceOracle
from ..interfaces import IRiskModel
from ..interfaces import IVolatilityOracle
from ..lib import constants
from ..lib import funding_math
from ..lib import margin_math
from ..lib import pool_math
from . import access
from . import formulas
from . import funding
from . import market_params
from . import ramp

uses: access
uses: funding
uses: market_params
uses: ramp


# What is stored of a market: formula and flag share a slot.
struct Configuration:
    formula: uint256  # address, above it the flag, and on top the maintenance ratio at rest
    open_interest_cap: uint256  # base units per side (WAD)


ADDRESS_BITS: constant(uint256) = 160
ADDRESSES: constant(uint256) = 2**160 - 1
REST_BITS: constant(uint256) = 192

PRICE_ORACLE: immutable(IPriceOracle)
# @dev Zero: no market has an estimator of its own, and none is asked for.
VOLATILITY_ORACLE: immutable(IVolatilityOracle)
LEDGER: immutable(ILedger)
LIQUIDITY_POOL: immutable(ILiquidityPool)

market_count: public(reentrant(uint256))

configurations: HashMap[uint256, Configuration]


@deploy
def __init__(
    price_oracle: address,
    volatility_oracle: address,
    ledger: address,
    liquidity_pool: address,
):
    """
    @notice Fixes the contracts around.
    @param price_oracle Price oracle; its asset ids are the market ids.
    @param volatility_oracle Estimators of the same markets, zero for none.
    @param ledger Ledger.
    @param liquidity_pool Liquidity pool.
    """
    for x: address in [price_oracle, ledger, liquidity_pool]:
        assert x != empty(address), "markets: zero address"
    PRICE_ORACLE = IPriceOracle(price_oracle)
    VOLATILITY_ORACLE = IVolatilityOracle(volatility_oracle)
    LEDGER = ILedger(ledger)
    LIQUIDITY_POOL = ILiquidityPool(liquidity_pool)


@external
def add_market(risk_model: address, open_interest_cap: uint256) -> uint256:
    """
    @notice Adds the next market; oracle and pool must know it. Owner only.
    @param risk_model Margin formula of this market.
    @param open_interest_cap Base units per side (WAD).
    @return uint256 Market id, equal to the oracle's asset id.
    """
    access._check_owner()
    market: uint256 = self.market_count
    assert market < constants.MAX_MARKETS, "markets: too many markets"
    self.market_count = market + 1
    self._set_market(market, risk_model, open_interest_cap)
    return market


@external
def set_market(market: uint256, risk_model: address, open_interest_cap: uint256):
    """
    @notice Changes a market's formula and cap; the ramp shields existing positions. The old
            formula is not asked: funding since the last touch accrues at the ratios it gave
            then. Owner only.
    @param market Market id.
    @param risk_model Margin formula of this market.
    @param open_interest_cap Base units per side (WAD).
    """
    access._check_owner()
    assert market < self.market_count, "markets: unknown market"
    self._store(market, self._snapshot_at(market, ramp._good_ratios(market)))
    self._set_market(market, risk_model, open_interest_cap)


@external
def set_parameters(parameters: IMarketRegistry.MarketParameters):
    """
    @notice Changes the market parameters; funding up to now accrues at the old ones. Owner
            only.
    @param parameters Market parameters.
    """
    access._check_owner()
    for market: uint256 in range(self.market_count, bound=8):
        self._touch(market)
    market_params._set_parameters(parameters)


@external
def poke(market: uint256):
    """
    @notice Brings funding and ramp of a market up to now.
    @param market Market id.
    """
    self._touch(market)


@external
def touch_one(market: uint256) -> IMarketRegistry.MarketSnapshot:
    """
    @notice Brings funding and ramp of a market up to now and reads it. Anyone may: a second
            time in the same second changes nothing.
    @param market Market id.
    @return MarketSnapshot Snapshot.
    """
    return self._touch(market)


@external
def touch(market: uint256, others: uint256) -> IMarketRegistry.MarketSnapshot[8]:
    """
    @notice The same, and reads other markets as well.
    @param market Market id.
    @param others Bit m set: read market m.
    @return MarketSnapshot[8] By market id, empty where not read.
    """
    touched: IMarketRegistry.MarketSnapshot = self._touch(market)
    snapshots: IMarketRegistry.MarketSnapshot[8] = self._snapshots(others & ~(1 << market))
    snapshots[market] = touched
    return snapshots


@view
@external
@reentrant
def price_oracle() -> address:
    """
    @notice Price oracle; its asset ids are the market ids.
    @return address Oracle.
    """
    return PRICE_ORACLE.address


@view
@external
@reentrant
def volatility_oracle() -> address:
    """
    @notice Estimators of the same markets.
    @return address Oracle, zero for none.
    """
    return VOLATILITY_ORACLE.address


@view
@external
@reentrant
def market_info(market: uint256) -> IMarketRegistry.MarketInfo:
    """
    @notice How a market is configured.
    @param market Market id.
    @return MarketInfo Formula, cap and flag.
    """
    stored: Configuration = self.configurations[market]
    return IMarketRegistry.MarketInfo(
        risk_model=convert(stored.formula & ADDRESSES, address),
        open_interest_cap=stored.open_interest_cap,
        is_batched=(stored.formula >> ADDRESS_BITS) & 1 == 1,
    )


@view
@external
@reentrant
def largest_premium(market: uint256) -> uint256:
    """
    @notice Largest premium that a market's ratios can carry: the maintenance ratio that
            its formula asks of a market at rest. Derivation: docs/formulas.md.
    @param market Market id.
    @return uint256 Premium (WAD), max uint256 for a market that does not exist.
    """
    if market >= self.market_count:
        return max_value(uint256)
    return self.configurations[market].formula >> REST_BITS


@view
@external
@reentrant
def market_snapshot(market: uint256) -> IMarketRegistry.MarketSnapshot:
    """
    @notice A market with funding and ramp as of now.
    @param market Market id.
    @return MarketSnapshot Snapshot.
    """
    return self._snapshot(market)


@view
@external
@reentrant
def snapshots(markets: uint256) -> IMarketRegistry.MarketSnapshot[8]:
    """
    @notice Several markets with funding and ramp as of now.
    @param markets Bit m set: read market m; bits beyond the last market do not matter.
    @return MarketSnapshot[8] By market id, empty where not read.
    """
    return self._snapshots(markets)


@view
@external
@reentrant
def pool_claims() -> IMarketRegistry.PoolClaims:
    """
    @notice What the traders as a whole hold against the pool, at index prices, in constant
            time per market.
    @return PoolClaims Claims (WAD quote).
    """
    claims: IMarketRegistry.PoolClaims = empty(IMarketRegistry.PoolClaims)
    claims.total_debt = staticcall LEDGER.total_debt()
    for market: uint256 in range(self.market_count, bound=8):
        snapshot: IMarketRegistry.MarketSnapshot = self._snapshot(market)
        info: ILedger.MarketAggregates = staticcall LEDGER.aggregates_of(market)
        net_size: int256 = self._net_size(info)
        # NOTE: rounds down the traders' gain by less than one WAD unit per market.
        claims.unrealized_pnl += margin_math._unrealized_pnl(
            net_size, snapshot.index_price, info.net_entry_notional
        )
        claims.unsettled_funding += funding_math._unsettled_funding(
            net_size, snapshot.funding_index, info.net_funding_index
        )
    return claims


@internal
def _touch(market: uint256) -> IMarketRegistry.MarketSnapshot:
    """
    @dev Takes a snapshot and stores its funding and ramp; says so if the formula fails.
    @param market Market id.
    @return MarketSnapshot Snapshot.
    """
    snapshot: IMarketRegistry.MarketSnapshot = self._snapshot(market)
    self._store(market, snapshot)
    if snapshot.risk_model == 0:
        log IMarketRegistry.FormulaFailed(
            market=market,
            risk_model=convert(self.configurations[market].formula & ADDRESSES, address),
            initial_ratio=snapshot.initial_ratio,
            maintenance_ratio=snapshot.maintenance_ratio,
        )
    return snapshot


@internal
def _store(market: uint256, snapshot: IMarketRegistry.MarketSnapshot):
    """
    @dev Stores funding and ramp as of now.
    @param market Market id.
    @param snapshot The market now.
    """
    funding._store(market, snapshot.funding_rate, snapshot.funding_index)
    ramp._store(
        market,
        IRiskModel.MarginRatios(
            initial=snapshot.initial_ratio, maintenance=snapshot.maintenance_ratio
        ),
        snapshot.ramped_maintenance_ratio,
    )


@view
@internal
def _snapshots(markets: uint256) -> IMarketRegistry.MarketSnapshot[8]:
    """
    @dev Reads several markets.
    @param markets Bit m set: read market m; bits beyond the last market do not matter.
    @return MarketSnapshot[8] By market id, empty where not read.
    """
    snapshots: IMarketRegistry.MarketSnapshot[8] = empty(IMarketRegistry.MarketSnapshot[8])
    for market: uint256 in range(self.market_count, bound=8):
        if markets >> market == 0:
            break
        if (markets >> market) & 1 == 1:
            snapshots[market] = self._snapshot(market)
    return snapshots


@view
@internal
def _snapshot(market: uint256) -> IMarketRegistry.MarketSnapshot:
    """
    @dev Reads everything about a market once, its formula's ratios or the last good ones.
    @param market Market id.
    @return MarketSnapshot Snapshot; no formula in it if that has no good answer.
    """
    return self._snapshot_at(market, empty(IRiskModel.MarginRatios))


@view
@internal
def _snapshot_at(
    market: uint256, ratios: IRiskModel.MarginRatios
) -> IMarketRegistry.MarketSnapshot:
    """
    @dev Reads everything about a market once.
    @param market Market id.
    @param ratios Base ratios to take instead of the formula's, empty to ask it.
    @return MarketSnapshot Snapshot.
    """
    assert market < self.market_count, "markets: unknown market"
    asset: IPriceOracle.AssetPrice = staticcall PRICE_ORACLE.asset_price(market)
    terms: ILiquidityPool.PricingTerms = staticcall LIQUIDITY_POOL.pricing_terms(market)
    info: ILedger.MarketAggregates = staticcall LEDGER.aggregates_of(market)
    stored: Configuration = self.configurations[market]
    net_size: int256 = self._net_size(info)

    snapshot: IMarketRegistry.MarketSnapshot = empty(IMarketRegistry.MarketSnapshot)
    snapshot.index_price = asset.index_price
    snapshot.risk_price = asset.risk_price
    snapshot.ema_price = asset.ema_price
    snapshot.confidence = asset.confidence
    snapshot.variance_fast = asset.variance_fast
    snapshot.variance_slow = asset.variance_slow
    if VOLATILITY_ORACLE.address != empty(address):
        found: IVolatilityOracle.Variances = staticcall VOLATILITY_ORACLE.variances(market)
        if found.chosen != 0:
            snapshot.variance_fast = found.chosen
            snapshot.variance_slow = found.chosen
        snapshot.variance_range = found.ranged
        snapshot.variance_implied = found.implied
    snapshot.round_id = asset.round_id
    snapshot.report_age_seconds = block.timestamp - min(asset.updated_at, block.timestamp)
    snapshot.risk_model = stored.formula & ADDRESSES
    snapshot.is_batched = (stored.formula >> ADDRESS_BITS) & 1
    snapshot.open_interest_cap = stored.open_interest_cap
    snapshot.min_position_notional = market_params.parameters.min_position_notional
    snapshot.open_interest = margin_math._notional(
        convert(max(info.long_open_interest, info.short_open_interest), int256),
        asset.risk_price,
    )
    snapshot.skew = margin_math._skew_notional(net_size, asset.risk_price)
    snapshot.exceptions = info.exceptions
    snapshot.depth = pool_math._depth(terms.skew_scale, asset.index_price)
    snapshot.premium = pool_math._mark_premium(net_size, terms.skew_scale, terms.max_premium)

    # FUNDING, whose rate since the last touch is of the ratios of then: nobody changes what has accrued
    good: IRiskModel.MarginRatios = ramp._good_ratios(market)
    snapshot.funding_rate = funding._rate(snapshot.premium, good.initial, good.maintenance)
    snapshot.funding_index = funding._index_now(
        market, snapshot.funding_rate, asset.index_price
    )

    # MARGIN
    base: IRiskModel.MarginRatios = ratios
    if base.initial == 0:
        base = formulas._ask(snapshot, 0, 0, 0)
        if base.initial == 0:
            base = good
            snapshot.risk_model = 0
            snapshot.is_batched = 0
    snapshot.initial_ratio = base.initial
    snapshot.maintenance_ratio = base.maintenance
    snapshot.ramped_maintenance_ratio = ramp._ratio_now(market, base.maintenance)
    return snapshot


@internal
def _set_market(market: uint256, risk_model: address, open_interest_cap: uint256):
    """
    @dev Checks every bound, sets, brings the market up to now, finds out whether the formula
         answers many positions at once, and refuses one whose ratio at rest cannot carry the
         premium of the market's fills.
    @param market Market id.
    @param risk_model Margin formula of this market.
    @param open_interest_cap Base units per side (WAD).
    """
    assert risk_model != empty(address), "markets: zero address"
    assert open_interest_cap <= 10**36, "markets: cap out of bounds"
    formula: uint256 = convert(risk_model, uint256)
    self.configurations[market] = Configuration(
        formula=formula, open_interest_cap=open_interest_cap
    )
    snapshot: IMarketRegistry.MarketSnapshot = self._touch(market)
    assert snapshot.risk_model != 0, "markets: formula has no good answer"
    is_batched: bool = formulas._has_batch(snapshot)
    if is_batched:
        formula = formula | (1 << ADDRESS_BITS)
    rest: uint256 = formulas._maintenance_ratio_at_rest(snapshot)
    terms: ILiquidityPool.PricingTerms = staticcall LIQUIDITY_POOL.pricing_terms(market)
    assert terms.max_premium <= rest, "markets: ratio below the premium"
    self.configurations[market].formula = formula | (rest << REST_BITS)
    log IMarketRegistry.MarketSet(
        market=market,
        risk_model=risk_model,
        open_interest_cap=open_interest_cap,
        is_batched=is_batched,
    )


@pure
@internal
def _net_size(info: ILedger.MarketAggregates) -> int256:
    """
    @dev Skew of a market.
    @param info Its aggregates.
    @return int256 Long minus short open interest (WAD base).
    """
    return convert(info.long_open_interest, int256) - convert(
        info.short_open_interest, int256
    )
