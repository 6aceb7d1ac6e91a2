# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Two-step ownership
@custom:contract-name access
@license Apache-2.0
@author Seawall contributors
@notice One owner, replaced only by an address that has shown it can act.
"""


event OwnershipTransferStarted:
    owner: indexed(address)
    pending_owner: indexed(address)


event OwnershipTransferred:
    previous_owner: indexed(address)
    owner: indexed(address)


# @dev The address that may change the contract's configuration.
owner: public(reentrant(address))
# @dev The address that may take ownership; zero if none is offered.
pending_owner: public(reentrant(address))


@deploy
def __init__(owner: address):
    """
    @notice Sets the first owner.
    @param owner First owner; never the zero address.
    """
    assert owner != empty(address), "access: zero owner"
    self.owner = owner
    log OwnershipTransferred(previous_owner=empty(address), owner=owner)


@external
def transfer_ownership(new_owner: address):
    """
    @notice Offers ownership; nothing changes until the offer is accepted.
    @param new_owner Address offered ownership; zero withdraws the offer.
    """
    self._check_owner()
    self.pending_owner = new_owner
    log OwnershipTransferStarted(owner=self.owner, pending_owner=new_owner)


@external
def accept_ownership():
    """
    @notice Takes ownership that was offered to the caller.
    """
    assert msg.sender == self.pending_owner, "access: not pending owner"
    previous_owner: address = self.owner
    self.owner = msg.sender
    self.pending_owner = empty(address)
    log OwnershipTransferred(previous_owner=previous_owner, owner=msg.sender)


@view
@internal
def _check_owner():
    """
    @dev Guarantees that the caller is the owner.
    """
    assert msg.sender == self.owner, "access: not owner"
