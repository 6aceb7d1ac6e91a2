"""Stake left at its whole worth while a deficit pended that anybody could have let the fund pay.

A deficit beyond the fund pends until winners or the pool have borne it, and whatever comes into the fund
meanwhile is drawn against it by the next `cover_deficit`. Whoever redeemed before that call left the deficit
to the stakers who stayed: 201,960 of 201,960 with 49.8 million pending. Now stake leaves at what is left of
the fund after the deficits that pend. Drawn from: every order of leaving and covering.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from sim.core.units import QUANTUM, TOKEN_UNIT
from tests.support.economic.verbs import KEEPER
from tests.support.forced_closes import Forced, forced_world

FIRST, SECOND, VICTIM = 1, 2, 0
STAKES = {FIRST: 600_000, SECOND: 300_000}


def staked() -> tuple[Forced, int]:
    """Return a world whose fund has 900,000 that have cooled down and a deficit, token units, that pends."""
    world = forced_world((2_000.0,), fund=0, cooldown_seconds=3_600, exit_window_seconds=86_400)
    world.trader(VICTIM, 120_000)
    world.open(VICTIM, 1_000.0)
    world.move(1_600.0)
    while world.force(VICTIM).status:
        pass
    owed = -world.collateral(VICTIM) // QUANTUM
    assert 200_000 * TOKEN_UNIT < owed < 400_000 * TOKEN_UNIT
    for staker, quote in STAKES.items():
        assert world.enter(staker, "fund", quote * TOKEN_UNIT).status
        assert world.ask(staker, "fund", world.shares(staker, "fund")).status
    world.wait(3_600)
    return world, owed


@pytest.mark.parametrize("order", list(permutations((FIRST, SECOND, "cover"))))
def test_no_order_of_leaving_and_covering_leaves_the_deficit_to_others(order):
    world, owed = staked()
    got = {}
    for step in order:
        if step == "cover":
            assert world.cover(KEEPER, VICTIM).status
            continue
        before = world.wallet(step)
        shares = world.redeemable(step, "fund")
        said = world.preview("fund", "Redeem", shares)
        assert world.leave(step, "fund", shares).status
        got[step] = world.wallet(step) - before
        assert got[step] == said
    left = sum(STAKES.values()) * TOKEN_UNIT - owed
    for staker, quote in STAKES.items():
        assert got[staker] == pytest.approx(left * quote / sum(STAKES.values()), abs=3)
    assert world.deficit(VICTIM) is None


def test_a_fund_that_owes_more_than_it_has_lets_nobody_out_and_burns_nothing():
    world, _ = staked()
    world.move(1_600.0)
    world.trader(3, 120_000)
    world.open(3, 1_000.0)
    world.move(600.0)
    while world.force(3).status:
        pass
    shares = world.shares(FIRST, "fund") + world.waiting(FIRST, "fund")
    assert world.redeemable(FIRST, "fund") == 0
    assert world.leave(FIRST, "fund", 1).reason in ("vault: zero assets", "vault: not claimable")
    assert world.take(FIRST, "fund", 1).reason == "vault: not claimable"
    assert world.shares(FIRST, "fund") + world.waiting(FIRST, "fund") == shares


def test_a_fund_that_pays_nobody_any_more_owes_nothing():
    """Without its drawer the ledger can draw nothing, whatever pends."""
    world, _ = staked()
    governor, ledger = (world.deployment.addresses[key] for key in ("risk_governor", "ledger"))
    assert world._send(governor, "insurance_fund", "set_drawer", ledger, False).status
    before = world.wallet(FIRST)
    assert world.leave(FIRST, "fund", world.redeemable(FIRST, "fund")).status
    assert world.wallet(FIRST) - before == pytest.approx(STAKES[FIRST] * TOKEN_UNIT, abs=3)
