"""Which words of calls and logs are accounts, as the contracts number them (`sim.reference.account_ids`).

Everything inside the simulator speaks of participants; ids are packed into calls and read off logs at the
border (`sim.protocol.client`, `sim.protocol.events`). A participant's account is the one of index 0, so calls
that name an index of their sender's name that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sim.chain.abi import Function
from sim.reference.account_ids import account_id

OWN_INDEX: Final = 0
"""Index of the account that a participant has."""

ACCOUNT_ARGUMENTS: Final = frozenset(("account", "bankrupt", "winner", "holder"))
"""Names of words of calls and events that are accounts."""
_INDEX_ARGUMENT: Final = "index"


def own_account(address: str) -> int:
    """Return the account that the participant with an address has.

    Examples
    --------
    >>> hex(own_account("0x00000000000000000000000000000000000000ff"))
    '0xff000000000000000000000000'
    """
    return account_id(int(address, 16), OWN_INDEX)


def is_account(name: str, kind: str) -> bool:
    """Return whether a word of a call or an event is an account, by its name and its ABI type."""
    return kind == "uint256" and name in ACCOUNT_ARGUMENTS


def leads_with_index(function: Function) -> bool:
    """Return whether a function's first argument says which of its sender's accounts is meant."""
    return bool(function.inputs) and function.inputs[0]["name"] == _INDEX_ARGUMENT


def given_inputs(function: Function) -> tuple[Mapping[str, Any], ...]:
    """Return the inputs that a participant fills in: all but the index of its account."""
    return function.inputs[1:] if leads_with_index(function) else function.inputs
