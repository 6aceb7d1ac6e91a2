"""C4 held the liquidation event against itself: money could go elsewhere than it said.

Contracts that paid the fund the whole fee, or kept the bounty in the pool, passed every invariant. Now the
event is held against the transfers of the same transaction (both mutants are in tests/mutants).
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sim.core.units import QUANTUM
from sim.protocol.events import ProtocolEvent
from sim.protocol.invariants import INVARIANTS

FEE, BOUNTY, TIP = 50 * QUANTUM, 30 * QUANTUM, 5 * QUANTUM
ACCOUNT, LIQUIDATOR = 1, 7
CHECK = next(invariant.check for invariant in INVARIANTS if invariant.id == "C4")


def facts(*, to_fund: int, to_liquidator: int, position: int = 3) -> SimpleNamespace:
    liquidated = ProtocolEvent(
        "liquidation_engine", "Liquidated", ACCOUNT, LIQUIDATOR,
        {"fee": FEE, "bounty": BOUNTY, "insurance_fee": FEE - BOUNTY, "tip": TIP}, 3,
    )  # fmt: skip
    contributed = ProtocolEvent("insurance_fund", "Contributed", -1, -1, {"amount": to_fund}, position)
    paid = ProtocolEvent("token", "Transfer", -1, LIQUIDATOR, {"amount": to_liquidator // QUANTUM}, position)
    return SimpleNamespace(events=[contributed, paid, liquidated])


def test_what_was_moved_is_what_was_said():
    assert CHECK(facts(to_fund=FEE - BOUNTY, to_liquidator=BOUNTY + TIP)) is None


@pytest.mark.parametrize(
    ("to_fund", "to_liquidator"),
    [
        pytest.param(FEE, BOUNTY + TIP, id="fund gets all"),
        pytest.param(0, BOUNTY + TIP, id="fund gets nothing"),
        pytest.param(FEE - BOUNTY, TIP, id="no bounty"),
        pytest.param(FEE - BOUNTY, BOUNTY + TIP + QUANTUM, id="one unit too many"),
    ],
)
def test_anything_else_is_reported(to_fund, to_liquidator):
    assert "received" in CHECK(facts(to_fund=to_fund, to_liquidator=to_liquidator))


def test_transfers_of_other_transactions_do_not_count():
    assert CHECK(facts(to_fund=FEE - BOUNTY, to_liquidator=BOUNTY + TIP, position=4)) is not None
