# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle entry points
@custom:contract-name oracle_rounds
@license Apache-2.0
@author Seawall contributors
@notice Listing an asset, reporting a price, reading what follows from the reports.
"""

from ..interfaces import IPriceOracle
from ..lib import constants
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
    oracle_sources._record(asset, price, confidence, published_at)
    log IPriceOracle.Reported(
        asset=asset,
        reporter=msg.sender,
        price=price,
        confidence=confidence,
        published_at=published_at,
    )

    fresh: oracle_sources.Aggregate = oracle_sources._aggregate(asset)
    if fresh.count < oracle_parameters.PARAMETERS.minimum_sources:
        # Too few to believe: the last good round stands.
        return
    state: oracle_estimators.Estimate = oracle_estimators._advance(
        asset, fresh.index_price, fresh.confidence, fresh.minimum_until, fresh.valid_until
    )
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
