# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Market state
@custom:contract-name market_state
@license Apache-2.0
@author Seawall contributors
@notice One reading of a market per transaction: oracle, pool, model, funding and ramp as of
        now. A view and a transaction at the same time see the same snapshot.
"""

from ..interfaces import ILiquidityPool
from ..interfaces import IMarginEngine
from ..interfaces import IPriceOracle
from ..interfaces import IRiskModel
from ..lib import constants
from ..lib import funding_math
from ..lib import margin_math
from ..lib import pool_math
from . import access
from . import connections
from . import funding
from . import ledger
from . import margin_params
from . import ramp

uses: access
uses: connections
uses: funding
uses: ledger
uses: margin_params
uses: ramp


@external
def add_market(risk_model: address, open_interest_cap: uint256) -> uint256:
    """
    @notice Adds the next market; oracle and pool must know it. Owner only.
    @param risk_model Margin formula of this market.
    @param open_interest_cap Base units per side (WAD).
    @return uint256 Market id, equal to the oracle's asset id.
    """
    access._check_owner()
    market: uint256 = ledger.market_count
    assert market < constants.MAX_MARKETS, "market_state: too many markets"
    ledger.market_count = market + 1
    self._set_market(market, risk_model, open_interest_cap)
    self._touch(market)
    return market


@external
def set_market(market: uint256, risk_model: address, open_interest_cap: uint256):
    """
    @notice Changes a market's formula and cap; the ramp shields existing positions. A formula
            that no longer answers can be replaced: funding since the last touch is then
            accrued under the new one. Owner only.
    @param market Market id.
    @param risk_model Margin formula of this market.
    @param open_interest_cap Base units per side (WAD).
    """
    access._check_owner()
    self._touch_if_possible(market)
    self._set_market(market, risk_model, open_interest_cap)
    self._touch(market)


@external
def set_parameters(parameters: IMarginEngine.MarginParameters):
    """
    @notice Changes the margin parameters; funding up to now accrues at the old ones, except
            in a market whose formula does not answer. Owner only.
    @param parameters Margin parameters.
    """
    access._check_owner()
    for market: uint256 in range(ledger.market_count, bound=8):
        self._touch_if_possible(market)
    margin_params._set_parameters(parameters)


@external
def poke(market: uint256):
    """
    @notice Brings funding and ramp of a market up to now.
    @param market Market id.
    """
    self._touch(market)


@view
@external
@reentrant
def market_snapshot(market: uint256) -> IMarginEngine.MarketSnapshot:
    """
    @notice A market with funding and ramp as of now.
    @param market Market id.
    @return MarketSnapshot Snapshot.
    """
    return self._snapshot(market)


@view
@external
@reentrant
def pool_claims() -> IMarginEngine.PoolClaims:
    """
    @notice What the traders as a whole hold against the pool, at index prices, in constant
            time per market.
    @return PoolClaims Claims (WAD quote).
    """
    claims: IMarginEngine.PoolClaims = empty(IMarginEngine.PoolClaims)
    claims.total_debt = ledger.sums.total_debt
    for market: uint256 in range(ledger.market_count, bound=8):
        snapshot: IMarginEngine.MarketSnapshot = self._snapshot(market)
        net_size: int256 = ledger._net_size(market)
        # NOTE: rounds down the traders' gain by less than one WAD unit per market.
        claims.unrealized_pnl += margin_math._unrealized_pnl(
            net_size, snapshot.index_price, ledger.markets[market].net_entry_notional
        )
        claims.unsettled_funding += funding_math._unsettled_funding(
            net_size, snapshot.funding_index, ledger.markets[market].net_funding_index
        )
    return claims


@internal
def _touch_if_possible(market: uint256):
    """
    @dev Brings funding and ramp of a market up to now, unless its formula reverts, leaves its
         range or does not end: what the owner repairs must not depend on what is broken.
    @param market Market id.
    """
    answers: bool = raw_call(
        self,
        abi_encode(market, method_id=method_id("market_snapshot(uint256)")),
        gas=constants.ANSWER_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if answers:
        self._touch(market)


@internal
def _touch(market: uint256) -> IMarginEngine.MarketSnapshot:
    """
    @dev Takes a snapshot and stores its funding and ramp.
    @param market Market id.
    @return MarketSnapshot Snapshot.
    """
    snapshot: IMarginEngine.MarketSnapshot = self._snapshot(market)
    funding._store(market, snapshot.funding_rate, snapshot.funding_index)
    ramp._store(market, snapshot.maintenance_ratio, snapshot.ramped_maintenance_ratio)
    return snapshot


@view
@internal
def _snapshot(market: uint256) -> IMarginEngine.MarketSnapshot:
    """
    @dev Reads everything about a market once.
    @param market Market id.
    @return MarketSnapshot Snapshot.
    """
    assert market < ledger.market_count, "market_state: unknown market"
    asset: IPriceOracle.AssetPrice = staticcall connections.PRICE_ORACLE.asset_price(market)
    terms: ILiquidityPool.PricingTerms = staticcall ILiquidityPool(
        connections.liquidity_pool
    ).pricing_terms(market)
    info: IMarginEngine.Market = ledger.markets[market]

    snapshot: IMarginEngine.MarketSnapshot = empty(IMarginEngine.MarketSnapshot)
    snapshot.index_price = asset.index_price
    snapshot.risk_price = asset.risk_price
    snapshot.ema_price = asset.ema_price
    snapshot.confidence = asset.confidence
    snapshot.variance_fast = asset.variance_fast
    snapshot.variance_slow = asset.variance_slow
    snapshot.round_id = asset.round_id
    snapshot.risk_model = info.risk_model
    snapshot.open_interest = margin_math._notional(
        convert(max(info.long_open_interest, info.short_open_interest), int256),
        asset.risk_price,
    )
    snapshot.depth = pool_math._depth(terms.skew_scale, asset.index_price)
    snapshot.premium = pool_math._mark_premium(
        ledger._net_size(market), terms.skew_scale, terms.max_premium
    )

    # MARGIN
    base: IRiskModel.MarginRatios = self._ratios(snapshot, 0)
    snapshot.initial_ratio = base.initial
    snapshot.maintenance_ratio = base.maintenance
    snapshot.ramped_maintenance_ratio = ramp._ratio_now(market, base.maintenance)
    snapshot.funding_rate = funding._rate(snapshot.premium, base.initial, base.maintenance)
    snapshot.funding_index = funding._index_now(
        market, snapshot.funding_rate, asset.index_price
    )
    return snapshot


@view
@internal
def _ratios(
    snapshot: IMarginEngine.MarketSnapshot, notional: uint256
) -> IRiskModel.MarginRatios:
    """
    @dev Asks the market's model. A model that breaks its promise stops the market.
    @param snapshot Market.
    @param notional Notional of the position (WAD quote).
    @return MarginRatios Target ratios.
    """
    ratios: IRiskModel.MarginRatios = staticcall IRiskModel(snapshot.risk_model).margin_ratios(
        IRiskModel.RiskInputs(
            notional=notional,
            price=snapshot.index_price,
            confidence=snapshot.confidence,
            variance_fast=snapshot.variance_fast,
            variance_slow=snapshot.variance_slow,
            open_interest=snapshot.open_interest,
            depth=snapshot.depth,
        )
    )
    assert (
        ratios.maintenance != 0
        and ratios.maintenance < ratios.initial
        and ratios.initial <= constants.WAD
    ), "market_state: invalid ratios"
    return ratios


@internal
def _set_market(market: uint256, risk_model: address, open_interest_cap: uint256):
    """
    @dev Checks every bound, then sets.
    @param market Market id.
    @param risk_model Margin formula of this market.
    @param open_interest_cap Base units per side (WAD).
    """
    connections._check_address(risk_model)
    assert open_interest_cap <= 10**36, "market_state: cap out of bounds"
    ledger.markets[market].risk_model = risk_model
    ledger.markets[market].open_interest_cap = open_interest_cap
    log IMarginEngine.MarketSet(
        market=market, risk_model=risk_model, open_interest_cap=open_interest_cap
    )
