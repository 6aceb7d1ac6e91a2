"""Transactions and receipts as the rest of Seawall sees them."""

from __future__ import annotations

from typing import NamedTuple

from sim.chain.backend import Log

__all__ = ["Log", "Receipt", "Transaction"]


class Transaction(NamedTuple):
    """A call to a contract with its fee bid. A named tuple because thousands are made in a second.

    Attributes
    ----------
    sender, to
        Addresses.
    data
        Calldata.
    entry_point
        Name that the gas profile knows the call by; empty for set-up, which is free.
    gas_limit
        Gas it reserves in a block; the fee market's unit, not a limit inside the EVM.
    max_fee_wei, priority_fee_wei
        Fee caps per unit of gas (EIP-1559): in total, and above the base fee.
    items
        Length of its variable part (accounts, winners), for the gas profile.
    """

    sender: str
    to: str
    data: bytes
    entry_point: str = ""
    gas_limit: int = 0
    max_fee_wei: int = 0
    priority_fee_wei: int = 0
    items: int = 0


class Receipt(NamedTuple):
    """What became of an executed transaction; the same on every engine.

    Attributes
    ----------
    status
        False if it reverted or halted: then nothing changed but the fee was paid.
    revert_reason
        Reason text, None on success.
    logs
        Events in order.
    output
        Return data, or revert data.
    gas_used
        From the gas profile; 0 without one, and for set-up.
    gas_price_wei
        Base fee plus the priority fee really paid, per unit of gas.
    fee_paid_wei
        gas_used * gas_price_wei.
    """

    status: bool
    revert_reason: str | None
    logs: list[Log]
    output: bytes
    gas_used: int
    gas_price_wei: int
    fee_paid_wei: int
