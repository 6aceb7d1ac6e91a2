# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ProRataPolicy
@custom:contract-name ProRataPolicy
@license Apache-2.0
@author Seawall contributors
@notice All winners that are named pay alike: the same share of each one's gain.
@dev Everybody has the same rank, so that a list is in order of ids.
@custom:kill The waterfall's owner names another policy.
@custom:invariants The haircuts add up to at least the smaller of the deficit and all gains, and
             to less than a quantum per winner more; the waterfall takes no more than the
             deficit.
"""

from ..interfaces import IDeleveragePolicy
from ..lib import liquidation_math


implements: IDeleveragePolicy


@view
@external
@reentrant
def scores(candidates: DynArray[IDeleveragePolicy.Candidate, 32]) -> DynArray[uint256, 32]:
    """
    @notice The same rank for everybody with a gain.
    @param candidates Winners.
    @return DynArray One score per winner, in order.
    """
    found: DynArray[uint256, 32] = []
    for candidate: IDeleveragePolicy.Candidate in candidates:
        found.append(min(candidate.gain, 1))
    return found


@view
@external
@reentrant
def haircuts(
    deficit: uint256, candidates: DynArray[IDeleveragePolicy.Candidate, 32]
) -> DynArray[uint256, 32]:
    """
    @notice A share of the deficit by gain.
    @param deficit What is to be paid in all.
    @param candidates Winners.
    @return DynArray One amount per winner (WAD quote), in order.
    """
    gains: uint256 = 0
    for candidate: IDeleveragePolicy.Candidate in candidates:
        gains += candidate.gain
    found: DynArray[uint256, 32] = []
    for candidate: IDeleveragePolicy.Candidate in candidates:
        part: uint256 = 0
        if gains != 0:
            part = liquidation_math._deficit_share(deficit, candidate.gain, gains)
        found.append(min(part, candidate.gain))
    return found
