"""What other assets count for in each check: haircut, worse price, nobody behind the price, the lien."""

import boa
import pytest

from sim.reference import haircut_math
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.collateral import ASSET_PRICE, Asset, value_of
from tests.support.protocol import id_of

INITIAL, MAINTENANCE, WITHDRAW = 0, 1, 2
KINDS = (INITIAL, MAINTENANCE, WITHDRAW)


def test_the_haircut_is_the_twins(world):
    protocol, asset = world
    trader = protocol.account("trader")
    terms = {
        "haircut_min": WAD // 10,
        "z": 4 * WAD,
        "horizon_seconds": 3_600,
        "size_coefficient": WAD,
        "depth": 100_000 * WAD,
        "confidence_coefficient": 2 * WAD,
    }
    asset.change(**terms)
    asset.set_price(ASSET_PRICE, confidence=WAD)
    asset.deposit(trader, 300 * asset.unit)
    now = asset.oracle.asset_price(0)
    variance = max(now.variance_fast, now.variance_slow)
    price = min(now.risk_price, now.ema_price)
    base = haircut_math.base_haircut(
        WAD // 10, 4 * WAD, 3_600, 2 * WAD, variance, now.confidence, now.index_price
    )
    worth = haircut_math.value(300 * asset.unit, 1, price)
    sized = (100_000 * WAD, variance, WAD)
    holding = protocol.assets.holding_of(id_of(trader), 0)
    assert holding.haircut == haircut_math.haircut(base, worth, *sized)
    assert holding.counted == haircut_math.counted_value(worth, base, *sized)
    assert value_of(protocol, trader) == holding.counted < worth * 9 // 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("haircut_min", WAD // 5),
        ("z", 4 * WAD),
        ("size_coefficient", WAD),
        ("confidence_coefficient", WAD),
        ("deposit_cap", None),
    ],
)
def test_every_haircut_parameter_alone_changes_the_value(world, field, value):
    protocol, asset = world
    trader = protocol.account("trader")
    asset.set_price(ASSET_PRICE, confidence=WAD)
    asset.deposit(trader, 300 * asset.unit)
    before = value_of(protocol, trader)
    if value is None:
        asset.change(deposit_cap=0)
        assert value_of(protocol, trader) == before
        return
    asset.change(**{field: value})
    after = value_of(protocol, trader)
    assert after < before
    if field == "z":
        asset.change(horizon_seconds=7_200)
        assert value_of(protocol, trader) < after
    if field == "size_coefficient":
        asset.change(depth=10 * WAD * 10**6)
        assert after < value_of(protocol, trader) < before


