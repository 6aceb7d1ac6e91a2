# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Operator harness
@license Apache-2.0
@author Seawall contributors
@notice An operator of the ledger that does what a test wants: the ledger must not count on its
        operators being ours.
"""

from ...contracts.interfaces import ILedger

LEDGER: immutable(ILedger)


@deploy
def __init__(ledger: address):
    LEDGER = ILedger(ledger)


@external
def settle(order: ILedger.Order) -> ILedger.Settled:
    """
    @notice Settles one order, the lock held.
    """
    extcall LEDGER.lock()
    settled: ILedger.Settled = extcall LEDGER.settle(order)
    extcall LEDGER.unlock()
    return settled


@external
def call_while_locked(target: address, data: Bytes[1024]):
    """
    @notice Calls anything, the lock held; a revert goes through.
    """
    extcall LEDGER.lock()
    raw_call(target, data)
    extcall LEDGER.unlock()


@external
def call_and_forget(target: address, data: Bytes[1024]):
    """
    @notice The same and never gives the lock back.
    """
    extcall LEDGER.lock()
    raw_call(target, data)


@external
def call_unlocked(target: address, data: Bytes[1024]):
    """
    @notice Calls anything, the lock free.
    """
    raw_call(target, data)
