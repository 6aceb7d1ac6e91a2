"""R13: the digest hashed Python's repr, so that renaming a tuple changed it.

What it hashes now, and that a script without Seawall gets the same, is tested in
tests/determinism/test_recompute_digest.py.
"""

from __future__ import annotations

import pytest

from sim.chain.backend import Log
from sim.chain.transaction import Receipt, Transaction
from sim.engine.blocks.rows import EventRow, FinalState, TransactionRow
from sim.protocol.state import MarketState, ProtocolState
from tests.support.small_run import small_run

RENAMED = (Log, Receipt, Transaction, TransactionRow, EventRow, FinalState, MarketState, ProtocolState)
BLOCKS = "blocks=14"


@pytest.fixture
def other_names(monkeypatch):
    """When called, give every class whose objects are hashed another name and another way to be printed."""
    own = [kind.__name__ for kind in RENAMED]

    def rename() -> None:
        for number, kind in enumerate(RENAMED):
            kind.__name__ = f"Renamed{number}"
            monkeypatch.setattr(kind, "__repr__", lambda self: f"renamed {type(self).__name__}")

    yield rename
    for kind, name in zip(RENAMED, own, strict=True):
        kind.__name__ = name


def test_names_of_classes_are_not_in_the_digest(tmp_path, other_names):
    before = small_run(tmp_path / "before", BLOCKS).digest
    other_names()
    assert small_run(tmp_path / "after", BLOCKS).digest == before
