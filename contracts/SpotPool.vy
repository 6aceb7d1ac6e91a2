# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title SpotPool
@custom:contract-name SpotPool
@license Apache-2.0
@author Seawall contributors
@notice Exchanges one collateral asset for the quote token: where seized collateral is sold, and
        a price that reporters may report although anybody can move it.
@dev Knows nothing of the clearing core and is trusted by it with nothing but its answer, which
     `CollateralRegistry` holds against the oracle's price.
@custom:kill The owner removes the liquidity: forced sales wait, all else goes on.
@custom:invariants asset * quote never falls in a swap; tokens held >= reserves.
"""

from .interfaces import ISpotPool
from .modules import access
from .modules import spot_market


implements: ISpotPool

initializes: access
initializes: spot_market[access := access]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Liquidity
    spot_market.add_liquidity,
    spot_market.remove_liquidity,
    # Swaps
    spot_market.swap,
    # Views
    spot_market.asset,
    spot_market.quote_token,
    spot_market.fee_rate,
    spot_market.reserves,
    spot_market.spot_price,
    spot_market.quote,
)


@deploy
def __init__(owner: address, asset: address, quote_token: address, fee_rate: uint256):
    """
    @notice Deploys a pool without liquidity.
    @param owner Address that adds and removes liquidity.
    @param asset Token that is exchanged.
    @param quote_token Token that it is exchanged for.
    @param fee_rate Share of what goes in that buys nothing (WAD).
    """
    access.__init__(owner)
    spot_market.__init__(asset, quote_token, fee_rate)
