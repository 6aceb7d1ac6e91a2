# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Emergency pause
@custom:contract-name pausable
@license Apache-2.0
@author Seawall contributors
@notice The owner can stop what adds risk. What a pause stops is decided by the contract
        that calls `_check_not_paused`; reducing risk must never ask.
"""

from . import access
uses: access


event Paused:
    account: indexed(address)


event Unpaused:
    account: indexed(address)


# @dev True while adding risk is stopped.
paused: public(reentrant(bool))


@external
def pause():
    """
    @notice Stops everything that adds risk.
    """
    access._check_owner()
    self._check_not_paused()
    self.paused = True
    log Paused(account=msg.sender)


@external
def unpause():
    """
    @notice Lets risk be added again.
    """
    access._check_owner()
    assert self.paused, "pausable: not paused"
    self.paused = False
    log Unpaused(account=msg.sender)


@view
@internal
def _check_not_paused():
    """
    @dev Guarantees that the contract is not paused.
    """
    assert not self.paused, "pausable: paused"
