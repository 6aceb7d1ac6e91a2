"""The boundary of eligibility, to the wei, and the withdrawal's guard by the average price.

Mutants of both survived: `<` for `<=`, and a guard that does not look at the average.
"""

from __future__ import annotations

import pytest

from sim.core.units import QUANTUM, WAD
from tests.support.forced_closes import WAIT_SECONDS, Forced, forced_world

SIZE = 40  # at a ratio of 1/40 the requirement is the price of one unit, without a rest


def at_the_edge(offset: int) -> Forced:
    """Return a world whose account 0 has equity = requirement + offset, in wei."""
    world = forced_world((2_000.0,))
    account = world.trader(0, 5_000.0)
    world.open(account, float(SIZE))
    entry = world.position(account, 0).entry_notional
    # collateral + 40 p - entry - p = offset has a whole p for one of 39 successive collaterals.
    while (entry - world.collateral(account) + offset) % (SIZE - 1):
        assert world.deposit(account, account, 1).status
    world.prices[0] = (entry - world.collateral(account) + offset) // (SIZE - 1)
    world.wait(WAIT_SECONDS)
    assert all(report.status for report in world.honest_report(0))
    state = world.states()[account]
    assert state.equity - state.maintenance_requirement == offset
    return world


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_an_account_is_eligible_iff_equity_is_below_its_requirement(offset):
    world = at_the_edge(offset)
    result = world.force(0)
    assert world.plan(0)[0] == result.status or offset < 0
    if offset < 0:
        assert result.status
        assert world.position(0, 0).size < SIZE * WAD
    else:
        assert result.reason == "liquidation: healthy"
        assert world.plan(0)[:2] == (False, 1)


@pytest.mark.parametrize("side", [1, -1])
def test_a_withdrawal_is_guarded_by_the_average_price(side):
    world = forced_world((2_000.0,), upnl_weight=1.0, upnl_cap=1e6, withdraw_margin_ratio=0.1)
    account = world.trader(0, 2_000.0)
    world.open(account, 10.0 * side)
    world.move(2_000.0 + 200.0 * side)  # in favour of the account: the average is behind
    (market,) = world.markets()
    assert (market.ema_price < market.index_price) == (side > 0)

    def most(price: int) -> int:
        """Return what may be taken out if positions are valued at a price, token units."""
        gain = 10 * side * price - world.position(account, 0).entry_notional
        requirement = -(-10 * price // 10)
        return (world.collateral(account) + gain - requirement) // QUANTUM

    units = most(market.ema_price)
    assert 0 < units < most(market.index_price)
    assert world.would_withdraw(account, units + 1) == "margin_checks: margin too low"
    assert world.withdraw(account, units).status
