"""How many positions a call values beside the one of each account that its gas was measured with.

Margin is checked across all positions of an account, so a call that checks it costs gas for each of them;
the gas profile has that cost per further position.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.protocol.actions import EntryPoint
from sim.protocol.mirror import AccountMirror


def further_positions(
    mirror: AccountMirror, kind: str, sender: int, arguments: Sequence[int], group: Sequence[int]
) -> int:
    """Return how many further positions a call values, as the mirror has them now.

    A withdrawal from an account without a position values one less than it was measured with: minus one.

    Parameters
    ----------
    mirror
        Positions of everybody.
    kind
        Entry point.
    sender
        Participant that sends the call.
    arguments
        Its arguments without the list of accounts; addresses are participants.
    group
        Its list of accounts, if it has one: participants.
    """
    if kind == EntryPoint.WITHDRAW:
        return mirror.open_positions[sender] - 1
    if kind == EntryPoint.INCREASE_POSITION:
        return _beside(mirror, (sender,), arguments[0])
    if kind == EntryPoint.LIQUIDATE:
        return _beside(mirror, arguments[:1], arguments[1])
    if kind == EntryPoint.AUTO_DELEVERAGE:
        return _beside(mirror, group, arguments[1])
    return 0


def _beside(mirror: AccountMirror, accounts: Sequence[int], market: int) -> int:
    """Return how many positions accounts have in other markets than one."""
    held = sum(mirror.open_positions[account] for account in accounts)
    if market >= len(mirror.exact_size):  # there is no such market: the call is refused
        return held
    sizes = mirror.exact_size[market]
    return held - sum(sizes[account] != 0 for account in accounts)
