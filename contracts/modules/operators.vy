# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Operators and the lock
@custom:contract-name operators
@license Apache-2.0
@author Seawall contributors
@notice Which contracts may change accounts, and the one lock of the clearing core. The
        compiler's lock ends with each call; an operation has several, with strangers' code
        possibly in between (a token's hook). The operator that holds this lock decides what
        happens until it gives it back; the end of the transaction does so in any case.
@dev An operator prices what it orders: whoever can register one can take everything. The
     owner is a time-lock.
"""

from ..interfaces import ILedger
from . import access

uses: access


# @dev Operator in whose operation the ledger is now, zero between operations.
holder: public(reentrant(transient(address)))
# @dev Contracts that may change accounts.
is_operator: public(reentrant(HashMap[address, bool]))


@external
def set_operator(operator: address, allowed: bool):
    """
    @notice Registers a contract that may change accounts. Owner only.
    @param operator Contract.
    @param allowed Whether it may.
    """
    access._check_owner()
    self.is_operator[operator] = allowed
    log ILedger.OperatorSet(operator=operator, allowed=allowed)


@external
def lock():
    """
    @notice Takes the lock for the caller until `unlock` or the end of the transaction.
            Operators only, while nobody holds it.
    """
    self._take()


@external
def unlock():
    """
    @notice Gives the lock back. Its holder only.
    """
    assert msg.sender == self.holder, "operators: not holder"
    self._give_back()


@internal
def _take():
    """
    @dev Takes the lock for the caller. An operation of one call that moves tokens takes it
         too: pool and fund ask for it, and the ledger's own lock says nothing to them.
    """
    self._check_free()
    self.holder = msg.sender


@internal
def _give_back():
    """
    @dev Gives the lock back.
    """
    self.holder = empty(address)


@view
@internal
def _check_free():
    """
    @dev Guarantees that the caller is an operator and no operation is under way.
    """
    assert self.is_operator[msg.sender], "operators: not operator"
    assert self.holder == empty(address), "operators: locked"


@view
@internal
def _check_held():
    """
    @dev Guarantees that the caller is an operator and an operation is under way: its own, or
         one that called it, as the lock lets no other begin.
    """
    assert self.is_operator[msg.sender], "operators: not operator"
    assert self.holder != empty(address), "operators: not locked"
