"""Which positions a call values beside the one that its gas was measured with."""

import pytest

from sim.protocol.actions import EntryPoint
from sim.protocol.further_positions import further_positions
from sim.protocol.mirror import AccountMirror

HELD = {0: (0, 1, 2), 1: (1,), 2: (), 3: (0, 2)}  # actor -> markets


@pytest.fixture
def mirror():
    mirror = AccountMirror(len(HELD), 3)
    for actor, markets in HELD.items():
        mirror.open_positions[actor] = len(markets)
        for market in markets:
            mirror.exact_size[market][actor] = 10 - 20 * (market % 2)
    return mirror


@pytest.mark.parametrize(
    ("kind", "sender", "arguments", "group", "expected"),
    [
        (EntryPoint.WITHDRAW, 0, (5,), (), 2),
        (EntryPoint.WITHDRAW, 1, (5,), (), 0),
        (EntryPoint.WITHDRAW, 2, (5,), (), -1),
        (EntryPoint.INCREASE_POSITION, 0, (1, 5, 0), (), 2),
        (EntryPoint.INCREASE_POSITION, 1, (1, 5, 0), (), 0),
        (EntryPoint.INCREASE_POSITION, 1, (0, 5, 0), (), 1),  # opens a second one
        (EntryPoint.INCREASE_POSITION, 2, (0, 5, 0), (), 0),
        (EntryPoint.INCREASE_POSITION, 3, (9, 5, 0), (), 2),  # there is no such market: refused
        (EntryPoint.LIQUIDATE, 2, (3, 0), (), 1),  # the account's, not the sender's
        (EntryPoint.LIQUIDATE, 2, (3, 1), (), 2),
        (EntryPoint.AUTO_DELEVERAGE, 2, (2, 2), (0, 3), 3),  # the winners', not the bankrupt's
        (EntryPoint.AUTO_DELEVERAGE, 2, (0, 1), (1,), 0),
        (EntryPoint.DECREASE_POSITION, 0, (1, 5, 0), (), 0),
        (EntryPoint.DEPOSIT, 0, (0, 5), (), 0),
        (EntryPoint.SOCIALIZE_LOSS, 2, (0,), (), 0),
    ],
)
def test_positions_of_whoever_is_valued_in_other_markets(mirror, kind, sender, arguments, group, expected):
    assert further_positions(mirror, kind, sender, arguments, group) == expected
