# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title RobbingPolicy
@custom:contract-name RobbingPolicy
@license Apache-2.0
@author Seawall contributors
@notice For tests only: a deleverage policy that asks for more than anybody has, in any order.
"""


struct Candidate:
    account: uint256
    size: uint256
    gain: uint256
    profit: uint256
    entry_notional: uint256
    notional: uint256
    equity: int256


# @dev Answers so many more than it was asked for.
surplus: public(reentrant(uint256))


@external
def set_surplus(surplus: uint256):
    """
    @notice Makes the policy answer for accounts nobody asked about.
    @param surplus How many.
    """
    self.surplus = surplus


@view
@external
@reentrant
def scores(candidates: DynArray[Candidate, 32]) -> DynArray[uint256, 32]:
    """
    @notice Falling ranks, whatever the order.
    @param candidates Winners.
    @return DynArray Ranks.
    """
    found: DynArray[uint256, 32] = []
    for candidate: Candidate in candidates:
        found.append(1_000 - len(found))
    return found


@view
@external
@reentrant
def haircuts(deficit: uint256, candidates: DynArray[Candidate, 32]) -> DynArray[uint256, 32]:
    """
    @notice Everything there is, and an odd bit more.
    @param deficit What is to be paid in all.
    @param candidates Winners.
    @return DynArray Amounts.
    """
    found: DynArray[uint256, 32] = []
    for candidate: Candidate in candidates:
        found.append(max_value(uint256))
    for i: uint256 in range(self.surplus, bound=32):
        found.append(max_value(uint256))
    return found
