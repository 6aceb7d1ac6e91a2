"""The mirror is compared with the chain slice by slice, and as a whole at the end."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.engine.blocks import loop
from sim.protocol.invariants import InvariantChecker


@pytest.fixture
def compared(monkeypatch):
    """Participants of each comparison, in order."""
    seen: list[list[int]] = []
    monkeypatch.setattr(loop, "reconcile", lambda *arguments: seen.append(arguments[2].tolist()))
    return seen


def block_loop(accounts: int) -> loop.BlockLoop:
    bare = loop.BlockLoop.__new__(loop.BlockLoop)
    bare.world = SimpleNamespace(accounts=accounts, client=None, mirror=None)
    bare.reading = SimpleNamespace(valuation=None)
    bare.checker = InvariantChecker()
    return bare


def test_slices_in_turn_reach_everybody(compared):
    running = block_loop(accounts=600)
    for turn in range(1, 4):
        running._reconcile(turn * loop.RECONCILE_EVERY_BLOCKS, is_last=False)
    assert [len(actors) for actors in compared] == [loop.RECONCILE_ACCOUNTS] * 3
    assert set(np.concatenate(compared).tolist()) == set(range(600))
    assert running.checker.checked == 3


def test_few_accounts_are_compared_each_time_and_all_at_the_end(compared):
    block_loop(accounts=5)._reconcile(loop.RECONCILE_EVERY_BLOCKS, is_last=False)
    block_loop(accounts=1_000)._reconcile(7, is_last=True)
    assert compared == [list(range(5)), list(range(1_000))]
