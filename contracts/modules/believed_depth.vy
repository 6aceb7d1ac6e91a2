# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Believed depth
@custom:contract-name believed_depth
@license Apache-2.0
@author Seawall contributors
@notice The depth that checks of what adds risk are made with: what the pool quotes, less of it
        while the market is wild or the pool has little left.
@dev Not for maintenance: whoever is in the market is not liquidated because a provider left or
     the price moved fast, and nobody can make that so. It is never above what is quoted: to put
     tokens into the pool gains nothing that a full pool does not give.
"""

from ..interfaces import IMarketRegistry
from ..lib import pool_math
from . import account_risk
from . import risk_params

uses: account_risk
uses: risk_params


@view
@internal
def _believed(
    snapshots: IMarketRegistry.MarketSnapshot[8], markets: uint256
) -> IMarketRegistry.MarketSnapshot[8]:
    """
    @dev Snapshots with the depth that is believed.
    @param snapshots By market id.
    @param markets Bit m set: market m counts.
    @return MarketSnapshot[8] The same but for `depth`.
    """
    variance: uint256 = risk_params.parameters.depth_variance
    wanted: uint256 = risk_params.parameters.depth_reserves
    if variance == 0 and wanted == 0:
        return snapshots
    share_min: uint256 = risk_params.parameters.depth_share_min
    reserves: uint256 = 0
    if wanted != 0:
        reserves = staticcall account_risk.LIQUIDITY_POOL.reserves()
    believed: IMarketRegistry.MarketSnapshot[8] = snapshots
    for market: uint256 in range(8):
        if markets >> market == 0:
            break
        believed[market].depth = pool_math._followed_depth(
            snapshots[market].depth,
            max(snapshots[market].variance_fast, snapshots[market].variance_slow),
            variance,
            reserves,
            wanted,
            share_min,
        )
    return believed