def test_a_fall_counts_at_once_and_a_rise_only_with_the_average(world):
    """The worse of risk and average price, in maintenance too: a spike buys no time."""
    protocol, asset = world
    trader = protocol.account("trader")
    asset.deposit(trader, 10 * asset.unit)
    asset.set_price(2 * ASSET_PRICE)
    average = asset.oracle.asset_price(0).ema_price
    assert average < 2 * ASSET_PRICE
    for kind in KINDS:
        assert value_of(protocol, trader, kind) == 10 * average * 9 // 10
    asset.set_price(ASSET_PRICE // 2)
    risk = asset.oracle.asset_price(0).risk_price
    assert risk == ASSET_PRICE // 2
    for kind in KINDS:
        assert value_of(protocol, trader, kind) == 10 * risk * 9 // 10


def test_where_risk_is_added_the_index_counts_too(build):
    """The risk price may fall only so fast; the index is what others get now."""
    protocol = build()
    asset = Asset(protocol)
    trader = protocol.account("trader")
    asset.deposit(trader, 10 * asset.unit)
    slow = asset.oracle
    # Half an hour's worth of fall within one second: the limiter holds the risk price back.
    asset.set_price(ASSET_PRICE // 4, wait=1)
    now = slow.asset_price(0)
    assert now.index_price < min(now.risk_price, now.ema_price)
    assert value_of(protocol, trader, INITIAL) < value_of(protocol, trader, MAINTENANCE)
    assert value_of(protocol, trader, WITHDRAW) == value_of(protocol, trader, INITIAL)


def test_assets_carry_positions_like_quote(world):
    protocol, asset = world
    trader = protocol.account("trader")
    asset.deposit(trader, 20 * asset.unit)  # counts 1,800
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(trader, 19 * WAD)
    protocol.increase(trader, 10 * WAD)
    state = protocol.state(trader)
    assert state.collateral == 0
    assert 0 <= value_of(protocol, trader) - state.equity < QUANTUM  # the pool's rounding
    inputs = protocol.risk.liquidation_inputs(id_of(trader), 0)
    assert inputs.equity == state.equity
    with boa.reverts("margin_checks: margin too low"):
        asset.withdraw(trader, 19 * asset.unit)
    assert asset.balance(trader) == 20 * asset.unit
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)
    for _ in range(2):  # the risk price follows within its limits
        asset.set_price(20 * WAD)
    protocol.liquidate(trader)


def test_equity_of_many_accounts_is_that_of_each(world):
    protocol, asset = world
    other = Asset(protocol, decimals=6)
    names = [protocol.account(f"trader {i}", 1_000 * (i % 2)) for i in range(6)]
    for i, name in enumerate(names):
        if i % 3:
            asset.deposit(name, (i + 20) * asset.unit)
        if i % 2 == 0:
            other.deposit(name, (i + 20) * other.unit)
        protocol.increase(name, WAD)
    other.set_price(90 * WAD)
    states = protocol.risk.account_states([id_of(name) for name in names])
    for name, state in zip(names, states, strict=True):
        assert state.equity == protocol.risk.liquidation_inputs(id_of(name), 0).equity
        assert 0 <= value_of(protocol, name) - (state.equity - state.collateral) < QUANTUM
    assert len({state.equity for state in states}) > 3


def test_nobody_behind_the_price_nothing_counts_for_new_risk(world):
    """And in maintenance as of the last round: an oracle's silence liquidates nobody."""
    protocol, asset = world
    trader = protocol.account("trader")
    asset.deposit(trader, 20 * asset.unit)
    protocol.increase(trader, WAD)
    before = value_of(protocol, trader)
    protocol.wait(86_401)
    protocol.report_again()
    assert [value_of(protocol, trader, kind) for kind in KINDS] == [0, before, 0]
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(trader, WAD)
    with boa.reverts("liquidation: healthy"):
        protocol.liquidate(trader)


def test_what_comes_in_at_a_stale_price_saves_nobody(world):
    """A token that lost its peg while the oracle was silent does not hold a liquidation up."""
    protocol, asset = world
    trader = protocol.account("trader", 1_100)
    protocol.increase(trader, 10 * WAD)
    protocol.wait(86_401)
    protocol.set_price(1_920 * WAD)
    asset.deposit(trader, 1_000 * asset.unit)
    assert [value_of(protocol, trader, kind) for kind in KINDS] == [0, 0, 0]
    protocol.liquidate(trader)
    asset.set_price(ASSET_PRICE)
    assert value_of(protocol, trader) == 90_000 * WAD
    protocol.wait(86_401)
    assert value_of(protocol, trader) == 0  # silent again: still what came in at a bad price
    asset.set_price(ASSET_PRICE)
    asset.deposit(trader, 1)
    protocol.wait(86_401)
    assert value_of(protocol, trader) == 90_000 * WAD + 90


def test_who_owes_quote_adds_no_risk_with_assets(world):
    protocol, asset = world
    trader = protocol.account("trader", 100)
    asset.deposit(trader, 100 * asset.unit)
    protocol.increase(trader, 10 * WAD)
    protocol.set_price(1_950 * WAD)
    protocol.decrease(trader, 5 * WAD)
    assert protocol.collateral(trader) == -150 * WAD - QUANTUM
    with boa.reverts("margin_checks: owes quote"):
        protocol.increase(trader, WAD)
    protocol.deposit(trader, 150 * 10**6 + 1)
    protocol.increase(trader, WAD)


def test_splitting_over_accounts_saves_at_most_the_size_term(world):
    """What one large account is cut for its size, four small ones are not; the cap bounds the sum."""
    protocol, asset = world
    asset.change(size_coefficient=WAD, depth=100_000 * WAD, deposit_cap=400 * WAD)
    whole = protocol.account("whole")
    asset.deposit(whole, 400 * asset.unit)
    counted = value_of(protocol, whole)
    holding = protocol.assets.holding_of(id_of(whole), 0)
    asset.withdraw(whole, 400 * asset.unit)
    parts = [protocol.account(f"part {i}") for i in range(4)]
    for part in parts:
        asset.deposit(part, 100 * asset.unit)
    split = sum(value_of(protocol, part) for part in parts)
    size_term = holding.haircut - WAD // 10
    assert counted < split <= counted + holding.value * size_term // WAD // 2 + 4
    with boa.reverts("collateral_balances: deposit cap"):
        asset.deposit(protocol.account("fifth"), 1)


def test_an_account_without_assets_asks_the_registry_nothing(world):
    protocol, asset = world
    poor, rich = protocol.account("poor", 10_000), protocol.account("rich", 10_000)
    asset.deposit(rich, asset.unit)
    for trader in (poor, rich):
        protocol.increase(trader, WAD)
    used = {}
    for trader in (poor, rich):
        protocol.desk.withdraw(0, 1, sender=trader)
        used[trader] = protocol.desk._computation.get_gas_used()
        touched = {child.msg.code_address for child in _children(protocol.desk._computation)}
        assert (_bytes(protocol.assets.address) in touched) == (trader == rich)
    assert 10_000 < used[rich] - used[poor] < 80_000


def _children(computation):
    for child in computation.children:
        yield child
        yield from _children(child)


def _bytes(address):
    return bytes.fromhex(str(address)[2:])
