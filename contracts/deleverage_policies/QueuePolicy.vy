# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title QueuePolicy
@custom:contract-name QueuePolicy
@license Apache-2.0
@author Seawall contributors
@notice Winners pay one after the other, each up to its gain, from the largest relative gain
        down.
@dev Relative gain is a matter of the entry price alone: splitting an account, leverage and
     fresh positions do not move anybody behind another.
@custom:kill The waterfall's owner names another policy.
@custom:invariants The haircuts add up to the smaller of the deficit and all gains.
"""

from ..interfaces import IDeleveragePolicy
from ..lib import liquidation_math


implements: IDeleveragePolicy


@view
@external
@reentrant
def scores(candidates: DynArray[IDeleveragePolicy.Candidate, 32]) -> DynArray[uint256, 32]:
    """
    @notice Relative gains of winners.
    @param candidates Winners.
    @return DynArray One score per winner (WAD), in order.
    """
    found: DynArray[uint256, 32] = []
    for candidate: IDeleveragePolicy.Candidate in candidates:
        found.append(
            liquidation_math._deleverage_score(candidate.profit, candidate.entry_notional)
        )
    return found


@view
@external
@reentrant
def haircuts(
    deficit: uint256, candidates: DynArray[IDeleveragePolicy.Candidate, 32]
) -> DynArray[uint256, 32]:
    """
    @notice All that is left of the deficit for each winner in turn, up to its gain.
    @param deficit What is to be paid in all.
    @param candidates Winners, by rank.
    @return DynArray One amount per winner (WAD quote), in order.
    """
    found: DynArray[uint256, 32] = []
    left: uint256 = deficit
    for candidate: IDeleveragePolicy.Candidate in candidates:
        paid: uint256 = min(left, candidate.gain)
        left -= paid
        found.append(paid)
    return found
