# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle entry points
@custom:contract-name oracle_rounds
@license Apache-2.0
@author Seawall contributors
@notice Listing an asset, reporting a price, removing and re-weighting those who report, reading
        what follows from the reports.
"""

from ..interfaces import IPriceOracle
from ..lib import constants
from ..lib import oracle_math
from . import access
from . import oracle_estimators
from . import oracle_parameters
from . import oracle_sources
uses: access
uses: oracle_estimators
uses: oracle_parameters
uses: oracle_sources


@external
def add_asset(
    initial_price: uint256, initial_variance_fast: uint256, initial_variance_slow: uint256
) -> uint256:
    """
    @notice Lists an asset. Owner only. Its status is NONE until enough sources report.
    @param initial_price Price the estimators start from (WAD).
    @param initial_variance_fast Annualised variance to start from (WAD).
    @param initial_variance_slow Annualised variance to start from (WAD).
    @return uint256 The asset's id.
    """
    access._check_owner()
    asset: uint256 = oracle_sources._list_asset()
    oracle_estimators._start(
        asset, initial_price, initial_variance_fast, initial_variance_slow
    )
    log IPriceOracle.AssetAdded(
        asset=asset,
        initial_price=initial_price,
        initial_variance_fast=initial_variance_fast,
        initial_variance_slow=initial_variance_slow,
    )
    return asset


@external
def report(asset: uint256, price: uint256, confidence: uint256, published_at: uint256):
    """
    @notice Takes a source's price and, with enough fresh sources, makes a new round.
    @param asset Asset id; the caller must be one of its reporters.
    @param price Price (WAD).
    @param confidence Half-width around the price (WAD quote).
    @param published_at When the source observed the price (timestamp).
    """
    position: uint256 = oracle_sources._position_of(asset, msg.sender)
    before: oracle_estimators.Estimate = oracle_estimators._prepared(asset)
    oracle_sources._record(
        asset, position, price, confidence, published_at, before.index_price
    )
    log IPriceOracle.Reported(
        asset=asset,
        reporter=msg.sender,
        price=price,
        confidence=confidence,
        published_at=published_at,
    )
    # With too few to believe, the last good round stands.
    self._update(asset, before)


@external
def remove_reporter(asset: uint256, reporter: address):
    """
    @notice Takes a reporter and its last report out of the index, at once. Owner only. Refused
            if fewer than VALID needs would be left.
    @param asset Asset id.
    @param reporter One of its reporters.
    """
    access._check_owner()
    oracle_sources._remove(asset, reporter)
    self._update_or_expire(asset)


@external
def change_reporter(
    asset: uint256, reporter: address, weight: uint256, heartbeat_seconds: uint256
):
    """
    @notice Gives a reporter another weight and heartbeat, also for its last report. Owner only.
    @param asset Asset id.
    @param reporter One of its reporters.
    @param weight Weight in the median, 1 to 4095.
    @param heartbeat_seconds Longest time it may stay silent.
    """
    access._check_owner()
    oracle_sources._change(asset, reporter, weight, heartbeat_seconds)
    self._update_or_expire(asset)


@view
@external
@reentrant
def asset_price(asset: uint256) -> IPriceOracle.AssetPrice:
    """
    @notice Current prices, variances and status. Never reverts for a listed asset.
    @param asset Asset id.
    @return AssetPrice Everything the protocol needs, the last observation folded in.
    """
    assert asset < oracle_sources.asset_count, "oracle: unknown asset"
    state: oracle_estimators.Estimate = oracle_estimators._load(asset)
    folded: oracle_estimators.Estimate = oracle_estimators._fold(state)
    return IPriceOracle.AssetPrice(
        index_price=state.index_price,
        risk_price=state.risk_price,
        ema_price=folded.ema_price,
        confidence=state.confidence,
        variance_fast=folded.variance_fast,
        variance_slow=folded.variance_slow,
        updated_at=state.updated_at,
        round_id=state.round_id,
        status=oracle_estimators._status(state),
    )


@view
@external
@reentrant
def is_allowed(asset: uint256, action: uint256) -> bool:
    """
    @notice Whether the asset's status lets an action through.
    @param asset Asset id; false if it is not listed.
    @param action 0 open, 1 withdraw, 2 liquidate, 3 settle.
    @return bool True if the action may use the price.
    """
    if asset >= oracle_sources.asset_count:
        return False
    status: uint256 = oracle_estimators._status(oracle_estimators._load(asset))
    if action == constants.ACTION_OPEN:
        return status <= oracle_parameters.PARAMETERS.open_status
    if action == constants.ACTION_WITHDRAW:
        return status <= oracle_parameters.PARAMETERS.withdraw_status
    if action == constants.ACTION_LIQUIDATE:
        return status <= oracle_parameters.PARAMETERS.liquidate_status
    if action == constants.ACTION_SETTLE:
        return status <= oracle_parameters.PARAMETERS.settle_status
    return False


@view
@external
@reentrant
def settlement_prices(asset: uint256) -> IPriceOracle.SettlementPrices:
    """
    @notice Prices at which positions may be reduced now. Never reverts for a listed asset.
    @param asset Asset id.
    @return SettlementPrices The index on both sides while the status is `settle_status` or
            better; else the worst side of the last good index, the newest one with its
            confidence, and how far the price may have moved since anything was heard.
    """
    assert asset < oracle_sources.asset_count, "oracle: unknown asset"
    low: uint256 = 0
    high: uint256 = 0
    low, high = oracle_estimators._settlement_prices(asset)
    return IPriceOracle.SettlementPrices(long_price=low, short_price=high)


@internal
def _update(asset: uint256, before: oracle_estimators.Estimate) -> bool:
    """
    @dev Makes a new round if enough sources are fresh.
    @param asset Asset id.
    @param before The asset as `_prepared`.
    @return bool Whether there is one.
    """
    fresh: oracle_sources.Aggregate = oracle_sources._aggregate(
        asset, before.index_price, before.observed_at
    )
    if fresh.count < oracle_parameters.PARAMETERS.minimum_sources:
        return False
    state: oracle_estimators.Estimate = oracle_estimators._advance(asset, before, fresh)
    folded: oracle_estimators.Estimate = oracle_estimators._fold(state)
    log IPriceOracle.IndexUpdated(
        asset=asset,
        round_id=state.round_id,
        index_price=state.index_price,
        risk_price=state.risk_price,
        confidence=state.confidence,
        variance_fast=folded.variance_fast,
        variance_slow=folded.variance_slow,
        status=oracle_estimators._status(state),
    )
    exponent: int256 = oracle_math._unit_jump(state.index_price, before.index_price)
    if exponent != 0:
        log IPriceOracle.UnitJumped(
            asset=asset,
            round_id=state.round_id,
            previous_price=before.index_price,
            index_price=state.index_price,
            exponent=exponent,
        )
    return True


@internal
def _update_or_expire(asset: uint256):
    """
    @dev Makes the index what the sources say as they are now; if too few are fresh, the last
         round is no longer one that enough of them stand for.
    @param asset Asset id.
    """
    if not self._update(asset, oracle_estimators._prepared(asset)):
        oracle_estimators._expire(asset)
