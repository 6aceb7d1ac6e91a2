# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Risk inputs
@custom:contract-name risk_inputs
@license Apache-2.0
@author Seawall contributors
@notice What a margin formula is asked with: the one place that fills `IRiskModel.RiskInputs`
        from a snapshot.
"""

from ..interfaces import IMarketRegistry
from ..interfaces import IRiskModel


@pure
@internal
def _market_inputs(snapshot: IMarketRegistry.MarketSnapshot) -> IRiskModel.RiskInputs:
    """
    @dev Inputs of a market without a position.
    @param snapshot Market.
    @return RiskInputs No notional, no side.
    """
    return self._position_inputs(snapshot, 0, 0, 0)


@pure
@internal
def _position_inputs(
    snapshot: IMarketRegistry.MarketSnapshot,
    notional: uint256,
    side: int256,
    account_notional: uint256,
) -> IRiskModel.RiskInputs:
    """
    @dev Inputs of one position.
    @param snapshot Its market.
    @param notional Its notional (WAD quote).
    @param side 1 long, -1 short.
    @param account_notional Notional of its account in all markets (WAD quote).
    @return RiskInputs Inputs.
    """
    return IRiskModel.RiskInputs(
        notional=notional,
        price=snapshot.index_price,
        confidence=snapshot.confidence,
        variance_fast=snapshot.variance_fast,
        variance_slow=snapshot.variance_slow,
        open_interest=snapshot.open_interest,
        depth=snapshot.depth,
        side=side,
        skew=snapshot.skew,
        exceptions=snapshot.exceptions,
        variance_range=snapshot.variance_range,
        variance_implied=snapshot.variance_implied,
        account_notional=account_notional,
        report_age_seconds=snapshot.report_age_seconds,
    )


@pure
@internal
def _side(size: int256) -> int256:
    """
    @dev Side of a position.
    @param size Signed base units.
    @return int256 1 long, -1 short, 0 none.
    """
    if size == 0:
        return 0
    return 1 if size > 0 else -1
