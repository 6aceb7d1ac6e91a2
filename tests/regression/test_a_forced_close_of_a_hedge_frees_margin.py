"""A forced close of one leg of a hedge may raise what a portfolio account requires.

The side that closes is the heavier one of the scans, not of the notionals: closing of 100 long at 5 % and 90
short at 10 % the long, as the net of notionals says, leaves the short with less to offset it.
"""

from __future__ import annotations

import pytest

from sim.core.units import WAD, to_wad
from tests.support.economic.verbs import KEEPER
from tests.support.forced_closes import WAIT_SECONDS, Forced, forced_world

FIRST, HEDGE = 5, 6  # of the plan's words
CROSS, PORTFOLIO = 0, 2
PRICE = 2_000.0
ROUNDING = 10**9
"""Wei that rounding of ratios and sizes is worth."""


def hedged(sizes, *, ratios=(0.05, 0.10), correlation=0.9, mode=PORTFOLIO, **words) -> tuple[Forced, int]:
    """Return a world whose account has these positions and hardly more than they ask for."""
    world = forced_world(
        (PRICE,) * len(sizes),
        initial_ratio=0.11,
        maintenance_ratio=ratios,
        max_premium=0.001,
        correlation=correlation,
        **words,
    )
    account = world.trader(0, 1_000.0)
    assert world.set_mode(account, mode).status
    for market, size in enumerate(sizes):
        while not world.increase(account, market, to_wad(size)).status:
            world.trader(account, 1_000.0)
    return world, account


def sink(world: Forced, account: int, sizes, *, against: float) -> None:
    """Move prices against all positions, longs' by one step and shorts' by a share of it, until a breach."""
    for step in range(1, 100):
        move = 0.005 * step
        world.move(*(PRICE * (1.0 - move if size > 0 else 1.0 + against * move) for size in sizes))
        state = world.states()[account]
        if state.equity < state.maintenance_requirement:
            return
    pytest.fail("never below")


SIZES = [
    ((100.0, -90.0), (0.05, 0.10)),
    ((-100.0, 90.0), (0.05, 0.10)),
    ((100.0, -100.0), (0.05, 0.05)),
    ((100.0, -50.0), (0.05, 0.10)),
    ((60.0, -50.0, 30.0), (0.05, 0.10, 0.03)),
    ((60.0, -50.0, -30.0), (0.05, 0.10, 0.03)),
]


@pytest.mark.parametrize(("sizes", "ratios"), SIZES)
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("against", [-0.5, 1.0])
def test_no_forced_close_makes_a_hedge_riskier(sizes, ratios, correlation, against):
    world, account = hedged(sizes, ratios=ratios, correlation=correlation)
    sink(world, account, sizes, against=against)
    closes = 0
    for _ in range(12):
        state = world.states()[account]
        if state.equity >= state.maintenance_requirement or not state.notional:
            break
        result = world.force(account, world.plan(account)[FIRST][0])
        assert result.status, result.reason
        closes += 1
        after = world.states()[account]
        assert after.maintenance_requirement <= state.maintenance_requirement + ROUNDING
        assert after.notional < state.notional
        assert after.equity - after.maintenance_requirement >= state.equity - state.maintenance_requirement
    else:
        pytest.fail("twelve closes restore nothing")
    assert closes
    state = world.states()[account]
    assert state.equity >= state.maintenance_requirement
    assert state.notional  # not more than it takes


def first_of(mode: int) -> int:
    sizes = (100.0, -90.0)
    world, account = hedged(sizes, mode=mode)
    sink(world, account, sizes, against=-0.5)  # both fall, so that the net of notionals stays long
    assert world.net(account) > 0
    return int(world.plan(account)[FIRST][0])


def test_the_heavier_side_of_the_scans_closes_first():
    assert first_of(CROSS) == 0
    assert first_of(PORTFOLIO) == 1


def test_as_much_scan_closes_on_both_sides():
    """Beyond equal sides, of the leg at twice the ratio half the notional of the other closes."""
    sizes = (100.0, -50.0)
    world, account = hedged(sizes, ratios=(0.05, 0.10), correlation=0.9)
    sink(world, account, sizes, against=1.0)
    plan = world.plan(account)
    first, hedge = plan[FIRST], plan[HEDGE]
    assert first[1]
    assert hedge[1]
    prices = [state.risk_price for state in world.markets()]
    closed = {leg[0]: leg[1] * prices[leg[0]] for leg in (first, hedge)}
    scans = [0.05 - 0.002, 0.10 - 0.002]  # premium and close-out are no scan
    notionals = [abs(size) * price for size, price in zip(sizes, prices, strict=True)]
    net = notionals[0] * scans[0] - notionals[1] * scans[1]
    left = net - (closed[0] * scans[0] - closed[1] * scans[1]) / 1e18
    assert abs(left) <= 1e-6 * abs(net) + 1e-6 * notionals[0]


@pytest.mark.parametrize("estimated", [False, True], ids=["stated", "estimated"])
def test_an_account_of_the_most_positions_is_liquidated_under_four_million_gas(estimated):
    sizes = (10.0, -9.0, 8.0, -10.0, 9.0, -8.0, 10.0, -9.0)
    words = {"sample_seconds": WAIT_SECONDS, "least_sample_count": 1, "fall_per_hour": 100.0}
    words["expiry_seconds"] = 864_000
    world, account = hedged(sizes, ratios=(0.05,) * 8, estimated=estimated, **words)
    for step in range(6):  # long and short move apart
        world.move(*(PRICE * (1.0 + (-0.001 if size > 0 else 0.001) * step) for size in sizes))
        for second in range(len(sizes) if estimated else 0):
            for first in range(second):
                world.update_pair(KEEPER, first, second)
    if estimated:
        assert world.least_correlation(0b01, 0b10) < -99 * WAD // 100
        assert world.least_correlation(0b1, 0b100) > 99 * WAD // 100
    else:
        assert world.least_correlation(0b01, 0b10) == WAD
    sink(world, account, sizes, against=1.0)
    result = world.force(account, world.plan(account)[FIRST][0])
    assert result.status, result.reason
    assert len([event for event in result.events if event.name == "Liquidated"]) == 2
    assert result.gas < 4_000_000, result.gas
