"""Twenty hedged pairs of the smallest size, liquidated by their owner, earned +25 each out of the fund.

A tip is at most what the same liquidation has just paid the fund: whoever liquidates accounts of his own gets
back less than they paid, and the fund is never lower after a liquidation that leaves no deficit.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.core.units import WAD
from tests.support.economic.verbs import ALL
from tests.support.forced_closes import forced_world

MEMBERS = 6


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    size=st.floats(1_005.0, 20_000.0),
    margin=st.floats(0.102, 0.115),
    moves=st.lists(st.one_of(st.floats(-0.12, -0.06), st.floats(0.06, 0.12)), min_size=1, max_size=3),
    members=st.integers(1, MEMBERS),
    hedged=st.booleans(),
    bounty=st.sampled_from([10.0, 40.0, 500.0]),
    fee=st.sampled_from([0.0, 0.005, 0.02]),
    target=st.sampled_from([0.0, 300_000.0]),
)
def test_owners_who_liquidate_themselves_do_not_live_off_the_fund(
    size, margin, moves, members, hedged, bounty, fee, target
):
    """Sizes from the smallest on, moves, numbers of accounts, sides, bounties and fees as drawn."""
    world = forced_world(
        (1_250.0,),
        initial_ratio=0.1,
        maintenance_ratio=0.05,
        trade_fee_rate=0.0005,
        fee_base=fee,
        min_bounty=bounty,
        target_reserves=target,
        fund=150_000,
    )
    coalition = range(members)
    money = sum(world.wallet(account) for account in coalition)
    for account in coalition:
        world.trader(account, size * margin)
        world.open(account, (-1.0 if hedged and account % 2 else 1.0) * size / 1_250.0)
    price = 1_250.0
    for move in moves:
        price *= 1.0 + move
        world.move(price)
        for account in coalition:
            if not world.plan(account)[0]:
                continue
            fund = world.fund_reserves()
            result = world.force(account, by=coalition[0])
            assert result.status, result.reason
            closes = [event.values for event in result.events if event.name == "Liquidated"]
            assert sum(close["tip"] for close in closes) <= sum(close["insurance_fee"] for close in closes)
            if not any(close["deficit"] for close in closes):
                assert world.fund_reserves() >= fund
    if hedged and members % 2 == 0:
        # Positions that cancel gain nothing by the moves: the coalition has what it put in, less fees.
        for account in coalition:
            if world.position(account, 0).size:
                assert world.decrease(account, 0, ALL).status
        if all(world.collateral(account) >= 0 for account in coalition) and not world.totals().bad_debt:
            kept = sum(world.wallet(account) * 10**12 + world.collateral(account) for account in coalition)
            assert kept <= money * 10**12


def test_the_case_itself():
    """A fall of 9 %: the fund does not pay, and the liquidator gets the whole fee."""
    world = forced_world(
        (1_250.0,), initial_ratio=0.1, maintenance_ratio=0.05, trade_fee_rate=0.0005, fee_base=0.005,
        min_bounty=40.0, fund=150_000, target_reserves=300_000.0,
    )  # fmt: skip
    for account in range(MEMBERS):
        world.trader(account, 106.0)
        world.open(account, (1 if account % 2 == 0 else -1) * 1_010.0 / 1_250.0)
    fund = world.fund_reserves()
    world.move(1_137.5)
    tips = 0
    for account in range(0, MEMBERS, 2):
        result = world.force(account, by=5)
        assert result.status, result.reason
        (close,) = [event.values for event in result.events if event.name == "Liquidated"]
        assert close["tip"] == close["insurance_fee"] > 0  # the bound binds: 40 would be more
        tips += close["tip"]
        assert close["fee"] < 40 * WAD
    assert world.fund_reserves() == fund
    assert world.totals().tips == tips


def test_a_bankrupt_account_pays_no_tip():
    world = forced_world((2_000.0,), min_bounty=5.0, fee_base=0.005)
    account = world.trader(0, 1_050.0)
    world.open(account, 10.0)
    world.move(1_850.0)
    result = world.force(account)
    (close,) = [event.values for event in result.events if event.name == "Liquidated"]
    assert close["deficit"] > 0
    assert close["tip"] == close["fee"] == 0
